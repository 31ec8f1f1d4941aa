//! The event queue, ordered by time, then class, then sequence.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A fault begins.
    FaultBegins(u32),
    /// A fault ends, unless it was prolonged.
    FaultEnds(u32),
    /// A datagram arrives.
    Arrival(u32),
    /// A connected socket learns that its peer's port is closed.
    Refusal { socket: u32, generation: u32 },
    /// A timer goes off.
    Timer { slot: u32, generation: u32 },
}

impl Due {
    /// At one time, faults come first, then what the network delivers, then timers: a reply that
    /// arrives just as its timeout ends is in time. Both engines keep to this.
    fn class(self) -> u64 {
        match self {
            Due::FaultBegins(_) | Due::FaultEnds(_) => 0,
            Due::Arrival(_) | Due::Refusal { .. } => 1,
            Due::Timer { .. } => 2,
        }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    at: u64,
    /// Class in the two highest bits, sequence below.
    order: u64,
    due: Due,
}

impl Entry {
    #[inline]
    fn key(&self) -> u128 {
        u128::from(self.at) << 64 | u128::from(self.order)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// Reversed, so that the earliest is the greatest, which a `BinaryHeap` gives first.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

/// The queue.
#[derive(Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Entry>,
    sequence: u64,
}

impl Queue {
    #[inline]
    pub fn push(&mut self, at: u64, due: Due) {
        let order = due.class() << 62 | self.sequence;
        self.sequence += 1;
        self.heap.push(Entry { at, order, due });
    }

    /// The earliest entry's time.
    #[inline]
    pub fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// What the earliest entry is.
    #[inline]
    pub fn peek(&self) -> Option<Due> {
        self.heap.peek().map(|entry| entry.due)
    }

    #[inline]
    pub fn pop(&mut self) -> Option<Due> {
        self.heap.pop().map(|entry| entry.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_then_class_then_sequence() {
        let mut queue = Queue::default();
        let timer = |slot| Due::Timer { slot, generation: 0 };
        queue.push(5, timer(1));
        queue.push(5, Due::Arrival(1));
        queue.push(5, Due::Arrival(2));
        queue.push(5, Due::FaultEnds(1));
        queue.push(4, timer(2));
        let order: Vec<Due> = std::iter::from_fn(|| queue.pop()).collect();
        let expected = [timer(2), Due::FaultEnds(1), Due::Arrival(1), Due::Arrival(2), timer(1)];
        assert_eq!(order, expected);
    }
}
