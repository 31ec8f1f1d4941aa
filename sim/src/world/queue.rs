//! The event queue, ordered by time, then class, then sequence.
//!
//! Most events come in the order of their times: links have fixed delays, protocols fixed timeouts.
//! So arrivals and timers have a lane each, a plain queue for those that are not due before the
//! lane's last one. Whatever comes out of order goes to a heap.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A fault begins.
    FaultBegins(u32),
    /// A fault ends.
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
    #[inline]
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
    arrivals: VecDeque<Entry>,
    timers: VecDeque<Entry>,
    heap: BinaryHeap<Entry>,
    sequence: u64,
    /// A copy of the earliest entry, and where it is: it is looked at several times.
    first: Option<(Place, Entry)>,
}

/// Where an entry is.
#[derive(Clone, Copy)]
enum Place {
    Arrivals,
    Timers,
    Heap,
}

impl Queue {
    #[inline]
    pub fn push(&mut self, at: u64, due: Due) {
        let order = due.class() << 62 | self.sequence;
        self.sequence += 1;
        let entry = Entry { at, order, due };
        let lane = match due {
            Due::Arrival(_) => Some((Place::Arrivals, &mut self.arrivals)),
            Due::Timer { .. } => Some((Place::Timers, &mut self.timers)),
            _ => None,
        };
        let place = match lane {
            Some((place, lane)) if lane.back().is_none_or(|last| last.at <= at) => {
                lane.push_back(entry);
                place
            }
            _ => {
                self.heap.push(entry);
                Place::Heap
            }
        };
        if self.first.is_none_or(|(_, first)| entry.key() < first.key()) {
            self.first = Some((place, entry));
        }
    }

    fn find_first(&self) -> Option<(Place, Entry)> {
        let mut first = self.arrivals.front().map(|entry| (Place::Arrivals, entry));
        let others = [(Place::Timers, self.timers.front()), (Place::Heap, self.heap.peek())];
        for (place, other) in others {
            let Some(other) = other else { continue };
            if first.as_ref().is_none_or(|(_, entry)| other.key() < entry.key()) {
                first = Some((place, other));
            }
        }
        first.map(|(place, entry)| (place, *entry))
    }

    /// The earliest entry's time.
    #[inline]
    pub fn next_at(&self) -> Option<u64> {
        self.first.map(|(_, entry)| entry.at)
    }

    /// The earliest entry: when, and what.
    #[inline]
    pub fn peek(&self) -> Option<(u64, Due)> {
        self.first.map(|(_, entry)| (entry.at, entry.due))
    }

    #[inline]
    pub fn pop(&mut self) -> Option<Due> {
        let (place, Entry { due, .. }) = self.first?;
        match place {
            Place::Arrivals => drop(self.arrivals.pop_front()),
            Place::Timers => drop(self.timers.pop_front()),
            Place::Heap => drop(self.heap.pop()),
        }
        self.first = self.find_first();
        Some(due)
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

    #[test]
    fn what_comes_out_of_order_goes_out_in_order() {
        let mut queue = Queue::default();
        let mut pushed = Vec::new();
        for n in 0..1000u32 {
            // Some ascend, some do not.
            let at = u64::from(n / 2 + n.wrapping_mul(2_654_435_761) % 7 * 40);
            let due = match n % 3 {
                0 => Due::FaultBegins(n),
                1 => Due::Arrival(n),
                _ => Due::Timer { slot: n, generation: 0 },
            };
            queue.push(at, due);
            pushed.push((at, due.class(), n, due));
        }
        pushed.sort_by_key(|(at, class, n, _)| (*at, *class, *n));
        for (at, _, _, due) in pushed {
            assert_eq!(queue.peek(), Some((at, due)));
            assert_eq!(queue.pop(), Some(due));
        }
        assert_eq!(queue.pop(), None);
    }
}
