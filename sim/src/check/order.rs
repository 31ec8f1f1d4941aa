//! Delivery in the order of sending, per sender.

use super::{Finding, Observed, Way, millis, violated};
use crate::plan::Guarantee;

/// What was delivered is at every instant a prefix of what was sent; a subsequence is enough unless
/// the scenario asks for a guarantee that forbids loss.
pub(super) fn fifo(observed: &Observed<'_>) -> Finding {
    let history = &observed.run.history;
    let lossless = matches!(
        observed.plan.expect.guarantee,
        Some(Guarantee::AtLeastOnce | Guarantee::ExactlyOnce)
    );
    let disorder = if lossless { history.first_gap() } else { history.first_inversion() };
    let Some(disorder) = disorder else {
        return observed.held();
    };
    let (name, at) = (observed.name(disorder.op), millis(disorder.at));
    let other = crate::trace::OpId { number: disorder.other, ..disorder.op };
    let other = observed.name(other);
    let (way, witness) = if lossless {
        (Way::Gap, format!("{name} was delivered at {at}, when {other} was next in order"))
    } else if disorder.op.number == disorder.other {
        (Way::Again, format!("{name} was delivered again at {at}"))
    } else {
        (Way::Overtaken, format!("{name} was delivered at {at}, after {other}"))
    };
    violated(way, Some(disorder.op), disorder.at, witness)
}
