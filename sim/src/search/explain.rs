//! Says in words what faults do, and which datagrams they meet by what those are.

use std::collections::BTreeMap;

use super::{Trials, run};
use crate::engine::Keep;
use crate::network::{
    Action, Cause, DropReason, FaultSpec, HostSet, Mark, PacketAction, PacketMatch, Pick, Trigger,
    WorldAction,
};
use crate::plan::Plan;
use crate::protocol::{Dissect, Dissection};
use crate::text::{millis, quote};
use crate::trace::{self, Endpoint, Event, What};

/// A datagram that a run sent.
struct Sent {
    at: u64,
    from: Endpoint,
    to: Endpoint,
    dissection: Option<Dissection>,
}

/// What a run sent, and which of it each fault met first.
struct Seen {
    sent: BTreeMap<u64, Sent>,
    met: BTreeMap<u32, u64>,
}

impl Seen {
    fn of(plan: &Plan, trials: &Trials<'_>) -> Self {
        let mut seen = Seen { sent: BTreeMap::new(), met: BTreeMap::new() };
        let keep = Keep { trace: true, ..Keep::default() };
        let records = run(plan, trials.protocol, keep).and_then(|(run, _)| run.records);
        let dissect = trials.protocol.dissect();
        for event in trace::decode(&records.unwrap_or_default()) {
            seen.note(event, dissect);
        }
        seen
    }

    fn note(&mut self, Event { at, what }: Event, dissect: Option<Dissect>) {
        let mut meets = |fault: u32, id: u64| {
            self.met.entry(fault).or_insert(id);
        };
        match what {
            What::Sent { id, from, to, payload } => {
                let dissection = dissect.and_then(|dissect| dissect(&payload));
                self.sent.insert(id, Sent { at, from, to, dissection });
            }
            What::Dropped { id, reason: DropReason::Fault(fault), .. } => meets(fault, id),
            What::Marked {
                id,
                mark:
                    Mark::Duplicated { by: Cause::Fault(fault), .. }
                    | Mark::Corrupted { by: Cause::Fault(fault), .. }
                    | Mark::Delayed { by: Cause::Fault(fault), .. },
            } => meets(fault, id),
            _ => {}
        }
    }

    fn met_by(&self, fault: usize) -> Option<(u64, &Sent)> {
        let id = *self.met.get(&(fault as u32))?;
        Some((id, self.sent.get(&id)?))
    }
}

/// Lets faults name the datagrams they meet by their kind, where the plan still fails with that: "the
/// second ack" says more than "the fifth datagram".
pub(super) fn name_datagrams(plan: &mut Plan, trials: &mut Trials<'_>) {
    for index in 0..plan.faults.len() {
        let Trigger::Packet { pick: Pick::Nth(_), .. } = plan.faults[index].trigger else {
            continue;
        };
        let seen = Seen::of(plan, trials);
        let Some((id, sent)) = seen.met_by(index) else { continue };
        let Some(dissection) = &sent.dissection else { continue };
        let alike = seen.sent.range(..=id).filter(|(_, other)| {
            let kind = other.dissection.as_ref().map(|other| other.kind);
            (other.from.host, other.to.host, kind)
                == (sent.from.host, sent.to.host, Some(dissection.kind))
        });
        let only = |end: &Endpoint| HostSet::from_iter([end.host]);
        let matching = PacketMatch {
            from: only(&sent.from),
            to: only(&sent.to),
            kind: Some(dissection.kind.to_owned()),
            fields: Vec::new(),
            attempt: None,
        };
        let mut named = plan.clone();
        let pick = Pick::Nth(alike.count() as u64);
        named.faults[index].trigger = Trigger::Packet { matching, pick };
        if trials.fails(&named) {
            *plan = named;
        }
    }
}

/// A sentence on what each fault does in a run of the plan.
pub(super) fn sentences(plan: &Plan, trials: &Trials<'_>) -> Vec<String> {
    let seen = Seen::of(plan, trials);
    let one = |(index, fault)| sentence(plan, fault, seen.met_by(index).map(|(_, sent)| sent));
    plan.faults.iter().enumerate().map(one).collect()
}

fn sentence(plan: &Plan, fault: &FaultSpec, met: Option<&Sent>) -> String {
    let (does, what) = match &fault.action {
        Action::Packet(action) => (packet_action(action), datagram(plan, met)),
        Action::World(action) => (world_action(action), hosts(plan, action)),
    };
    let length = match (&fault.action, fault.length) {
        (Action::Packet(_), _) => String::new(),
        (_, Some(length)) => format!(" for {} ms", millis(length)),
        (Action::World(action), None) if lasts(action) => " for good".to_owned(),
        (_, None) => String::new(),
    };
    format!("{}{does}{what}{length}", when(plan, &fault.trigger, met))
}

fn when(plan: &Plan, trigger: &Trigger, met: Option<&Sent>) -> String {
    match (trigger, met) {
        (Trigger::At(at), _) => format!("At {} ms: ", millis(*at)),
        (_, Some(sent)) => format!("At {} ms: ", millis(sent.at)),
        (Trigger::Event { hosts, name, pick }, None) => {
            let which = match pick {
                Pick::Nth(n) => format!(", time {n},"),
                _ => String::new(),
            };
            format!("When {} reports {}{which} ", named(plan, hosts, "any host"), quote(name))
        }
        (Trigger::Packet { .. }, None) => "When its datagram is sent: ".to_owned(),
    }
}

fn packet_action(action: &PacketAction) -> String {
    match action {
        PacketAction::Drop => "loses ".to_owned(),
        PacketAction::Duplicate { copies: 1, after: 0 } => "adds a copy of ".to_owned(),
        PacketAction::Duplicate { copies: 1, after } => {
            format!("adds a copy, {} ms behind, of ", millis(*after))
        }
        PacketAction::Duplicate { copies, .. } => format!("adds {copies} copies of "),
        PacketAction::Delay { by } => format!("delays by {} ms ", millis(*by)),
        PacketAction::Corrupt(_) => "corrupts ".to_owned(),
        PacketAction::Hold { length } => {
            format!("holds for {} ms, with all that follow it, ", millis(*length))
        }
    }
}

fn datagram(plan: &Plan, met: Option<&Sent>) -> String {
    let Some(Sent { from, to, dissection, .. }) = met else { return "a datagram".to_owned() };
    let (from, to) = (plan.host_name(from.host), plan.host_name(to.host));
    let what = dissection.as_ref().map_or("a datagram".to_owned(), ToString::to_string);
    format!("{what} from {from} to {to}")
}

fn world_action(action: &WorldAction) -> String {
    match action {
        WorldAction::Partition { .. } => "a partition".to_owned(),
        WorldAction::Crash { .. } => "crashes ".to_owned(),
        WorldAction::Pause { .. } => "pauses ".to_owned(),
        WorldAction::ClockStep { by, .. } => {
            format!("steps by {} ms the clock of ", *by as f64 / 1e6)
        }
        WorldAction::CorruptMemory { .. } => "flips a bit in the memory of ".to_owned(),
        WorldAction::CorruptDisk { .. } => "flips a bit on the disk of ".to_owned(),
        WorldAction::Link { .. } => "other links".to_owned(),
        WorldAction::Calm => "all faults end".to_owned(),
    }
}

fn lasts(action: &WorldAction) -> bool {
    match action {
        WorldAction::Partition { .. }
        | WorldAction::Crash { .. }
        | WorldAction::Pause { .. }
        | WorldAction::Link { .. } => true,
        WorldAction::ClockStep { .. }
        | WorldAction::CorruptMemory { .. }
        | WorldAction::CorruptDisk { .. }
        | WorldAction::Calm => false,
    }
}

fn hosts(plan: &Plan, action: &WorldAction) -> String {
    match action {
        WorldAction::Crash { hosts }
        | WorldAction::Pause { hosts }
        | WorldAction::ClockStep { hosts, .. }
        | WorldAction::CorruptMemory { hosts }
        | WorldAction::CorruptDisk { hosts } => named(plan, hosts, "all hosts"),
        WorldAction::Partition { .. } | WorldAction::Link { .. } | WorldAction::Calm => {
            String::new()
        }
    }
}

/// Their names, or `everybody`.
fn named(plan: &Plan, hosts: &HostSet, everybody: &str) -> String {
    let all = plan.hosts.len() as u32;
    let names: Vec<&str> = hosts.iter(all).map(|host| plan.host_name(host)).collect();
    if names.len() == all as usize && all > 1 { everybody.to_owned() } else { names.join(", ") }
}
