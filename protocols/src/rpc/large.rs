//! Messages of more than one datagram: cut, put together again, and only the missing pieces sent once
//! more.
//!
//! The sender marks the last piece that it sends, and the receiver then says which pieces it has. When
//! nothing is heard, the sender sends one marked piece, not all. The mark is the number of the burst, and
//! only an answer to one that was sent after the last answer makes the sender send: copies cause nothing.
//! That it must be the last of these would be too much: where a round trip takes longer than the timeout,
//! every answer comes after the next burst.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::SocketAddr;

use squall_sim::time::{Duration, Instant};

use super::packet::{MessageId, PIECE_HEADER, Packet, Piece};
use crate::mutants::{self, Mutant};

/// The most pieces of one message.
pub const MAX_PIECES: usize = 4096;

/// A large message that is being sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    of: MessageId,
    message: Vec<u8>,
    /// Bytes of the message in each piece but the last.
    share: usize,
    /// Which pieces the receiver is known to have.
    arrived: Vec<bool>,
    /// How often it was sent: 1 to 255, then 1 again.
    burst: u8,
    /// How many times since the last answer; 254 at the most.
    unanswered: u8,
    /// True if no piece is lost on the way, so that none is marked.
    reliable: bool,
}

impl Outgoing {
    /// Cuts a message into datagrams of at most `datagram` bytes. Over a `reliable` layer no piece is
    /// marked. `None` if it takes more than [`MAX_PIECES`].
    pub fn new(of: MessageId, message: Vec<u8>, datagram: usize, reliable: bool) -> Option<Self> {
        let share = datagram.saturating_sub(PIECE_HEADER).max(1);
        let count = message.len().div_ceil(share);
        let arrived = vec![false; count];
        let (burst, unanswered) = (0, 0);
        let outgoing = Outgoing { of, message, share, arrived, burst, unanswered, reliable };
        (count <= MAX_PIECES).then_some(outgoing)
    }

    /// Whose pieces these are.
    pub fn id(&self) -> MessageId {
        self.of
    }

    /// The pieces that are not known to have arrived; the last of them is marked.
    pub fn missing(&mut self) -> Vec<Vec<u8>> {
        self.next_burst();
        let missing: Vec<usize> =
            (0..self.arrived.len()).filter(|index| !self.arrived[*index]).collect();
        let last = missing.last().copied();
        let marked = |index| Some(index) == last && !self.reliable;
        let mark = |index| if marked(index) { self.burst } else { 0 };
        missing.into_iter().map(|index| self.piece(index, mark(index))).collect()
    }

    /// A marked piece, to hear which are missing: the first that is not known to have arrived.
    pub fn probe(&mut self) -> Vec<u8> {
        self.next_burst();
        let index = self.arrived.iter().position(|arrived| !arrived).unwrap_or(0);
        self.piece(index, self.burst)
    }

    fn next_burst(&mut self) {
        self.burst = self.burst.checked_add(1).unwrap_or(1);
        self.unanswered = self.unanswered.saturating_add(1).min(254);
    }

    /// The receiver says what it has, which may be less than before. True if that is news: its answer
    /// to a burst since its last answer, or said of itself.
    pub fn handle_received(&mut self, burst: u8, pieces: &[u8]) -> bool {
        let before = (u16::from(self.burst) + 255 - u16::from(burst)) % 255;
        if burst != 0 && before >= u16::from(self.unanswered) {
            return false;
        }
        self.unanswered = 0;
        for (index, arrived) in self.arrived.iter_mut().enumerate() {
            *arrived = pieces.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1);
        }
        true
    }

    /// The receiver has lost all.
    pub fn handle_forgotten(&mut self) {
        self.arrived.fill(false);
    }

    fn piece(&self, index: usize, burst: u8) -> Vec<u8> {
        let start = index * self.share;
        let bytes = &self.message[start..self.message.len().min(start + self.share)];
        let (of, count) = (self.of, self.arrived.len() as u16);
        let length = self.message.len() as u32;
        Packet::Piece(Piece { of, index: index as u16, count, length, burst, bytes }).encode()
    }
}

/// What becomes of a piece that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnPiece {
    /// It was the last one missing: this is the message.
    Complete(Vec<u8>),
    /// It waits for others. If the sender asked for it, a packet that says which are there.
    Waits(Option<Vec<u8>>),
    /// There is no room for it.
    Full,
}

/// Pieces that wait for the rest of their messages, of any number of senders.
#[derive(Clone, Debug)]
pub struct Incoming {
    capacity: usize,
    timeout: Duration,
    /// The room of all messages of which there are pieces.
    reserved: usize,
    partial: BTreeMap<(SocketAddr, MessageId), Partial>,
}

#[derive(Clone, Debug)]
struct Partial {
    /// When its last piece came.
    since: Instant,
    count: u16,
    /// As many bytes as the whole has, for which there is room from the first piece on: else two halves
    /// might keep each other from becoming whole (Kahn and Crowther, "Flow Control in a
    /// Resource-Sharing Computer Network", 1972: reassembly lock-up).
    length: usize,
    /// How many of them are there.
    held: usize,
    pieces: BTreeMap<u16, Vec<u8>>,
}

impl Partial {
    fn received(&self, of: MessageId, burst: u8) -> Vec<u8> {
        let mut bits = vec![0; usize::from(self.count).div_ceil(8)];
        for index in self.pieces.keys().map(|index| usize::from(*index)) {
            bits[index / 8] |= 1 << (index % 8);
        }
        Packet::Received { of, burst, pieces: &bits }.encode()
    }
}

impl Incoming {
    /// Room for messages of `capacity` bytes together. One to which nothing was added for `timeout` is
    /// forgotten.
    pub fn new(capacity: usize, timeout: Duration) -> Self {
        Incoming { capacity, timeout, reserved: 0, partial: BTreeMap::new() }
    }

    /// A piece came.
    pub fn handle_piece(&mut self, now: Instant, from: SocketAddr, piece: Piece<'_>) -> OnPiece {
        let Piece { of, index, count, length, burst, bytes } = piece;
        self.forget_old(now);
        let (key, length) = ((from, of), length as usize);
        let new = Partial { since: now, count, length, held: 0, pieces: BTreeMap::new() };
        let partial = match self.partial.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let room = self.capacity.saturating_sub(self.reserved);
                if usize::from(count) > MAX_PIECES || length > room {
                    return OnPiece::Full;
                }
                self.reserved += length;
                free.insert(new)
            }
        };
        let contradicts = (partial.count, partial.length) != (count, length);
        let copies_count = mutants::is(Mutant::PieceCountedTwice);
        let free = (0..count).find(|index| !partial.pieces.contains_key(index));
        let place = match free.filter(|_| copies_count && partial.pieces.contains_key(&index)) {
            Some(free) => free,
            None => index,
        };
        if let (Entry::Vacant(free), false) = (partial.pieces.entry(place), contradicts) {
            if partial.held + bytes.len() > length {
                return OnPiece::Waits(None);
            }
            free.insert(bytes.to_vec());
            partial.held += bytes.len();
            partial.since = now;
        }
        if partial.pieces.len() < usize::from(partial.count) {
            return OnPiece::Waits((burst > 0).then(|| partial.received(of, burst)));
        }
        let Some(whole) = self.partial.remove(&key) else { return OnPiece::Waits(None) };
        self.reserved -= whole.length;
        OnPiece::Complete(whole.pieces.into_values().flatten().collect())
    }

    /// The reply from `from` to the call `xid` of which pieces are there, and a packet that says which;
    /// `None` if there are none. Those that the next piece would find too old are none: or only the others
    /// would be sent, and find themselves alone.
    pub fn received(
        &mut self,
        now: Instant,
        from: SocketAddr,
        xid: u32,
    ) -> Option<(MessageId, Vec<u8>)> {
        self.forget_old(now);
        let first = (from, MessageId { xid, is_reply: true, digest: 0 });
        let last = (from, MessageId { xid, is_reply: true, digest: u64::MAX });
        let ((_, of), partial) = self.partial.range(first..=last).next_back()?;
        Some((*of, partial.received(*of, 0)))
    }

    /// Forgets what there is of replies to a call.
    pub fn forget(&mut self, from: SocketAddr, xid: u32) {
        let reserved = &mut self.reserved;
        self.partial.retain(|(sender, of), partial| {
            let keep = *sender != from || of.xid != xid;
            if !keep {
                *reserved -= partial.length;
            }
            keep
        });
    }

    /// Gives up messages to which nothing was added for long.
    fn forget_old(&mut self, now: Instant) {
        let (timeout, reserved) = (self.timeout, &mut self.reserved);
        self.partial.retain(|_, partial| {
            let keep = now - partial.since < timeout;
            if !keep {
                *reserved -= partial.length;
            }
            keep
        });
    }

    /// How many messages wait for more of their pieces.
    pub fn waiting(&self) -> usize {
        self.partial.len()
    }

    /// The room that is taken, in bytes.
    pub fn reserved(&self) -> usize {
        self.reserved
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    const ID: MessageId = MessageId { xid: 7, is_reply: false, digest: 9 };

    fn sender(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 2], port))
    }

    fn incoming(capacity: usize) -> Incoming {
        Incoming::new(capacity, Duration::from_secs(1))
    }

    fn give(incoming: &mut Incoming, from: u16, piece: &[u8]) -> OnPiece {
        give_at(incoming, Instant::now(), from, piece)
    }

    fn give_at(incoming: &mut Incoming, now: Instant, from: u16, piece: &[u8]) -> OnPiece {
        match Packet::decode(piece) {
            Some(Packet::Piece(piece)) => incoming.handle_piece(now, sender(from), piece),
            other => panic!("{other:?}"),
        }
    }

    /// What the receiver says it has.
    fn tell(outgoing: &mut Outgoing, answer: OnPiece) -> bool {
        let OnPiece::Waits(Some(packet)) = answer else { panic!("{answer:?}") };
        match Packet::decode(&packet) {
            Some(Packet::Received { of: ID, burst, pieces }) => {
                outgoing.handle_received(burst, pieces)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_what_is_missing_is_sent_again() {
        let message: Vec<u8> = (0..100).collect();
        let mut outgoing = Outgoing::new(ID, message.clone(), PIECE_HEADER + 10, false).unwrap();
        let mut incoming = incoming(1000);
        let pieces = outgoing.missing();
        assert_eq!(pieces.len(), 10);
        for index in [0, 2, 3, 5, 6, 7, 8] {
            assert_eq!(give(&mut incoming, 1, &pieces[index]), OnPiece::Waits(None));
        }
        let answer = give(&mut incoming, 1, &pieces[9]);
        assert!(tell(&mut outgoing, answer.clone()));
        let missing = outgoing.missing();
        assert_eq!(missing.len(), 2);
        assert!(!tell(&mut outgoing, answer), "an answer to the burst before is no news");
        assert_eq!(give(&mut incoming, 1, &missing[0]), OnPiece::Waits(None));
        // The probe is the first that is missing, as far as the sender knows: a copy by now.
        let probe = outgoing.probe();
        assert!(tell(&mut outgoing, give(&mut incoming, 1, &probe)));
        let missing = outgoing.missing();
        assert_eq!(missing.len(), 1);
        assert_eq!(give(&mut incoming, 1, &missing[0]), OnPiece::Complete(message));
        assert_eq!((incoming.reserved(), incoming.waiting()), (0, 0));
        outgoing.handle_forgotten();
        assert_eq!(outgoing.missing().len(), 10);
    }

    #[test]
    fn an_answer_that_comes_after_the_next_probe_still_counts() {
        let mut outgoing = Outgoing::new(ID, vec![7; 100], PIECE_HEADER + 10, false).unwrap();
        outgoing.missing();
        // Past the point where the numbers begin anew.
        for first in (2..=254).step_by(2) {
            outgoing.probe();
            outgoing.probe();
            assert!(outgoing.handle_received(first, &[1]));
            assert!(!outgoing.handle_received(first, &[1]), "a copy");
            assert!(!outgoing.handle_received(first + 1, &[1]), "what is missing is on the way");
        }
        assert_eq!(outgoing.probe()[PIECE_HEADER - 1], 1);
        assert!(!outgoing.handle_received(2, &[1]), "a burst that was not sent");
        assert!(outgoing.handle_received(1, &[1]));
    }

    #[test]
    fn a_full_buffer_refuses_until_the_timeout_frees_it() {
        let start = Instant::now();
        let mut incoming = incoming(100);
        let pieces = Outgoing::new(ID, vec![7; 80], PIECE_HEADER + 40, false).unwrap().missing();
        assert_eq!(give_at(&mut incoming, start, 1, &pieces[0]), OnPiece::Waits(None));
        assert_eq!(give_at(&mut incoming, start, 2, &pieces[0]), OnPiece::Full);
        assert_eq!((incoming.reserved(), incoming.waiting()), (80, 1));
        let later = start + Duration::from_secs(1);
        assert!(matches!(give_at(&mut incoming, later, 2, &pieces[1]), OnPiece::Waits(Some(_))));
        assert_eq!((incoming.reserved(), incoming.waiting()), (80, 1));
        let large = Outgoing::new(ID, vec![7; 101], PIECE_HEADER + 60, false).unwrap().missing();
        // The short one, too: it says how long the whole is.
        assert_eq!(give(&mut self::incoming(100), 1, &large[1]), OnPiece::Full);
    }

    #[test]
    fn two_halves_do_not_keep_each_other_from_becoming_whole() {
        let mut incoming = incoming(100);
        let pieces = Outgoing::new(ID, vec![7; 80], PIECE_HEADER + 20, false).unwrap().missing();
        let give =
            |incoming: &mut Incoming, from, index: usize| give(incoming, from, &pieces[index]);
        assert_eq!(give(&mut incoming, 1, 0), OnPiece::Waits(None));
        assert_eq!(give(&mut incoming, 2, 0), OnPiece::Full);
        for index in [1, 2] {
            assert_eq!(give(&mut incoming, 1, index), OnPiece::Waits(None));
        }
        assert_eq!(give(&mut incoming, 1, 3), OnPiece::Complete(vec![7; 80]));
        assert_eq!(give(&mut incoming, 2, 0), OnPiece::Waits(None));
    }

    #[test]
    fn pieces_that_are_too_old_are_not_counted_on() {
        let start = Instant::now();
        let mut incoming = incoming(100);
        let of = MessageId { is_reply: true, ..ID };
        let piece = Piece { of, index: 0, count: 2, length: 2, burst: 0, bytes: &[1] };
        assert_eq!(incoming.handle_piece(start, sender(1), piece), OnPiece::Waits(None));
        let just_before = start + Duration::from_millis(999);
        assert_eq!(incoming.received(just_before, sender(1), ID.xid).unwrap().0, of);
        assert_eq!(incoming.received(start + Duration::from_secs(1), sender(1), ID.xid), None);
        assert_eq!((incoming.reserved(), incoming.waiting()), (0, 0));
    }

    #[test]
    fn pieces_of_other_messages_do_not_mix() {
        let mut incoming = incoming(1000);
        let cut = |digest, byte| {
            let of = MessageId { digest, ..ID };
            Outgoing::new(of, vec![byte; 20], PIECE_HEADER + 10, false).unwrap().missing()
        };
        let (mine, yours) = (cut(1, 1), cut(2, 2));
        assert_eq!(give(&mut incoming, 1, &mine[0]), OnPiece::Waits(None));
        assert!(matches!(give(&mut incoming, 1, &yours[1]), OnPiece::Waits(Some(_))));
        assert!(matches!(give(&mut incoming, 2, &mine[1]), OnPiece::Waits(Some(_))));
        assert_eq!(incoming.waiting(), 3);
        assert_eq!(give(&mut incoming, 1, &mine[1]), OnPiece::Complete(vec![1; 20]));
        incoming.forget(sender(1), 7);
        assert_eq!((incoming.waiting(), incoming.reserved()), (1, 20));
    }

    #[test]
    fn pieces_that_contradict_the_others_are_ignored() {
        let now = Instant::now();
        let mut incoming = incoming(1000);
        let piece = |index, count, length| Piece {
            of: ID,
            index,
            count,
            length,
            burst: 1,
            bytes: &[1; 10],
        };
        let mut give = |piece| incoming.handle_piece(now, sender(1), piece);
        assert!(matches!(give(piece(0, 3, 30)), OnPiece::Waits(Some(_))));
        for contradicts in [piece(1, 2, 30), piece(1, 3, 40), piece(1, 4, 30)] {
            give(Piece { bytes: &[9; 10], ..contradicts });
        }
        assert!(matches!(give(piece(1, 3, 30)), OnPiece::Waits(Some(_))));
        assert_eq!(give(piece(2, 3, 30)), OnPiece::Complete(vec![1; 30]));
        // More bytes than the whole has.
        assert!(matches!(give(piece(0, 2, 15)), OnPiece::Waits(Some(_))));
        assert_eq!(give(piece(1, 2, 15)), OnPiece::Waits(None));
    }

    #[test]
    fn a_message_of_too_many_pieces_is_refused() {
        assert!(Outgoing::new(ID, vec![0; MAX_PIECES + 1], PIECE_HEADER + 1, false).is_none());
        let piece = Piece { of: ID, index: 0, count: u16::MAX, length: 9, burst: 1, bytes: &[1] };
        let packet = Packet::Piece(piece).encode();
        assert_eq!(give(&mut incoming(1000), 1, &packet), OnPiece::Full);
    }

    proptest! {
        #[test]
        fn messages_come_back_in_any_order(
            message in proptest::collection::vec(any::<u8>(), 1..300),
            room in 1..40usize,
            order: Vec<Index>,
        ) {
            let mut outgoing = Outgoing::new(ID, message.clone(), PIECE_HEADER + room, false).unwrap();
            let pieces = outgoing.missing();
            let mut incoming = incoming(1000);
            let shuffled = order.iter().map(|index| index.get(&pieces)).chain(&pieces);
            let mut whole = None;
            for piece in shuffled {
                if let OnPiece::Complete(message) = give(&mut incoming, 1, piece) {
                    whole = Some(message);
                    break;
                }
            }
            prop_assert_eq!(whole, Some(message));
            prop_assert_eq!(incoming.reserved(), 0);
        }
    }
}
