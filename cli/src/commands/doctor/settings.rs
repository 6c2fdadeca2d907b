//! Settings and log level.

use anyhow::Result;
use sigpost_runtime::env;
use sigpost_runtime::settings::{Problem, RUST_LOG};

use super::finding::Finding;
use super::subject::Subject;
use crate::output::counted;

pub(super) async fn settings(subject: &Subject) -> Result<Finding> {
    Ok(judge_settings(&subject.problems))
}

fn judge_settings(problems: &[Problem]) -> Finding {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let figure = format!("{}, {}", counted(errors, "error"), counted(problems.len() - errors, "warning"));
    let said = problems.iter().map(|problem| problem.text.as_str()).collect::<Vec<_>>().join("; ");
    match (errors, problems.len()) {
        (_, 0) => Finding::passed(figure),
        (0, _) => Finding::warned(figure, said, "correct them; `sigpost config check` lists all settings"),
        _ => Finding::failed(
            figure,
            said,
            "correct them: `serve` does not start; `sigpost config check` lists all settings",
        ),
    }
}

pub(super) async fn log_level(_: &Subject) -> Result<Finding> {
    Ok(judge_log(&env::parsed::<String>(RUST_LOG)?))
}

fn judge_log(filter: &str) -> Finding {
    let figure = format!("RUST_LOG={filter}");
    let says = |level: &str| filter.split(',').any(|part| part == level || part.ends_with(&format!("={level}")));
    if says("trace") || says("debug") {
        let reason = "every statement and request is logged, which is slow and expensive";
        return Finding::warned(figure, reason, "set RUST_LOG=info, and a lower level only for debugging");
    }
    if says("error") || says("off") {
        let reason = "warnings, which report problems, are not logged";
        return Finding::warned(figure, reason, "set RUST_LOG=info");
    }
    Finding::passed(figure)
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{Failed, Passed, Warned};
    use super::*;

    #[test]
    fn an_error_fails_and_a_warning_warns() {
        let (error, warning) = (Problem::error("A", "A is wrong"), Problem::warning("B", "B is odd"));
        assert_eq!(judge_settings(&[]).state, Passed);
        assert_eq!(judge_settings(std::slice::from_ref(&warning)).state, Warned);
        let both = judge_settings(&[error, warning]);
        assert_eq!((both.state, both.figure.as_str()), (Failed, "1 error, 1 warning"));
        assert_eq!(both.reason.as_deref(), Some("A is wrong; B is odd"));
    }

    #[test]
    fn filter_is_judged_by_its_levels() {
        for (filter, state) in [
            ("info", Passed),
            ("warn", Passed),
            ("info,dispatch=debug", Warned),
            ("trace", Warned),
            ("error", Warned),
            ("off", Warned),
            ("info,debugger=info", Passed),
        ] {
            assert_eq!(judge_log(filter).state, state, "{filter}");
        }
    }
}
