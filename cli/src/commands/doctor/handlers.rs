//! Job handlers, requested without a signature.

use anyhow::Result;
use reqwest::StatusCode;
use sigpost::jobs::JOBS;
use sigpost_runtime::causes::with_causes;
use sigpost_runtime::env;
use sigpost_runtime::settings::{BASE_URL, JOB_URLS};

use super::finding::Finding;
use super::subject::Subject;

pub(super) async fn signed(subject: &Subject) -> Result<Finding> {
    let (base_url, urls) = (env::var(BASE_URL)?, env::list(JOB_URLS)?);
    if base_url.is_none() && urls.is_empty() {
        return Ok(Finding::skipped("set BASE_URL or JOB_URLS, as in applications, to check the handlers"));
    }
    let mut answers = Vec::new();
    for job in JOBS {
        let own = urls.iter().filter_map(|item| item.split_once('=')).find(|(name, _)| name.trim() == job.name);
        let Some(base) = own.map(|(_, url)| url).or(base_url.as_deref()) else { continue };
        let url = format!("{}{}", base.trim_end_matches('/'), job.endpoint);
        let answer = subject.http.post(url).body("{}").send().await.map_err(reqwest::Error::without_url);
        answers.push((job.name, answer.map(|a| a.status()).map_err(|why| with_causes(why.to_string(), &why))));
    }
    Ok(judge(&answers))
}

fn judge(answers: &[(&str, Result<StatusCode, String>)]) -> Finding {
    let rejects = |status: StatusCode| status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN;
    let rejected = answers.iter().filter(|(_, answer)| answer.as_ref().is_ok_and(|status| rejects(*status))).count();
    let said = |wanted: fn(&Result<StatusCode, String>) -> bool| -> Vec<String> {
        let found = answers.iter().filter(|(_, answer)| wanted(answer));
        found
            .map(|(name, answer)| match answer {
                Ok(status) => format!("{name} responds {}", status.as_u16()),
                Err(why) => format!("no response from {name}: {why}"),
            })
            .collect()
    };
    let figure = format!("{rejected} of {} reject a request without a signature", answers.len());
    let open = said(|answer| {
        answer.as_ref().is_ok_and(|status| {
            ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(status)
        })
    });
    if !open.is_empty() {
        return Finding::failed(
            figure,
            open.join("; "),
            "verify signatures in each handler, as `sigpost_jobs::router` does; check the proxy in front",
        );
    }
    let missing = said(|answer| answer.as_ref().map_or(true, |status| *status == StatusCode::NOT_FOUND));
    if !missing.is_empty() {
        let fix = "correct BASE_URL and JOB_URLS, and check that the handlers run";
        return Finding::warned(figure, missing.join("; "), fix);
    }
    Finding::passed(figure)
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{Failed, Passed, Warned};
    use super::*;

    #[test]
    fn only_a_rejection_is_in_order() {
        let rejected = ("a", Ok(StatusCode::UNAUTHORIZED));
        for (answer, expected) in [
            (Ok(StatusCode::FORBIDDEN), Passed),
            (Ok(StatusCode::NOT_FOUND), Warned),
            (Err("rejected".to_owned()), Warned),
            (Ok(StatusCode::OK), Failed),
            (Ok(StatusCode::BAD_REQUEST), Failed),
        ] {
            assert_eq!(judge(&[rejected.clone(), ("b", answer.clone())]).state, expected, "{answer:?}");
        }
    }
}
