//! Which of the hosts that a scenario may have a run has, and under which numbers.
//!
//! While a file is read, nobody knows how many clients a range will be drawn to, and whether the
//! options that are drawn want the protocol's further hosts. So hosts are numbered then as if there
//! were all of them: the server, the most clients there may be, the further hosts. A run numbers
//! those that it has.

use crate::network::{Action, FaultSpec, HostId, HostSet, LinkRule, Trigger, WorldAction};
use crate::protocol::{HostSpec, Options};

/// The hosts of a run, by the numbers that they have in the file, in the order of the run's own.
pub(super) struct Present(Vec<HostId>);

impl Present {
    /// The server, `clients` of at most `most_clients`, and those of `others` that `options` want.
    pub(super) fn new(
        clients: u32,
        most_clients: u32,
        others: &[HostSpec],
        options: &Options,
    ) -> Self {
        let others = (most_clients + 1..).zip(others).filter(|(_, other)| (other.when)(options));
        Present((0..=clients).chain(others.map(|(host, _)| host)).collect())
    }

    /// Their numbers in the file.
    pub(super) fn hosts(&self) -> &[HostId] {
        &self.0
    }

    /// Turns the file's numbers into the run's.
    pub(super) fn renumber(&self, links: &mut [LinkRule], faults: &mut [FaultSpec]) {
        // Nearly always those that are left out are the last ones.
        if self.0.last().is_none_or(|last| *last as usize + 1 == self.0.len()) {
            return;
        }
        let set = |hosts: &mut HostSet| *hosts = hosts.renumbered(&self.0);
        let rules = |rules: &mut [LinkRule]| {
            rules.iter_mut().flat_map(|rule| [&mut rule.from, &mut rule.to]).for_each(set);
        };
        rules(links);
        for fault in faults {
            match &mut fault.trigger {
                Trigger::Packet { matching, .. } => {
                    set(&mut matching.from);
                    set(&mut matching.to);
                }
                Trigger::Event { hosts, .. } => set(hosts),
                Trigger::At(_) => {}
            }
            let Action::World(action) = &mut fault.action else { continue };
            match action {
                WorldAction::Partition { cuts } => {
                    cuts.iter_mut().flat_map(|(from, to)| [from, to]).for_each(set);
                }
                WorldAction::Crash { hosts }
                | WorldAction::Pause { hosts }
                | WorldAction::ClockStep { hosts, .. }
                | WorldAction::CorruptMemory { hosts }
                | WorldAction::CorruptDisk { hosts } => set(hosts),
                WorldAction::Link { rules: overrides } => rules(overrides),
                WorldAction::Calm => {}
            }
        }
    }
}
