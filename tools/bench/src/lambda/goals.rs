//! What is to be reached in Lambda.

use super::Lambda;
use super::deployment::DISPATCH;
use crate::goals::Goal;

/// The goals that there are figures for. Of several functions the worst one is judged.
pub(super) fn goals(lambda: &Lambda) -> Vec<Goal> {
    let worst = |figures: &mut dyn Iterator<Item = f64>| figures.fold(0.0, f64::max);
    let below = |goal, figure, limit, bound| Goal { goal, figure, bound, pass: figure < limit };
    let starts = &lambda.starts;
    let first_poll_ms = worst(&mut starts.iter().map(|start| start.first_poll_ms.median()));
    let handlers = starts.iter().filter(|start| start.function != DISPATCH);

    let mut goals = vec![below("l spawn to first poll, the slowest function, ms", first_poll_ms, 10.0, "< 10 ms")];
    if let Some(node) = &lambda.node {
        let figure = worst(&mut starts.iter().map(|start| start.first_poll_ms.ratio_to(&node.first_poll_ms))).recip();
        goals.push(Goal { goal: "l Node's / the slowest function's", figure, bound: ">= 10", pass: figure >= 10.0 });
    }
    if let Some(dispatch) = lambda.dispatch() {
        let figure = dispatch.first_answer_ms.median();
        goals.push(below("l spawn to first accepted publish, ms", figure, 25.0, "< 25 ms"));
        goals.push(below("l binary of dispatch, MB", dispatch.binary_mb, 15.0, "< 15 MB"));
    }
    let largest_mb = worst(&mut handlers.map(|start| start.binary_mb));
    goals.push(below("l binary of any other function, MB", largest_mb, 12.0, "< 12 MB"));
    let resident_mb = worst(&mut starts.iter().map(|start| start.resident_mb.median()));
    let resident_mb = resident_mb.max(lambda.accepts.resident_mb);
    goals.push(below("l resident memory of any function, MB", resident_mb, 20.0, "< 20 MB"));
    goals.push(below("l memory with 256 pushes in flight, MB", lambda.in_flight.resident_mb, 64.0, "< 64 MB"));
    if let Some(figure) = lambda.statements_per_idle_tick {
        goals.push(Goal { goal: "l statements per idle tick", figure, bound: "<= 1", pass: figure <= 1.0 });
    }
    let dollars = worst(&mut lambda.billed.iter().map(|billed| billed.dollars_on_a_share));
    goals.push(below("l $ per million jobs, at any rate", dollars, 1.0, "< $1"));
    goals
}
