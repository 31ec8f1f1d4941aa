//! Completion: every operation ends, in time.

use super::{Observed, millis};
use crate::engine::Ending;
use crate::history::Outcome;

/// Why the run did not complete: `None` if all operations were issued and have ended.
pub(super) fn incomplete(observed: &Observed<'_>) -> Option<String> {
    let history = &observed.run.history;
    let why = match &observed.run.ending {
        Ending::Quiet => "nothing more can happen: all hosts wait for what cannot come",
        Ending::CutOff { .. } => "the duration was over",
        Ending::Broken(_) => "the run broke",
    };
    let pending = history.operations().find(|(_, op)| op.outcome == Outcome::Pending);
    if let Some((id, op)) = pending {
        let (name, since) = (observed.name(id), millis(op.invoked_at));
        return Some(format!("{name}, issued at {since}, never ended: {why}"));
    }
    let issued = history.operations().count() as u64;
    (issued < history.expected()).then(|| {
        let expected = history.expected();
        format!("only {issued} of {expected} operations were issued: {why}")
    })
}

/// Which operation ended too late.
pub(super) fn late(observed: &Observed<'_>, within: u64) -> Option<String> {
    let last = observed.run.history.operations().max_by_key(|(_, op)| op.ended_at);
    let (id, op) = last.filter(|(_, op)| op.ended_at > within)?;
    let (name, ended) = (observed.name(id), millis(op.ended_at));
    Some(format!("{name} ended at {ended}, later than {}", millis(within)))
}
