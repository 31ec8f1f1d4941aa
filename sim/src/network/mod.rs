//! The network model: pure, given the time, without I/O.
//!
//! A datagram meets, in this order:
//!
//! 1. the packet faults, in file order: each sees and counts every datagram sent, and acts on
//!    those it picks unless an earlier one has dropped the datagram;
//! 2. partitions;
//! 3. the link's MTU (`too-big`);
//! 4. its loss;
//! 5. its corruption (one bit), on top of what faults have done;
//! 6. its duplication: from here on every copy goes its own way;
//! 7. the queue in front of its rate (`queue-full`), of its own or shared, and the rate itself;
//! 8. its delay, jitter and reordering; then what `delay` and `duplicate` faults add.
//!
//! At its destination, the UDP checksum drops what was corrupted, then a host that is down, a missing
//! socket or a full receive buffer may drop it.

mod checksum;
mod classes;
mod config;
mod corrupt;
mod decisions;
mod fate;
mod fault;
mod link;
mod links;
mod meeting;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use checksum::ones_complement_sum;
pub use config::{
    Action, Corruption, Distribution, FaultSpec, HostId, HostSet, Impairments, LinkRule, Loss,
    PacketAction, PacketMatch, Pick, Trigger, WorldAction, address,
};
pub use corrupt::Alteration;
pub(crate) use corrupt::flip;
use decisions::Waits;
pub(crate) use decisions::{Decision, Decisions};
pub use fate::{Arrivals, Cause, DropReason, Fate, Mark, Plain};
pub use fault::Packet;
pub use link::{DEFAULT_LIMIT, HEADERS};

use crate::protocol::Dissect;
use classes::Classes;
use fault::{Attempts, Fault, Inspected};
use link::{Link, Queue};
use links::Links;
use meeting::Meeting;

/// How often a fault could act and did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FaultCount {
    /// The fault's name.
    pub name: String,
    /// Matches of its trigger; for a partition or link override, datagrams that met it.
    pub opportunities: u64,
    /// How often it had an effect.
    pub hits: u64,
}

/// Everything between the hosts.
pub struct Network {
    seed: u64,
    hosts: Arc<[String]>,
    rules: Arc<[LinkRule]>,
    classes: Classes,
    /// Impairments as the file has them, if a fault may override them.
    base: Option<Classes>,
    links: Links,
    /// Queues that several links share, by rule.
    queues: BTreeMap<u32, Queue>,
    faults: Vec<Fault>,
    meeting: Meeting,
    dissect: Option<Dissect>,
    attempts: Option<Attempts>,
    /// Partitions and link overrides in force, by fault index, in the order in which they began.
    active: Vec<u32>,
    /// Every sending must be seen by a fault, or by a link that remembers: no shortcuts.
    watched: bool,
    has_packet_faults: bool,
    calm: bool,
    /// What is decided, if somebody wants to know.
    decisions: Option<Decisions>,
}

impl Network {
    /// A network between `hosts`, whose names key its random streams.
    pub fn new(
        seed: u64,
        hosts: Arc<[String]>,
        rules: Arc<[LinkRule]>,
        faults: &[FaultSpec],
        dissect: Option<Dissect>,
    ) -> Self {
        let classes = Classes::new(hosts.len() as u32, rules.iter(), false);
        let faults = fault::all(seed, faults);
        let counts_attempts = faults
            .iter()
            .any(|fault| fault.packet().is_some_and(|(rule, _)| rule.attempt.is_some()));
        let has_packet_faults = faults.iter().any(|fault| fault.packet().is_some());
        let overrides = faults.iter().any(|fault| fault.rules().is_some());
        let meeting = Meeting::new(&faults, hosts.len() as u32);
        Network {
            seed,
            links: Links::new(hosts.len()),
            queues: BTreeMap::new(),
            hosts,
            rules,
            base: overrides.then(|| classes.clone()),
            classes,
            dissect,
            attempts: counts_attempts.then(Attempts::default),
            active: Vec::new(),
            meeting,
            watched: has_packet_faults || overrides,
            has_packet_faults,
            faults,
            calm: false,
            decisions: None,
        }
    }

    /// Keeps account of what is decided from now on. It changes none of it.
    pub(crate) fn note_decisions(&mut self) {
        self.decisions = Some(Decisions::default());
        self.watched = true;
    }

    /// What was decided, if it was noted.
    pub(crate) fn take_decisions(&mut self) -> Option<Decisions> {
        self.decisions.take()
    }

    /// Decides about a datagram sent at `now`, if it meets nothing but a fixed delay and loss. That
    /// needs no [`Fate`], and most datagrams are of this kind. A host's datagrams to itself meet
    /// nothing.
    #[inline]
    pub fn transmit_plainly(&mut self, now: u64, from: HostId, to: HostId) -> Plain {
        if from == to {
            return Plain::Arrives(now);
        }
        if self.watched || !self.active.is_empty() {
            return Plain::No;
        }
        let spec = self.classes.spec(from, to);
        if !spec.plain {
            return Plain::No;
        }
        if spec.loss.is_some() {
            let link = self.links.get(self.seed, &self.hosts, from, to);
            let n = link.next();
            if link.loses(n, spec) {
                return Plain::Lost;
            }
        }
        Plain::Arrives(now.saturating_add(spec.delay))
    }

    /// Decides the fate of a datagram sent at `now`.
    pub fn transmit(&mut self, now: u64, packet: &Packet<'_>) -> Fate {
        let mut fate = Fate::default();
        match self.transmit_plainly(now, packet.from, packet.to) {
            Plain::Arrives(at) => fate.arrivals.push(at),
            Plain::Lost => fate.dropped = Some(DropReason::Loss),
            Plain::No => self.transmit_slowly(now, packet, &mut fate),
        }
        fate
    }

    pub(crate) fn transmit_slowly(&mut self, now: u64, packet: &Packet<'_>, fate: &mut Fate) {
        let link = self.links.get(self.seed, &self.hosts, packet.from, packet.to);
        let n = link.next();
        let held_before = link.held_until;
        let mut asked = Asked::default();
        if self.has_packet_faults && !self.calm {
            let attempt = self.attempts.as_mut().map_or(0, |attempts| attempts.count(packet));
            let inspected = Inspected::new(packet, self.dissect, attempt);
            let ends = [packet.from, packet.to].map(|host| self.hosts[host as usize].as_str());
            for index in self.meeting.next(&mut self.faults, packet.from, packet.to) {
                let fault = &mut self.faults[*index as usize];
                meet(now, *index, fault, &inspected, packet, &ends, link, &mut asked, fate);
            }
        }
        let held = (link.held_until > held_before).then(|| link.held_until - now);
        for index in &self.active {
            let fault = &mut self.faults[*index as usize];
            if fault.cuts(packet.from, packet.to) {
                fault.opportunities += 1;
                if fate.dropped.is_none() {
                    fault.hits += 1;
                    fate.dropped = Some(DropReason::Partition);
                }
            } else if fault.rules().is_some_and(|rules| concerns(rules, packet)) {
                fault.opportunities += 1;
                let now = self.classes.spec(packet.from, packet.to);
                let base = self.base.as_ref().map(|base| base.spec(packet.from, packet.to));
                fault.hits += u64::from(Some(now) != base && fate.dropped.is_none());
            }
        }
        let spec = self.classes.spec(packet.from, packet.to);
        let length = packet.payload.len();
        let lost = link.loses(n, spec);
        if fate.dropped.is_none() {
            if spec.mtu.is_some_and(|mtu| length as u64 + HEADERS > mtu) {
                fate.dropped = Some(DropReason::TooBig);
            } else if lost {
                fate.dropped = Some(DropReason::Loss);
            }
        }
        if fate.dropped.is_some() {
            self.take_back_hits(fate);
            let waits = Waits { held, extra: 0, delays: &[] };
            self.note(now, packet, n, &waits, fate);
            return;
        }
        let left = fate.altered.as_ref().map_or(length, Vec::len);
        if let Some(bit) = link.corrupts(n, left, spec) {
            corrupt::flip(fate.altered.get_or_insert_with(|| packet.payload.to_vec()), bit);
            fate.marks.push(Mark::Corrupted { by: Cause::Link, how: Alteration::Bits(1) });
        }
        // What was done may have been undone: two flips of one bit are none.
        fate.altered.take_if(|altered| altered == packet.payload);
        if let Some(altered) = fate.altered.as_ref().filter(|_| !spec.no_checksum) {
            fate.checksum_fails = checksum::notices(packet.payload, altered);
        }
        let mut copies = 1;
        if link.duplicates(n, spec) {
            copies += 1;
            fate.marks.push(Mark::Duplicated { by: Cause::Link, copies: 1 });
        }
        let mut delays = Vec::new();
        for copy in 0..copies + asked.copies.len() as u64 {
            let shared = spec.queue.map(|rule| self.queues.entry(rule).or_default());
            let Some(departure) = link.departs(now, length, spec, shared) else {
                fate.overflowed += 1;
                continue;
            };
            let (delay, skipped) = link.delay(n, copy, spec);
            if skipped {
                fate.marks.push(Mark::Reordered);
            }
            let behind = copy.checked_sub(copies).map_or(0, |extra| asked.copies[extra as usize]);
            let delay = delay.saturating_add(behind);
            if self.decisions.is_some() {
                delays.push(delay);
            }
            let delay = delay.saturating_add(asked.extra);
            fate.arrivals.push(departure.saturating_add(delay));
        }
        let waits = Waits { held, extra: asked.extra, delays: &delays };
        self.note(now, packet, n, &waits, fate);
    }

    fn note(&mut self, now: u64, packet: &Packet<'_>, n: u64, waits: &Waits<'_>, fate: &Fate) {
        if let Some(decisions) = &mut self.decisions {
            decisions.note(now, packet, n, waits, fate);
            let matches = |fault: &u32| (*fault, self.faults[*fault as usize].matches());
            decisions.triggered.extend(fate.triggered.iter().map(matches));
        }
    }

    /// A datagram that goes nowhere shows nothing of what faults did to it.
    fn take_back_hits(&mut self, fate: &mut Fate) {
        fate.altered = None;
        for mark in fate.marks.drain(..) {
            let (Mark::Duplicated { by: Cause::Fault(index), .. }
            | Mark::Corrupted { by: Cause::Fault(index), .. }
            | Mark::Delayed { by: Cause::Fault(index), .. }) = mark
            else {
                continue;
            };
            let fault = &mut self.faults[index as usize];
            // A hold also concerns what follows.
            if !matches!(fault.spec.action, Action::Packet(PacketAction::Hold { .. })) {
                fault.hits -= 1;
            }
        }
    }

    /// The world-level faults that a report triggers, in file order.
    pub fn report(&mut self, host: HostId, event: &str) -> Vec<u32> {
        if self.calm {
            return Vec::new();
        }
        let mut triggered = Vec::new();
        for (index, fault) in self.faults.iter_mut().enumerate() {
            let Trigger::Event { hosts, name, pick } = &fault.spec.trigger else {
                continue;
            };
            let pick = *pick;
            if hosts.contains(host)
                && name == event
                && fault.picks(pick, &[&self.hosts[host as usize]])
            {
                triggered.push(index as u32);
                let matched = (index as u32, fault.matches());
                self.decisions.iter_mut().for_each(|all| all.triggered.push(matched));
            }
        }
        triggered
    }

    /// True if some fault waits for a report.
    pub fn listens(&self) -> bool {
        self.faults.iter().any(|fault| matches!(fault.spec.trigger, Trigger::Event { .. }))
    }

    /// Puts a partition or link override in force.
    pub fn begin(&mut self, fault: u32) {
        if !self.active.contains(&fault) {
            self.active.push(fault);
            self.rebuild(fault);
        }
    }

    /// Lifts a partition or link override.
    pub fn end(&mut self, fault: u32) {
        self.active.retain(|other| *other != fault);
        self.rebuild(fault);
    }

    /// Ends all faults and impairments, but for delay and rate. Gives the partitions and link
    /// overrides that were in force.
    pub fn calm(&mut self) -> Vec<u32> {
        self.calm = true;
        self.classes = Classes::new(self.hosts.len() as u32, self.rules.iter(), true);
        self.links.release();
        self.queues.clear();
        std::mem::take(&mut self.active)
    }

    /// True once [`Network::calm`] was called: no fault begins any more.
    pub fn is_calm(&self) -> bool {
        self.calm
    }

    fn rebuild(&mut self, fault: u32) {
        if self.faults[fault as usize].rules().is_none() {
            return;
        }
        let overrides = self.active.iter().filter_map(|index| self.faults[*index as usize].rules());
        let rules = self.rules.iter().chain(overrides.flatten());
        self.classes = Classes::new(self.hosts.len() as u32, rules, self.calm);
    }

    /// True if this partition stops what is on the way from one host to another; counts it.
    pub fn stops(&mut self, fault: u32, from: HostId, to: HostId) -> bool {
        let fault = &mut self.faults[fault as usize];
        let stopped = fault.cuts(from, to);
        if stopped {
            fault.opportunities += 1;
            fault.hits += 1;
        }
        stopped
    }

    /// Counts a world-level fault: an opportunity, and a hit if it had an effect.
    pub fn count(&mut self, fault: u32, hit: bool) {
        let fault = &mut self.faults[fault as usize];
        fault.opportunities += 1;
        fault.hits += u64::from(hit);
    }

    /// Draws which of a host's `length` bytes' bits a fault flips; `None` if there is no byte.
    pub fn bit(&mut self, fault: u32, host: HostId, length: u64) -> Option<u64> {
        let host = self.hosts[host as usize].as_str();
        let mut draw = self.faults[fault as usize].draw("bits", &[host]);
        (length > 0).then(|| draw.below(length.saturating_mul(8)))
    }

    /// The fault with this index.
    pub fn fault(&self, fault: u32) -> &FaultSpec {
        &self.faults[fault as usize].spec
    }

    /// How long a datagram now takes from one host to another at the least, nanoseconds.
    pub fn delay(&self, from: HostId, to: HostId) -> u64 {
        if from == to { 0 } else { self.classes.spec(from, to).delay }
    }

    /// True if a partition in force stops datagrams from one host to another.
    pub fn is_cut(&self, from: HostId, to: HostId) -> bool {
        self.active.iter().any(|index| self.faults[*index as usize].cuts(from, to))
    }

    /// What every fault came to, in file order.
    pub fn fault_counts(&mut self) -> Vec<FaultCount> {
        self.meeting.settle(&mut self.faults);
        self.faults
            .iter()
            .map(|fault| FaultCount {
                name: fault.spec.name.clone(),
                opportunities: fault.opportunities,
                hits: fault.hits,
            })
            .collect()
    }
}

/// What packet faults ask of the rest of the way.
#[derive(Default)]
struct Asked {
    /// How much later than the original each further copy comes, nanoseconds.
    copies: Vec<u64>,
    /// How much later all of them come, nanoseconds.
    extra: u64,
}

/// Shows a datagram to one packet fault.
#[expect(clippy::too_many_arguments, reason = "one step of transmit, with all it works on")]
fn meet(
    now: u64,
    index: u32,
    fault: &mut Fault,
    inspected: &Inspected<'_>,
    packet: &Packet<'_>,
    ends: &[&str],
    link: &mut Link,
    asked: &mut Asked,
    fate: &mut Fate,
) {
    let Some((rule, pick)) = fault.packet() else {
        return;
    };
    if !inspected.matches(rule) {
        return;
    }
    let picked = fault.picks(pick, ends);
    let Action::Packet(action) = &fault.spec.action else {
        // The world counts what its own faults come to.
        if picked {
            fate.triggered.push(index);
        }
        return;
    };
    fault.opportunities += 1;
    if !picked || fate.dropped.is_some() {
        return;
    }
    let by = Cause::Fault(index);
    match action {
        PacketAction::Drop => fate.dropped = Some(DropReason::Fault(index)),
        &PacketAction::Duplicate { copies, after } => {
            asked.copies.extend((1..=copies).map(|copy| after.saturating_mul(copy)));
            let copies = u32::try_from(copies).unwrap_or(u32::MAX);
            fate.marks.push(Mark::Duplicated { by, copies });
        }
        &PacketAction::Delay { by: length } => {
            asked.extra = asked.extra.saturating_add(length);
            fate.marks.push(Mark::Delayed { by, length });
        }
        PacketAction::Corrupt(how) => {
            let how = how.clone();
            let draw = fault.draw(how.name(), ends);
            let altered = fate.altered.get_or_insert_with(|| packet.payload.to_vec());
            let Some(how) = corrupt::corrupt(altered, &how, draw) else {
                return;
            };
            fate.marks.push(Mark::Corrupted { by, how });
        }
        &PacketAction::Hold { length } => {
            link.held_until = link.held_until.max(now.saturating_add(length));
            fate.marks.push(Mark::Delayed { by, length });
        }
    }
    fault.hits += 1;
}

fn concerns(rules: &[LinkRule], packet: &Packet<'_>) -> bool {
    rules.iter().any(|rule| rule.from.contains(packet.from) && rule.to.contains(packet.to))
}
