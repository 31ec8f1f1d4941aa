//! Takes chance out of a run: what it decided becomes faults of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::network::{
    Action, Decision, Decisions, FaultSpec, HostId, HostSet, Impairments, LinkRule, Network,
    PacketAction, PacketMatch, Pick, Trigger, WorldAction,
};
use crate::plan::Plan;

/// What becomes of random delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delays {
    /// They are left out: every datagram takes the link's delay.
    Fixed,
    /// Each datagram that takes longer than its link's fastest one is delayed by a fault.
    Exact,
}

/// The plan of a run without any chance in it. The network does again what `decisions` say.
pub(super) fn freeze(plan: &Plan, decisions: &Decisions, delays: Delays) -> Plan {
    let mut frozen = plan.clone();
    frozen.links.iter_mut().for_each(|rule| rule.set = without_chance(&rule.set));
    frozen.faults = plan
        .faults
        .iter()
        .zip(0..)
        .flat_map(|(fault, index)| world_faults(fault, index, decisions, delays))
        .collect();
    let floors = match delays {
        Delays::Fixed => BTreeMap::new(),
        Delays::Exact => floors(plan, decisions),
    };
    for ((from, to), floor) in &floors {
        let set = Impairments { delay: Some(*floor), ..Impairments::default() };
        frozen.links.push(LinkRule { from: only(*from), to: only(*to), set });
    }
    let mut actions = Vec::new();
    for decision in &decisions.datagrams {
        let mut all = decision.actions.clone();
        let floor = floors.get(&(decision.from, decision.to));
        let later = decision.delay.zip(floor).map(|(delay, floor)| delay - floor);
        all.extend(later.filter(|by| *by > 0).map(|by| PacketAction::Delay { by }));
        actions.extend(all.into_iter().map(|action| (decision, action)));
    }
    let frozen_faults =
        actions.into_iter().map(|(decision, action)| packet_fault(decision, action));
    frozen.faults.extend(frozen_faults);
    rename(&mut frozen.faults, 0);
    frozen
}

/// The impairments that decide nothing by chance.
pub(super) fn without_chance(set: &Impairments) -> Impairments {
    Impairments {
        jitter: None,
        distribution: None,
        loss: None,
        duplicate: None,
        reorder: None,
        corrupt: None,
        ..set.clone()
    }
}

/// One fault for each time that a world-level fault was triggered; faults at a time stay what they are.
fn world_faults(
    fault: &FaultSpec,
    index: u32,
    decisions: &Decisions,
    delays: Delays,
) -> Vec<FaultSpec> {
    let Action::World(action) = &fault.action else { return Vec::new() };
    let mut fault = FaultSpec { optional: false, ..fault.clone() };
    if let WorldAction::Link { rules } = action {
        let mut rules = rules.clone();
        for rule in &mut rules {
            rule.set = without_chance(&rule.set);
            if delays == Delays::Exact {
                // What its delay came to is in the delay of each datagram.
                rule.set.delay = None;
            }
        }
        if rules.iter().all(|rule| rule.set == Impairments::default()) {
            return Vec::new();
        }
        fault.action = WorldAction::Link { rules }.into();
    }
    let times = || decisions.triggered.iter().filter(|(of, _)| *of == index).map(|(_, n)| *n);
    let at_match = |n: u64| {
        let mut one = fault.clone();
        match &mut one.trigger {
            Trigger::Packet { pick, .. } | Trigger::Event { pick, .. } => *pick = Pick::Nth(n),
            Trigger::At(_) => {}
        }
        one
    };
    match fault.trigger {
        Trigger::At(_) => vec![fault],
        Trigger::Packet { .. } | Trigger::Event { .. } => times().map(at_match).collect(),
    }
}

/// The shortest delay on each link whose datagrams did not all take the delay that it begins with.
fn floors(plan: &Plan, decisions: &Decisions) -> BTreeMap<(HostId, HostId), u64> {
    let names: Vec<String> = plan.hosts.iter().map(|host| host.name.clone()).collect();
    let network = Network::new(plan.seed, names.into(), Arc::from(plan.links.clone()), &[], None);
    let mut floors: BTreeMap<(HostId, HostId), u64> = BTreeMap::new();
    let mut varies = BTreeMap::new();
    for Decision { from, to, delay, .. } in &decisions.datagrams {
        let Some(delay) = *delay else { continue };
        let floor = floors.entry((*from, *to)).or_insert(delay);
        *floor = delay.min(*floor);
        *varies.entry((*from, *to)).or_insert(false) |= delay != network.delay(*from, *to);
    }
    floors.retain(|link, _| varies[link]);
    floors
}

/// By how much each datagram of a link with random delays was slower than the fastest, nanoseconds.
pub(super) fn lateness(plan: &Plan, decisions: &Decisions) -> impl Iterator<Item = u64> {
    let floors = floors(plan, decisions);
    decisions.datagrams.iter().filter_map(move |decision| {
        let floor = floors.get(&(decision.from, decision.to))?;
        Some(decision.delay? - floor)
    })
}

fn only(host: HostId) -> HostSet {
    HostSet::from_iter([host])
}

/// The fault that does this to one datagram of a link.
fn packet_fault(decision: &Decision, action: PacketAction) -> FaultSpec {
    let matching = PacketMatch {
        from: only(decision.from),
        to: only(decision.to),
        kind: None,
        fields: Vec::new(),
        attempt: None,
    };
    FaultSpec {
        name: String::new(),
        trigger: Trigger::Packet { matching, pick: Pick::Nth(decision.n) },
        action: action.into(),
        length: None,
        optional: false,
    }
}

/// Gives each of the faults from the `first` on a name of its own: `drop-1`, `drop-2`, `crash-1`, ...
pub(super) fn rename(faults: &mut [FaultSpec], first: usize) {
    let mut taken: BTreeSet<String> =
        faults[..first].iter().map(|fault| fault.name.clone()).collect();
    let mut counts: BTreeMap<&'static str, u32> = BTreeMap::new();
    for fault in &mut faults[first..] {
        let action = fault.action.name();
        let count = counts.entry(action).or_insert(0);
        loop {
            *count += 1;
            fault.name = format!("{action}-{count}");
            if taken.insert(fault.name.clone()) {
                break;
            }
        }
    }
}
