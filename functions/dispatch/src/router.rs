//! All routes of the dispatch function. The API's document, `GET /openapi.json`, is made of this table too.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use sigpost_qstash as wire;
use sigpost_qstash::options::parameters::UsedBy;

use crate::api::health::Health;
use crate::api::page::PAGE;
use crate::api::{
    auth, batch, dead_letters, enqueue, events, flow_control, health, keys, messages, openapi, publish, queues,
    schedules, unknown, url_groups,
};
use crate::publication::Published;
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
    let router = routes.into_iter().fold(Router::new(), |router, route| route.add_to(router));
    router.method_not_allowed_fallback(unknown::wrong_method)
}

/// Every route. What a token must allow follows from method and path: see `api/auth/permission.rs`.
/// Of several paths the first is the one to use: the Rust SDK ends some with a slash, the Go SDK
/// begins some with a capital.
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

/// Destinations are read from the raw path, so that `https://` keeps its slashes.
fn publishing() -> Section {
    let stored = "The message is stored and will be delivered; to a URL group, one message for each endpoint.";
    let duplicate = "A duplicate: nothing was stored, the id is that of the first.";
    let routes = vec![
        post("/v2/publish/{*destination}", publish::publish_message, "Publish a message")
            .options_of(UsedBy::Publish)
            .body(Body::Payload)
            .answers::<Published>(200, stored)
            .answers::<Published>(202, duplicate)
            .refuses(&[404]),
        post("/v2/enqueue/{queueName}/{*destination}", enqueue::enqueue_message, "Publish a message through a queue")
            .options_of(UsedBy::Publish)
            .body(Body::Payload)
            .answers::<Published>(200, stored)
            .answers::<Published>(202, duplicate)
            .refuses(&[404]),
        post("/v2/batch", batch::publish_batch, "Publish many messages")
            .also_at("/v2/batch/")
            .json_body::<Vec<wire::BatchItem>>()
            .answers::<Vec<batch::Slot>>(200, "What became of each item, in their order."),
    ];
    Section { name: "Publish", about: "Hand over messages to be delivered.", routes }
}

fn messages() -> Section {
    let routes = vec![
        delete("/v2/messages", messages::cancel_messages, "Cancel messages by what they have, or all")
            .also_at("/v2/messages/")
            .query(messages::BULK)
            .body(Body::JsonOfQuery)
            .answers::<wire::Cancelled>(200, "How many are cancelled."),
        get("/v2/messages/{messageId}", messages::get_message, "Show a message")
            .answers::<wire::Message>(200, "The message, whatever its state, as long as it is kept.")
            .refuses(&[404]),
        delete("/v2/messages/{messageId}", messages::cancel_message, "Cancel a message")
            .answers::<wire::Cancelled>(200, "It is cancelled; an attempt under way may still arrive.")
            .refuses(&[404]),
        post("/v2/messages/{messageId}/retry", messages::retry_message, "Deliver a message that waits now")
            .extension()
            .answers::<wire::RetriedMessage>(200, "It is due; at a queue or a key it keeps its place.")
            .refuses(&[404, 409]),
    ];
    Section { name: "Messages", about: "What was published, and how far it has come.", routes }
}

fn log() -> Section {
    let routes = vec![
        get("/v2/events", events::list_events, "List what happened to messages")
            .also_at("/v2/logs")
            .query(events::PARAMETERS)
            .answers::<wire::EventsPage>(200, "A page of the log, newest first unless asked otherwise."),
    ];
    Section { name: "Events", about: "The log: every step of every message.", routes }
}

fn dead_letters() -> Section {
    let routes = vec![
        get("/v2/dlq", dead_letters::list_dead_letters, "List dead letters")
            .also_at("/v2/dlq/")
            .query(dead_letters::OF_LIST)
            .answers::<wire::DeadLettersPage>(200, "A page of dead letters, newest first."),
        delete("/v2/dlq", dead_letters::delete_dead_letters, "Delete dead letters by what they have, or a page of all")
            .also_at("/v2/dlq/")
            .query(dead_letters::PARAMETERS)
            .body(Body::JsonOfQuery)
            .answers::<wire::Deleted>(200, "How many are deleted, and whether there may be more."),
        post("/v2/dlq/retry", dead_letters::retry_dead_letters, "Publish the messages of dead letters anew")
            .query(dead_letters::PARAMETERS)
            .options_of(UsedBy::Publish)
            .body(Body::JsonOfQuery)
            .answers::<wire::Retried>(
                201,
                "The new messages, and whether there may be more; the dead letters are gone.",
            )
            .refuses(&[404]),
        get("/v2/dlq/{dlqId}", dead_letters::get_dead_letter, "Show a dead letter")
            .answers::<wire::DeadLetter>(200, "The dead letter with the response that ended its message.")
            .refuses(&[404]),
        delete("/v2/dlq/{dlqId}", dead_letters::delete_dead_letter, "Delete a dead letter")
            .answers::<wire::Deleted>(200, "It is deleted.")
            .refuses(&[404]),
        post("/v2/dlq/retry/{dlqId}", dead_letters::retry_dead_letter, "Publish the message of a dead letter anew")
            .options_of(UsedBy::Publish)
            .answers::<wire::RetriedMessage>(201, "The new message; the dead letter is gone.")
            .refuses(&[404]),
    ];
    Section { name: "Dead letters", about: "Messages that failed for good.", routes }
}

/// Behind `/v2/schedules/` stands an id, an id with what to do with it, or a destination.
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
            .answers::<Vec<wire::Schedule>>(200, "Every schedule."),
        post(one, schedules::post_schedule, "Create a schedule, or replace one")
            .also_at(one_in_go)
            .options_of(UsedBy::Schedule)
            .body(Body::Payload)
            .answers::<wire::ScheduleCreated>(200, "The schedule is stored and will fire.")
            .refuses(&[404, 412]),
        get(one, schedules::get_schedule, "Show a schedule")
            .also_at(one_in_go)
            .answers::<wire::Schedule>(200, "The schedule.")
            .refuses(&[404]),
        delete(one, schedules::delete_schedule, "Delete a schedule")
            .also_at(one_in_go)
            .done("It is deleted; its messages stay.")
            .refuses(&[404]),
        described("pause_schedule", switch.clone(), "/v2/schedules/{scheduleId}/pause", "Pause a schedule")
            .also_at("/v2/Schedules/{scheduleId}/pause")
            .done("It skips its firings.")
            .refuses(&[404]),
        described("resume_schedule", switch, "/v2/schedules/{scheduleId}/resume", "Resume a schedule")
            .also_at("/v2/Schedules/{scheduleId}/resume")
            .done("It fires again.")
            .refuses(&[404]),
        described("run_schedule", [Method::POST], "/v2/schedules/{scheduleId}/run", "Run a schedule now")
            .also_at("/v2/Schedules/{scheduleId}/run")
            .extension()
            .answers::<wire::ScheduleRun>(200, "Its messages are published once more; its firings stay as they are.")
            .refuses(&[404]),
        route([Method::PATCH, Method::PUT], one, schedules::switch_schedule, "Pause or resume")
            .also_at(one_in_go)
            .undocumented(),
        post("/v2/schedules/", schedules::post_schedule, "A destination is missing")
            .also_at("/v2/Schedules/")
            .undocumented(),
        delete("/v2/schedules/", schedules::missing_id, "An id is missing").also_at("/v2/Schedules/").undocumented(),
    ];
    Section { name: "Schedules", about: "Publish again and again, by cron expressions.", routes }
}

fn url_groups() -> Section {
    let one = "/v2/topics/{urlGroupName}";
    let one_with_slash = "/v2/topics/{urlGroupName}/";
    let endpoints = "/v2/topics/{urlGroupName}/endpoints";
    let routes = vec![
        get("/v2/topics", url_groups::list_url_groups, "List URL groups")
            .query(&[PAGE])
            .also_at("/v2/topics/")
            .answers::<Vec<wire::UrlGroup>>(200, "Every group, by name."),
        get(one, url_groups::get_url_group, "Show a URL group")
            .also_at(one_with_slash)
            .answers::<wire::UrlGroup>(200, "The group.")
            .refuses(&[404]),
        patch(one, url_groups::set_defaults, "Set what every publish to a URL group begins with")
            .also_at(one_with_slash)
            .json_body::<wire::UrlGroupDefaults>()
            .done("They replace those there were.")
            .refuses(&[404]),
        delete(one, url_groups::delete_url_group, "Delete a URL group")
            .also_at(one_with_slash)
            .done("It is deleted, or there was none; its messages go on."),
        post(endpoints, url_groups::add_endpoints, "Add endpoints to a URL group, which need not exist yet")
            .json_body::<wire::EditEndpoints>()
            .done("They are added, or renamed where their URL was known.")
            .refuses(&[412]),
        delete(endpoints, url_groups::remove_endpoints, "Remove endpoints from a URL group")
            .json_body::<wire::EditEndpoints>()
            .done("They are removed; a group without any is deleted.")
            .refuses(&[404]),
        delete("/v2/topics/", unknown::missing_name, "A name is missing").undocumented(),
    ];
    Section { name: "URL groups", about: "Names that stand for several destinations.", routes }
}

fn queues() -> Section {
    let routes = vec![
        post("/v2/queues", queues::upsert_queue, "Create a queue, or replace its settings")
            .also_at("/v2/queues/")
            .json_body::<wire::UpsertQueue>()
            .done("The queue is as asked.")
            .refuses(&[412]),
        get("/v2/queues", queues::list_queues, "List queues")
            .query(&[PAGE])
            .also_at("/v2/queues/")
            .answers::<Vec<wire::Queue>>(200, "Every queue, by name."),
        get("/v2/queues/{queueName}", queues::get_queue, "Show a queue")
            .also_at("/v2/queues/{queueName}/")
            .answers::<wire::Queue>(200, "The queue.")
            .refuses(&[404]),
        delete("/v2/queues/{queueName}", queues::delete_queue, "Delete a queue")
            .also_at("/v2/queues/{queueName}/")
            .answers::<wire::Cancelled>(200, "It is deleted with its messages, or there was none."),
        post("/v2/queues/{queueName}/pause", queues::pause_queue, "Pause a queue")
            .also_at("/v2/queues/{queueName}/pause/")
            .done("It goes on accepting; nothing of it starts any more.")
            .refuses(&[404]),
        post("/v2/queues/{queueName}/resume", queues::resume_queue, "Resume a queue")
            .also_at("/v2/queues/{queueName}/resume/")
            .done("It goes on.")
            .refuses(&[404]),
        delete("/v2/queues/", unknown::missing_name, "A name is missing").undocumented(),
    ];
    Section { name: "Queues", about: "Messages one after another, or a few at a time.", routes }
}

fn flow_control() -> Section {
    let routes = vec![
        get("/v2/flowControl", flow_control::list_flow_control_keys, "List flow-control keys")
            .also_at("/v2/flowControl/")
            .query(flow_control::SEARCH)
            .answers::<Vec<wire::FlowControlKey>>(200, "The keys, by name."),
        get("/v2/flowControl/{flowControlKey}", flow_control::get_flow_control_key, "Show a flow-control key")
            .also_at("/v2/flowControl/{flowControlKey}/")
            .answers::<wire::FlowControlKey>(200, "The key.")
            .refuses(&[404]),
        post("/v2/flowControl/{flowControlKey}/pause", flow_control::pause_key, "Pause a flow-control key")
            .done("Nothing of it starts any more; what runs goes on, and what comes waits."),
        post("/v2/flowControl/{flowControlKey}/resume", flow_control::resume_key, "Resume a flow-control key")
            .done("It goes on."),
        post("/v2/flowControl/{flowControlKey}/pin", flow_control::pin_key, "Pin the limits of a flow-control key")
            .query(flow_control::PIN)
            .done("Messages do not change them until they are unpinned."),
        post(
            "/v2/flowControl/{flowControlKey}/unpin",
            flow_control::unpin_key,
            "Unpin the limits of a flow-control key",
        )
        .query(flow_control::UNPIN)
        .done("Messages change them again."),
        post(
            "/v2/flowControl/{flowControlKey}/resetRate",
            flow_control::reset_rate,
            "Forget the starts that were counted",
        )
        .also_at("/v2/flowControl/{flowControlKey}/reset")
        .done("A period begins now."),
        get("/v2/globalParallelism", flow_control::get_global_parallelism, "Show how much is under way")
            .answers::<wire::GlobalParallelism>(200, "The most of this process, and that of all."),
    ];
    Section { name: "Flow control", about: "How fast messages that share a key may start.", routes }
}

fn keys() -> Section {
    let routes = vec![
        get("/v2/keys", keys::get_keys, "Show the signing keys")
            .answers::<wire::SigningKeys>(200, "The keys that receivers verify deliveries with."),
        post("/v2/keys/rotate", keys::rotate_keys, "Rotate the signing keys")
            .answers::<wire::SigningKeys>(200, "The new pair: what was the next key is the current one."),
    ];
    Section { name: "Signing keys", about: "How receivers know that a delivery is ours.", routes }
}

fn operation() -> Section {
    let routes = vec![
        get("/healthz", health::healthz, "Whether the process runs").extension().answers::<Health>(200, "It runs."),
        get("/readyz", health::readyz, "Whether the process can work")
            .extension()
            .answers::<Health>(200, "The database answers.")
            .refuses(&[500, 503]),
        get("/openapi.json", openapi::get_document, "This document")
            .extension()
            .answers::<serde_json::Value>(200, "OpenAPI 3.1."),
    ];
    Section { name: "Operation", about: "Probes and this document, for anybody.", routes }
}
