//! All routes of the dispatch function. The OpenAPI document, `GET /openapi.json`, is generated from this table too.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::{HeaderMap, Method};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::any;
use sigpost_qstash as wire;
use sigpost_qstash::options::parameters::UsedBy;

use crate::api::openapi::Served;
use crate::api::page::PAGE;
use crate::api::{
    auth, batch, dead_letters, enqueue, events, flow_control, health, keys, messages, publish, queues, schedules,
    unknown, url_groups,
};
use crate::openapi::document;
use crate::route::{Body, Route, Section, delete, described, get, patch, post, route};
use crate::state::State;

pub(crate) fn router(state: Arc<State>) -> Router {
    let routes = sections().into_iter().flat_map(|section| section.routes);
    let (api, open): (Vec<_>, Vec<_>) = routes.partition(Route::needs_token);
    let api = all(api)
        .route("/v2", any(unknown::unknown_path))
        .route("/v2/", any(unknown::unknown_path))
        .route("/v2/{*path}", any(unknown::unknown_path))
        .layer(from_fn_with_state(Arc::clone(&state), auth::require_token));
    all(open).merge(api).fallback(unknown::unknown_path).with_state(state)
}

fn all(routes: Vec<Route>) -> Router<Arc<State>> {
    routes.into_iter().fold(Router::new(), |router, route| route.add_to(router))
}

/// Returns every route by section. The scope that a route requires follows from method and path: see
/// `api/auth/permission.rs`. The first of several paths is the canonical one; the others exist because the Rust SDK
/// appends a slash to some paths and the Go SDK capitalizes some.
pub(crate) fn sections() -> Vec<Section> {
    vec![
        publishing(),
        messages(),
        log(),
        dead_letters(),
        schedules(),
        url_groups(),
        queues(),
        flow_control(),
        keys(),
        operation(),
    ]
}

/// Handlers read destinations from the raw path, so that `https://` keeps its slashes.
fn publishing() -> Section {
    let stored = "The message is stored. A publish to a URL group stores one message per endpoint.";
    let duplicate = "Duplicate: nothing is stored; the ID is that of the earlier message.";
    let routes = vec![
        post("/v2/publish/{*destination}", publish::publish_message, "Publish a message")
            .options_of(UsedBy::Publish)
            .body(Body::Payload)
            .answers::<wire::Published>(200, stored)
            .answers::<wire::Published>(202, duplicate)
            .rejects(&[404]),
        post("/v2/enqueue/{queueName}/{*destination}", enqueue::enqueue_message, "Publish a message through a queue")
            .options_of(UsedBy::Publish)
            .body(Body::Payload)
            .answers::<wire::Published>(200, stored)
            .answers::<wire::Published>(202, duplicate)
            .rejects(&[404]),
        post("/v2/batch", batch::publish_batch, "Publish a batch of messages")
            .also_at("/v2/batch/")
            .json_body::<Vec<wire::BatchItem>>()
            .answers::<Vec<wire::BatchSlot>>(200, "The result of each item, in the order of the request."),
    ];
    Section { name: "Publish", about: "Publish messages for delivery.", routes }
}

fn messages() -> Section {
    let routes = vec![
        delete("/v2/messages", messages::cancel_messages, "Bulk-cancel messages by filter")
            .also_at("/v2/messages/")
            .query(messages::BULK)
            .body(Body::JsonOfQuery)
            .answers::<wire::Cancelled>(200, "The number of cancelled messages."),
        get("/v2/messages/{messageId}", messages::get_message, "Get a message")
            .answers::<wire::Message>(200, "The message, in any state, until its retention ends.")
            .rejects(&[404]),
        delete("/v2/messages/{messageId}", messages::cancel_message, "Cancel a message")
            .answers::<wire::Cancelled>(
                200,
                "The message is cancelled. An attempt in flight may still reach the destination.",
            )
            .rejects(&[404]),
        post("/v2/messages/{messageId}/retry", messages::retry_message, "Deliver a scheduled message now")
            .extension()
            .answers::<wire::RetriedMessage>(
                200,
                "The message is due. It keeps its position in its queue and flow-control keys.",
            )
            .rejects(&[404, 409]),
    ];
    Section { name: "Messages", about: "Published messages and their state.", routes }
}

fn log() -> Section {
    let routes = vec![
        get("/v2/events", events::list_events, "List events")
            .also_at("/v2/logs")
            .query(events::PARAMETERS)
            .answers::<wire::EventsPage>(200, "A page of events, newest first by default."),
    ];
    Section { name: "Events", about: "The log: every state change of every message.", routes }
}

fn dead_letters() -> Section {
    let routes = vec![
        get("/v2/dlq", dead_letters::list_dead_letters, "List dead letters")
            .also_at("/v2/dlq/")
            .query(dead_letters::OF_LIST)
            .answers::<wire::DeadLettersPage>(200, "A page of dead letters, newest first by default."),
        delete("/v2/dlq", dead_letters::delete_dead_letters, "Bulk-delete dead letters by filter")
            .also_at("/v2/dlq/")
            .query(dead_letters::PARAMETERS)
            .body(Body::JsonOfQuery)
            .answers::<wire::Deleted>(200, "The number of deleted dead letters, and a cursor if more may match."),
        post("/v2/dlq/retry", dead_letters::retry_dead_letters, "Redrive dead letters by filter")
            .query(dead_letters::PARAMETERS)
            .options_of(UsedBy::Publish)
            .body(Body::JsonOfQuery)
            .answers::<wire::Retried>(
                201,
                "The new messages, and a cursor if more dead letters may match. The dead letters are deleted.",
            )
            .rejects(&[404]),
        get("/v2/dlq/{dlqId}", dead_letters::get_dead_letter, "Get a dead letter")
            .answers::<wire::DeadLetter>(200, "The dead letter with the last response of its destination.")
            .rejects(&[404]),
        delete("/v2/dlq/{dlqId}", dead_letters::delete_dead_letter, "Delete a dead letter")
            .answers::<wire::Deleted>(200, "The dead letter is deleted.")
            .rejects(&[404]),
        post("/v2/dlq/retry/{dlqId}", dead_letters::retry_dead_letter, "Redrive a dead letter")
            .options_of(UsedBy::Publish)
            .answers::<wire::RetriedMessage>(201, "The new message. The dead letter is deleted.")
            .rejects(&[404]),
    ];
    Section { name: "Dead letters", about: "Messages whose retries are exhausted.", routes }
}

/// `/v2/schedules/` is followed by an ID, an ID with an action, or a destination.
fn schedules() -> Section {
    let one = "/v2/schedules/{*idOrDestination}";
    let one_in_go = "/v2/Schedules/{*idOrDestination}";
    let switch = [Method::PATCH, Method::POST, Method::PUT];
    let routes = vec![
        get("/v2/schedules", schedules::list_schedules, "List schedules")
            .query(&[PAGE])
            .also_at("/v2/schedules/")
            .also_at("/v2/Schedules")
            .also_at("/v2/Schedules/")
            .answers::<Vec<wire::Schedule>>(200, "The schedules."),
        post(one, schedules::post_schedule, "Create or replace a schedule")
            .also_at(one_in_go)
            .options_of(UsedBy::Schedule)
            .body(Body::Payload)
            .answers::<wire::ScheduleCreated>(200, "The schedule is stored.")
            .rejects(&[404, 412]),
        get(one, schedules::get_schedule, "Get a schedule")
            .also_at(one_in_go)
            .answers::<wire::Schedule>(200, "The schedule.")
            .rejects(&[404]),
        delete(one, schedules::delete_schedule, "Delete a schedule")
            .also_at(one_in_go)
            .done("The schedule is deleted. Its messages are kept.")
            .rejects(&[404]),
        described("pause_schedule", switch.clone(), "/v2/schedules/{scheduleId}/pause", "Pause a schedule")
            .also_at("/v2/Schedules/{scheduleId}/pause")
            .done("The schedule is paused: it skips its firings.")
            .rejects(&[404]),
        described("resume_schedule", switch, "/v2/schedules/{scheduleId}/resume", "Resume a schedule")
            .also_at("/v2/Schedules/{scheduleId}/resume")
            .done("The schedule is resumed.")
            .rejects(&[404]),
        described("run_schedule", [Method::POST], "/v2/schedules/{scheduleId}/run", "Run a schedule now")
            .also_at("/v2/Schedules/{scheduleId}/run")
            .extension()
            .answers::<wire::ScheduleRun>(
                200,
                "The messages of the schedule are published now. Its firing times do not change.",
            )
            .rejects(&[404]),
        route([Method::PATCH, Method::PUT], one, schedules::switch_schedule, "Pause or resume a schedule")
            .also_at(one_in_go)
            .undocumented(),
        post("/v2/schedules/", schedules::post_schedule, "Reject a missing destination")
            .also_at("/v2/Schedules/")
            .undocumented(),
        delete("/v2/schedules/", schedules::missing_id, "Reject a missing ID").also_at("/v2/Schedules/").undocumented(),
    ];
    Section { name: "Schedules", about: "Publish messages periodically by cron expressions.", routes }
}

fn url_groups() -> Section {
    let one = "/v2/topics/{urlGroupName}";
    let one_with_slash = "/v2/topics/{urlGroupName}/";
    let endpoints = "/v2/topics/{urlGroupName}/endpoints";
    let routes = vec![
        get("/v2/topics", url_groups::list_url_groups, "List URL groups")
            .query(&[PAGE])
            .also_at("/v2/topics/")
            .answers::<Vec<wire::UrlGroup>>(200, "The URL groups, sorted by name."),
        get(one, url_groups::get_url_group, "Get a URL group")
            .also_at(one_with_slash)
            .answers::<wire::UrlGroup>(200, "The URL group.")
            .rejects(&[404]),
        patch(one, url_groups::set_defaults, "Set the default headers of a URL group")
            .also_at(one_with_slash)
            .json_body::<wire::UrlGroupDefaults>()
            .done("The defaults replace the previous ones.")
            .rejects(&[404]),
        delete(one, url_groups::delete_url_group, "Delete a URL group")
            .also_at(one_with_slash)
            .done("The URL group does not exist any more. Its messages are still delivered."),
        post(endpoints, url_groups::add_endpoints, "Add endpoints to a URL group, and create it if it does not exist")
            .json_body::<wire::EditEndpoints>()
            .done("The endpoints are added. An endpoint whose URL exists already is renamed.")
            .rejects(&[412]),
        delete(endpoints, url_groups::remove_endpoints, "Remove endpoints from a URL group")
            .json_body::<wire::EditEndpoints>()
            .done("The endpoints are removed. A URL group without endpoints is deleted.")
            .rejects(&[404]),
        delete("/v2/topics/", unknown::missing_name, "Reject a missing name").undocumented(),
    ];
    Section { name: "URL groups", about: "Named groups of destinations for fan-out.", routes }
}

fn queues() -> Section {
    let routes = vec![
        post("/v2/queues", queues::upsert_queue, "Create a queue or replace its settings")
            .also_at("/v2/queues/")
            .json_body::<wire::UpsertQueue>()
            .done("The queue has these settings.")
            .rejects(&[412]),
        get("/v2/queues", queues::list_queues, "List queues")
            .query(&[PAGE])
            .also_at("/v2/queues/")
            .answers::<Vec<wire::Queue>>(200, "The queues, sorted by name."),
        get("/v2/queues/{queueName}", queues::get_queue, "Get a queue")
            .also_at("/v2/queues/{queueName}/")
            .answers::<wire::Queue>(200, "The queue.")
            .rejects(&[404]),
        delete("/v2/queues/{queueName}", queues::delete_queue, "Delete a queue")
            .also_at("/v2/queues/{queueName}/")
            .answers::<wire::Cancelled>(200, "The queue does not exist any more. Its pending messages are cancelled."),
        post("/v2/queues/{queueName}/pause", queues::pause_queue, "Pause a queue")
            .also_at("/v2/queues/{queueName}/pause/")
            .done("The queue is paused: it accepts messages and starts no attempts.")
            .rejects(&[404]),
        post("/v2/queues/{queueName}/resume", queues::resume_queue, "Resume a queue")
            .also_at("/v2/queues/{queueName}/resume/")
            .done("The queue is resumed.")
            .rejects(&[404]),
        delete("/v2/queues/", unknown::missing_name, "Reject a missing name").undocumented(),
    ];
    Section { name: "Queues", about: "Ordered delivery with limited parallelism.", routes }
}

fn flow_control() -> Section {
    let routes = vec![
        get("/v2/flowControl", flow_control::list_flow_control_keys, "List flow-control keys")
            .also_at("/v2/flowControl/")
            .query(flow_control::SEARCH)
            .answers::<Vec<wire::FlowControlKey>>(200, "The flow-control keys, sorted by name."),
        get("/v2/flowControl/{flowControlKey}", flow_control::get_flow_control_key, "Get a flow-control key")
            .also_at("/v2/flowControl/{flowControlKey}/")
            .answers::<wire::FlowControlKey>(200, "The flow-control key.")
            .rejects(&[404]),
        post("/v2/flowControl/{flowControlKey}/pause", flow_control::pause_key, "Pause a flow-control key")
            .done("The key is paused: no attempt starts, attempts in flight continue, and new messages are blocked."),
        post("/v2/flowControl/{flowControlKey}/resume", flow_control::resume_key, "Resume a flow-control key")
            .done("The flow-control key is resumed."),
        post("/v2/flowControl/{flowControlKey}/pin", flow_control::pin_key, "Pin the limits of a flow-control key")
            .query(flow_control::PIN)
            .done("The limits are pinned: messages do not change them until they are unpinned."),
        post(
            "/v2/flowControl/{flowControlKey}/unpin",
            flow_control::unpin_key,
            "Unpin the limits of a flow-control key",
        )
        .query(flow_control::UNPIN)
        .done("The limits are unpinned: messages change them again."),
        post(
            "/v2/flowControl/{flowControlKey}/resetRate",
            flow_control::reset_rate,
            "Reset the rate counter of a flow-control key",
        )
        .also_at("/v2/flowControl/{flowControlKey}/reset")
        .done("The counter is zero. A new period begins with the next start."),
        get("/v2/globalParallelism", flow_control::get_global_parallelism, "Get the number of attempts in flight")
            .answers::<wire::GlobalParallelism>(200, "The concurrency limit of this process and the current total."),
    ];
    Section { name: "Flow control", about: "Rate and parallelism limits shared by messages with the same key.", routes }
}

fn keys() -> Section {
    let routes = vec![
        get("/v2/keys", keys::get_keys, "Get the signing keys")
            .answers::<wire::SigningKeys>(200, "The keys for the verification of signatures."),
        post("/v2/keys/rotate", keys::rotate_keys, "Rotate the signing keys")
            .answers::<wire::SigningKeys>(200, "The new pair of keys. The previous next key is the current key."),
    ];
    Section { name: "Signing keys", about: "Keys that sign deliveries and verify their signatures.", routes }
}

/// Returns the OpenAPI document, which does not require a token.
async fn get_document(headers: HeaderMap) -> Response {
    static DOCUMENT: LazyLock<Served> = LazyLock::new(|| Served::new(&document(&sections())));
    DOCUMENT.response(&headers)
}

fn operation() -> Section {
    let routes = vec![
        get("/healthz", health::healthz, "Check that the process runs")
            .extension()
            .answers::<wire::Health>(200, "The process runs."),
        get("/readyz", health::readyz, "Check that the process is ready")
            .extension()
            .answers::<wire::Health>(200, "The database accepts writes.")
            .rejects(&[500, 503]),
        get("/openapi.json", get_document, "Get this document")
            .extension()
            .answers::<serde_json::Value>(200, "The OpenAPI 3.1 document of the API."),
    ];
    Section { name: "Operation", about: "Probes and this document. No token is required.", routes }
}
