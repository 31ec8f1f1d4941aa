//! The receiver's decisions: which pieces of which files are there.

use std::collections::{BTreeMap, BTreeSet};

use squall_sim::fs::MAX_FILE;

use super::chunk::{Chunk, Transfer};
use crate::mutants::{self, Mutant};

/// What to do with a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnChunk {
    /// Write it to the file.
    Write,
    /// Write it: then the file is whole.
    WriteLast,
    /// It was written before, or belongs to a transfer that is over or to no file that can be.
    Ignore,
}

/// A file of which some pieces are there.
#[derive(Clone, Debug)]
struct Partial {
    length: u64,
    /// Where the pieces begin that are there.
    offsets: BTreeSet<u64>,
    held: u64,
}

/// All files that were or are being received. Each attempt has a file of its own, so that what is
/// late, or damaged, can not disturb another.
#[derive(Clone, Debug, Default)]
pub struct Store {
    partial: BTreeMap<Transfer, Partial>,
    /// The transfers whose file the application has.
    accepted: BTreeSet<u64>,
}

impl Store {
    /// Decides about a piece, and counts it as written.
    pub fn handle_chunk(&mut self, chunk: &Chunk<'_>) -> OnChunk {
        // A length that no disk has was damaged on the way.
        if self.is_accepted(chunk.transfer.id) || chunk.length > MAX_FILE {
            return OnChunk::Ignore;
        }
        let new = || Partial { length: chunk.length, offsets: BTreeSet::new(), held: 0 };
        let partial = self.partial.entry(chunk.transfer).or_insert_with(new);
        let counts_copies = mutants::is(Mutant::ChunkCountedTwice);
        let is_other = chunk.length != partial.length;
        if is_other || (!partial.offsets.insert(chunk.offset) && !counts_copies) {
            return OnChunk::Ignore;
        }
        partial.held += chunk.bytes.len() as u64;
        if partial.held == partial.length { OnChunk::WriteLast } else { OnChunk::Write }
    }

    /// True if all pieces of an attempt are there.
    pub fn is_whole(&self, transfer: Transfer) -> bool {
        self.partial.get(&transfer).is_some_and(|partial| partial.held == partial.length)
    }

    /// The application is about to have the file: true if it does not yet. The other attempts are
    /// forgotten.
    pub fn accept(&mut self, id: u64) -> bool {
        self.partial.retain(|transfer, _| transfer.id != id);
        self.accepted.insert(id)
    }

    /// True if the application has the file.
    pub fn is_accepted(&self, id: u64) -> bool {
        self.accepted.contains(&id)
    }

    /// How many files and attempts it knows of.
    pub fn entries(&self) -> usize {
        self.partial.len() + self.accepted.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(attempt: u32, offset: u64) -> Chunk<'static> {
        Chunk { transfer: Transfer { id: 1, attempt }, offset, length: 4, bytes: &[7, 7] }
    }

    #[test]
    fn a_file_is_whole_when_each_piece_was_written_once() {
        let mut store = Store::default();
        assert_eq!(store.handle_chunk(&chunk(1, 2)), OnChunk::Write);
        assert_eq!(store.handle_chunk(&chunk(1, 2)), OnChunk::Ignore);
        assert!(!store.is_whole(chunk(1, 0).transfer));
        assert_eq!(store.handle_chunk(&chunk(1, 0)), OnChunk::WriteLast);
        assert!(store.is_whole(chunk(1, 0).transfer));
        assert!(store.accept(1) && !store.accept(1));
        assert_eq!(store.handle_chunk(&chunk(2, 0)), OnChunk::Ignore);
        assert_eq!(store.entries(), 1);
    }

    #[test]
    fn pieces_that_do_not_belong_to_the_file_are_ignored() {
        let mut store = Store::default();
        let huge = Chunk { offset: MAX_FILE - 1, length: MAX_FILE + 1, ..chunk(1, 0) };
        assert_eq!(store.handle_chunk(&huge), OnChunk::Ignore);
        assert_eq!(store.handle_chunk(&chunk(1, 0)), OnChunk::Write);
        let longer = Chunk { length: 5, ..chunk(1, 2) };
        assert_eq!(store.handle_chunk(&longer), OnChunk::Ignore);
        assert_eq!(store.handle_chunk(&chunk(1, 2)), OnChunk::WriteLast);
    }

    #[test]
    fn attempts_do_not_disturb_each_other() {
        let mut store = Store::default();
        for attempt in [1, 2, u32::MAX] {
            assert_eq!(store.handle_chunk(&chunk(attempt, 0)), OnChunk::Write);
        }
        assert_eq!(store.handle_chunk(&chunk(2, 2)), OnChunk::WriteLast);
        assert!(store.is_whole(chunk(2, 0).transfer) && !store.is_whole(chunk(1, 0).transfer));
        assert_eq!(store.entries(), 3);
    }
}
