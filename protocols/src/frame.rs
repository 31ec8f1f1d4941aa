//! What all datagrams of the shipped protocols have in common.
//!
//! ```text
//! byte 0      low half: the kind of datagram; high half: the kind of checksum
//! bytes 1-    what the kind says
//! at the end  the checksum of all before it, network byte order
//! ```
//!
//! The kind of checksum is there for whoever looks at a recorded datagram. A receiver knows which
//! one it uses, and takes no other: a flipped bit must not turn the check off.

use squall_sim::protocol::Dissection;

use crate::checksum::Checksum;
use crate::fragment::Fragment;

/// The kinds of datagram.
pub mod kind {
    /// A numbered message, see [`crate::wire`].
    pub const DATA: u8 = 1;
    /// Its acknowledgement.
    pub const ACK: u8 = 2;
    /// A piece of a datagram that was too large, see [`crate::fragment`].
    pub const FRAGMENT: u8 = 3;
    /// A message of [`crate::udp`].
    pub const HELLO: u8 = 4;
    /// The answer to it.
    pub const ANSWER: u8 = 5;
    /// A message with an identifier that is used once, see [`crate::unique_id`].
    pub const UNIQUE_DATA: u8 = 6;
    /// Its acknowledgement.
    pub const UNIQUE_ACK: u8 = 7;
    /// A part of a byte stream, see [`crate::stream`].
    pub const SEGMENT: u8 = 8;
    /// Its acknowledgement.
    pub const STREAM_ACK: u8 = 9;
    /// Whether a file was stored as it was sent, see [`crate::file_transfer`].
    pub const QUESTION: u8 = 10;
    /// The answer to it.
    pub const VERDICT: u8 = 11;
}

/// Puts the checksum of a datagram to its end, and its kind into the first byte.
pub fn seal(checksum: Checksum, mut datagram: Vec<u8>) -> Vec<u8> {
    if let Some(first) = datagram.first_mut() {
        *first |= checksum.code() << 4;
    }
    checksum.append(&mut datagram);
    datagram
}

/// Takes off what [`seal`] put on: the datagram is what is left of `bytes`. `None` if the checksum is
/// wrong, or of another kind.
pub fn open(checksum: Checksum, bytes: &mut [u8]) -> Option<usize> {
    let content = checksum.strip(bytes)?;
    if content.first()? >> 4 != checksum.code() {
        return None;
    }
    let length = content.len();
    bytes[0] &= 0x0f;
    Some(length)
}

/// The kind and the rest of a datagram, whatever its checksum, which is not looked at.
pub fn peek(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let checksum = Checksum::from_code(first >> 4)?;
    let length = rest.len().checked_sub(checksum.width())?;
    Some((first & 0x0f, &rest[..length]))
}

/// The name of [`kind::FRAGMENT`] for faults, traces and reports.
pub const FRAGMENT: &str = "fragment";

/// The fields that [`dissect_fragment`] names.
pub const FRAGMENT_FIELDS: [&str; 3] = ["message", "index", "count"];

/// Describes a fragment, whose rest is this.
pub fn dissect_fragment(rest: &[u8]) -> Option<Dissection> {
    let Fragment { id, index, count, .. } = Fragment::decode(rest)?;
    let values = [u64::from(id), u64::from(index), u64::from(count)];
    let fields = FRAGMENT_FIELDS.into_iter().zip(values);
    Some(fields.fold(Dissection::new(FRAGMENT), |all, (name, value)| all.with(name, value)))
}
