//! Messages of more than one datagram: cut, put together again, and only the missing pieces sent once
//! more.
//!
//! The sender marks the last piece that it sends, and the receiver then says which pieces it has. When
//! nothing is heard, the sender sends one marked piece, not all. The mark is the number of the burst, and
//! only an answer to one that was sent after the last answer makes the sender send: copies cause nothing.
//! That it must be the last of these would be too much: where a round trip takes longer than the timeout,
//! every answer comes after the next burst.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use squall_sim::time::{Duration, Instant};

use super::packet::{MessageId, PIECE_HEADER, Packet};

/// The most pieces of one message.
pub const MAX_PIECES: usize = 4096;

/// A large message that is being sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    of: MessageId,
    message: Vec<u8>,
    room: usize,
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
        let room = datagram.saturating_sub(PIECE_HEADER).max(1);
        let count = message.len().div_ceil(room);
        let arrived = vec![false; count];
        let (burst, unanswered) = (0, 0);
        let outgoing = Outgoing { of, message, room, arrived, burst, unanswered, reliable };
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
        let start = index * self.room;
        let bytes = &self.message[start..self.message.len().min(start + self.room)];
        let count = self.arrived.len() as u16;
        Packet::Piece { of: self.of, index: index as u16, count, burst, bytes }.encode()
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
    held: usize,
    partial: BTreeMap<(SocketAddr, MessageId), Partial>,
}

#[derive(Clone, Debug)]
struct Partial {
    /// When its last piece came.
    since: Instant,
    count: u16,
    pieces: BTreeMap<u16, Vec<u8>>,
    held: usize,
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
    /// Room for `capacity` bytes of pieces. A message to which nothing was added for `timeout` is
    /// forgotten.
    pub fn new(capacity: usize, timeout: Duration) -> Self {
        Incoming { capacity, timeout, held: 0, partial: BTreeMap::new() }
    }

    /// A piece came.
    pub fn handle_piece(
        &mut self,
        now: Instant,
        from: SocketAddr,
        (of, index, count): (MessageId, u16, u16),
        burst: u8,
        bytes: &[u8],
    ) -> OnPiece {
        self.forget_old(now);
        let (key, fits) = ((from, of), self.held + bytes.len() <= self.capacity);
        if usize::from(count) > MAX_PIECES || (!fits && !self.partial.contains_key(&key)) {
            return OnPiece::Full;
        }
        let partial = self.partial.entry(key).or_insert_with(|| Partial {
            since: now,
            count,
            pieces: BTreeMap::new(),
            held: 0,
        });
        let is_new = partial.count == count && !partial.pieces.contains_key(&index);
        if is_new && !fits {
            return OnPiece::Full;
        }
        if is_new {
            partial.pieces.insert(index, bytes.to_vec());
            partial.held += bytes.len();
            partial.since = now;
            self.held += bytes.len();
        }
        if partial.pieces.len() < usize::from(partial.count) {
            return OnPiece::Waits((burst > 0).then(|| partial.received(of, burst)));
        }
        let Some(whole) = self.partial.remove(&key) else { return OnPiece::Waits(None) };
        self.held -= whole.held;
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
        let held = &mut self.held;
        self.partial.retain(|(sender, of), partial| {
            let keep = *sender != from || of.xid != xid;
            if !keep {
                *held -= partial.held;
            }
            keep
        });
    }

    /// Gives up messages to which nothing was added for long.
    fn forget_old(&mut self, now: Instant) {
        let (timeout, held) = (self.timeout, &mut self.held);
        self.partial.retain(|_, partial| {
            let keep = now - partial.since < timeout;
            if !keep {
                *held -= partial.held;
            }
            keep
        });
    }

    /// How many messages wait for more of their pieces.
    pub fn waiting(&self) -> usize {
        self.partial.len()
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.held
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
            Some(Packet::Piece { of, index, count, burst, bytes }) => {
                incoming.handle_piece(now, sender(from), (of, index, count), burst, bytes)
            }
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
        assert_eq!((incoming.held(), incoming.waiting()), (0, 0));
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
        assert_eq!(outgoing.probe()[21], 1);
        assert!(!outgoing.handle_received(2, &[1]), "a burst that was not sent");
        assert!(outgoing.handle_received(1, &[1]));
    }

    #[test]
    fn a_full_buffer_refuses_until_the_timeout_frees_it() {
        let start = Instant::now();
        let mut incoming = incoming(100);
        let mut outgoing = Outgoing::new(ID, vec![7; 120], PIECE_HEADER + 60, false).unwrap();
        let pieces = outgoing.missing();
        assert_eq!(give_at(&mut incoming, start, 1, &pieces[0]), OnPiece::Waits(None));
        assert_eq!(give_at(&mut incoming, start, 1, &pieces[1]), OnPiece::Full);
        assert_eq!(give_at(&mut incoming, start, 2, &pieces[0]), OnPiece::Full);
        assert_eq!((incoming.held(), incoming.waiting()), (60, 1));
        let later = start + Duration::from_secs(1);
        assert!(matches!(give_at(&mut incoming, later, 2, &pieces[1]), OnPiece::Waits(Some(_))));
        assert_eq!((incoming.held(), incoming.waiting()), (60, 1));
    }

    #[test]
    fn pieces_that_are_too_old_are_not_counted_on() {
        let start = Instant::now();
        let mut incoming = incoming(100);
        let of = MessageId { is_reply: true, ..ID };
        let whose = (of, 0, 2);
        let piece = incoming.handle_piece(start, sender(1), whose, 0, &[1]);
        assert_eq!(piece, OnPiece::Waits(None));
        let just_before = start + Duration::from_millis(999);
        assert_eq!(incoming.received(just_before, sender(1), ID.xid).unwrap().0, of);
        assert_eq!(incoming.received(start + Duration::from_secs(1), sender(1), ID.xid), None);
        assert_eq!((incoming.held(), incoming.waiting()), (0, 0));
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
        assert_eq!((incoming.waiting(), incoming.held()), (1, 10));
    }

    #[test]
    fn a_message_of_too_many_pieces_is_refused() {
        assert!(Outgoing::new(ID, vec![0; MAX_PIECES + 1], PIECE_HEADER + 1, false).is_none());
        let piece = Packet::Piece { of: ID, index: 0, count: u16::MAX, burst: 1, bytes: &[1] };
        assert_eq!(give(&mut incoming(1000), 1, &piece.encode()), OnPiece::Full);
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
            prop_assert_eq!(incoming.held(), 0);
        }
    }
}
