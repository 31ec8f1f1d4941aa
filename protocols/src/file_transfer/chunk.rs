//! What `file-transfer` sends: pieces of a file as messages of the lower protocol, and, beside it, the
//! question whether the file that was stored is the one that was sent.
//!
//! ```text
//! piece:    8 bytes transfer, 4 attempt, 8 offset, 8 length of the file, then the bytes
//! question: kind, 8 bytes transfer, 4 attempt, 16 digest of the file
//! answer:   kind, 8 bytes transfer, 4 attempt, 1 verdict
//! ```
//!
//! Numbers are big-endian.

use crate::mutants::{self, Mutant};
use bytes::{Buf, BufMut};
use squall_sim::protocol::Dissection;
use xxhash_rust::xxh3::xxh3_128;

use crate::frame::{self, kind};

/// Bytes in front of a piece.
pub const HEADER: usize = 28;

/// A transfer, and how often it was begun anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transfer {
    /// Which one; no two have the same number.
    pub id: u64,
    /// From 1.
    pub attempt: u32,
}

/// A piece of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Its transfer.
    pub transfer: Transfer,
    /// Where it begins in the file.
    pub offset: u64,
    /// The length of the file.
    pub length: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// The message to send.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + self.bytes.len());
        put_transfer(&mut out, self.transfer);
        out.put_u64(self.offset);
        out.put_u64(self.length);
        out.put_slice(self.bytes);
        out
    }

    /// Reads a message; `None` if it is no piece of any file.
    pub fn decode(mut message: &'a [u8]) -> Option<Self> {
        let transfer = get_transfer(&mut message)?;
        let offset = message.try_get_u64().ok()?;
        let length = message.try_get_u64().ok()?;
        let end = offset.checked_add(message.len() as u64)?;
        let inside = end <= length && !message.is_empty();
        inside.then_some(Chunk { transfer, offset, length, bytes: message })
    }
}

/// What the receiver found when it read back what it had stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what was sent.
    Same,
    /// It is not, or not all of it is there.
    Different,
}

/// A datagram of the check at the ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCheck {
    /// Is the stored file the one with this digest?
    Question {
        /// The transfer.
        transfer: Transfer,
        /// What [`digest`] gives for the file.
        digest: u128,
    },
    /// The answer.
    Answer {
        /// The transfer.
        transfer: Transfer,
        /// The verdict.
        verdict: Verdict,
    },
}

impl EndCheck {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(40);
        match self {
            EndCheck::Question { transfer, digest } => {
                out.put_u8(kind::QUESTION);
                put_transfer(&mut out, *transfer);
                out.put_u128(*digest);
            }
            EndCheck::Answer { transfer, verdict } => {
                out.put_u8(kind::VERDICT);
                put_transfer(&mut out, *transfer);
                out.put_u8(u8::from(*verdict == Verdict::Same));
            }
        }
        out
    }

    /// Reads bytes that were received; `None` if they are no such datagram.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        EndCheck::decode_rest(*kind, rest)
    }

    fn decode_rest(kind: u8, mut rest: &[u8]) -> Option<Self> {
        if !matches!(kind, kind::QUESTION | kind::VERDICT) {
            return None;
        }
        let transfer = get_transfer(&mut rest)?;
        let read = match kind {
            kind::QUESTION => EndCheck::Question { transfer, digest: rest.try_get_u128().ok()? },
            _ => {
                let verdict = match rest.try_get_u8().ok()? {
                    0 => Verdict::Different,
                    1 => Verdict::Same,
                    _ => return None,
                };
                EndCheck::Answer { transfer, verdict }
            }
        };
        rest.is_empty().then_some(read)
    }
}

/// A digest of a file: good enough against accidents, not against anybody who means harm.
pub fn digest(file: &[u8]) -> u128 {
    let most = if mutants::is(Mutant::DigestOfTheWrongBytes) { 16 } else { usize::MAX };
    xxh3_128(&file[..file.len().min(most)])
}

fn put_transfer(out: &mut Vec<u8>, transfer: Transfer) {
    out.put_u64(transfer.id);
    out.put_u32(transfer.attempt);
}

fn get_transfer(bytes: &mut &[u8]) -> Option<Transfer> {
    let id = bytes.try_get_u64().ok()?;
    Some(Transfer { id, attempt: bytes.try_get_u32().ok()? })
}

/// The kinds that [`dissect`] tells apart.
pub const KINDS: [&str; 2] = ["question", "verdict"];

/// Describes a datagram of the check at the ends.
pub fn dissect(bytes: &[u8]) -> Option<Dissection> {
    let (kind, rest) = frame::peek(bytes)?;
    let (name, transfer, same) = match EndCheck::decode_rest(kind, rest)? {
        EndCheck::Question { transfer, .. } => (KINDS[0], transfer, None),
        EndCheck::Answer { transfer, verdict } => (KINDS[1], transfer, Some(verdict)),
    };
    let all = Dissection::new(name).with("attempt", transfer.attempt.into());
    Some(match same {
        Some(verdict) => all.with("same", u64::from(verdict == Verdict::Same)),
        None => all,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn messages_come_back_as_they_went(
            id: u64,
            attempt: u32,
            offset in 0u64..1 << 40,
            more in 0u64..1 << 40,
            bytes in prop::collection::vec(any::<u8>(), 1..99),
            digest: u128,
        ) {
            let transfer = Transfer { id, attempt };
            let length = offset + bytes.len() as u64 + more;
            let chunk = Chunk { transfer, offset, length, bytes: &bytes };
            let message = chunk.encode();
            prop_assert_eq!(Chunk::decode(&message), Some(chunk));
            for check in [
                EndCheck::Question { transfer, digest },
                EndCheck::Answer { transfer, verdict: Verdict::Same },
                EndCheck::Answer { transfer, verdict: Verdict::Different },
            ] {
                prop_assert_eq!(EndCheck::decode(&check.encode()), Some(check));
                prop_assert!(dissect(&check.encode()).is_some());
            }
        }

        #[test]
        fn any_bytes_are_a_message_or_not(bytes: Vec<u8>) {
            dissect(&bytes);
            if let Some(chunk) = Chunk::decode(&bytes) {
                prop_assert_eq!(chunk.encode(), bytes.clone());
            }
            if let Some(check) = EndCheck::decode(&bytes) {
                prop_assert_eq!(check.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_piece_lies_inside_its_file() {
        let transfer = Transfer { id: 1, attempt: 1 };
        let chunk = |offset, length| {
            let chunk = Chunk { transfer, offset, length, bytes: &[1, 2] };
            Chunk::decode(&chunk.encode()).is_some()
        };
        assert!(chunk(8, 10));
        assert!(!chunk(9, 10) && !chunk(u64::MAX, 10) && !chunk(u64::MAX - 1, u64::MAX - 1));
    }
}
