//! The console: sign-in, security headers, and the effect of each button.

mod actions;
mod gates;
mod headers;
mod markup;
mod publishing;
mod sessions;

use admin::AdminToken;
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response, StatusCode, redirect};
use sigpost_health::Rules;
use sigpost_qstash::DEV_TOKEN;

use crate::admin::TOKEN;
use crate::support::{TestApp, serve};

/// The console of a running function, and a browser.
struct Console {
    app: TestApp,
    url: String,
    client: reqwest::Client,
    /// The cookie of a signed-in browser.
    cookie: String,
}

/// A page or a redirect.
#[derive(Debug)]
struct Shown {
    status: StatusCode,
    /// The target of a redirect; empty for a page.
    to: String,
    text: String,
}

impl Console {
    /// Starts a console without a session.
    async fn start() -> Self {
        Self::start_over(TestApp::start().await).await
    }

    async fn start_over(app: TestApp) -> Self {
        let url = console(&app, &app.url).await;
        let client = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).build();
        Self { app, url, client: client.expect("a client"), cookie: String::new() }
    }

    /// Starts a console and signs in.
    async fn signed_in() -> Self {
        Self::start().await.sign_in().await
    }

    async fn sign_in(mut self) -> Self {
        let login = form(self.anonymous(Method::POST, "/console/login"), &[("token", TOKEN)]);
        self.cookie = cookie(&login.send().await.expect("a response"));
        self
    }

    /// Returns a request without a session.
    fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).header(COOKIE, &self.cookie)
    }

    async fn get(&self, path: &str) -> Shown {
        shown(self.request(Method::GET, path)).await
    }

    /// Posts a form of this page as a browser does.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = self.form_token().await;
        let fields = [fields, &[("form_token", &*token)]].concat();
        shown(form(self.request(Method::POST, path), &fields)).await
    }

    /// Posts a form with the confirmation.
    async fn post_confirmed(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        self.post(path, &[fields, &[("confirmed", "yes")]].concat()).await
    }

    /// Returns the form token of this session.
    async fn form_token(&self) -> String {
        let page = self.get("/console/messages").await.text;
        let (_, rest) = page.split_once("name=\"form_token\" value=\"").unwrap_or_else(|| panic!("no form in {page}"));
        rest.split('"').next().expect("a value").to_owned()
    }
}

/// Serves a console that uses the API at this URL.
pub(crate) async fn console(app: &TestApp, api_url: &str) -> String {
    let config = admin::ConsoleConfig {
        admin_token: AdminToken::new(TOKEN).expect("a token"),
        api_url: api_url.to_owned(),
        api_token: DEV_TOKEN.to_owned(),
        jobs: vec![("play".to_owned(), app.receiver.url("/play"))],
        rules: Rules::default(),
    };
    serve(admin::console(app.app.database(), &config).expect("a console")).await
}

/// Encodes a form as a browser does.
fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let fields = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(fields)
}

/// Returns `name=value` of the cookie that a response sets.
fn cookie(response: &Response) -> String {
    let cookie = response.headers()[SET_COOKIE].to_str().expect("text");
    cookie.split(';').next().expect("a pair").to_owned()
}

async fn shown(request: RequestBuilder) -> Shown {
    let response = request.send().await.expect("a response");
    let header = |name| response.headers().get(&name).map_or("", |value| value.to_str().expect("text")).to_owned();
    let (status, to, kind) = (response.status(), header(LOCATION), header(CONTENT_TYPE));
    let text = response.text().await.expect("a complete response");
    assert!(text.is_empty() || kind.starts_with("text/"), "{kind}: {text}");
    Shown { status, to, text }
}
