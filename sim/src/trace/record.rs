//! The canonical bytes of a trace. The trace hash is xxh3-128 over them, so two runs with one hash
//! had the same events in the same order, payloads included.
//!
//! A record is 32 bytes, little-endian, and its tail:
//! `at: u64, a: u64, b: u64, c: u32, kind: u8, aux: u8, tail length: u16`.

use std::cell::Cell;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::event::{Endpoint, Event, HostChange, OpId, Step, What};
use crate::network::{Alteration, Cause, DropReason, HostId, Mark};

const SENT: u8 = 1;
const MARKED: u8 = 2;
const DROPPED: u8 = 3;
const DELIVERED: u8 = 4;
const REFUSED: u8 = 5;
const OPERATION: u8 = 6;
const DAMAGED: u8 = 7;
const REPORTED: u8 = 8;
const HOST: u8 = 9;
const FAULT_BEGAN: u8 = 10;
const FAULT_ENDED: u8 = 11;
const BROKE: u8 = 12;

const HEAD: usize = 32;

/// Bytes that gather before they are hashed, when the trace is not kept.
const BATCH: usize = 16 * 1024;

thread_local! {
    /// The last run's buffer, for the next one: a short run would spend more on a new one than on hashing.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Takes events as they happen: hashes them, and keeps them if asked to.
#[derive(Default)]
pub(crate) struct Recorder {
    bytes: Vec<u8>,
    hasher: Option<Box<Xxh3>>,
    keep: bool,
    pub at: u64,
}

impl Recorder {
    pub fn new(keep: bool) -> Self {
        let mut bytes = SPARE.take();
        bytes.clear();
        // Room for a batch at once: growing to it costs a short run more, too.
        bytes.reserve(BATCH);
        Recorder { bytes, keep, ..Recorder::default() }
    }

    #[inline]
    fn put(&mut self, kind: u8, aux: u8, a: u64, b: u64, c: u32, tail: &[u8]) {
        let tail = &tail[..tail.len().min(usize::from(u16::MAX))];
        // Whole words, put together in registers: bytes written one by one and then copied as a
        // block would wait for one another.
        let codes =
            u64::from(c) | u64::from(kind) << 32 | u64::from(aux) << 40 | (tail.len() as u64) << 48;
        let words = [self.at, a, b, codes].map(u64::to_le_bytes);
        self.bytes.extend_from_slice(words.as_flattened());
        if !tail.is_empty() {
            self.bytes.extend_from_slice(tail);
        }
        if self.bytes.len() >= BATCH && !self.keep {
            self.hash_batch();
        }
    }

    #[cold]
    fn hash_batch(&mut self) {
        self.hasher.get_or_insert_with(Box::default).update(&self.bytes);
        self.bytes.clear();
    }

    #[inline]
    pub fn sent(&mut self, id: u64, from: Endpoint, to: Endpoint, payload: &[u8]) {
        let hosts = pair(from.host, to.host);
        self.put(SENT, 0, id, hosts, u32::from(from.port) | u32::from(to.port) << 16, payload);
    }

    pub fn marked(&mut self, id: u64, mark: Mark) {
        let (aux, by, value) = match mark {
            Mark::Duplicated { by, copies } => (0, by, u64::from(copies)),
            Mark::Corrupted { by, how: Alteration::Bits(bits) } => (1, by, u64::from(bits)),
            Mark::Delayed { by, length } => (2, by, length),
            Mark::Reordered => (3, Cause::Link, 0),
            Mark::Corrupted { by, how: Alteration::Burst(bits) } => (4, by, u64::from(bits)),
            Mark::Corrupted { by, how: Alteration::SwapBytes(apart) } => (5, by, u64::from(apart)),
            Mark::Corrupted { by, how: Alteration::Truncate(bytes) } => (6, by, u64::from(bytes)),
        };
        let by = match by {
            Cause::Link => 0,
            Cause::Fault(fault) => fault + 1,
        };
        self.put(MARKED, aux, id, value, by, &[]);
    }

    pub fn dropped(&mut self, id: u64, copy: u32, reason: DropReason) {
        let (code, fault) = reason.code();
        self.put(DROPPED, code, id, u64::from(fault), copy, &[]);
    }

    #[inline]
    pub fn delivered(&mut self, id: u64, copy: u32) {
        self.put(DELIVERED, 0, id, 0, copy, &[]);
    }

    pub fn refused(&mut self, at: Endpoint) {
        self.put(REFUSED, 0, u64::from(at.host), u64::from(at.port), 0, &[]);
    }

    #[inline]
    pub fn operation(&mut self, host: HostId, incarnation: u32, op: OpId, step: Step) {
        let aux = step as u8;
        self.put(OPERATION, aux, pair(op.client, op.number), pair(host, incarnation), 0, &[]);
    }

    pub fn damaged(&mut self, host: HostId, op: Option<OpId>) {
        // Clients are numbered from 1, so 0 is no operation.
        let op = op.map_or(0, |op| pair(op.client, op.number));
        self.put(DAMAGED, 0, op, u64::from(host), 0, &[]);
    }

    pub fn reported(&mut self, host: HostId, name: &str) {
        self.put(REPORTED, 0, u64::from(host), 0, 0, short(name).as_bytes());
    }

    pub fn host(&mut self, host: HostId, change: HostChange) {
        let (aux, value) = match change {
            HostChange::Crashed => (0, 0),
            HostChange::Restarted(incarnation) => (1, u64::from(incarnation)),
            HostChange::Paused => (2, 0),
            HostChange::Resumed => (3, 0),
            HostChange::ClockStepped(by) => (4, by.cast_unsigned()),
            HostChange::MemoryCorrupted(bit) => (5, bit),
            HostChange::DiskCorrupted(bit) => (6, bit),
        };
        self.put(HOST, aux, u64::from(host), value, 0, &[]);
    }

    pub fn fault_began(&mut self, fault: u32) {
        self.put(FAULT_BEGAN, 0, u64::from(fault), 0, 0, &[]);
    }

    pub fn fault_ended(&mut self, fault: u32) {
        self.put(FAULT_ENDED, 0, u64::from(fault), 0, 0, &[]);
    }

    pub fn broke(&mut self, host: HostId, message: &str) {
        self.put(BROKE, 0, u64::from(host), 0, 0, short(message).as_bytes());
    }

    /// Takes any event, as when a trace is read from a file.
    pub fn event(&mut self, event: &Event) {
        self.at = event.at;
        match &event.what {
            What::Sent { id, from, to, payload } => self.sent(*id, *from, *to, payload),
            What::Marked { id, mark } => self.marked(*id, *mark),
            What::Dropped { id, copy, reason } => self.dropped(*id, *copy, *reason),
            What::Delivered { id, copy } => self.delivered(*id, *copy),
            What::Refused { at } => self.refused(*at),
            What::Operation { host, incarnation, op, step } => {
                self.operation(*host, *incarnation, *op, *step);
            }
            What::Damaged { host, op } => self.damaged(*host, *op),
            What::Reported { host, name } => self.reported(*host, name),
            What::Host { host, change } => self.host(*host, *change),
            What::FaultBegan { fault } => self.fault_began(*fault),
            What::FaultEnded { fault } => self.fault_ended(*fault),
            What::Broke { host, message } => self.broke(*host, message),
        }
    }

    /// The trace hash, and the records if they were kept.
    pub fn finish(self) -> (u128, Option<Vec<u8>>) {
        let Recorder { bytes, hasher, keep, .. } = self;
        let hash = match hasher {
            Some(mut hasher) => {
                hasher.update(&bytes);
                hasher.digest128()
            }
            None => xxh3_128(&bytes),
        };
        if keep {
            return (hash, Some(bytes));
        }
        SPARE.set(bytes);
        (hash, None)
    }
}

/// As much of a text as a record has room for, in whole characters.
fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(text.len().min(usize::from(u16::MAX)))]
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

/// The events in bytes that a [`Recorder`] kept.
pub(crate) fn decode(bytes: &[u8]) -> impl Iterator<Item = Event> + '_ {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (head, after) = rest.split_first_chunk::<HEAD>()?;
        let length = usize::from(u16::from_le_bytes([head[30], head[31]]));
        let (tail, after) = after.split_at_checked(length)?;
        rest = after;
        decode_record(head, tail)
    })
}

fn decode_record(head: &[u8; HEAD], tail: &[u8]) -> Option<Event> {
    let word = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap_or_default());
    let (at, a, b) = (word(0), word(8), word(16));
    let c = u32::from_le_bytes(head[24..28].try_into().ok()?);
    let aux = head[29];
    let text = || String::from_utf8_lossy(tail).into_owned();
    let (low, high) = (a as u32, (a >> 32) as u32);
    let (b_low, b_high) = (b as u32, (b >> 32) as u32);
    let what = match head[28] {
        SENT => What::Sent {
            id: a,
            from: Endpoint { host: b_low, port: c as u16 },
            to: Endpoint { host: b_high, port: (c >> 16) as u16 },
            payload: tail.to_vec(),
        },
        MARKED => {
            let by = if c == 0 { Cause::Link } else { Cause::Fault(c - 1) };
            let mark = match aux {
                0 => Mark::Duplicated { by, copies: b_low },
                1 => Mark::Corrupted { by, how: Alteration::Bits(b_low) },
                2 => Mark::Delayed { by, length: b },
                3 => Mark::Reordered,
                4 => Mark::Corrupted { by, how: Alteration::Burst(b_low) },
                5 => Mark::Corrupted { by, how: Alteration::SwapBytes(b_low) },
                6 => Mark::Corrupted { by, how: Alteration::Truncate(b_low) },
                _ => return None,
            };
            What::Marked { id: a, mark }
        }
        DROPPED => What::Dropped { id: a, copy: c, reason: DropReason::from_code(aux, b_low)? },
        DELIVERED => What::Delivered { id: a, copy: c },
        REFUSED => What::Refused { at: Endpoint { host: low, port: b as u16 } },
        OPERATION => What::Operation {
            host: b_low,
            incarnation: b_high,
            op: OpId { client: low, number: high },
            step: *Step::ALL.get(usize::from(aux))?,
        },
        DAMAGED => What::Damaged {
            host: b_low,
            op: (a != 0).then_some(OpId { client: low, number: high }),
        },
        REPORTED => What::Reported { host: low, name: text() },
        HOST => What::Host {
            host: low,
            change: match aux {
                0 => HostChange::Crashed,
                1 => HostChange::Restarted(b_low),
                2 => HostChange::Paused,
                3 => HostChange::Resumed,
                4 => HostChange::ClockStepped(b.cast_signed()),
                5 => HostChange::MemoryCorrupted(b),
                6 => HostChange::DiskCorrupted(b),
                _ => return None,
            },
        },
        FAULT_BEGAN => What::FaultBegan { fault: low },
        FAULT_ENDED => What::FaultEnded { fault: low },
        BROKE => What::Broke { host: low, message: text() },
        _ => return None,
    };
    Some(Event { at, what })
}
