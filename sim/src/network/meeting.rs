//! Which packet faults a datagram may meet.
//!
//! A fault on the n-th datagram of one link meets that one alone. A run that was written down without
//! chance has thousands of these, so they are found by link and number; all others are asked.

use std::collections::BTreeMap;

use super::config::{HostId, HostSet, Pick};
use super::fault::Fault;

/// The packet faults of a network, by index.
#[derive(Default)]
pub(super) struct Meeting {
    /// Those that each datagram is shown to, in file order.
    all: Vec<u32>,
    /// Those that wait for one datagram of one link.
    exact: BTreeMap<(HostId, HostId, u64), Vec<u32>>,
    /// The links that those are about, and how many datagrams were sent there.
    counts: BTreeMap<(HostId, HostId), u64>,
    /// The faults that the present datagram is shown to.
    due: Vec<u32>,
}

impl Meeting {
    pub fn new(faults: &[Fault], hosts: u32) -> Self {
        let mut meeting = Meeting::default();
        for (fault, index) in faults.iter().zip(0..) {
            let Some((rule, pick)) = fault.packet() else { continue };
            let any = rule.kind.is_none() && rule.fields.is_empty() && rule.attempt.is_none();
            let link = only(&rule.from, hosts).zip(only(&rule.to, hosts));
            match (pick, link) {
                (Pick::Nth(n), Some((from, to))) if any => {
                    meeting.exact.entry((from, to, n)).or_default().push(index);
                    meeting.counts.insert((from, to), 0);
                }
                _ => meeting.all.push(index),
            }
        }
        meeting
    }

    /// Counts a datagram, and gives the faults that it is to be shown to, in file order. Those of one
    /// datagram alone are told how many have passed them.
    pub fn next(&mut self, faults: &mut [Fault], from: HostId, to: HostId) -> &[u32] {
        let Some(count) = self.counts.get_mut(&(from, to)) else { return &self.all };
        *count += 1;
        let Some(exact) = self.exact.get(&(from, to, *count)) else { return &self.all };
        exact.iter().for_each(|index| faults[*index as usize].passed(*count - 1));
        self.due.clear();
        self.due.extend(self.all.iter().chain(exact));
        self.due.sort_unstable();
        &self.due
    }

    /// Tells each fault of one datagram how many it could have met.
    pub fn settle(&self, faults: &mut [Fault]) {
        for ((from, to, _), indices) in &self.exact {
            let count = self.counts.get(&(*from, *to)).copied().unwrap_or(0);
            indices.iter().for_each(|index| faults[*index as usize].settle(count));
        }
    }
}

/// The one host of a set; `None` if there are others.
fn only(set: &HostSet, hosts: u32) -> Option<HostId> {
    let mut members = set.iter(hosts);
    members.next().filter(|_| members.next().is_none())
}
