//! Reads Stripe's objects. Errors name the field.

use serde_json::{Map, Value};

use crate::Invalid;

/// A JSON object and its path.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    pub(super) fn of(object: &'a Map<String, Value>) -> Self {
        Self { object, path: "eventData".into() }
    }

    fn invalid(&self, name: &str, reason: &str) -> Invalid {
        Invalid::new(format!("{}.{name}", self.path), reason)
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Returns a non-empty string.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, Invalid> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => Err(self.invalid(name, "must not contain zero bytes")),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.invalid(name, "must be a string")),
        }
    }

    pub(super) fn required_text(&self, name: &str) -> Result<&'a str, Invalid> {
        self.text(name)?.ok_or_else(|| self.invalid(name, "is required"))
    }

    /// Returns the ID of a referenced object, which Stripe sends as a string or as an expanded object.
    pub(super) fn id(&self, name: &str) -> Result<Option<&'a str>, Invalid> {
        match self.value(name) {
            Some(Value::Object(_)) => {
                self.object(name)?.map_or(Ok(None), |object| object.required_text("id").map(Some))
            }
            _ => self.text(name),
        }
    }

    /// Returns an object; `None` if the field is missing.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Invalid> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Self { object, path: format!("{}.{name}", self.path) })),
            Some(_) => Err(self.invalid(name, "must be an object")),
        }
    }

    /// Returns an expanded object; `None` if the field is missing or an ID.
    pub(super) fn expanded(&self, name: &str) -> Result<Option<Self>, Invalid> {
        match self.value(name) {
            Some(Value::String(_)) => Ok(None),
            _ => self.object(name),
        }
    }

    /// Returns the first object of a list.
    pub(super) fn first_of(&self, name: &str) -> Result<Option<Self>, Invalid> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Array(items)) => match items.first() {
                None => Ok(None),
                Some(Value::Object(object)) => Ok(Some(Self { object, path: format!("{}.{name}[0]", self.path) })),
                Some(_) => Err(self.invalid(&format!("{name}[0]"), "must be an object")),
            },
            Some(_) => Err(self.invalid(name, "must be a list")),
        }
    }

    /// Returns a whole number: an amount in the currency's minor unit, or seconds since 1970.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Invalid> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| self.invalid(name, "must be a whole number")),
        }
    }
}
