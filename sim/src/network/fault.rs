//! Faults: who is hit, and how often.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::config::{FaultSpec, HostId, PacketMatch, Pick, Trigger};
use crate::protocol::{Dissect, Dissection};
use crate::stream::Stream;

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
    stream: Stream,
}

impl Fault {
    pub fn new(seed: u64, spec: FaultSpec) -> Self {
        let stream = Stream::new(seed, &["fault", &spec.name]);
        Fault { spec, opportunities: 0, hits: 0, matches: 0, stream }
    }

    /// Counts a match and says whether the fault acts on it.
    pub fn picks(&mut self, pick: Pick) -> bool {
        self.matches += 1;
        match pick {
            Pick::All => true,
            Pick::Nth(n) => self.matches == n,
            Pick::First(n) => self.matches <= n,
            Pick::Every(n) => n > 0 && self.matches.is_multiple_of(n),
            Pick::Chance(probability) => self.stream.part(0).chance(self.matches, probability),
        }
    }

    /// Different random bits of a payload of `length` bytes; all of them if it has no more.
    pub fn bits(&self, count: u64, length: usize) -> Vec<u64> {
        let total = length as u64 * 8;
        let mut draw = self.stream.part(1).draw(self.matches);
        let mut bits: Vec<u64> = Vec::new();
        // Floyd's sampling without replacement (CACM 30(9), 1987).
        for upper in total - count.min(total)..total {
            let bit = draw.below(upper + 1);
            bits.push(if bits.contains(&bit) { upper } else { bit });
        }
        bits.sort_unstable();
        bits
    }

    /// The trigger's matching rule, if it is about packets.
    pub fn packet(&self) -> Option<(&PacketMatch, Pick)> {
        match &self.spec.trigger {
            Trigger::Packet { matching, pick } => Some((matching, *pick)),
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
