//! How often operations were executed or delivered: the four call semantics.
//!
//! n is how often one operation was, over all incarnations of all hosts.

use super::{Finding, Observed, Way, millis, violated};
use crate::history::{Execution, Op, Outcome};
use crate::protocol::RETRANSMISSION;
use crate::trace::OpId;

/// Every reported success has n >= 1, and the protocol retries nothing.
pub(super) fn maybe(observed: &Observed<'_>) -> Finding {
    if let Some(violation) = false_success(observed) {
        return violation;
    }
    let retries = observed.run.counts.reports.get(RETRANSMISSION).copied().unwrap_or(0);
    if retries > 0 {
        let message = format!("the protocol retransmitted (count: {retries}), which maybe forbids");
        return violated(Way::Retransmitted, None, observed.run.sim_time, message);
    }
    observed.held()
}

/// Every reported success has n >= 1; once every operation has ended, each has n >= 1.
pub(super) fn at_least_once(observed: &Observed<'_>) -> Finding {
    let mut operations = observed.run.history.operations();
    let pending = operations.find(|(_, op)| op.outcome == Outcome::Pending && op.executions == 0);
    if let Some(violation) = false_success(observed) {
        return violation;
    }
    match pending {
        // Nothing is promised about a call that does not return.
        Some((id, _)) => Finding::Undecided(format!("{} never ended", observed.name(id))),
        None => never_executed(observed).unwrap_or_else(|| all_executed(observed)),
    }
}

/// n <= 1; a success has n = 1; a definite failure has n = 0.
pub(super) fn at_most_once(observed: &Observed<'_>) -> Finding {
    executed_twice(observed)
        .or_else(|| false_success(observed))
        .or_else(|| false_failure(observed))
        .unwrap_or_else(|| observed.held())
}

/// At-most-once, and every operation issued has n = 1 by the end.
pub(super) fn exactly_once(observed: &Observed<'_>) -> Finding {
    executed_twice(observed)
        .or_else(|| false_success(observed))
        .or_else(|| false_failure(observed))
        .or_else(|| never_executed(observed))
        .unwrap_or_else(|| all_executed(observed))
}

/// Held, if all that the workload has were issued: what was not cannot have been executed.
fn all_executed(observed: &Observed<'_>) -> Finding {
    let history = &observed.run.history;
    let (issued, expected) = (history.operations().count() as u64, history.expected());
    if issued < expected && observed.is_over() {
        return Finding::Undecided(format!("only {issued} of {expected} operations were issued"));
    }
    observed.held()
}

fn executed_twice(observed: &Observed<'_>) -> Option<Finding> {
    let twice = |(_, op): &(OpId, &Op)| op.second.is_some();
    let (id, op) = observed.run.history.operations().find(twice)?;
    let (first, second) = (op.first?, op.second?);
    let place = |execution: &Execution| {
        let host = observed.plan.host_name(execution.host);
        format!("at {} by {host}/{}", millis(execution.at), execution.incarnation)
    };
    let (name, step, count) = (observed.name(id), first.step.name(), op.executions);
    let witness =
        format!("{name} was {step} {count} times: {} and {}", place(&first), place(&second));
    Some(violated(Way::Twice, Some(id), second.at, witness))
}

/// Judged at the end of the run, where the execution could still come: a success that is reported
/// before it is one.
fn false_success(observed: &Observed<'_>) -> Option<Finding> {
    if !observed.is_over() {
        return None;
    }
    let lie = |(_, op): &(OpId, &Op)| op.outcome == Outcome::Completed && op.executions == 0;
    let (id, op) = observed.run.history.operations().find(lie)?;
    let (name, at) = (observed.name(id), millis(op.ended_at));
    let witness =
        format!("{name} was reported a success at {at}, but was never delivered or executed");
    Some(violated(Way::FalseSuccess, Some(id), op.ended_at, witness))
}

fn false_failure(observed: &Observed<'_>) -> Option<Finding> {
    let lie = |(_, op): &(OpId, &Op)| op.outcome == Outcome::Failed && op.executions > 0;
    let (id, op) = observed.run.history.operations().find(lie)?;
    let (name, failed, first) = (observed.name(id), millis(op.ended_at), op.first?);
    let (step, ran) = (first.step.name(), millis(first.at));
    let witness =
        format!("{name} was reported a definite failure at {failed}, but was {step} at {ran}");
    Some(violated(Way::FalseFailure, Some(id), op.ended_at, witness))
}

/// Absence proves something only in a run that is over and did something.
fn never_executed(observed: &Observed<'_>) -> Option<Finding> {
    if !observed.is_over() || observed.run.history.executions() == 0 {
        return None;
    }
    let (id, op) = observed.run.history.operations().find(|(_, op)| op.executions == 0)?;
    let (name, since) = (observed.name(id), millis(op.invoked_at));
    let witness =
        format!("{name}, issued at {since}, was never delivered or executed, and the run is over");
    Some(violated(Way::Never, Some(id), op.invoked_at, witness))
}
