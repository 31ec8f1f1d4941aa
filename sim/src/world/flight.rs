//! Datagrams, from when they are sent until they are received.
//!
//! Each has a slot, and keeps it while it is on its way and while it waits in a receive buffer, so
//! that its payload is copied once on its way in and once on its way out. A slot's buffer is used
//! again by the next datagram.

use crate::trace::Endpoint;

/// No slot.
const NONE: u32 = u32::MAX;

/// Larger buffers, in bytes, are not kept for the next datagram.
const KEEP: usize = 4096;

/// A datagram, or a copy: one cache line.
#[repr(align(64))]
pub(super) struct Flight {
    pub id: u64,
    pub copy: u32,
    pub from: Endpoint,
    pub to: Endpoint,
    pub payload: Vec<u8>,
    pub checksum_fails: bool,
    pub state: State,
    /// The next one that is free, or that waits in the same receive buffer.
    next: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Flying,
    /// A partition dropped it; its queue entry is still to come.
    Stopped,
    /// In a receive buffer.
    Waiting,
    Free,
}

/// All datagrams of a world.
pub(super) struct Flights {
    slots: Vec<Flight>,
    free: u32,
}

impl Default for Flights {
    fn default() -> Self {
        Flights { slots: Vec::new(), free: NONE }
    }
}

impl Flights {
    /// Takes a slot for a datagram.
    #[inline]
    pub fn launch(
        &mut self,
        id: u64,
        copy: u32,
        from: Endpoint,
        to: Endpoint,
        payload: &[u8],
    ) -> (u32, &mut Flight) {
        let slot = self.free;
        if let Some(flight) = self.slots.get_mut(slot as usize) {
            self.free = flight.next;
        } else {
            return self.launch_new(id, copy, from, to, payload);
        }
        let flight = &mut self.slots[slot as usize];
        flight.id = id;
        flight.copy = copy;
        flight.from = from;
        flight.to = to;
        flight.payload.extend_from_slice(payload);
        flight.checksum_fails = false;
        flight.state = State::Flying;
        (slot, flight)
    }

    #[cold]
    fn launch_new(
        &mut self,
        id: u64,
        copy: u32,
        from: Endpoint,
        to: Endpoint,
        payload: &[u8],
    ) -> (u32, &mut Flight) {
        let slot = self.slots.len();
        self.slots.push(Flight {
            id,
            copy,
            from,
            to,
            payload: payload.to_vec(),
            checksum_fails: false,
            state: State::Flying,
            next: NONE,
        });
        (slot as u32, &mut self.slots[slot])
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &Flight {
        &self.slots[slot as usize]
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut Flight {
        &mut self.slots[slot as usize]
    }

    /// Gives a slot back.
    #[inline]
    pub fn release(&mut self, slot: u32) {
        let flight = &mut self.slots[slot as usize];
        flight.payload.clear();
        if flight.payload.capacity() > KEEP {
            flight.payload = Vec::new();
        }
        flight.state = State::Free;
        flight.next = self.free;
        self.free = slot;
    }

    /// The datagrams on their way, with their slots.
    pub fn flying(&self) -> impl Iterator<Item = (u32, &Flight)> {
        let all = (0..).zip(&self.slots);
        all.filter(|(_, flight)| flight.state == State::Flying)
    }
}

/// Datagrams that wait in a receive buffer, first come, first served.
pub(super) struct Line {
    first: u32,
    last: u32,
    pub length: u32,
}

impl Default for Line {
    fn default() -> Self {
        Line { first: NONE, last: NONE, length: 0 }
    }
}

impl Line {
    #[inline]
    pub fn push(&mut self, flights: &mut Flights, slot: u32) {
        let flight = flights.get_mut(slot);
        flight.state = State::Waiting;
        flight.next = NONE;
        match self.length {
            0 => self.first = slot,
            _ => flights.get_mut(self.last).next = slot,
        }
        self.last = slot;
        self.length += 1;
    }

    #[inline]
    pub fn pop(&mut self, flights: &Flights) -> Option<u32> {
        if self.length == 0 {
            return None;
        }
        let slot = self.first;
        self.first = flights.get(slot).next;
        self.length -= 1;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_order_and_slots_are_used_again() {
        let mut flights = Flights::default();
        let at = Endpoint { host: 0, port: 1 };
        let (mut one, mut other) = (Line::default(), Line::default());
        for id in 0..10 {
            let (slot, flight) = flights.launch(id, 0, at, at, &[id as u8]);
            assert_eq!(flight.payload, [id as u8]);
            let line = if id % 3 == 0 { &mut one } else { &mut other };
            line.push(&mut flights, slot);
        }
        let mut order = Vec::new();
        for line in [&mut one, &mut other] {
            while let Some(slot) = line.pop(&flights) {
                order.push(flights.get(slot).id);
                flights.release(slot);
            }
        }
        assert_eq!(order, [0, 3, 6, 9, 1, 2, 4, 5, 7, 8]);
        assert_eq!(flights.flying().count(), 0);
        let (slot, flight) = flights.launch(10, 0, at, at, &[7; 3]);
        assert_eq!((slot, flight.payload.as_slice()), (8, &[7; 3][..]));
        assert_eq!(flights.slots.len(), 10);
    }
}
