//! The console: web pages at `/console` to operate a deployment.
//!
//! It is a client of the dispatch API. It reads the database only for data that the API does not return. The server
//! renders the HTML, and the pages work without JavaScript.

mod api;
mod assets;
mod chart;
mod confirm;
mod dead_letter;
mod dead_letters;
mod elements;
mod failure;
mod flow_control;
mod form;
mod guard;
mod headers;
mod keys;
mod layout;
mod login;
mod message;
mod messages;
mod notice;
mod overview;
mod page;
mod paging;
mod payload;
mod publish;
mod queues;
mod routes;
mod schedules;
mod session;
mod trends;
mod url_groups;

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use sigpost_health::Rules;
use sigpost_store::Database;

use self::api::Api;
use self::session::Sessions;
use crate::admin_token::AdminToken;

/// State of the console. Clones share it.
#[derive(Clone)]
pub(crate) struct Console {
    api: Api,
    database: Database,
    token: AdminToken,
    sessions: Sessions,
    jobs: Arc<[(String, String)]>,
    rules: Arc<Rules>,
}

/// Configuration of the console.
#[derive(Clone)]
pub struct ConsoleConfig {
    /// Token to sign in with. A new token ends all sessions.
    pub admin_token: AdminToken,
    /// URL of the dispatch API, such as `https://example.com`.
    pub api_url: String,
    /// The deployment's API token, `QSTASH_TOKEN`.
    pub api_token: String,
    /// Job types that the publish form suggests: name and URL of the handler.
    pub jobs: Vec<(String, String)>,
    /// Thresholds of the verdict on the overview.
    pub rules: Rules,
}

/// Returns the routes of the console, all under `/console`.
///
/// # Errors
///
/// `api_url` is not an http or https URL.
pub fn console(database: Database, config: &ConsoleConfig) -> Result<Router> {
    Ok(routes::router(Console {
        api: Api::new(&config.api_url, &config.api_token)?,
        database,
        sessions: Sessions::new(config.admin_token.session_key()),
        token: config.admin_token.clone(),
        jobs: config.jobs.clone().into(),
        rules: Arc::new(config.rules.clone()),
    }))
}

impl std::fmt::Debug for ConsoleConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsoleConfig").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}
