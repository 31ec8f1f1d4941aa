//! RPC over a reliable layer: every message is acknowledged by the layer below, sent again until it is,
//! and handed up once, as [`crate::unique_id`] does it: all identifiers are remembered, without end. A call then takes four datagrams, not two: the
//! reply, which would have acknowledged the call, comes too late to do so ("Operating Systems: Three
//! Easy Pieces", "Distributed Systems"; Birrell and Nelson, section 3.1).
//!
//! The part without I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use rand::Rng;
use squall_sim::protocol::report;
use squall_sim::random;
use squall_sim::time::Instant;

use crate::mutants::{self, Mutant};
use crate::timer::Timer;
use crate::wire::Datagram;

/// Bytes in front of a message.
pub const HEADER: usize = 9;

/// Messages on their way, and those that came.
#[derive(Clone, Debug)]
pub struct Reliable {
    timer: Timer,
    next_id: u64,
    outgoing: BTreeMap<(SocketAddr, u64), Sending>,
    deadlines: BTreeSet<(Instant, SocketAddr, u64)>,
    known: BTreeSet<(SocketAddr, u64)>,
}

#[derive(Clone, Debug)]
struct Sending {
    datagram: Vec<u8>,
    attempts: u64,
    sent_at: Instant,
    deadline: Instant,
}

/// What is to be done about a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnDatagram<'a> {
    /// Send this acknowledgement; then hand up the message, unless it is a copy.
    Acknowledge(Vec<u8>, Option<&'a [u8]>),
    /// Nothing.
    Nothing,
}

impl Reliable {
    /// Sends again as `timer` says. Identifiers begin with a random number of the host.
    pub fn new(timer: Timer) -> Self {
        Reliable {
            timer,
            next_id: u64::from(random::rng().next_u32()) << 32 | 1,
            outgoing: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            known: BTreeSet::new(),
        }
    }

    /// A message is to be sent: gives the datagram.
    pub fn send(&mut self, now: Instant, message: &[u8], to: SocketAddr) -> Vec<u8> {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let datagram = Datagram::UniqueData { id, message }.encode();
        let deadline = now + self.timer.wait(1);
        let sending = Sending { datagram: datagram.clone(), attempts: 1, sent_at: now, deadline };
        self.deadlines.insert((deadline, to, id));
        self.outgoing.insert((to, id), sending);
        datagram
    }

    /// A message could not be sent at all: it is not sent again.
    pub fn handle_send_error(&mut self, datagram: &[u8], to: SocketAddr) {
        let Some(Datagram::UniqueData { id, .. }) = Datagram::decode(datagram) else { return };
        if let Some(sending) = self.outgoing.remove(&(to, id)) {
            self.deadlines.remove(&(sending.deadline, to, id));
        }
    }

    /// A datagram came.
    pub fn handle_datagram<'a>(
        &mut self,
        now: Instant,
        bytes: &'a [u8],
        from: SocketAddr,
    ) -> OnDatagram<'a> {
        match Datagram::decode(bytes) {
            Some(Datagram::UniqueData { id, message }) => {
                let is_new = self.known.insert((from, id)) || mutants::is(Mutant::CopiesHandedUp);
                let ack = Datagram::UniqueAck { id }.encode();
                OnDatagram::Acknowledge(ack, is_new.then_some(message))
            }
            Some(Datagram::UniqueAck { id }) => {
                if let Some(sent) = self.outgoing.remove(&(from, id)) {
                    self.deadlines.remove(&(sent.deadline, from, id));
                    self.timer.handle_ack(now - sent.sent_at, sent.attempts);
                }
                OnDatagram::Nothing
            }
            _ => OnDatagram::Nothing,
        }
    }

    /// When [`Reliable::handle_timeout`] is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, ..)| *deadline)
    }

    /// Time has passed: gives what is to be sent again.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<(Vec<u8>, SocketAddr)> {
        let mut again = Vec::new();
        while let Some((deadline, to, id)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            self.deadlines.remove(&(deadline, to, id));
            self.timer.handle_timeout();
            let Some(sending) = self.outgoing.get_mut(&(to, id)) else { continue };
            if self.timer.gives_up_after(sending.attempts) {
                self.outgoing.remove(&(to, id));
                continue;
            }
            report("retransmission");
            sending.attempts += 1;
            sending.sent_at = now;
            sending.deadline = now + self.timer.wait(sending.attempts);
            self.deadlines.insert((sending.deadline, to, id));
            again.push((sending.datagram.clone(), to));
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use squall_sim::time::Duration;

    use super::*;

    fn peer() -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 2], 1000))
    }

    #[test]
    fn a_message_is_sent_until_it_is_acknowledged_and_handed_up_once() {
        let (start, timeout) = (Instant::now(), Duration::from_millis(100));
        let timer = Timer::fixed(timeout);
        let (mut sender, mut receiver) = (Reliable::new(timer.clone()), Reliable::new(timer));
        let datagram = sender.send(start, b"hello", peer());
        assert_eq!(sender.next_deadline(), Some(start + timeout));
        assert_eq!(sender.handle_timeout(start + Duration::from_millis(99)), []);
        let again = sender.handle_timeout(start + timeout);
        assert_eq!(again, [(datagram.clone(), peer())]);
        let OnDatagram::Acknowledge(ack, message) =
            receiver.handle_datagram(start, &datagram, peer())
        else {
            panic!()
        };
        assert_eq!(message, Some(&b"hello"[..]));
        assert_eq!(datagram.len(), HEADER + 5);
        let copy = receiver.handle_datagram(start, &datagram, peer());
        assert_eq!(copy, OnDatagram::Acknowledge(ack.clone(), None));
        assert_eq!(sender.handle_datagram(start, &ack, peer()), OnDatagram::Nothing);
        assert_eq!(sender.next_deadline(), None);
        assert_eq!(sender.handle_timeout(start + 9 * timeout), []);
    }

    #[test]
    fn what_could_not_be_sent_is_not_sent_later() {
        let mut sender = Reliable::new(Timer::fixed(Duration::from_millis(100)));
        let datagram = sender.send(Instant::now(), b"hello", peer());
        sender.handle_send_error(&datagram, peer());
        assert_eq!(sender.next_deadline(), None);
    }

    #[test]
    fn it_gives_up_when_the_attempts_are_used_up() {
        let start = Instant::now();
        let timer = Timer { max_attempts: Some(2), ..Timer::fixed(Duration::from_millis(100)) };
        let mut sender = Reliable::new(timer);
        sender.send(start, b"hello", peer());
        assert_eq!(sender.handle_timeout(start + Duration::from_millis(100)).len(), 1);
        assert_eq!(sender.handle_timeout(start + Duration::from_millis(200)), []);
        assert_eq!(sender.next_deadline(), None);
    }
}
