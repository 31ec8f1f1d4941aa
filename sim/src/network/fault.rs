//! Faults: who is hit, and how often.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::config::{
    Action, Corruption, FaultSpec, HostId, LinkRule, PacketAction, PacketMatch, Pick, Trigger,
    WorldAction,
};
use crate::protocol::{Dissect, Dissection};
use crate::stream::{Draw, Stream};

/// A datagram as the network sees it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Sending host.
    pub from: HostId,
    /// Receiving host.
    pub to: HostId,
    /// The UDP payload.
    pub payload: &'a [u8],
}

/// A fault and what became of it.
pub(super) struct Fault {
    pub spec: FaultSpec,
    /// Matches of its trigger (for a partition or link override: datagrams that met it).
    pub opportunities: u64,
    /// How often it had an effect.
    pub hits: u64,
    /// Trigger matches, for `pick`.
    matches: u64,
    /// Matches per link or host, which number the draws: those of one do not depend on another.
    matches_at: BTreeMap<Vec<String>, u64>,
    seed: u64,
    /// What its streams are keyed by.
    key: String,
}

/// The faults of a network, in file order.
pub(super) fn all(seed: u64, specs: &[FaultSpec]) -> Vec<Fault> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut fault = |(spec, index): (&FaultSpec, usize)| {
        let mut key = spec.name.clone();
        // A name given by position says nothing: another fault in front changes it.
        if key == format!("fault-{index}") {
            // These words key its draws: whoever changes them changes what unnamed faults do.
            let action = match &spec.action {
                Action::Packet(PacketAction::Corrupt(Corruption::Bits(bits))) => {
                    format!("Corrupt {{ bits: {bits} }}")
                }
                Action::Packet(action) => format!("{action:?}"),
                Action::World(action) => format!("{action:?}"),
            };
            key = format!("{:?} {action} {:?}", spec.trigger, spec.length);
            let count = seen.entry(key.clone()).or_insert(0);
            *count += 1;
            key = format!("{key} {count}");
        }
        Fault {
            spec: spec.clone(),
            opportunities: 0,
            hits: 0,
            matches: 0,
            matches_at: BTreeMap::new(),
            seed,
            key,
        }
    };
    specs.iter().zip(1..).map(&mut fault).collect()
}

impl Fault {
    /// Counts a match at a link or host and says whether the fault acts on it.
    pub fn picks(&mut self, pick: Pick, place: &[&str]) -> bool {
        self.matches += 1;
        match pick {
            Pick::All => true,
            Pick::Nth(n) => self.matches == n,
            Pick::First(n) => self.matches <= n,
            Pick::Every(n) => n > 0 && self.matches.is_multiple_of(n),
            Pick::Chance(probability) => self.draw("chance", place).unit() < probability,
        }
    }

    /// Its trigger has matched so often, though nobody asked it.
    pub fn passed(&mut self, matches: u64) {
        self.matches = matches;
    }

    /// At the end: so often its trigger has matched in all.
    pub fn settle(&mut self, matches: u64) {
        self.matches = matches;
        // The world counts for its own faults when they begin.
        if matches!(self.spec.action, Action::Packet(_)) {
            self.opportunities = matches;
        }
    }

    /// How often its trigger has matched.
    pub fn matches(&self) -> u64 {
        self.matches
    }

    /// The next draw of a kind at a link or host.
    pub fn draw(&mut self, kind: &str, place: &[&str]) -> Draw {
        let at: Vec<String> = [kind].iter().chain(place).map(|&part| part.to_owned()).collect();
        let count = self.matches_at.entry(at).or_insert(0);
        *count += 1;
        let name = [&["fault", &self.key, kind], place].concat();
        Stream::new(self.seed, &name).draw(*count)
    }

    /// The trigger's matching rule, if it is about packets.
    pub fn packet(&self) -> Option<(&PacketMatch, Pick)> {
        match &self.spec.trigger {
            Trigger::Packet { matching, pick } => Some((matching, *pick)),
            _ => None,
        }
    }

    /// True if it is a partition that cuts the link from one host to another.
    pub fn cuts(&self, from: HostId, to: HostId) -> bool {
        match &self.spec.action {
            Action::World(WorldAction::Partition { cuts }) => cuts
                .iter()
                .any(|(senders, receivers)| senders.contains(from) && receivers.contains(to)),
            _ => false,
        }
    }

    /// The rules of a link override.
    pub fn rules(&self) -> Option<&[LinkRule]> {
        match &self.spec.action {
            Action::World(WorldAction::Link { rules }) => Some(rules),
            _ => None,
        }
    }
}

/// Counts how often an equal datagram was sent on a link.
#[derive(Default)]
pub(super) struct Attempts(BTreeMap<(HostId, HostId, u64), u64>);

impl Attempts {
    /// Counts this sending; the first is 1.
    pub fn count(&mut self, packet: &Packet<'_>) -> u64 {
        let digest = xxh3_64_with_seed(packet.payload, 0);
        let count = self.0.entry((packet.from, packet.to, digest)).or_insert(0);
        *count += 1;
        *count
    }
}

/// A packet and what its dissector says of it, asked at most once.
pub(super) struct Inspected<'a> {
    packet: &'a Packet<'a>,
    dissect: Option<Dissect>,
    attempt: u64,
    dissection: OnceCell<Option<Dissection>>,
}

impl<'a> Inspected<'a> {
    pub fn new(packet: &'a Packet<'a>, dissect: Option<Dissect>, attempt: u64) -> Self {
        Inspected { packet, dissect, attempt, dissection: OnceCell::new() }
    }

    /// True if the packet has everything the rule asks for.
    pub fn matches(&self, rule: &PacketMatch) -> bool {
        if !rule.from.contains(self.packet.from) || !rule.to.contains(self.packet.to) {
            return false;
        }
        if rule.attempt.is_some_and(|attempt| attempt != self.attempt) {
            return false;
        }
        if rule.kind.is_none() && rule.fields.is_empty() {
            return true;
        }
        let dissection = self
            .dissection
            .get_or_init(|| self.dissect.and_then(|dissect| dissect(self.packet.payload)));
        let Some(dissection) = dissection else {
            return false;
        };
        rule.kind.as_ref().is_none_or(|kind| *kind == dissection.kind)
            && rule.fields.iter().all(|(name, value)| dissection.field(name) == Some(*value))
    }
}
