//! `sigpost config check`.

pub(crate) mod functions;
mod settings;
mod source;

use std::collections::HashSet;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;
use sigpost_runtime::references;
use sigpost_runtime::settings::{Problem, Setting, Severity};

use self::settings::{of_others, of_serve};
use self::source::Value;
use super::serve;
use crate::output::{self, counted};

/// Check the settings in this environment.
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print every setting of `sigpost serve` and the other programs: its value (for a secret, its length), its source
    /// and its errors. Exits with 1 if `serve`, or another program whose settings are set, cannot start.
    Check {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// A setting with its current value.
#[derive(Serialize)]
struct Shown {
    name: &'static str,
    #[serde(flatten)]
    value: Value,
}

impl Config {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let Action::Check { json } = self.action;
        // An unresolved reference is one problem; the other settings are still checked.
        let unresolved = references::resolve().await.err();
        let mut problems: Vec<Problem> =
            unresolved.map(|why| Problem::error("(references)", format!("{why:#}"))).into_iter().collect();
        problems.extend(serve::read().1);
        problems.extend(functions::problems());
        // Several programs read the same settings: report each problem once.
        let mut seen = HashSet::new();
        problems.retain(|problem| seen.insert((problem.setting, problem.text.clone())));
        let (of_serve, of_others) = (shown(of_serve()), shown(of_others()));
        let data = json!({ "settings": of_serve, "otherSettings": of_others, "problems": problems });
        output::print(json, &data, || text(&of_serve, &of_others, &problems))?;
        Ok(if problems.iter().any(Problem::is_error) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn shown(settings: impl Iterator<Item = Setting>) -> Vec<Shown> {
    settings.map(|setting| Shown { name: setting.name, value: source::value(setting) }).collect()
}

fn text(of_serve: &[Shown], of_others: &[Shown], problems: &[Problem]) -> String {
    let value = |shown: &Shown| shown.value.value.clone().unwrap_or_else(|| "-".into());
    let all = || of_serve.iter().chain(of_others);
    let names = all().map(|shown| shown.name.len()).max().unwrap_or_default();
    let values = all().map(|shown| value(shown).chars().count()).max().unwrap_or_default().min(40);
    let line = |shown: &Shown| format!("{:<names$}  {:<values$}  {}", shown.name, value(shown), shown.value.source);
    let mut lines: Vec<String> = of_serve.iter().map(line).collect();
    lines.push("\nSettings of the other functions, in Lambda and in `sigpost dev`:\n".into());
    lines.extend(of_others.iter().map(line));
    lines.push(String::new());
    for problem in problems {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        lines.push(format!("{severity}: {}", problem.text));
    }
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    lines.push(format!("{}, {}", counted(errors, "error"), counted(problems.len() - errors, "warning")));
    lines.join("\n")
}
