//! Names in place of IDs and addresses: one name per ID, numbered by first appearance.

use std::collections::HashMap;

/// The names that a scenario has assigned so far.
#[derive(Default)]
pub(super) struct Names {
    addresses: Vec<(String, String)>,
    names: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
}

impl Names {
    /// Assigns a name to the server at this URL.
    pub(super) fn add_server(&mut self, url: &str, name: &str) {
        let address = url.strip_prefix("http://").expect("an HTTP URL");
        self.addresses.push((address.to_owned(), format!("<{name}>")));
    }

    /// Assigns a name to a text, such as the digits of a time.
    pub(super) fn add(&mut self, text: String, name: &str) {
        self.names.entry(text).or_insert_with(|| format!("<{name}>"));
    }

    /// Replaces every ID and address in a text. `numbered` is the kind of an ID of the form `<time>-<number>`.
    pub(super) fn replace(&mut self, text: &str, numbered: &'static str) -> String {
        let mut text = text.to_owned();
        for (address, name) in &self.addresses {
            text = text.replace(address, name);
        }
        let mut replaced = String::with_capacity(text.len());
        let mut rest = &*text;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c: char| !is_of_id(c)).unwrap_or(rest.len());
            let (id, behind) = rest.split_at(if end == 0 { first.len_utf8() } else { end });
            replaced.push_str(&self.name(id, numbered));
            rest = behind;
        }
        replaced
    }

    fn name(&mut self, id: &str, numbered: &'static str) -> String {
        if let Some(name) = self.names.get(id) {
            return name.clone();
        }
        let Some(kind) = kind(id, numbered) else { return id.to_owned() };
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let name = format!("<{kind} {count}>");
        self.names.insert(id.to_owned(), name.clone());
        name
    }
}

fn is_of_id(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn kind(id: &str, numbered: &'static str) -> Option<&'static str> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match id.split_once(['_', '-']) {
        Some(("msg", rest)) if !rest.is_empty() => Some("message"),
        Some(("scd", rest)) if !rest.is_empty() => Some("schedule"),
        Some((time, number)) if time.len() == 13 && is_number(time) && is_number(number) => Some(numbered),
        _ => None,
    }
}

#[test]
fn same_id_keeps_its_name() {
    let mut names = Names::default();
    names.add_server("http://127.0.0.1:4000", "receiver");
    names.add("1700000000001".to_owned(), "start");
    let text = "http://127.0.0.1:4000/a msg_x,msg_y 1700000000000-12 msg_x at 1700000000001 \u{fc} 1-1";
    let expected = "http://<receiver>/a <message 1>,<message 2> <cursor 1> <message 1> at <start> \u{fc} 1-1";
    assert_eq!(names.replace(text, "cursor"), expected);
}
