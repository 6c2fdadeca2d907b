//! `sigpost email preview`.

use std::process::{Output, Stdio};

use serde_json::Value;

use crate::running::{finished, folder, sigpost};
use crate::serve::stderr;

fn preview(arguments: &[&str]) -> Output {
    let mut command = sigpost(&["email", "preview"]);
    for name in ["APP_SIGNATURE", "APP_SUPPORT_EMAIL", "RESEND_REPLY_TO"] {
        command.env_remove(name);
    }
    command.args(arguments).env("APP_NAME", "A&B");
    finished(command)
}

fn printed(arguments: &[&str]) -> String {
    let output = preview(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn rejected(arguments: &[&str]) -> String {
    let output = preview(arguments);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    stderr(&output)
}

#[test]
fn closed_pipe_is_not_an_error() {
    let mut command = sigpost(&["email", "preview"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sigpost");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the end");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
}

#[test]
fn every_template_that_is_listed_can_be_looked_at() {
    let listed: Value = serde_json::from_str(&printed(&["--json"])).expect("JSON");
    let listed = listed.as_array().expect("a list");
    assert_eq!(listed.len(), 9);
    let for_people = printed(&[]);
    for template in listed {
        let name = template["template"].as_str().expect("a name");
        assert!(for_people.contains(&format!("{name} ")), "{for_people}");
        let html = printed(&[name]);
        assert!(html.starts_with("<!DOCTYPE html>") && html.contains("The A&amp;B Team"), "{html}");
        let text = printed(&[name, "--text"]);
        assert!(text.contains("Hi ") && text.contains("The A&B Team") && !text.contains('<'), "{text}");
        let both: Value = serde_json::from_str(&printed(&[name, "--json"])).expect("JSON");
        assert_eq!(both["html"].as_str().map(str::trim_end), Some(html.trim_end()));
        assert_eq!(both["text"].as_str().map(str::trim_end), Some(text.trim_end()));
        assert!(both["subject"].as_str().is_some_and(|subject| !subject.is_empty()));
    }
    assert!(for_people.contains("dashboardUrl, recipientName?, supportEmail?, teamName?"), "{for_people}");
}

#[test]
fn data_of_ones_own_are_shown_and_what_is_wrong_with_them_is_said() {
    let folder = folder();
    let file = folder.path().join("data.json");
    std::fs::write(&file, r#"{"dashboardUrl": "https://a.example", "recipientName": "<b>Eve", "team": "R"}"#)
        .expect("a file");
    let output = preview(&["welcome", "--data", &format!("@{}", file.display())]);
    let html = String::from_utf8_lossy(&output.stdout);
    assert!(html.contains("Hi &lt;b&gt;Eve,") && html.contains("Welcome to A&amp;B"), "{html}");
    assert!(stderr(&output).contains("data.team is not a field of welcome"), "{}", stderr(&output));

    for (arguments, error) in [
        (["welcome", "--data", "{}"], "data.dashboardUrl: is required"),
        (["welcome", "--data", r#"{"dashboardUrl": "javascript:alert(1)"}"#], "data.dashboardUrl: must be an http"),
        (["welcome", "--data", "[]"], "--data is not a JSON object"),
        (["welcome", "--data", "@/nowhere"], "--data @/nowhere"),
        (["goodbye", "--data", "{}"], "template: unknown \"goodbye\"; known are welcome, passwordReset"),
    ] {
        let said = rejected(&arguments);
        assert!(said.contains(error), "{said}");
    }
    assert_eq!(preview(&["--data", "{}"]).status.code(), Some(2));
}
