//! The receiver's decisions: what of the stream is there, and how much more there is room for.

use std::collections::{BTreeMap, VecDeque};

use crate::mutants::{self, Mutant};

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSegment {
    /// At least a byte of it was new.
    Kept,
    /// All of it was there before.
    Duplicate,
    /// There was no room for any of it.
    Overflow,
}

/// One sender's stream at its receiver.
#[derive(Clone, Debug)]
pub struct ReceiveBuffer {
    /// Bytes that may wait, in order or not.
    capacity: usize,
    /// The window does not open by less, bytes (RFC 1122, section 4.2.3.3).
    step: usize,
    /// How many bytes came in order; the last 32 bits are the number of the next one, RCV.NXT.
    next: u64,
    /// Bytes in order that were not read yet.
    ready: VecDeque<u8>,
    /// Pieces behind a gap, by where in the stream they begin. None overlap: so they take as much
    /// memory as came, however far from the gap it is.
    ahead: BTreeMap<u64, Vec<u8>>,
    /// How many of those are there.
    ahead_count: usize,
    /// The room that was last told to the sender, from `next` on.
    told: usize,
}

impl ReceiveBuffer {
    /// Room for `capacity` bytes, of segments of `segment` bytes.
    pub fn new(capacity: usize, segment: usize) -> Self {
        ReceiveBuffer {
            capacity,
            step: segment.min(capacity / 2).max(1),
            next: 0,
            ready: VecDeque::new(),
            ahead: BTreeMap::new(),
            ahead_count: 0,
            told: capacity,
        }
    }

    /// A segment came.
    pub fn handle_segment(&mut self, seq: u32, bytes: &[u8]) -> OnSegment {
        let room = self.room();
        let behind = (self.next as u32).wrapping_sub(seq) as usize;
        let ahead = seq.wrapping_sub(self.next as u32) as usize;
        // Of a segment that begins before `next`, the rest may be new.
        let (start, bytes) = if behind <= i32::MAX as usize {
            match bytes.get(behind..) {
                Some([]) | None => return OnSegment::Duplicate,
                Some(_) if mutants::is(Mutant::OverlapKept) => (0, bytes),
                Some(rest) => (0, rest),
            }
        } else {
            (ahead, bytes)
        };
        if start >= room {
            return OnSegment::Overflow;
        }
        let bytes = &bytes[..bytes.len().min(room - start)];
        let held = self.held();
        self.keep(self.next + start as u64, bytes);
        while let Some(piece) = self.ahead.remove(&self.next) {
            self.ahead_count -= piece.len();
            self.next += piece.len() as u64;
            self.told = self.told.saturating_sub(piece.len());
            self.ready.extend(piece);
        }
        if self.held() > held { OnSegment::Kept } else { OnSegment::Duplicate }
    }

    /// Keeps what is not there yet of bytes that begin at `at`.
    fn keep(&mut self, mut at: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let before = self.ahead.range(..=at).next_back();
            let end = before.map_or(0, |(start, piece)| start + piece.len() as u64);
            let next = self.ahead.range(at + 1..).next().map_or(u64::MAX, |(start, _)| *start);
            let known = end.saturating_sub(at);
            let length = if known > 0 { known } else { next - at };
            let length = length.min(bytes.len() as u64) as usize;
            let (piece, rest) = bytes.split_at(length);
            if known == 0 {
                self.ahead.insert(at, piece.to_vec());
                self.ahead_count += length;
            }
            (at, bytes) = (at + length as u64, rest);
        }
    }

    /// Room for bytes from the next one on.
    fn room(&self) -> usize {
        self.capacity - self.ready.len()
    }

    /// What to tell the sender: the number of the next byte, and the room from there on. The window
    /// never shrinks, and opens by no crumbs.
    pub fn acknowledge(&mut self) -> (u32, u32) {
        if self.has_opened() {
            self.told = self.room();
        }
        let beyond = if mutants::is(Mutant::AckBeyondGap) { self.ahead_count as u64 } else { 0 };
        ((self.next + beyond) as u32, u32::try_from(self.told).unwrap_or(u32::MAX))
    }

    /// True if the sender should be told that there is more room.
    pub fn has_opened(&self) -> bool {
        self.room() >= self.told + self.step
    }

    /// Reads up to `most` bytes in order.
    pub fn read(&mut self, most: usize) -> Vec<u8> {
        let count = most.min(self.ready.len());
        self.ready.drain(..count).collect()
    }

    /// True if there is something to read.
    pub fn is_readable(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Bytes that wait.
    pub fn held(&self) -> usize {
        self.ready.len() + self.ahead_count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    #[test]
    fn bytes_beyond_the_window_are_refused_until_there_is_room() {
        let mut buffer = ReceiveBuffer::new(10, 4);
        assert_eq!(buffer.handle_segment(0, &[1; 6]), OnSegment::Kept);
        assert_eq!(buffer.acknowledge(), (6, 4));
        // Six bytes for four places.
        assert_eq!(buffer.handle_segment(6, &[2; 6]), OnSegment::Kept);
        assert_eq!(buffer.acknowledge(), (10, 0));
        assert_eq!(buffer.handle_segment(10, &[3]), OnSegment::Overflow);
        assert_eq!(buffer.held(), 10);
        assert_eq!(buffer.read(3), [1; 3]);
        // Less than a segment is not worth telling.
        assert!(!buffer.has_opened());
        assert_eq!(buffer.acknowledge(), (10, 0));
        assert_eq!(buffer.read(3), [1; 3]);
        assert!(buffer.has_opened());
        assert_eq!(buffer.acknowledge(), (10, 6));
        assert!(!buffer.has_opened());
    }

    #[test]
    fn the_window_counts_from_the_next_byte_whatever_waits_behind_a_gap() {
        let mut buffer = ReceiveBuffer::new(10, 4);
        assert_eq!(buffer.handle_segment(4, &[5; 6]), OnSegment::Kept);
        assert_eq!(buffer.acknowledge(), (0, 10));
        assert_eq!(buffer.handle_segment(10, &[6]), OnSegment::Overflow);
        assert_eq!(buffer.handle_segment(0, &[4; 4]), OnSegment::Kept);
        assert_eq!(buffer.acknowledge(), (10, 0));
        assert_eq!(buffer.read(99), [4, 4, 4, 4, 5, 5, 5, 5, 5, 5]);
    }

    #[test]
    fn numbers_wrap_around() {
        let mut buffer = ReceiveBuffer::new(100, 4);
        buffer.next = u64::from(u32::MAX - 1);
        assert_eq!(buffer.handle_segment(1, &[4, 5]), OnSegment::Kept);
        assert_eq!(buffer.handle_segment(u32::MAX - 1, &[1, 2, 3]), OnSegment::Kept);
        assert_eq!(buffer.handle_segment(u32::MAX, &[9, 9, 9, 9, 6]), OnSegment::Kept);
        assert_eq!(buffer.handle_segment(u32::MAX, &[9]), OnSegment::Duplicate);
        assert_eq!(buffer.read(99), [1, 2, 3, 4, 5, 6]);
        assert_eq!(buffer.acknowledge().0, 4);
    }

    #[test]
    fn a_byte_far_ahead_takes_no_room_for_what_is_missing() {
        let mut buffer = ReceiveBuffer::new(1 << 30, 1000);
        assert_eq!(buffer.handle_segment((1 << 30) - 1, &[1]), OnSegment::Kept);
        assert_eq!(buffer.handle_segment((1 << 30) - 3, &[2, 3, 9]), OnSegment::Kept);
        assert_eq!(buffer.handle_segment((1 << 30) - 3, &[7, 7, 7]), OnSegment::Duplicate);
        let pieces: Vec<_> = buffer.ahead.values().map(Vec::as_slice).collect();
        assert_eq!(pieces, [&[2, 3][..], &[1]]);
        assert_eq!(buffer.held(), 3);
    }

    proptest! {
        #[test]
        fn pieces_in_any_order_become_the_stream(
            stream in prop::collection::vec(any::<u8>(), 1..200),
            cuts in prop::collection::vec((any::<Index>(), any::<Index>()), 1..100),
            start: u32,
        ) {
            let mut buffer = ReceiveBuffer::new(64, 8);
            buffer.next = start.into();
            let mut read = Vec::new();
            // At random, then everything from the front.
            let random = cuts.iter().map(|(a, b)| (a.index(stream.len()), b.index(32)));
            let rest = (0..stream.len()).map(|at| (at, 1));
            for (at, length) in random.chain(rest) {
                let piece = &stream[at..(at + length).min(stream.len())];
                if !piece.is_empty() {
                    buffer.handle_segment(start.wrapping_add(at as u32), piece);
                }
                prop_assert!(buffer.held() <= 64);
                if at % 3 == 0 {
                    read.extend(buffer.read(5));
                }
                read.extend(buffer.read(if buffer.room() == 0 { 64 } else { 0 }));
            }
            // What was refused for want of room comes again.
            for at in 0..stream.len() {
                buffer.handle_segment(start.wrapping_add(at as u32), &stream[at..=at]);
                read.extend(buffer.read(64));
            }
            prop_assert_eq!(read, stream);
        }
    }
}
