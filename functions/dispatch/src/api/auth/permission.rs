//! Permissions of scopes. They depend only on method and path, so that the narrow scopes do not allow a new endpoint
//! by accident.

use axum::http::Method;
use sigpost_store::api_tokens::Scope;

/// The kind of a request, for the check of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Publishes, enqueues or batches. The rate limit does not count it (QStash's "API rate limit").
    Publish,
    /// Reads, except for signing keys.
    Read,
    /// Everything else: changes, and the signing keys, with which deliveries can be forged.
    Manage,
}

impl Action {
    /// Returns the action of a request from its raw path. Empty segments and case are ignored, so that no spelling of a
    /// path grants more than another, even if the router treats them differently.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty()).take(3).map(str::to_ascii_lowercase);
        let segments: Vec<String> = segments.collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments[..] {
            ["v2", "publish" | "enqueue", _] | ["v2", "batch"] if method == Method::POST => Self::Publish,
            // With other methods these are not endpoints. If they become endpoints, they do more than read.
            ["v2", "publish" | "enqueue" | "batch" | "keys", ..] => Self::Manage,
            _ if method == Method::GET || method == Method::HEAD => Self::Read,
            _ => Self::Manage,
        }
    }
}

/// Checks that the scope allows the action. The error is the reason for the caller.
pub(crate) fn check(scope: Scope, action: Action) -> Result<(), &'static str> {
    match (scope, action) {
        (Scope::Full, _) | (Scope::Publish, Action::Publish) | (Scope::Read, Action::Read) => Ok(()),
        (Scope::Publish, _) => Err("the scope of this token is publish: it allows only publish, enqueue and batch"),
        (Scope::Read, _) => {
            Err("the scope of this token is read: it allows only read requests, and not those for signing keys")
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use sigpost_store::api_tokens::Scope;

    use super::Action::{self, Manage, Publish, Read};
    use super::check;

    #[test]
    fn method_and_path_say_what_a_request_does() {
        let table = [
            ("POST", "/v2/publish/https://example.com/hook", Publish),
            ("POST", "/v2/publish/https%3A%2F%2Fexample.com", Publish),
            ("POST", "/v2/publish/a-group", Publish),
            ("POST", "/v2/enqueue/a-queue/https://example.com", Publish),
            ("POST", "/v2/batch", Publish),
            ("POST", "/v2/batch/", Publish),
            ("POST", "/v2/batch/trigger", Manage),
            ("POST", "/v2/batches", Manage),
            ("POST", "/v2/publish", Manage),
            ("POST", "/v2/publishers/x", Manage),
            ("POST", "/v2/../publish/x", Manage),
            ("GET", "/v2/publish/https://example.com", Manage),
            ("PUT", "/v2/publish/https://example.com", Manage),
            ("DELETE", "/v2/batch", Manage),
            ("GET", "/v2/messages/msg_1", Read),
            ("HEAD", "/v2/messages/msg_1", Read),
            ("DELETE", "/v2/messages/msg_1", Manage),
            ("DELETE", "/v2/messages", Manage),
            ("GET", "/v2/events", Read),
            ("GET", "/v2/logs", Read),
            ("GET", "/v2/dlq/", Read),
            ("POST", "/v2/dlq/retry/1-1", Manage),
            ("GET", "/v2/keys", Manage),
            ("HEAD", "/v2/keys", Manage),
            ("GET", "/v2/keys/", Manage),
            ("GET", "/v2//keys", Manage),
            ("GET", "//v2/keys", Manage),
            ("GET", "/v2/Keys", Manage),
            ("GET", "/V2/KEYS", Manage),
            ("GET", "/v2/keys/rotate", Manage),
            ("POST", "/v2/keys/rotate", Manage),
            ("GET", "/v2/keystone", Read),
            ("POST", "/v2/Schedules/https://example.com", Manage),
            ("POST", "/v2/schedules/publish/x", Manage),
            ("GET", "/v2/Schedules", Read),
            ("PATCH", "/v2/schedules/scd_1/pause", Manage),
            ("GET", "/v2/queues", Read),
            ("POST", "/v2/queues/", Manage),
            ("OPTIONS", "/v2/queues", Manage),
            ("PROPFIND", "/v2/queues", Manage),
            ("GET", "/v2", Read),
            ("POST", "/v2/", Manage),
            ("POST", "", Manage),
        ];
        for (method, path, action) in table {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(Action::of(&method, path), action, "{method} {path}");
        }
    }

    #[test]
    fn a_scope_allows_what_it_says_and_its_rejection_names_it() {
        for action in [Publish, Read, Manage] {
            assert_eq!(check(Scope::Full, action), Ok(()));
            for (scope, allowed) in [(Scope::Publish, Publish), (Scope::Read, Read)] {
                match check(scope, action) {
                    Ok(()) => assert_eq!(action, allowed),
                    Err(reason) => assert!(action != allowed && reason.contains(&format!("is {scope}:")), "{reason}"),
                }
            }
        }
    }
}
