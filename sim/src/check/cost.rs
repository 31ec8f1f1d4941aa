//! What a run cost.

use super::{Observed, Side};
use crate::plan::{Bounds, Cost};
use crate::protocol::RETRANSMISSION;
use crate::world::Counts;

impl Counts {
    /// What the run spent of this.
    pub fn cost(&self, cost: Cost) -> u64 {
        match cost {
            Cost::Datagrams => self.sent,
            Cost::Bytes => self.bytes,
            Cost::Retransmissions => self.reports.get(RETRANSMISSION).copied().unwrap_or(0),
            Cost::Wakeups => self.wakeups,
            Cost::PeakMemoryEntries => self.peak_memory_entries,
        }
    }
}

/// Why a cost is out of its bounds.
pub(super) fn out_of_bounds(
    observed: &Observed<'_>,
    cost: Cost,
    bounds: Bounds,
) -> Option<(Side, String)> {
    let spent = observed.run.counts.cost(cost);
    let name = cost.name();
    if spent < bounds.min {
        return Some((Side::Below, format!("cost {name} is {spent}, less than {}", bounds.min)));
    }
    let max = bounds.max.filter(|max| spent > *max)?;
    Some((Side::Above, format!("cost {name} is {spent}, more than {max}")))
}
