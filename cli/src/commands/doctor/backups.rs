//! Backups, as far as the server reports them.

use anyhow::Result;
use sigpost_store::diagnosis::backups::{self, Backups};

use super::finding::{Finding, lasting};
use super::subject::Subject;
use crate::output::counted;

pub(super) async fn backups(subject: &Subject) -> Result<Finding> {
    Ok(judge(&backups::look(&mut *subject.session().await?).await?))
}

fn judge(seen: &Backups) -> Finding {
    if !seen.idle_slots.is_empty() {
        return Finding::warned(
            format!("inactive replication slots: {}", seen.idle_slots.join(", ")),
            "the server retains WAL for them until the disk is full",
            "start their consumers, or drop them: select pg_drop_replication_slot('...')",
        );
    }
    if let Some(service) = &seen.service {
        return Finding::unseen(
            format!("managed by {service}"),
            "its snapshots cannot be checked from here",
            match service.as_str() {
                "RDS" => {
                    "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,BackupRetentionPeriod,\
                     LatestRestorableTime]'; a period of 0 means no backups"
                }
                _ => "check its console for automated backups, and test a restore",
            },
        );
    }
    let last = seen.archived_s.map_or("never".to_owned(), |ago| format!("{} ago", lasting(ago)));
    let figure = format!("last WAL segment archived: {last}; {} connected", counted(seen.receivers, "replica"));
    if seen.archiving_fails {
        let fix = "check the server log for errors of archive_command";
        return Finding::failed(figure, "the last attempt to archive WAL failed", fix);
    }
    let recent = seen.archived_s.is_some_and(|ago| ago < 86_400.0);
    match (seen.archives, recent) {
        (true, true) => Finding::passed(figure),
        (true, false) => Finding::warned(
            figure,
            "no WAL was archived for a day",
            "set archive_timeout, so that an idle server archives too, and make a base backup",
        ),
        (false, _) => Finding::warned(
            figure,
            "the server does not archive WAL; backups by pg_dump or disk snapshots cannot be checked from here",
            "store backups on another machine and test a restore; pgBackRest and WAL-G archive continuously",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{Failed, Passed, Skipped, Warned};
    use super::*;

    #[test]
    fn archiving_that_works_passes_and_what_cannot_be_seen_is_said() {
        let good = Backups {
            archives: true,
            archived_s: Some(86_399.0),
            archiving_fails: false,
            receivers: 0,
            idle_slots: vec![],
            service: None,
        };
        let state = |change: fn(&mut Backups)| {
            let mut seen = good.clone();
            change(&mut seen);
            judge(&seen).state
        };
        assert_eq!(state(|_| ()), Passed);
        assert_eq!(state(|seen| seen.archived_s = Some(86_400.0)), Warned);
        assert_eq!(state(|seen| seen.archived_s = None), Warned);
        assert_eq!(state(|seen| seen.archives = false), Warned);
        assert_eq!(state(|seen| seen.archiving_fails = true), Failed);
        assert_eq!(state(|seen| seen.idle_slots.push("old".into())), Warned);
        assert_eq!(state(|seen| seen.service = Some("RDS".into())), Skipped);
    }
}
