//! Goals in Lambda.

use super::Lambda;
use super::programs::DISPATCH;
use crate::row::Goal;

/// Returns the goals of the measured figures, by name. Of several functions, the worst figure is compared.
pub(super) fn goals(lambda: &Lambda) -> Vec<(&'static str, Goal)> {
    let worst = |figures: &mut dyn Iterator<Item = f64>| figures.fold(0.0, f64::max);
    let goal = |name, figure, bound: &str, pass| (name, Goal { figure, bound: bound.to_owned(), pass });
    let below = |name, figure, limit, bound| goal(name, figure, bound, figure < limit);
    let starts = &lambda.starts;
    let first_poll_ms = worst(&mut starts.iter().map(|start| start.first_poll_ms.median()));
    let handlers = starts.iter().filter(|start| start.function != DISPATCH);

    let mut goals = vec![below("spawn to first poll, the slowest function, ms", first_poll_ms, 10.0, "< 10 ms")];
    if let Some(node) = &lambda.node {
        let figure = worst(&mut starts.iter().map(|start| start.first_poll_ms.ratio_to(&node.first_poll_ms))).recip();
        goals.push(goal("Node's / the slowest function's", figure, ">= 10", figure >= 10.0));
    }
    if let Some(dispatch) = lambda.dispatch() {
        let figure = dispatch.first_answer_ms.median();
        goals.push(below("spawn to first accepted publish, ms", figure, 25.0, "< 25 ms"));
        goals.push(below("binary of dispatch, MB", dispatch.binary_mb, 15.0, "< 15 MB"));
    }
    let largest_mb = worst(&mut handlers.map(|start| start.binary_mb));
    goals.push(below("binary of any other function, MB", largest_mb, 12.0, "< 12 MB"));
    let resident_mb = worst(&mut starts.iter().map(|start| start.resident_mb.median()));
    let resident_mb = resident_mb.max(lambda.accepts.resident_mb);
    goals.push(below("resident memory of any function, MB", resident_mb, 20.0, "< 20 MB"));
    goals.push(below("memory with 256 attempts in flight, MB", lambda.in_flight.resident_mb, 64.0, "< 64 MB"));
    if let Some(figure) = lambda.statements_per_idle_tick {
        goals.push(goal("statements per idle tick", figure, "<= 1", figure <= 1.0));
    }
    let dollars = worst(&mut lambda.billed.iter().map(|billed| billed.dollars_on_a_share));
    goals.push(below("$ per million jobs, at any rate", dollars, 1.0, "< $1"));
    goals
}
