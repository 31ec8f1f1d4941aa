//! Takes away from a failing plan what its failure does not need.

use super::Trials;
use super::minimize::minimize;
use crate::network::{
    Action, FaultSpec, HostId, Impairments, PacketAction, Pick, Trigger, WorldAction,
};
use crate::plan::{HostPlan, Payload, Plan, Schedule};
use crate::protocol::{OptionContext, OptionKind, OptionSpec, OptionValue, Options, ProtocolSpec};
use crate::scenario;

/// Rounds of all reductions: each may make another one possible again, but hardly ever twice.
const ROUNDS: u32 = 4;

/// The plan without what its failure does not need: faults, clients, operations, options, impairments.
pub(super) fn reduce(mut plan: Plan, trials: &mut Trials<'_>) -> Plan {
    for _ in 0..ROUNDS {
        let before = format!("{plan:?}");
        faults(&mut plan, trials);
        clients(&mut plan, trials);
        earlier(&mut plan, trials);
        operations(&mut plan, trials);
        workload(&mut plan, trials);
        options(&mut plan, trials);
        hosts(&mut plan, trials);
        links(&mut plan, trials);
        round_times(&mut plan, trials);
        if format!("{plan:?}") == before {
            break;
        }
    }
    plan
}

/// Makes a change if the plan still fails with it.
fn attempt(plan: &mut Plan, trials: &mut Trials<'_>, change: impl FnOnce(&mut Plan)) -> bool {
    let mut changed = plan.clone();
    change(&mut changed);
    let fails = trials.fails(&changed);
    if fails {
        *plan = changed;
    }
    fails
}

pub(super) fn faults(plan: &mut Plan, trials: &mut Trials<'_>) {
    let with = |some: &[FaultSpec]| Plan { faults: some.to_vec(), ..plan.clone() };
    plan.faults = minimize(&plan.faults, |some| trials.fails(&with(some)));
}

fn clients(plan: &mut Plan, trials: &mut Trials<'_>) {
    if plan.clients < 2 {
        return;
    }
    let others: Vec<HostId> = (plan.clients + 1..plan.hosts.len() as u32).collect();
    let with = |some: &[HostId]| {
        let kept: Vec<HostId> = [&[0], some, &others].concat();
        scenario::on_hosts(plan, &kept)
    };
    let all: Vec<HostId> = (1..=plan.clients).collect();
    let kept = minimize(&all, |some| !some.is_empty() && trials.fails(&with(some)));
    // Without any client nothing fails, but a search that was stopped says nothing at all.
    if !kept.is_empty() && kept.len() < all.len() {
        *plan = with(&kept);
    }
}

/// Faults that act as early as they can, so that fewer operations are enough.
fn earlier(plan: &mut Plan, trials: &mut Trials<'_>) {
    for index in 0..plan.faults.len() {
        if let Some(at) = trigger_time(&mut plan.faults[index]).map(|at| *at) {
            for sooner in [64, 32, 16, 8, 4, 2].map(|part| at / part) {
                let set = |plan: &mut Plan| {
                    trigger_time(&mut plan.faults[index]).into_iter().for_each(|at| *at = sooner);
                };
                if sooner < at && attempt(plan, trials, set) {
                    break;
                }
            }
        }
        let Some(n) = nth(&mut plan.faults[index]).map(|n| *n) else { continue };
        let sooner = std::iter::successors(Some(1u64), |n| n.checked_mul(2));
        for sooner in sooner.take_while(|sooner| *sooner < n) {
            let set = |plan: &mut Plan| {
                nth(&mut plan.faults[index]).into_iter().for_each(|n| *n = sooner);
            };
            if attempt(plan, trials, set) {
                break;
            }
        }
    }
}

fn nth(fault: &mut FaultSpec) -> Option<&mut u64> {
    match &mut fault.trigger {
        Trigger::Packet { pick: Pick::Nth(n), .. } | Trigger::Event { pick: Pick::Nth(n), .. } => {
            Some(n)
        }
        _ => None,
    }
}

fn operations(plan: &mut Plan, trials: &mut Trials<'_>) {
    if matches!(plan.workload.payload, Some(Payload::Cut(_))) {
        // There are as many as the file needs.
        return;
    }
    let all = plan.workload.operations;
    let powers = std::iter::successors(Some(1u32), |n| n.checked_mul(2)).take_while(|n| *n < all);
    for n in powers {
        if attempt(plan, trials, |plan| plan.workload.operations = n) {
            break;
        }
    }
    while plan.workload.operations > 1
        && attempt(plan, trials, |plan| plan.workload.operations -= 1)
    {}
}

fn workload(plan: &mut Plan, trials: &mut Trials<'_>) {
    if plan.workload.interval != 0 {
        attempt(plan, trials, |plan| plan.workload.interval = 0);
    }
    if plan.workload.payload.is_none() && plan.workload.size > scenario::MESSAGE_SIZE {
        attempt(plan, trials, |plan| plan.workload.size = scenario::MESSAGE_SIZE);
    }
    if plan.schedule != Schedule::Fifo {
        attempt(plan, trials, |plan| plan.schedule = Schedule::Fifo);
    }
}

fn options(plan: &mut Plan, trials: &mut Trials<'_>) {
    let spec = trials.protocol.spec();
    for option in &spec.options {
        for simpler in simpler(plan.options.get(option.name), option) {
            let mut options = plan.options.clone();
            options.put(option.name, simpler);
            if goes(&options, plan, spec) {
                attempt(plan, trials, |plan| plan.options = options);
            }
        }
    }
}

/// Values of an option to try instead of what it is, the simplest first.
fn simpler(given: Option<&OptionValue>, option: &OptionSpec) -> Vec<Option<OptionValue>> {
    if given == option.default.as_ref() {
        return Vec::new();
    }
    let mut all = vec![option.default.clone()];
    if let (Some(OptionValue::Table(table)), OptionKind::Table(specs)) = (given, &option.kind) {
        let inner = specs.iter().filter(|inner| table.get(inner.name) != inner.default.as_ref());
        all.extend(inner.map(|inner| {
            let mut table = table.clone();
            table.put(inner.name, inner.default.clone());
            Some(OptionValue::Table(table))
        }));
    }
    all
}

/// True if a scenario may have these options, and its run the same hosts with them.
fn goes(options: &Options, plan: &Plan, spec: &ProtocolSpec) -> bool {
    let mtus = plan.links.iter().filter_map(|rule| rule.set.mtu);
    let context = OptionContext { message: plan.workload.size, mtu: mtus.min() };
    spec.checks.iter().all(|check| check(options, &context).is_none())
        && spec.hosts.iter().all(|host| (host.when)(options) == (host.when)(&plan.options))
}

fn hosts(plan: &mut Plan, trials: &mut Trials<'_>) {
    for index in 0..plan.hosts.len() {
        let plain = HostPlan::new(plan.hosts[index].name.clone());
        if plan.hosts[index] != plain {
            attempt(plan, trials, |plan| plan.hosts[index] = plain);
        }
    }
}

/// Link tables, and then keys of those that are left; the delay stays, for the timeline's sake.
fn links(plan: &mut Plan, trials: &mut Trials<'_>) {
    let mut index = 0;
    while index < plan.links.len() {
        let set = &plan.links[index].set;
        let only_delay = Impairments { delay: set.delay, ..Impairments::default() };
        if *set != only_delay && !attempt(plan, trials, |plan| plan.links[index].set = only_delay) {
            for clear in CLEAR {
                let mut cleared = plan.links[index].set.clone();
                clear(&mut cleared);
                if cleared != plan.links[index].set {
                    attempt(plan, trials, |plan| plan.links[index].set = cleared);
                }
            }
        }
        // What says nothing beside the tables before it is left out.
        let redundant =
            plan.links.len() > 1 && attempt(plan, trials, |plan| drop(plan.links.remove(index)));
        index += usize::from(!redundant);
    }
}

/// Ways to take one key away from a link table.
const CLEAR: [fn(&mut Impairments); 10] = [
    |set| set.loss = None,
    |set| set.duplicate = None,
    |set| set.reorder = None,
    |set| set.corrupt = None,
    |set| (set.jitter, set.distribution) = (None, None),
    |set| set.rate = None,
    |set| set.limit = None,
    |set| set.mtu = None,
    |set| set.udp_checksum = None,
    |set| set.shared = None,
];

const MILLISECOND: u64 = 1_000_000;

/// Times that are written with few digits, where the failure does not depend on the others.
fn round_times(plan: &mut Plan, trials: &mut Trials<'_>) {
    for index in 0..plan.faults.len() {
        for time in [trigger_time, action_time, length_of] {
            let Some(before) = time(&mut plan.faults[index]).map(|time| *time) else { continue };
            // The coarsest that leaves a digit or two.
            let units = [1_000_000_000, 100_000_000, 10_000_000, 1_000_000];
            let fine = |unit: &u64| *unit <= before && !before.is_multiple_of(MILLISECOND);
            for unit in units.into_iter().filter(fine) {
                let rounded = before.div_ceil(unit) * unit;
                let set = |plan: &mut Plan| {
                    time(&mut plan.faults[index]).into_iter().for_each(|time| *time = rounded);
                };
                if attempt(plan, trials, set) {
                    break;
                }
            }
        }
    }
}

fn trigger_time(fault: &mut FaultSpec) -> Option<&mut u64> {
    match &mut fault.trigger {
        Trigger::At(at) => Some(at),
        Trigger::Packet { .. } | Trigger::Event { .. } => None,
    }
}

fn action_time(fault: &mut FaultSpec) -> Option<&mut u64> {
    match &mut fault.action {
        Action::Packet(PacketAction::Delay { by }) => Some(by),
        Action::Packet(PacketAction::Hold { length }) => Some(length),
        Action::Packet(PacketAction::Duplicate { after, .. }) if *after > 0 => Some(after),
        Action::Packet(_) | Action::World(_) => None,
    }
}

fn length_of(fault: &mut FaultSpec) -> Option<&mut u64> {
    match fault.action {
        Action::World(WorldAction::ClockStep { .. }) => None,
        _ => fault.length.as_mut(),
    }
}
