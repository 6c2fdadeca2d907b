//! `GET /openapi.json` describes the API correctly.

use std::collections::BTreeMap;

use dispatch::dispatcher::StepKind;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use roas::v3_1::spec::Spec;
use roas::validation::{Options, Validate};
use serde_json::{Value, json};

use crate::support::{Answer, Answered, TestApp, answered};

/// HTTP methods of an operation.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

async fn document(app: &TestApp) -> Value {
    let answer = answered(app.anonymous(Method::GET, "/openapi.json")).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.body
}

fn operations(document: &Value) -> BTreeMap<(String, String), Value> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &Value)| {
        let item = item.as_object().expect("an item").clone();
        let path = path.clone();
        item.into_iter().map(move |(method, operation)| ((path.clone(), method), operation)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// Sends a request to the path with placeholders for its parameters.
async fn ask(app: &TestApp, method: &str, path: &str) -> Answered {
    let mut asked = String::new();
    for segment in path.split_inclusive('/') {
        match segment.strip_prefix('{') {
            Some(name) if name.starts_with("destination") => asked.push_str("https://example.com"),
            Some(rest) => asked.extend(["x", if rest.ends_with('/') { "/" } else { "" }]),
            None => asked.push_str(segment),
        }
    }
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).expect("a method");
    answered(app.request(method, &asked)).await
}

/// Whether the response is the one for unknown paths and methods.
fn is_fallback(answer: &Answered) -> bool {
    let error = answer.body["error"].as_str().unwrap_or_default();
    match answer.status {
        StatusCode::NOT_FOUND => error.ends_with("is not an endpoint") || error.ends_with("not part of sigpost"),
        StatusCode::METHOD_NOT_ALLOWED => true,
        _ => false,
    }
}

#[tokio::test]
async fn document_is_valid() {
    let document = document(&TestApp::start().await).await;
    let spec: Spec = serde_json::from_value(document.clone()).expect("OpenAPI 3.1");
    if let Err(error) = spec.validate(Options::new(), None) {
        panic!("{error:#?}");
    }
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(!document.to_string().contains("crate::"));
}

#[tokio::test]
async fn document_lists_exactly_the_served_operations() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let document = document(&app).await;
    let operations = operations(&document);
    for path in document["paths"].as_object().expect("paths").keys() {
        for method in METHODS {
            let answer = ask(&app, method, path).await;
            if operations.contains_key(&(path.clone(), method.to_owned())) {
                assert!(!is_fallback(&answer), "{method} {path}: {answer:?}");
            } else {
                let is_missing = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&answer.status);
                let is_cut_off = answer.status == StatusCode::BAD_REQUEST && path.ends_with('/');
                assert!(is_missing || is_cut_off, "{method} {path}: {answer:?}");
            }
        }
    }
    for path in ["/v2", "/v2/nothing", "/v2/messages/x/nothing", "/v2/workflows"] {
        assert!(is_fallback(&ask(&app, "get", path).await), "{path}");
    }
}

#[tokio::test]
async fn every_response_status_is_documented() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    for ((path, method), operation) in operations(&document(&app).await) {
        let answers =
            [ask(&app, &method, &path).await, ask(&app, &method, &format!("{path}?count=x&upstash-retries=x")).await];
        for answer in answers {
            let known = &operation["responses"][answer.status.as_str()];
            assert!(known.is_object(), "{method} {path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn every_list_parameter_has_an_effect() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500)]);
    let key = [("Upstash-Flow-Control-Key", "k"), ("Upstash-Flow-Control-Value", "rate=9"), ("Upstash-Retries", "0")];
    app.wait_for(app.publish_here(&key, "").await.id(), StepKind::Failed).await;
    let queue = app.request(Method::POST, "/v2/queues").json(&json!({ "queueName": "a" }));
    let group = app.request(Method::POST, "/v2/topics/a/endpoints");
    for request in [queue, group.json(&json!({ "endpoints": [{ "url": app.receiver.url("/a") }] }))] {
        assert_eq!(answered(request).await.status, StatusCode::OK);
    }
    let mut tried = 0;
    for ((path, method), operation) in operations(&document(&app).await) {
        let parameters = operation["parameters"].as_array().filter(|_| method == "get").into_iter().flatten();
        for name in parameters.filter(|parameter| parameter["in"] == "query").map(|parameter| &parameter["name"]) {
            let name = name.as_str().expect("a name");
            let (all, fewer) = (app.get(&path).await, app.get(&format!("{path}?{name}=nothing")).await);
            assert_eq!(all.status, StatusCode::OK);
            assert_ne!(all.body, fewer.body, "{path} {name}");
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
}

#[tokio::test]
async fn token_is_required_exactly_where_documented() {
    let app = TestApp::start().await;
    for ((path, method), operation) in operations(&document(&app).await) {
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).expect("a method");
        let rejected = answered(app.anonymous(method, &path)).await.status == StatusCode::UNAUTHORIZED;
        assert_eq!(rejected, operation["security"] != json!([]), "{path}");
    }
}

#[tokio::test]
async fn document_has_a_cache_lifetime_and_an_etag() {
    let app = TestApp::start().await;
    let first = app.anonymous(Method::GET, "/openapi.json").send().await.expect("a response");
    assert_eq!(first.headers()[header::CACHE_CONTROL], "public, max-age=3600");
    let etag = first.headers()[header::ETAG].clone();
    assert!(etag.to_str().expect("text").starts_with('"'), "a strong one");
    for (known, status) in [(etag, StatusCode::NOT_MODIFIED), ("\"other\"".parse().expect("text"), StatusCode::OK)] {
        let request = app.anonymous(Method::GET, "/openapi.json").header(header::IF_NONE_MATCH, known);
        assert_eq!(request.send().await.expect("a response").status(), status);
    }
}

/// The document in strict form: an unlisted field is an error. Asserts that requests and responses match it.
struct Checked {
    app: TestApp,
    document: Value,
}

impl Checked {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let mut document = document(&app).await;
        let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
        for schema in schemas.values_mut().filter(|schema| schema["properties"].is_object()) {
            schema["additionalProperties"] = false.into();
        }
        Self { app, document }
    }

    /// Sends an operation such as `get /v2/queues/{queueName}` with this value for its parameter, or after its path
    /// if it has no parameter.
    async fn ask(&self, operation: &str, parameter: &str) -> Answered {
        self.send(operation, parameter, |request| request).await
    }

    async fn ask_with(&self, operation: &str, parameter: &str, body: Value) -> Answered {
        let (method, path) = method_and_path(operation);
        let schema = &self.document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"];
        self.check(operation, schema, &body);
        self.send(operation, parameter, |request| request.json(&body)).await
    }

    async fn ask_with_headers(&self, operation: &str, parameter: &str, headers: &[(&str, &str)]) -> Answered {
        let with_headers =
            |request| headers.iter().fold(request, |request: RequestBuilder, (n, v)| request.header(*n, *v));
        self.send(operation, parameter, |request| with_headers(request).body("hello")).await
    }

    async fn send(
        &self,
        operation: &str,
        parameter: &str,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answered {
        let (method, path) = method_and_path(operation);
        let asked = match path.split_once('{') {
            Some((before, rest)) => format!("{before}{parameter}{}", rest.split_once('}').expect("a parameter").1),
            None => format!("{path}{parameter}"),
        };
        let request = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).expect("a method");
        let answer = answered(change(self.app.request(request, &asked))).await;
        let response = &self.document["paths"][path][method]["responses"][answer.status.as_str()];
        let response = match response["$ref"].as_str() {
            Some(link) => self.document.pointer(link.trim_start_matches('#')).expect("what is linked to"),
            None => response,
        };
        self.check(operation, &response["content"]["application/json"]["schema"], &answer.body);
        answer
    }

    fn check(&self, operation: &str, schema: &Value, body: &Value) {
        assert!(schema.is_object(), "{operation} has nothing for {body}");
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        let errors: Vec<String> = validator.iter_errors(body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{operation}: {errors:?} in {body:#}");
    }
}

fn method_and_path(operation: &str) -> (&str, &str) {
    operation.split_once(' ').expect("a method and a path")
}

/// A message with every option.
const OPTIONS: &[(&str, &str)] = &[
    ("Content-Type", "text/plain"),
    ("Upstash-Forward-Own", "1"),
    ("Upstash-Retries", "0"),
    ("Upstash-Retry-Delay", "1000"),
    ("Upstash-Timeout", "5s"),
    ("Upstash-Label", "a,b"),
    ("Upstash-Callback", "http://127.0.0.1:1/callback"),
    ("Upstash-Failure-Callback", "http://127.0.0.1:1/callback"),
    ("Upstash-Flow-Control-Key", "k"),
    ("Upstash-Flow-Control-Value", "rate=10, parallelism=2"),
    ("Upstash-Sigpost-Flow-Control-Key-2", "l"),
    ("Upstash-Sigpost-Flow-Control-Value-2", "rate=10"),
    ("Upstash-Sigpost-Priority", "3"),
];

#[tokio::test]
async fn messages_events_and_dead_letters_match_the_document() {
    let api = Checked::start().await;
    api.app.receiver.answers([Answer::status(500).body("no")]);
    let hook = api.app.receiver.url("/hook");
    let published = api.ask_with_headers("post /v2/publish/{destination}", &hook, OPTIONS).await;
    assert_eq!(published.status, StatusCode::OK);
    let id = published.id();
    api.app.wait_for(id, StepKind::Failed).await;
    let message = api.ask("get /v2/messages/{messageId}", &id.to_string()).await;
    assert_eq!(message.body["state"], "FAILED");
    assert_eq!(api.ask("get /v2/messages/{messageId}", "msg_x").await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.ask("post /v2/messages/{messageId}/retry", &id.to_string()).await.status, StatusCode::CONFLICT);
    assert!(api.ask("get /v2/events", "?count=1").await.body["cursor"].is_string());
    assert!(api.ask("get /v2/events", "").await.body["cursor"].is_null());
    assert_eq!(api.ask("get /v2/events", "?count=0").await.status, StatusCode::BAD_REQUEST);

    let dead_letters = api.ask("get /v2/dlq", &format!("?messageId={id}")).await;
    let letter = dead_letters.body["messages"][0]["dlqId"].as_str().expect("an id");
    assert_eq!(api.ask("get /v2/dlq/{dlqId}", letter).await.body["responseBody"], "no");
    assert_eq!(api.ask("post /v2/dlq/retry/{dlqId}", letter).await.status, StatusCode::CREATED);
    assert_eq!(api.ask("delete /v2/dlq/{dlqId}", letter).await.status, StatusCode::NOT_FOUND);
    let retried = api.ask_with("post /v2/dlq/retry", "", json!({ "label": ["none"], "count": 1 })).await;
    assert_eq!(retried.status, StatusCode::CREATED);
    assert_eq!(api.ask_with("delete /v2/dlq", "", json!({ "dlqIds": [letter] })).await.status, StatusCode::OK);
    let cancelled = api.ask_with("delete /v2/messages", "", json!({ "messageIds": [id.to_string()] })).await;
    assert_eq!(cancelled.status, StatusCode::OK);
}

#[tokio::test]
async fn queues_groups_and_batches_match_the_document() {
    let api = Checked::start().await;
    for (operation, parameter, body) in [
        ("post /v2/queues", "", json!({ "queueName": "q", "parallelism": 2 })),
        (
            "post /v2/topics/{urlGroupName}/endpoints",
            "g",
            json!({ "endpoints": [{ "name": "n", "url": "https://example.com" }] }),
        ),
        ("patch /v2/topics/{urlGroupName}", "g", json!({ "headers": { "Upstash-Delay": ["1h"] } })),
    ] {
        assert_eq!(api.ask_with(operation, parameter, body).await.status, StatusCode::OK, "{operation}");
    }
    let one = json!({ "destination": "https://example.com", "headers": { "Upstash-Delay": "1h" }, "queue": "q" });
    let batch = json!([one, { "destination": "g" }, { "destination": "ftp://example.com" }]);
    let slots = api.ask_with("post /v2/batch", "", batch).await;
    assert!(slots.body[0]["messageId"].is_string() && slots.body[1][0]["messageId"].is_string(), "{slots:?}");
    assert!(slots.body[2]["error"].is_string(), "{slots:?}");

    for (operation, parameter) in [
        ("get /v2/queues", ""),
        ("get /v2/queues/{queueName}", "q"),
        ("post /v2/queues/{queueName}/pause", "q"),
        ("post /v2/queues/{queueName}/resume", "q"),
        ("delete /v2/queues/{queueName}", "q"),
        ("get /v2/topics", ""),
        ("get /v2/topics/{urlGroupName}", "g"),
        ("delete /v2/topics/{urlGroupName}", "g"),
    ] {
        assert_eq!(api.ask(operation, parameter).await.status, StatusCode::OK, "{operation}");
    }
    assert_eq!(api.ask("get /v2/queues/{queueName}", "q").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn schedules_and_flow_control_match_the_document() {
    let api = Checked::start().await;
    let options: Vec<_> = [("Upstash-Cron", "0 0 1 1 *"), ("Upstash-Delay", "5s"), ("Upstash-Sigpost-Catch-Up", "all")]
        .into_iter()
        .chain(OPTIONS.iter().copied())
        .collect();
    let one = "post /v2/schedules/{idOrDestination}";
    let created = api.ask_with_headers(one, "https://example.com", &options).await;
    let id = created.body["scheduleId"].as_str().expect("an id");
    assert_eq!(api.ask("get /v2/schedules/{idOrDestination}", id).await.body["catchUp"], "all");
    for operation in ["patch /v2/schedules/{scheduleId}/pause", "post /v2/schedules/{scheduleId}/resume"] {
        assert_eq!(api.ask(operation, id).await.status, StatusCode::OK, "{operation}");
    }
    assert_eq!(api.ask("get /v2/schedules", "").await.body[0]["scheduleId"], id);
    assert_eq!(api.ask("delete /v2/schedules/{idOrDestination}", id).await.status, StatusCode::OK);

    let pinned = api.ask("post /v2/flowControl/{flowControlKey}/pin", "k").await;
    assert_eq!(pinned.status, StatusCode::BAD_REQUEST);
    api.ask("post /v2/flowControl/{flowControlKey}/pause", "k").await;
    assert_eq!(api.ask("get /v2/flowControl", "").await.body[0]["isPaused"], true);
    for (operation, parameter) in [
        ("get /v2/flowControl/{flowControlKey}", "k"),
        ("post /v2/flowControl/{flowControlKey}/resetRate", "k"),
        ("get /v2/globalParallelism", ""),
        ("get /v2/keys", ""),
        ("get /readyz", ""),
    ] {
        assert_eq!(api.ask(operation, parameter).await.status, StatusCode::OK, "{operation}");
    }
}
