//! Forms of a delivery's body: the plain job, or an envelope with user and organization, in which the job may be sealed
//! (`sealed` instead of `payload`).

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sigpost_qstash::{Invalid, json};
use sigpost_store::runs::storable_json;

use crate::Job;
use crate::redact::redact_payload;
use crate::sealing::{SealingKeys, Unopened, key_id};

/// Validated content of a delivery.
#[derive(Debug)]
pub(crate) struct Decoded<J> {
    pub(crate) job: J,
    /// The job as recorded: redacted, or sealed as received.
    pub(crate) payload: Value,
    pub(crate) user_id: Option<String>,
    pub(crate) organization_id: Option<String>,
}

/// Error of reading a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Undecoded {
    /// The body is invalid.
    Invalid(Invalid),
    /// The body is sealed with the key of this ID, which this handler does not have (yet).
    UnknownKey(String),
}

impl From<Invalid> for Undecoded {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

/// Reads a body. An object with a string `type` and with `payload` or `sealed` is an envelope; anything else is the job
/// itself.
///
/// Replaces zero bytes by U+FFFD in all texts: Postgres cannot store them, so such a job would fail at each attempt.
pub(crate) fn decode<J: Job>(body: &[u8], keys: Option<&SealingKeys>) -> Result<Decoded<J>, Undecoded> {
    let body = read_json(body).map_err(|why| Invalid::new("body", json::reason(&why)))?;
    let decoded = match body {
        Value::Object(mut fields)
            if fields.get("type").is_some_and(Value::is_string)
                && (fields.contains_key("payload") || fields.contains_key("sealed")) =>
        {
            check_type::<J>(&fields)?;
            let (job, payload) = match fields.remove("sealed").filter(|sealed| !sealed.is_null()) {
                Some(sealed) => (read_job("payload", &open::<J>(&sealed, keys)?)?, sealed),
                None => readable("payload", fields.remove("payload").unwrap_or_default())?,
            };
            Decoded {
                job,
                payload,
                user_id: read_id(&fields, "userId")?,
                organization_id: read_id(&fields, "organizationId")?,
            }
        }
        payload => {
            let (job, payload) = readable("body", payload)?;
            Decoded { job, payload, user_id: None, organization_id: None }
        }
    };
    J::validate(&decoded.job)?;
    Ok(decoded)
}

/// Writes a body: the plain job, or an envelope if it has user or organization or is sealed.
pub(crate) fn encode<J: Job>(
    job: &J,
    keys: Option<&SealingKeys>,
    user_id: Option<&str>,
    organization_id: Option<&str>,
    now: Timestamp,
) -> Result<Vec<u8>, Invalid> {
    let payload =
        serde_json::to_value(job).map_err(|why| Invalid::new(J::TYPE, format!("cannot be written as JSON: {why}")))?;
    let (name, payload) = if J::SEALED {
        let keys = keys.ok_or_else(|| Invalid::new(J::TYPE, "is sealed, and JOB_SEALING_KEYS is not set"))?;
        ("sealed", keys.seal(J::TYPE, payload.to_string().as_bytes())?.into())
    } else {
        ("payload", payload)
    };
    if !J::SEALED && user_id.is_none() && organization_id.is_none() {
        return Ok(payload.to_string().into_bytes());
    }
    let mut metadata = Map::new();
    metadata.insert("createdAt".into(), now.to_string().into());
    for (member, id) in [("userId", user_id), ("organizationId", organization_id)] {
        if let Some(id) = id {
            metadata.insert(member.into(), id.into());
        }
    }
    Ok(json!({ "type": J::TYPE, name: payload, "metadata": metadata }).to_string().into_bytes())
}

/// Returns the job and its recorded form.
fn readable<J: DeserializeOwned>(root: &str, mut payload: Value) -> Result<(J, Value), Invalid> {
    let job = read_job(root, &payload)?;
    redact_payload(&mut payload);
    Ok((job, payload))
}

fn open<J: Job>(sealed: &Value, keys: Option<&SealingKeys>) -> Result<Value, Undecoded> {
    let wrong = || Invalid::new("sealed", "is not a payload of this type sealed with a key of JOB_SEALING_KEYS");
    let sealed = sealed.as_str().ok_or_else(wrong)?;
    let opened = match keys {
        Some(keys) => keys.open(J::TYPE, sealed),
        None => Err(key_id(sealed).map_or(Unopened::Wrong, |id| Unopened::UnknownKey(id.to_owned()))),
    };
    match opened {
        Ok(clear) => Ok(read_json(&clear).map_err(|_| wrong())?),
        Err(Unopened::UnknownKey(id)) => Err(Undecoded::UnknownKey(id)),
        Err(Unopened::Wrong) => Err(wrong().into()),
    }
}

/// Reads JSON and replaces zero bytes in its texts.
fn read_json(text: &[u8]) -> Result<Value, serde_json::Error> {
    let value = serde_json::from_slice(text)?;
    // A zero byte can only be written as this escape.
    let may_have_zero_bytes = text.windows(6).any(|escape| escape == b"\\u0000");
    Ok(if may_have_zero_bytes { storable_json(&value) } else { value })
}

fn check_type<J: Job>(envelope: &Map<String, Value>) -> Result<(), Invalid> {
    match envelope.get("type").and_then(Value::as_str) {
        Some(given) if given == J::TYPE => Ok(()),
        given => {
            Err(Invalid::new("type", format!("this is the endpoint of {}, not of {}", J::TYPE, given.unwrap_or("?"))))
        }
    }
}

/// Reads a job. The error names the innermost invalid field, below `root`.
fn read_job<J: DeserializeOwned>(root: &str, payload: &Value) -> Result<J, Invalid> {
    serde_path_to_error::deserialize(payload).map_err(|why| {
        let path = why.path().to_string();
        let field = match (root, path.as_str()) {
            (root, ".") => root.to_owned(),
            ("body", path) => path.to_owned(),
            (root, path) => format!("{root}.{path}"),
        };
        match json::missing_field(why.inner()) {
            Some(name) if field == "body" => Invalid::new(name, "is missing"),
            Some(name) => Invalid::new(format!("{field}.{name}"), "is missing"),
            None => Invalid::new(field, json::reason(why.inner())),
        }
    })
}

/// Reads an ID. Numbers are converted to strings.
fn read_id(envelope: &Map<String, Value>, name: &str) -> Result<Option<String>, Invalid> {
    match envelope.get("metadata").and_then(|metadata| metadata.get(name)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => Ok(Some(id.clone())),
        Some(Value::Number(id)) => Ok(Some(id.to_string())),
        Some(_) => Err(Invalid::new(format!("metadata.{name}"), "must be a string or a number")),
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Count {
        steps: Vec<u32>,
    }

    impl Job for Count {
        const TYPE: &'static str = "count";
        const ENDPOINT: &'static str = "/api/jobs/count";

        fn validate(&self) -> Result<(), Invalid> {
            if self.steps.is_empty() { Err(Invalid::new("steps", "must not be empty")) } else { Ok(()) }
        }
    }

    fn decoded(body: &Value) -> Result<Decoded<Count>, String> {
        decode(body.to_string().as_bytes(), None).map_err(|undecoded| match undecoded {
            Undecoded::Invalid(invalid) => invalid.to_string(),
            Undecoded::UnknownKey(id) => panic!("sealed with {id}"),
        })
    }

    #[test]
    fn bare_payload_is_the_job() {
        let decoded = decoded(&json!({ "steps": [1, 2] })).expect("valid");
        assert_eq!(decoded.job, Count { steps: vec![1, 2] });
        assert_eq!(decoded.payload, json!({ "steps": [1, 2] }));
        assert_eq!((decoded.user_id, decoded.organization_id), (None, None));
    }

    #[test]
    fn envelope_says_on_whose_behalf() {
        let decoded = decoded(&json!({
            "jobId": "6a2f6d0e-3f0f-4f6e-9d8e-0c54ed1a2b3c", "type": "count", "payload": { "steps": [3] },
            "metadata": { "userId": 42, "organizationId": "org_7", "createdAt": "2026-11-22T10:00:00Z", "idempotencyKey": "k" },
        }))
        .expect("valid");
        assert_eq!(decoded.job, Count { steps: vec![3] });
        assert_eq!(decoded.payload, json!({ "steps": [3] }));
        assert_eq!(decoded.user_id.as_deref(), Some("42"));
        assert_eq!(decoded.organization_id.as_deref(), Some("org_7"));
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let job = Count { steps: vec![1] };
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().expect("time");
        let bare = encode(&job, None, None, None, now).expect("body");
        assert_eq!(bare, br#"{"steps":[1]}"#);
        let envelope = encode(&job, None, Some("u1"), None, now).expect("body");
        let decoded: Decoded<Count> = decode(&envelope, None).expect("valid");
        assert_eq!((decoded.job, decoded.user_id.as_deref()), (job, Some("u1")));
    }

    #[test]
    fn zero_bytes_are_replaced_wherever_they_are() {
        #[derive(Debug, Serialize, Deserialize)]
        struct Note {
            text: String,
            more: Value,
        }

        impl Job for Note {
            const TYPE: &'static str = "note";
            const ENDPOINT: &'static str = "/api/jobs/note";
        }

        let note = json!({ "text": "a\0b", "more": { "c\0": ["\0", "\\u0000"] } });
        let body = json!({ "type": "note", "payload": note, "metadata": { "userId": "\0", "organizationId": "o\0" } });
        let decoded = decode::<Note>(body.to_string().as_bytes(), None).expect("valid");
        assert_eq!(decoded.job.text, "a\u{fffd}b");
        assert_eq!(decoded.job.more, json!({ "c\u{fffd}": ["\u{fffd}", "\\u0000"] }));
        assert_eq!(decoded.payload["text"], "a\u{fffd}b");
        assert_eq!(decoded.user_id.as_deref(), Some("\u{fffd}"));
        assert_eq!(decoded.organization_id.as_deref(), Some("o\u{fffd}"));
    }

    #[test]
    fn a_member_of_the_envelope_that_is_null_is_absent() {
        for (name, value) in [("sealed", Value::Null), ("metadata", Value::Null)] {
            let body = json!({ "type": "count", "payload": { "steps": [1] }, name: value });
            assert_eq!(decoded(&body).expect("valid").job, Count { steps: vec![1] });
        }
        let body = json!({ "type": "count", "payload": { "steps": [1] }, "metadata": { "userId": null } });
        assert_eq!(decoded(&body).expect("valid").user_id, None);
    }

    #[test]
    fn error_names_the_field() {
        for (body, field) in [
            (json!({ "steps": [1, "two"] }), "steps[1]: must be a whole number, got \"two\""),
            (json!({}), "steps: is missing"),
            (json!([]), "body: "),
            (json!({ "steps": [] }), "steps: must not be empty"),
            (json!({ "type": "count", "payload": { "steps": 1 } }), "payload.steps: must be an array, got 1"),
            (json!({ "type": "count", "payload": null }), "payload: must be an object, got null"),
            (json!({ "type": "tally", "payload": {} }), "type: this is the endpoint of count, not of tally"),
            (
                json!({ "type": "count", "payload": { "steps": [1] }, "metadata": { "userId": true } }),
                "metadata.userId: must be a string or a number",
            ),
        ] {
            let error = decoded(&body).expect_err("invalid");
            assert!(error.starts_with(field), "{error}");
        }
        let Err(Undecoded::Invalid(error)) = decode::<Count>(b"{\"steps\": [1", None) else { panic!("it is cut") };
        assert!(error.to_string().starts_with("body: not valid JSON, it ends too early"), "{error}");
    }
}
