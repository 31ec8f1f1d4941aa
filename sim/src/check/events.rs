//! How often hosts reported events.

use super::{Observed, Side};
use crate::plan::Bounds;
use crate::text::quote;

/// Why the count of an event is out of its bounds. As with a cost, what has not been reported by the
/// end of the run has not been reported, even if the run was cut off.
pub(super) fn out_of_bounds(
    observed: &Observed<'_>,
    name: &str,
    bounds: Bounds,
) -> Option<(Side, String)> {
    let count = count(observed, name);
    let name = quote(name);
    if count < bounds.min {
        let less = format!("the count of event {name} is {count}, less than {}", bounds.min);
        return Some((Side::Below, less));
    }
    let max = bounds.max.filter(|max| count > *max)?;
    Some((Side::Above, format!("the count of event {name} is {count}, more than {max}")))
}

/// Why it is open whether the count of an event keeps to its bounds: what is still to come might be
/// one too many.
pub(super) fn left_open(observed: &Observed<'_>, name: &str, bounds: Bounds) -> Option<String> {
    let max = bounds.max.filter(|_| !observed.is_over())?;
    let count = count(observed, name);
    (count <= max).then(|| {
        let name = quote(name);
        format!("the count of event {name} is {count}, but the run was cut off before it was over")
    })
}

fn count(observed: &Observed<'_>, name: &str) -> u64 {
    observed.run.counts.reports.get(name).copied().unwrap_or(0)
}
