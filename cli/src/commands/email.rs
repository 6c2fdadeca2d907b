//! `sigpost email preview`.

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use send_email::{Brand, render};
use serde_json::{Map, Value, json};
use sigpost_jobs::payloads::send_email::Template;
use sigpost_runtime::Reading;

use crate::{input, output};

/// Preview the e-mails of `send-email` without sending them.
#[derive(Debug, Args)]
pub(crate) struct Email {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Preview(Preview),
}

/// Print a rendered e-mail. Without a template, list the templates and their fields.
///
/// The settings APP_NAME, APP_SIGNATURE, APP_SUPPORT_EMAIL and RESEND_REPLY_TO apply, as in `send-email`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Preview {
    /// Name of the template, e.g. `passwordReset`.
    template: Option<String>,
    /// Print the plain text instead of the HTML.
    #[arg(long, conflicts_with = "json")]
    text: bool,
    /// Fields of the template, a JSON object: a text, `@file`, or `-` for standard input. Default: example values.
    #[arg(long, value_name = "JSON", requires = "template")]
    data: Option<String>,
    /// Print subject, HTML and text as JSON; without a template, each template with its example fields.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  sigpost email preview                                list the templates and their fields
  sigpost email preview welcome > welcome.html         write the HTML to a file
  sigpost email preview welcome --text --data '{\"dashboardUrl\": \"https://acme.example\"}'
  APP_NAME=Acme sigpost email preview paymentFailed --json";

impl Email {
    pub(crate) fn run(self) -> Result<()> {
        match self.action {
            Action::Preview(preview) => preview.run(),
        }
    }
}

impl Preview {
    fn run(self) -> Result<()> {
        let Some(name) = &self.template else {
            let described: Vec<Value> = Template::ALL.iter().map(description).collect();
            return output::print(self.json, &described, || Template::ALL.map(|template| lines(&template)).join("\n"));
        };
        let template = Template::named(name)?;
        let data = match &self.data {
            None => template.sample(),
            Some(source) => object(&input::read("--data", source)?)?,
        };
        for field in data.keys().filter(|field| !template.sample().contains_key(*field)) {
            eprintln!("warning: data.{field} is not a field of {name} and is ignored");
        }
        let mut reading = Reading::as_far_as_set();
        let brand = Brand::read(&mut reading);
        let brand = reading.finish(Some(brand))?;
        let data = template.read(&data).with_context(|| {
            format!("invalid fields for the template {name}; `sigpost email preview` lists its fields")
        })?;
        let email = render(&data, &brand);
        let described = json!({ "subject": email.subject, "html": email.html, "text": email.text });
        output::print(self.json, &described, || {
            let content = if self.text { &email.text } else { &email.html };
            content.trim_end().to_owned()
        })
    }
}

fn object(json: &[u8]) -> Result<Map<String, Value>> {
    serde_json::from_slice(json).context("--data is not a JSON object")
}

fn description(template: &Template) -> Value {
    let sample = template.sample();
    let required: Vec<&String> = sample.keys().filter(|field| is_required(template, field)).collect();
    json!({
        "template": template.name,
        "about": template.about,
        "required": required,
        "optional": template.optional,
        "sample": sample,
    })
}

/// Formats the template's name and description, and its fields on a second line. Optional fields end with `?`.
fn lines(template: &Template) -> String {
    let sample = template.sample();
    let (required, optional): (Vec<_>, Vec<_>) = sample.keys().partition(|field| is_required(template, field));
    let fields = required.into_iter().cloned().chain(optional.into_iter().map(|field| format!("{field}?")));
    format!("{:<20} {}\n{:<20} {}", template.name, template.about, "", fields.collect::<Vec<_>>().join(", "))
}

fn is_required(template: &Template, field: &str) -> bool {
    !template.optional.contains(&field)
}
