//! Statements of an idle tick.

use anyhow::Result;
use serde_json::json;

use super::deployment::Deployment;
use super::programs::{DISPATCH, Programs};
use crate::progress::progress;
use crate::statements;

const TICKS: u64 = 20;

/// Counts the statements of a tick without due work in a warm environment. Returns `None` if Postgres cannot count them.
pub(super) async fn measure(programs: &Programs) -> Result<Option<f64>> {
    let (postgres, with_statements) = statements::counting_postgres().await?;
    if !with_statements {
        eprintln!("  lambda     statements of a tick skipped: this Postgres does not include pg_stat_statements");
        postgres.stop().await?;
        return Ok(None);
    }
    let database_url = postgres.fresh_database().await?;
    // No e-mail is sent.
    let deployment = Deployment::new(programs, &database_url, "http://127.0.0.1:9")?;
    let dispatch = deployment.function(DISPATCH);
    let tick = async || {
        dispatch.invoke(json!({ "sigpost": "tick" })).await?;
        dispatch.at_rest().await;
        anyhow::Ok(())
    };
    tick().await?;
    statements::forget(&postgres).await?;
    for _ in 0..TICKS {
        tick().await?;
    }
    let counted: u64 = statements::counted(&postgres, &database_url).await?.iter().map(|one| one.calls).sum();
    drop(dispatch);
    postgres.stop().await?;
    let per_tick = counted as f64 / TICKS as f64;
    progress("lambda", "statements per idle tick", &format!("{per_tick:.2}"));
    Ok(Some(per_tick))
}
