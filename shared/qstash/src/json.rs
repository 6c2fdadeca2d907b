//! JSON bodies of requests, and errors about JSON in words that do not presume a programming language.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::error::Category;

use crate::Invalid;
use crate::error::cut;

/// Parses a body. `expected` describes it as a whole, such as "a JSON object".
///
/// # Errors
///
/// The text is not JSON, has trailing characters, or has a value of another type; the error names the field by its
/// path, `endpoints[1].url`, or describes the body as a whole.
pub fn parse<'a, T: Deserialize<'a>>(expected: &str, body: &'a [u8]) -> Result<T, Invalid> {
    if body.trim_ascii().is_empty() {
        return Err(Invalid::verbatim("body", format!("invalid body: expected {expected}, got an empty body")));
    }
    parse_at("", body).map_err(|invalid| match invalid.field.as_str() {
        "" => {
            let reason = invalid.reason.strip_prefix("must be ").and_then(|reason| reason.split_once(", got "));
            let reason = reason.map(|(_, got)| format!("expected {expected}, got {got}"));
            Invalid::verbatim("body", format!("invalid body: {}", reason.unwrap_or(invalid.reason)))
        }
        _ => invalid,
    })
}

/// Parses a part of a body, such as `[1]`, whose place precedes the fields in errors.
///
/// # Errors
///
/// As [`parse`].
pub(crate) fn parse_at<'a, T: Deserialize<'a>>(place: &str, json: &'a [u8]) -> Result<T, Invalid> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let place = if error.inner().is_data() { field(place, &path) } else { place.to_owned() };
        reject(place, error.inner())
    })?;
    deserializer.end().map_err(|error| reject(place.to_owned(), &error))?;
    Ok(value)
}

fn reject(place: String, error: &serde_json::Error) -> Invalid {
    match missing_field(error) {
        Some(name) => Invalid::new(field(&place, &name), "is missing"),
        None => Invalid::new(place, reason(error)),
    }
    .in_body()
}

/// Returns the path of a field below a place. Both may be empty.
fn field(place: &str, path: &str) -> String {
    match path {
        "." => place.to_owned(),
        path if place.is_empty() || path.starts_with('[') => format!("{place}{path}"),
        path => format!("{place}.{path}"),
    }
}

/// Returns the name of the field that is missing, if that is the error.
pub fn missing_field(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let (name, _) = text.strip_prefix("missing field `")?.split_once('`')?;
    Some(name.to_owned())
}

/// Returns the reason of an error, without the field.
pub fn reason(error: &serde_json::Error) -> String {
    let place = format!("line {} column {}", error.line(), error.column());
    match error.classify() {
        Category::Data => plain(&error.to_string()),
        Category::Eof => format!("not valid JSON, it ends too early at {place}"),
        Category::Syntax | Category::Io => format!("not valid JSON at {place}"),
    }
}

/// Rewrites an error about a value of another type, "invalid type: map, expected a sequence".
fn plain(text: &str) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    if let Some(name) = text.strip_prefix("missing field ") {
        return format!("requires the field {}", name.trim_matches('`'));
    }
    if let Some((given, expected)) =
        text.strip_prefix("unknown variant `").and_then(|text| text.split_once("`, expected "))
    {
        return format!("must be {expected}, got \"{}\"", cut(given));
    }
    let Some((got, expected)) = text.rsplit_once(", expected ") else { return text.to_owned() };
    match got.strip_prefix("invalid type: ").or(got.strip_prefix("invalid value: ")) {
        Some(got) => format!("must be {}, got {}", expected_type(expected), given(got)),
        // An array in place of an object.
        None if got.starts_with("invalid length ") => format!("must be {}, got an array", expected_type(expected)),
        None => text.to_owned(),
    }
}

fn expected_type(expected: &str) -> &str {
    match expected {
        "a sequence" | "sequence" => "an array",
        "a map" | "map" => "an object",
        "a borrowed string" | "string" => "a string",
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        expected if expected.starts_with("struct ") => "an object",
        expected => expected,
    }
}

fn given(got: &str) -> Cow<'_, str> {
    let within = |kind: &str, quote: char| got.strip_prefix(kind)?.trim().strip_prefix(quote)?.strip_suffix(quote);
    match got {
        "map" => "an object".into(),
        "sequence" => "an array".into(),
        "unit value" | "Option value" => "null".into(),
        _ => match within("string", '"') {
            Some(text) => format!("\"{}\"", cut(text)).into(),
            None => {
                let number = ["integer", "floating point", "boolean"].iter().find_map(|kind| within(kind, '`'));
                number.unwrap_or(got).into()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::parse;

    #[derive(Debug, Deserialize)]
    struct Request {
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "counts")]
        _counts: Option<Vec<u32>>,
        #[serde(rename = "size")]
        _size: Option<Size>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        Small,
        Large,
    }

    #[test]
    fn errors_name_the_field_and_have_no_words_of_rust() {
        for (body, error) in [
            ("", "invalid body: expected a JSON object, got an empty body"),
            ("7", "invalid body: expected a JSON object, got 7"),
            ("\"text\"", "invalid body: expected a JSON object, got \"text\""),
            ("null", "invalid body: expected a JSON object, got null"),
            ("[]", "invalid body: expected a JSON object, got an array"),
            ("{\"name\":", "invalid body: not valid JSON, it ends too early at line 1 column 8"),
            ("{\"name\":x}", "invalid body: not valid JSON at line 1 column 9"),
            ("{\"name\":\"a\"} x", "invalid body: not valid JSON at line 1 column 14"),
            ("{}", "name: is missing"),
            ("{\"name\":7}", "name: must be a string, got 7"),
            ("{\"name\":true}", "name: must be a string, got true"),
            ("{\"name\":{}}", "name: must be a string, got an object"),
            ("{\"name\":\"a\",\"counts\":{}}", "counts: must be an array, got an object"),
            ("{\"name\":\"a\",\"counts\":[1.5]}", "counts[0]: must be a whole number, got 1.5"),
            ("{\"name\":\"a\",\"counts\":[0,-1]}", "counts[1]: must be a whole number, got -1"),
            ("{\"name\":\"a\",\"counts\":[\"1\"]}", "counts[0]: must be a whole number, got \"1\""),
            ("{\"name\":\"a\",\"size\":\"huge\"}", "size: must be `small` or `large`, got \"huge\""),
        ] {
            assert_eq!(parse::<Request>("a JSON object", body.as_bytes()).unwrap_err().to_string(), error, "{body}");
        }
    }
}
