//! Where in a run a fault can be placed, and which runs are in the same state there.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::Xxh3;

use crate::network::{
    Action, Cause, DropReason, FaultSpec, HostId, HostSet, Mark, PacketAction, PacketMatch, Pick,
    Trigger, WorldAction,
};
use crate::trace::{Event, HostChange, What, decode};

/// A kind of fault that a bounded search places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// A datagram is lost.
    Drop,
    /// A datagram arrives twice.
    Duplicate,
    /// A copy of a datagram arrives late.
    Late,
    /// A datagram arrives late.
    Delay,
    /// A host crashes as it reports something, and restarts.
    Crash,
}

impl FaultKind {
    /// All of them, in the order in which they are tried.
    pub const ALL: [FaultKind; 5] = [
        FaultKind::Drop,
        FaultKind::Duplicate,
        FaultKind::Late,
        FaultKind::Delay,
        FaultKind::Crash,
    ];

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        FaultKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Drop => "drop",
            FaultKind::Duplicate => "duplicate",
            FaultKind::Late => "late",
            FaultKind::Delay => "delay",
            FaultKind::Crash => "crash",
        }
    }
}

/// A place in a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// The n-th datagram that a host sends to another one, from 1.
    Datagram(u64),
    /// A host reports something for the n-th time.
    Report { host: HostId, name: String, n: u64 },
}

/// A place that a run comes to.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub place: Place,
    /// What every host has observed so far, and what is still on its way to them. Two runs of one plan
    /// with the same value here go on in the same way, whatever faults are placed from here on: what
    /// hosts do depends on what they observe, and on nothing else.
    pub state: u64,
}

/// One placed fault.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Placed {
    pub place: Place,
    pub kind: FaultKind,
}

/// How late `late` and `delay` are, and how long a crashed host is down, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// How much later a delayed datagram or a late copy comes.
    pub late: u64,
    /// How long a crashed host is down.
    pub down: u64,
}

impl Placed {
    /// The fault, as scenarios have it.
    pub fn fault(&self, lengths: Lengths) -> FaultSpec {
        let Lengths { late, down } = lengths;
        let action: Action = match (self.kind, &self.place) {
            (FaultKind::Drop, _) => PacketAction::Drop.into(),
            (FaultKind::Duplicate, _) => PacketAction::Duplicate { copies: 1, after: 0 }.into(),
            (FaultKind::Late, _) => PacketAction::Duplicate { copies: 1, after: late }.into(),
            (FaultKind::Delay, _) => PacketAction::Delay { by: late }.into(),
            (FaultKind::Crash, Place::Report { host, .. }) => {
                WorldAction::Crash { hosts: HostSet::from_iter([*host]) }.into()
            }
            (FaultKind::Crash, Place::Datagram(_)) => unreachable!("hosts crash as they report"),
        };
        let (trigger, length) = match &self.place {
            Place::Datagram(n) => {
                let (from, to) = (HostSet::all(), HostSet::all());
                let matching =
                    PacketMatch { from, to, kind: None, fields: Vec::new(), attempt: None };
                (Trigger::Packet { matching, pick: Pick::Nth(*n) }, None)
            }
            Place::Report { host, name, n } => {
                let hosts = HostSet::from_iter([*host]);
                (Trigger::Event { hosts, name: name.clone(), pick: Pick::Nth(*n) }, Some(down))
            }
        };
        FaultSpec { name: String::new(), trigger, action, length, optional: true }
    }
}

/// What the points of a run depend on besides its trace.
pub(super) struct Placement {
    /// How many faults are the plan's own: those behind were placed.
    pub own: u32,
    /// A number of this placement alone.
    pub salt: u64,
    /// Points are looked for up to this datagram.
    pub first: u64,
    /// Whether reports are points.
    pub crashes: bool,
}

/// A number of a placement alone.
pub(super) fn salt(placed: &[Placed]) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = Xxh3::new();
    placed.hash(&mut hasher);
    hasher.finish()
}

/// The points of a run, whose trace has these records.
pub(super) fn points(records: &[u8], placement: &Placement) -> Vec<Point> {
    let Placement { own, first, crashes, .. } = *placement;
    let ends = Ends::new(records, placement);
    let ways = ends.ways(records);
    let mut walk =
        Walk { own, observed: Xxh3::new(), flying: 0, datagrams: 0, reports: BTreeMap::new() };
    let mut points = Vec::new();
    for event in decode(records) {
        let place = walk.place(&event, crashes);
        if walk.datagrams > first {
            break;
        }
        points.extend(place.map(|place| Point { place, state: walk.state() }));
        walk.observe(&event, &ends, &ways);
    }
    points
}

/// When each copy of a datagram comes to the end of its way, and how.
type Ways = BTreeMap<u64, Vec<(u32, u64, u64)>>;

/// How copies of datagrams end their ways.
struct Ends {
    salt: u64,
    /// The datagrams to which placed faults have done something.
    touched: BTreeSet<u64>,
}

impl Ends {
    fn new(records: &[u8], placement: &Placement) -> Self {
        let touched = decode(records).filter_map(|event| match event.what {
            What::Marked {
                id,
                mark:
                    Mark::Duplicated { by: Cause::Fault(fault), .. }
                    | Mark::Delayed { by: Cause::Fault(fault), .. },
            } if fault >= placement.own => Some(id),
            _ => None,
        });
        Ends { salt: placement.salt, touched: touched.collect() }
    }

    /// A number for how a copy is dropped. A partition that stops it on its way hides when it would have
    /// arrived, which depends on what a placed fault did to it: then the state is like no other placement's.
    fn dropped(&self, id: u64, reason: DropReason) -> u64 {
        match reason {
            DropReason::Partition if self.touched.contains(&id) => self.salt | 1 << 63,
            DropReason::Partition => DROPPED + 1,
            _ => DROPPED,
        }
    }

    /// The ways of all copies.
    fn ways(&self, records: &[u8]) -> Ways {
        let mut ways = Ways::new();
        for Event { at, what } in decode(records) {
            let (id, copy, how) = match what {
                What::Delivered { id, copy } => (id, copy, DELIVERED),
                What::Dropped { id, copy, reason } => (id, copy, self.dropped(id, reason)),
                _ => continue,
            };
            ways.entry(id).or_default().push((copy, at, how));
        }
        ways
    }
}

/// How a copy ends, as a number.
const DELIVERED: u64 = 0;
const DROPPED: u64 = 1;

struct Walk {
    own: u32,
    /// What the hosts observed.
    observed: Xxh3,
    /// The sum over what is on its way, in no order.
    flying: u64,
    datagrams: u64,
    reports: BTreeMap<(HostId, String), u64>,
}

impl Walk {
    fn state(&self) -> u64 {
        self.observed.digest() ^ crate::stream::mix(self.flying)
    }

    /// The place that an event is, if a fault can be placed there.
    fn place(&mut self, event: &Event, crashes: bool) -> Option<Place> {
        match &event.what {
            What::Sent { from, to, .. } if from.host != to.host => {
                self.datagrams += 1;
                Some(Place::Datagram(self.datagrams))
            }
            What::Operation { host, step, .. } if crashes => Some(self.report(*host, step.name())),
            What::Reported { host, name } if crashes => Some(self.report(*host, name)),
            _ => None,
        }
    }

    fn report(&mut self, host: HostId, name: &str) -> Place {
        let n = self.reports.entry((host, name.to_owned())).or_insert(0);
        *n += 1;
        Place::Report { host, name: name.to_owned(), n: *n }
    }

    /// Takes an event into the state behind it. What the network did to a datagram shows in when its
    /// copies arrive, and only there.
    fn observe(&mut self, event: &Event, ends: &Ends, ways: &Ways) {
        let at = event.at;
        match &event.what {
            What::Sent { id, from, to, payload } => {
                self.mix(&[at, 1, u64::from(from.host), u64::from(to.host), u64::from(from.port)]);
                self.mix(&[u64::from(to.port), payload.len() as u64]);
                self.observed.update(payload);
                for (copy, ends, how) in ways.get(id).into_iter().flatten() {
                    self.flying = self.flying.wrapping_add(way(*id, *copy, *ends, *how));
                }
            }
            What::Delivered { id, copy } => {
                self.mix(&[at, 2, *id, u64::from(*copy)]);
                self.ended(*id, *copy, at, DELIVERED);
            }
            What::Dropped { id, copy, reason } => {
                self.ended(*id, *copy, at, ends.dropped(*id, *reason));
            }
            What::Marked { mark, id } => {
                // What the plan's own faults do to a payload is part of what arrives.
                if let Mark::Corrupted { by, .. } = mark
                    && !matches!(by, Cause::Fault(fault) if *fault >= self.own)
                {
                    self.mix(&[at, 3, *id]);
                }
            }
            What::Refused { at: end } => {
                self.mix(&[at, 4, u64::from(end.host), u64::from(end.port)])
            }
            What::Operation { host, incarnation, op, step } => self.mix(&[
                at,
                5 + ((*step as u64) << 8),
                u64::from(*host),
                u64::from(*incarnation),
                u64::from(op.client) << 32 | u64::from(op.number),
            ]),
            What::Damaged { host, .. } => self.mix(&[at, 6, u64::from(*host)]),
            What::Reported { host, name } => {
                self.mix(&[at, 7, u64::from(*host), name.len() as u64]);
                self.observed.update(name.as_bytes());
            }
            What::Host { host, change } => {
                let (kind, value) = match change {
                    HostChange::Crashed => (0, 0),
                    HostChange::Restarted(incarnation) => (1, u64::from(*incarnation)),
                    HostChange::Paused => (2, 0),
                    HostChange::Resumed => (3, 0),
                    HostChange::ClockStepped(by) => (4, by.cast_unsigned()),
                    HostChange::MemoryCorrupted(bit) => (5, *bit),
                    HostChange::DiskCorrupted(bit) => (6, *bit),
                };
                self.mix(&[at, 8, u64::from(*host), kind, value]);
            }
            What::FaultBegan { fault } => self.mix(&[at, 9, u64::from(*fault)]),
            What::FaultEnded { fault } => self.mix(&[at, 10, u64::from(*fault)]),
            What::Broke { host, message } => {
                self.mix(&[at, 11, u64::from(*host), message.len() as u64]);
                self.observed.update(message.as_bytes());
            }
        }
    }

    /// A copy has come to the end of its way: at once, if it is dropped as it is sent.
    fn ended(&mut self, id: u64, copy: u32, at: u64, how: u64) {
        self.flying = self.flying.wrapping_sub(way(id, copy, at, how));
    }

    fn mix(&mut self, words: &[u64]) {
        words.iter().for_each(|word| self.observed.update(&word.to_le_bytes()));
    }
}

fn way(id: u64, copy: u32, ends: u64, how: u64) -> u64 {
    use crate::stream::mix;
    mix(mix(mix(id ^ u64::from(copy) << 48) ^ ends) ^ how)
}
