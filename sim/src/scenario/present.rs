//! Which of the hosts that a scenario may have a run has, and under which numbers.
//!
//! While a file is read, nobody knows how many clients a range will be drawn to, and whether the
//! options that are drawn want the protocol's further hosts. So hosts are numbered then as if there
//! were all of them: the server, the most clients there may be, the further hosts. A run numbers
//! those that it has.

use crate::network::{Action, FaultSpec, HostId, HostSet, LinkRule, Trigger, WorldAction};
use crate::plan::Plan;
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
        each_set(links, faults, |hosts| *hosts = hosts.renumbered(&self.0));
    }
}

/// Applies `set` to every set of hosts.
fn each_set(links: &mut [LinkRule], faults: &mut [FaultSpec], set: impl Fn(&mut HostSet)) {
    let rules = |rules: &mut [LinkRule]| {
        rules.iter_mut().flat_map(|rule| [&mut rule.from, &mut rule.to]).for_each(&set);
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
                cuts.iter_mut().flat_map(|(from, to)| [from, to]).for_each(&set);
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

/// The same plan on these of its hosts alone, which keep their order; clients are named anew. What is
/// said of hosts that are not there, or of links between them, is left out.
pub fn on_hosts(plan: &Plan, kept: &[HostId]) -> Plan {
    let mut plan = plan.clone();
    let is_client = |host: &&HostId| (1..=plan.clients).contains(*host);
    let clients = kept.iter().filter(is_client).count() as u32;
    plan.hosts = kept.iter().map(|host| plan.hosts[*host as usize].clone()).collect();
    plan.clients = clients;
    for client in 1..=clients {
        plan.hosts[client as usize].name = super::hosts::host_name(client, clients, &[]);
    }
    let set = |hosts: &mut HostSet| *hosts = hosts.renumbered(kept);
    each_set(&mut plan.links, &mut plan.faults, set);
    let hosts = plan.hosts.len() as u32;
    let is_there = |set: &HostSet| set.iter(hosts).next().is_some();
    let link_is_there = |rule: &LinkRule| is_there(&rule.from) && is_there(&rule.to);
    plan.links.retain(link_is_there);
    plan.faults.retain_mut(|fault| {
        let triggers = match &fault.trigger {
            Trigger::Packet { matching, .. } => is_there(&matching.from) && is_there(&matching.to),
            Trigger::Event { hosts, .. } => is_there(hosts),
            Trigger::At(_) => true,
        };
        triggers
            && match &mut fault.action {
                Action::World(WorldAction::Partition { cuts }) => {
                    cuts.retain(|(from, to)| is_there(from) && is_there(to));
                    !cuts.is_empty()
                }
                Action::World(WorldAction::Link { rules }) => {
                    rules.retain(link_is_there);
                    !rules.is_empty()
                }
                Action::World(
                    WorldAction::Crash { hosts }
                    | WorldAction::Pause { hosts }
                    | WorldAction::ClockStep { hosts, .. }
                    | WorldAction::CorruptMemory { hosts }
                    | WorldAction::CorruptDisk { hosts },
                ) => is_there(hosts),
                Action::World(WorldAction::Calm) | Action::Packet(_) => true,
            }
    });
    plan
}
