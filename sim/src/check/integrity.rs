//! What was delivered is what was sent.

use super::{Finding, Observed, Way, millis, violated};

/// Every payload delivered equals, byte for byte, the payload sent under its identity.
pub(super) fn integrity(observed: &Observed<'_>) -> Finding {
    let Some(damage) = observed.run.history.first_damage() else {
        return observed.held();
    };
    let at = millis(damage.at);
    let (way, witness) = match damage.op {
        Some(op) => (Way::Damaged, format!("{} was delivered damaged at {at}", observed.name(op))),
        None => (Way::Foreign, format!("bytes that no client had sent were delivered at {at}")),
    };
    violated(way, damage.op, damage.at, witness)
}
