//! Comparison of the schema with the migrations.

use anyhow::Result;
use sigpost_health::Rules;
use sigpost_health::checks::SCHEMA_BEHIND;
use sigpost_store::diagnosis::schema::{self, Difference};
use sigpost_store::diagnosis::traffic::{self, Table};
use sigpost_store::migrate::{self, Status};

use super::finding::Finding;
use super::subject::Subject;

/// Maximum number of differences to print; the others are counted.
const MOST_SAID: usize = 10;

pub(super) async fn migrations(subject: &Subject) -> Result<Finding> {
    subject.connected()?;
    Ok(judge_migrations(&migrate::status(&subject.database).await?, &subject.rules))
}

#[expect(clippy::cast_precision_loss, reason = "a number of migrations")]
fn judge_migrations(migrations: &[Status], rules: &Rules) -> Finding {
    let missing: Vec<&str> = migrations.iter().filter(|m| !m.applied).map(|m| m.name.as_str()).collect();
    let figure = format!("{} of {} applied", migrations.len() - missing.len(), migrations.len());
    let level = rules.level(&SCHEMA_BEHIND, missing.len() as f64);
    Finding::at(level, figure, format!("missing: {}", missing.join(", ")), "run `sigpost migrate`")
}

pub(super) async fn schema(subject: &Subject) -> Result<Finding> {
    let others = ["index", "options"];
    Ok(judge_schema(
        &differences(subject, |kind| !others.contains(&kind)).await?,
        "tables, columns, constraints and functions",
    ))
}

pub(super) async fn indexes(subject: &Subject) -> Result<Finding> {
    Ok(judge_schema(&differences(subject, |kind| kind == "index").await?, "indexes"))
}

async fn differences(subject: &Subject, of: impl Fn(&str) -> bool) -> Result<Vec<Difference>> {
    let present = schema::present(&mut *subject.session().await?).await?;
    let wanted = schema::wanted().into_iter().filter(|object| of(&object.kind)).collect();
    Ok(schema::compare(wanted, &present))
}

fn judge_schema(differences: &[Difference], what: &str) -> Finding {
    if differences.is_empty() {
        return Finding::passed(format!("all {what} match the migrations"));
    }
    let mut said: Vec<String> = differences.iter().take(MOST_SAID).map(describe).collect();
    if differences.len() > MOST_SAID {
        said.push(format!("and {} more", differences.len() - MOST_SAID));
    }
    let broken = differences.iter().any(|difference| matches!(difference, Difference::Broken(o) if o.kind == "index"));
    let fix = match broken {
        true => "rebuild invalid indexes: reindex index concurrently NAME; revert other manual changes",
        false => "revert manual changes; create missing objects as in migrations/",
    };
    Finding::failed(format!("{} differ", differences.len()), said.join("; "), fix)
}

fn describe(difference: &Difference) -> String {
    let object = difference.object();
    let what = format!("{} {}", object.kind, object.name);
    match difference {
        Difference::Missing(wanted) => format!("{what} is missing: {}", wanted.definition),
        Difference::Broken(_) if object.kind == "index" => format!("{what} is not valid"),
        Difference::Broken(_) => format!("{what} is disabled or not validated"),
        Difference::Changed { wanted, present } => {
            format!("{what} is {present:?} and should be {:?}", wanted.definition)
        }
    }
}

pub(super) async fn autovacuum(subject: &Subject) -> Result<Finding> {
    let differences = differences(subject, |kind| kind == "options").await?;
    Ok(judge_autovacuum(subject.server().await?.autovacuum, &differences))
}

fn judge_autovacuum(on: bool, differences: &[Difference]) -> Finding {
    if !on {
        let reason = "dead rows are never removed: the tables grow and claims get slower";
        return Finding::failed("autovacuum is off", reason, "set autovacuum = on in the server's configuration");
    }
    if differences.is_empty() {
        return Finding::passed("on, and the settings of the tables match the migrations");
    }
    let said: Vec<String> = differences.iter().map(describe).collect();
    let reason = format!("{}; every message inserts, updates and deletes a row", said.join("; "));
    Finding::warned(format!("{} differ", differences.len()), reason, "alter table NAME set (...), as in the migration")
}

pub(super) async fn dead_rows(subject: &Subject) -> Result<Finding> {
    Ok(judge_dead_rows(&traffic::tables(&mut *subject.session().await?).await?))
}

/// Below this number of dead rows, their ratio is ignored.
const FEW_ROWS: i64 = 50_000;

fn judge_dead_rows(tables: &[Table]) -> Finding {
    let worst = tables.iter().max_by_key(|table| table.dead);
    let Some(worst) = worst else { return Finding::passed("no statistics yet") };
    let figure = format!("{}: {} dead rows, {} live rows", worst.name, worst.dead, worst.live);
    if worst.dead >= FEW_ROWS && worst.dead > worst.live / 2 {
        let reason = "vacuum does not keep up, or is blocked";
        return Finding::warned(
            figure,
            reason,
            "see `long-transactions` and `autovacuum`; run vacuum on the table once",
        );
    }
    Finding::passed(figure)
}

#[cfg(test)]
mod tests {
    use sigpost_store::diagnosis::schema::Object;

    use super::super::finding::State::{Failed, Passed, Warned};
    use super::*;

    fn object(kind: &str) -> Object {
        Object { kind: kind.into(), name: "x".into(), definition: "wanted".into(), works: true }
    }

    #[test]
    fn differences_are_said_one_by_one_up_to_ten() {
        assert_eq!(judge_schema(&[], "indexes").state, Passed);
        let changed = Difference::Changed { wanted: object("column"), present: "text".into() };
        let finding = judge_schema(&[changed, Difference::Broken(object("index"))], "all");
        assert_eq!(finding.state, Failed);
        assert_eq!(
            finding.reason.as_deref(),
            Some("column x is \"text\" and should be \"wanted\"; index x is not valid")
        );
        assert!(finding.fix.is_some_and(|fix| fix.contains("reindex")));
        let many: Vec<_> = (0..12).map(|_| Difference::Missing(object("table"))).collect();
        assert!(judge_schema(&many, "all").reason.is_some_and(|reason| reason.ends_with("and 2 more")));
    }

    #[test]
    fn vacuum_must_be_on_and_keep_up() {
        let differs = [Difference::Missing(object("options"))];
        assert_eq!(judge_autovacuum(true, &[]).state, Passed);
        assert_eq!(judge_autovacuum(true, &differs).state, Warned);
        assert_eq!(judge_autovacuum(false, &[]).state, Failed);
        for (live, dead, expected) in
            [(10, 49_999, Passed), (99_999, 50_000, Warned), (100_000, 50_000, Passed), (0, 0, Passed)]
        {
            let tables = [Table { name: "messages".into(), live, dead }];
            assert_eq!(judge_dead_rows(&tables).state, expected, "{live} {dead}");
        }
        assert_eq!(judge_dead_rows(&[]).state, Passed);
    }

    #[test]
    fn missing_migrations_are_named() {
        let status = |name: &str, applied| Status { name: name.into(), applied };
        assert_eq!(judge_migrations(&[status("a", true)], &Rules::default()).state, Passed);
        let finding = judge_migrations(&[status("a", true), status("b", false)], &Rules::default());
        assert_eq!((finding.state, finding.figure.as_str()), (Failed, "1 of 2 applied"));
        assert_eq!(finding.reason.as_deref(), Some("missing: b"));
    }
}
