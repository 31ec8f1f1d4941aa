//! Fragmentation and reassembly, as IPv4 does it (RFC 791, section 3.2; RFC 8200, section 4.5): a
//! datagram that is too large travels in pieces, and one lost piece loses it whole (Kent and Mogul,
//! "Fragmentation Considered Harmful", 1987).
//!
//! ```text
//! byte 0      kind
//! bytes 1-4   number of the datagram, for this sender; all numbers are big-endian
//! bytes 5-6   which piece, from 0
//! bytes 7-8   how many pieces
//! bytes 9-    the piece
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::{Buf, BufMut};
use squall_sim::time::{Duration, Instant};

use crate::frame::kind;
use crate::mutants::{self, Mutant};

/// Bytes in front of a piece.
pub const HEADER: usize = 9;

/// The most pieces of one datagram.
pub const MAX_COUNT: usize = u16::MAX as usize;

/// A piece of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Which datagram of its sender.
    pub id: u32,
    /// Which piece, from 0.
    pub index: u16,
    /// How many pieces there are.
    pub count: u16,
    /// The piece.
    pub bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.bytes.len() + 4);
        bytes.put_u8(kind::FRAGMENT);
        bytes.put_u32(self.id);
        bytes.put_u16(self.index);
        bytes.put_u16(self.count);
        bytes.put_slice(self.bytes);
        bytes
    }

    /// Reads what follows the kind; `None` if that is no piece of anything.
    pub fn decode(mut rest: &'a [u8]) -> Option<Self> {
        let id = rest.try_get_u32().ok()?;
        let index = rest.try_get_u16().ok()?;
        let count = rest.try_get_u16().ok()?;
        (index < count && !rest.is_empty()).then_some(Fragment { id, index, count, bytes: rest })
    }
}

/// Cuts a datagram into pieces of at most `room` bytes; `None` if that takes too many.
pub fn split(id: u32, datagram: &[u8], room: usize) -> Option<impl Iterator<Item = Fragment<'_>>> {
    let room = room.max(1);
    let count = u16::try_from(datagram.len().div_ceil(room)).ok()?;
    let pieces = datagram.chunks(room).zip(0..);
    Some(pieces.map(move |(bytes, index)| Fragment { id, index, count, bytes }))
}

/// What becomes of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnFragment {
    /// It was the last one missing: this is the datagram.
    Complete(Vec<u8>),
    /// It waits for others, or was there already.
    Waits,
    /// There is no room for it.
    Full,
}

/// Pieces that wait for the rest of their datagrams, of any number of senders.
#[derive(Clone, Debug)]
pub struct Reassembly {
    capacity: usize,
    timeout: Duration,
    held: usize,
    partial: BTreeMap<(SocketAddr, u32), Partial>,
}

/// A datagram of which some pieces are there.
#[derive(Clone, Debug)]
struct Partial {
    /// When its first piece came.
    since: Instant,
    count: u16,
    pieces: BTreeMap<u16, Vec<u8>>,
}

impl Partial {
    fn held(&self) -> usize {
        self.pieces.values().map(Vec::len).sum()
    }
}

impl Reassembly {
    /// Room for `capacity` bytes of pieces. A datagram that is not whole `timeout` after its first
    /// piece came is forgotten.
    pub fn new(capacity: usize, timeout: Duration) -> Self {
        Reassembly { capacity, timeout, held: 0, partial: BTreeMap::new() }
    }

    /// A piece came.
    pub fn handle_fragment(
        &mut self,
        now: Instant,
        from: SocketAddr,
        fragment: &Fragment<'_>,
    ) -> OnFragment {
        self.forget_old(now);
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        let from = if mutants::is(Mutant::ReassemblyIgnoresSender) { nobody } else { from };
        let key = (from, fragment.id);
        let known = self.partial.get(&key);
        let fits = known.is_none_or(|partial| {
            let is_copy = partial.pieces.contains_key(&fragment.index);
            partial.count == fragment.count && (!is_copy || mutants::is(Mutant::ReassemblyByCount))
        });
        if !fits {
            return OnFragment::Waits;
        }
        if self.held + fragment.bytes.len() > self.capacity {
            return OnFragment::Full;
        }
        self.held += fragment.bytes.len();
        let partial = self.partial.entry(key).or_insert_with(|| Partial {
            since: now,
            count: fragment.count,
            pieces: BTreeMap::new(),
        });
        let mut index = fragment.index;
        if mutants::is(Mutant::ReassemblyByCount) {
            let free = (0..partial.count).find(|index| !partial.pieces.contains_key(index));
            index = free.filter(|_| partial.pieces.contains_key(&index)).unwrap_or(index);
        }
        partial.pieces.insert(index, fragment.bytes.to_vec());
        if partial.pieces.len() < usize::from(partial.count) {
            return OnFragment::Waits;
        }
        let Some(whole) = self.partial.remove(&key) else { return OnFragment::Waits };
        self.held -= whole.held();
        OnFragment::Complete(whole.pieces.into_values().flatten().collect())
    }

    /// Gives up datagrams that were not completed in time (RFC 1122, section 3.3.2).
    fn forget_old(&mut self, now: Instant) {
        let (timeout, held) = (self.timeout, &mut self.held);
        self.partial.retain(|_, partial| {
            let keep = now - partial.since < timeout || mutants::is(Mutant::ReassemblyNeverForgets);
            if !keep {
                *held -= partial.held();
            }
            keep
        });
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.held
    }

    /// How many datagrams wait for more of their pieces.
    pub fn waiting(&self) -> usize {
        self.partial.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    fn sender(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 2], port))
    }

    fn reassembly(capacity: usize) -> Reassembly {
        Reassembly::new(capacity, Duration::from_secs(1))
    }

    #[test]
    fn a_full_buffer_refuses_until_the_timeout_frees_it() {
        let start = Instant::now();
        let mut reassembly = reassembly(100);
        let datagram = [7; 120];
        let pieces: Vec<Fragment<'_>> = split(1, &datagram, 60).unwrap().collect();
        assert_eq!(reassembly.handle_fragment(start, sender(1), &pieces[0]), OnFragment::Waits);
        assert_eq!(reassembly.handle_fragment(start, sender(1), &pieces[1]), OnFragment::Full);
        assert_eq!((reassembly.held(), reassembly.waiting()), (60, 1));
        let small = Fragment { id: 9, index: 0, count: 1, bytes: &[1; 50] };
        assert_eq!(reassembly.handle_fragment(start, sender(2), &small), OnFragment::Full);
        let later = start + Duration::from_secs(1);
        let complete = OnFragment::Complete(vec![1; 50]);
        assert_eq!(reassembly.handle_fragment(later, sender(2), &small), complete);
        assert_eq!((reassembly.held(), reassembly.waiting()), (0, 0));
    }

    #[test]
    fn pieces_that_contradict_are_ignored() {
        let now = Instant::now();
        let mut reassembly = reassembly(100);
        let piece = |index, count, byte| (index, count, [byte]);
        let mut handle = |(index, count, bytes): (u16, u16, [u8; 1])| {
            let fragment = Fragment { id: 1, index, count, bytes: &bytes };
            reassembly.handle_fragment(now, sender(1), &fragment)
        };
        assert_eq!(handle(piece(0, 2, 1)), OnFragment::Waits);
        assert_eq!(handle(piece(1, 3, 2)), OnFragment::Waits);
        assert_eq!(handle(piece(0, 2, 9)), OnFragment::Waits);
        assert_eq!(handle(piece(1, 2, 2)), OnFragment::Complete(vec![1, 2]));
    }

    #[test]
    fn a_piece_lies_inside_its_datagram_and_has_bytes() {
        let piece = |index, count, bytes| {
            let encoded = Fragment { id: 1, index, count, bytes }.encode();
            Fragment::decode(&encoded[1..]).is_some()
        };
        assert!(piece(1, 2, &[7]));
        assert!(!piece(2, 2, &[7]) && !piece(0, 0, &[7]) && !piece(0, 1, &[]));
    }

    #[test]
    fn the_buffer_is_used_to_its_last_byte() {
        let now = Instant::now();
        let mut reassembly = reassembly(100);
        let datagram = [7; 100];
        let pieces: Vec<Fragment<'_>> = split(1, &datagram, 50).unwrap().collect();
        assert_eq!(reassembly.handle_fragment(now, sender(1), &pieces[0]), OnFragment::Waits);
        let complete = OnFragment::Complete(datagram.to_vec());
        assert_eq!(reassembly.handle_fragment(now, sender(1), &pieces[1]), complete);
    }

    #[test]
    fn a_datagram_that_takes_too_many_pieces_is_not_cut() {
        assert!(split(1, &[0; 65_536], 1).is_none());
        assert_eq!(split(1, &[0; 65_535], 1).unwrap().count(), 65_535);
    }

    proptest! {
        /// In any order, some twice, several senders and datagrams at a time.
        #[test]
        fn pieces_come_together_and_never_mix(
            datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..6),
            room in 1usize..50,
            order in prop::collection::vec(any::<Index>(), 0..400),
        ) {
            let now = Instant::now();
            let mut reassembly = reassembly(1 << 20);
            let mut pieces: Vec<(SocketAddr, Fragment<'_>)> = Vec::new();
            for (datagram, number) in datagrams.iter().zip(0u16..) {
                // Two senders use the same numbers.
                let from = sender(number % 2);
                let cut = split(u32::from(number / 2), datagram, room).unwrap();
                pieces.extend(cut.map(|piece| (from, piece)));
            }
            for (left, index) in (1..pieces.len()).rev().zip(&order) {
                pieces.swap(left, index.index(left + 1));
            }
            let twice: Vec<_> = pieces.iter().step_by(3).copied().collect();
            let mut complete = Vec::new();
            for (from, piece) in pieces.iter().chain(&twice) {
                match reassembly.handle_fragment(now, *from, piece) {
                    OnFragment::Complete(whole) => complete.push(whole),
                    other => prop_assert_eq!(other, OnFragment::Waits),
                }
            }
            complete.truncate(datagrams.len());
            let mut expected = datagrams.clone();
            complete.sort();
            expected.sort();
            prop_assert_eq!(complete, expected);
        }

        #[test]
        fn any_bytes_are_a_piece_or_not(bytes: Vec<u8>) {
            if let Some(piece) = Fragment::decode(&bytes) {
                prop_assert_eq!(&piece.encode()[1..], &bytes);
                let mut reassembly = reassembly(64);
                reassembly.handle_fragment(Instant::now(), sender(1), &piece);
                prop_assert!(reassembly.held() <= 64);
            }
        }
    }
}
