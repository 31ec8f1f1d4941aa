//! The messages that clients send: made from each operation's number, or cut from a real file.
//!
//! Each begins with 8 bytes of identity, so that whatever a protocol does with its own headers, the
//! receiving application knows which operation it was handed, and integrity can be checked byte for
//! byte without keeping what was sent.

use crate::plan::{Payload, WorkloadPlan};
use crate::stream::{GOLDEN, mix};
use crate::trace::OpId;

/// Bytes of identity in front of every message: client and number, big-endian.
pub const IDENTITY: usize = 8;

/// The message of an operation.
pub fn message(workload: &WorkloadPlan, op: OpId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length(workload, op));
    bytes.extend_from_slice(&op.client.to_be_bytes());
    bytes.extend_from_slice(&op.number.to_be_bytes());
    match piece(workload, op) {
        Some(piece) => bytes.extend_from_slice(piece),
        None => fill(&mut bytes, length(workload, op), op),
    }
    bytes
}

/// The operation whose identity stands in front of `bytes`.
pub fn identify(bytes: &[u8]) -> Option<OpId> {
    let identity: &[u8; IDENTITY] = bytes.first_chunk()?;
    let identity = u64::from_be_bytes(*identity);
    Some(OpId { client: (identity >> 32) as u32, number: identity as u32 })
}

/// True if `bytes` are the message of `op`.
pub fn is_message(workload: &WorkloadPlan, op: OpId, bytes: &[u8]) -> bool {
    if bytes.len() != length(workload, op) || identify(bytes) != Some(op) {
        return false;
    }
    let body = &bytes[IDENTITY..];
    match piece(workload, op) {
        Some(piece) => body == piece,
        None => {
            let filler = Filler::new(op);
            let (words, rest) = body.as_chunks();
            let whole = words.iter().zip(0..).all(|(word, index)| *word == filler.word(index));
            whole && *rest == filler.word(words.len() as u64)[..rest.len()]
        }
    }
}

/// True if `bytes` go on behind an identity as the message of `op` does that is made from its number: for 8
/// bytes, which is enough to tell. For what is cut from a real file nobody can tell.
pub fn goes_on(op: OpId, bytes: &[u8]) -> bool {
    bytes.get(IDENTITY..2 * IDENTITY).is_some_and(|next| next == Filler::new(op).word(0))
}

fn length(workload: &WorkloadPlan, op: OpId) -> usize {
    match piece(workload, op) {
        Some(piece) => IDENTITY + piece.len(),
        None => (workload.size as usize).max(IDENTITY),
    }
}

/// The part of the real file that the operation carries.
fn piece(workload: &WorkloadPlan, op: OpId) -> Option<&[u8]> {
    let file = match workload.payload.as_ref()? {
        Payload::Whole(file) => return Some(file),
        Payload::Cut(file) => file,
    };
    let size = (workload.size as usize).saturating_sub(IDENTITY).max(1);
    let start = (op.number.saturating_sub(1) as usize).saturating_mul(size).min(file.len());
    Some(&file[start..start.saturating_add(size).min(file.len())])
}

fn fill(bytes: &mut Vec<u8>, length: usize, op: OpId) {
    let filler = Filler::new(op);
    bytes.resize(length, 0);
    let (words, rest) = bytes[IDENTITY..].as_chunks_mut();
    words.iter_mut().zip(0..).for_each(|(word, index)| *word = filler.word(index));
    let last = filler.word(words.len() as u64);
    rest.copy_from_slice(&last[..rest.len()]);
}

/// The words of an operation's message: different for every operation and place, so that mixed-up
/// pieces show.
struct Filler(u64);

impl Filler {
    fn new(op: OpId) -> Self {
        Filler(mix(u64::from(op.client) << 32 | u64::from(op.number)))
    }

    #[inline]
    fn word(&self, index: u64) -> [u8; 8] {
        self.0.wrapping_add(index.wrapping_mul(GOLDEN)).to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(size: u64, payload: Option<Payload>) -> WorkloadPlan {
        WorkloadPlan { operations: 9, size, interval: 0, payload }
    }

    #[test]
    fn messages_are_their_own_and_nobody_elses() {
        let op = OpId { client: 3, number: 4 };
        for size in [8, 9, 15, 16, 64, 1000] {
            let plan = plan(size, None);
            let bytes = message(&plan, op);
            assert_eq!((bytes.len() as u64, identify(&bytes)), (size, Some(op)));
            assert!(is_message(&plan, op, &bytes));
            assert_eq!(goes_on(op, &bytes), size >= 16);
            assert!(!goes_on(OpId { client: 3, number: 5 }, &bytes));
            assert!(!is_message(&plan, OpId { client: 3, number: 5 }, &bytes));
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1;
                assert!(!is_message(&plan, op, &damaged), "byte {at} of {size}");
            }
            assert!(!is_message(&plan, op, &bytes[..bytes.len() - 1]));
        }
        assert_eq!(identify(&[1; 7]), None);
    }

    #[test]
    fn a_file_is_cut_without_loss() {
        let file: Vec<u8> = (0..=99).collect();
        let plan = plan(40, Some(Payload::Cut(file.as_slice().into())));
        let pieces = (1..=4).map(|number| message(&plan, OpId { client: 1, number }));
        let joined: Vec<u8> = pieces.flat_map(|bytes| bytes[IDENTITY..].to_vec()).collect();
        assert_eq!(joined, file);
    }

    #[test]
    fn a_whole_file_travels_in_every_message() {
        let file: Vec<u8> = (0..=99).collect();
        let plan = plan(108, Some(Payload::Whole(file.as_slice().into())));
        for number in 1..=3 {
            let op = OpId { client: 1, number };
            let bytes = message(&plan, op);
            assert_eq!(bytes[IDENTITY..], file);
            assert!(is_message(&plan, op, &bytes));
            assert!(!is_message(&plan, OpId { client: 2, number }, &bytes));
        }
    }
}
