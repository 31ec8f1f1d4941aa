//! The datagrams of `ack`, `retry` and `stop-and-wait`.
//!
//! ```text
//! byte 0      kind: 1 data, 2 ack
//! bytes 1-4   sequence number, big-endian
//! bytes 5-    data: the message; ack: nothing
//! ```

use bytes::{Buf, BufMut};
use squall_sim::protocol::Dissection;

/// Bytes in front of the message.
pub const HEADER: usize = 5;

const DATA: u8 = 1;
const ACK: u8 = 2;

/// A datagram, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datagram<'a> {
    /// A message.
    Data {
        /// Its sequence number.
        seq: u32,
        /// The message.
        message: &'a [u8],
    },
    /// The receiver has the message with this sequence number.
    Ack {
        /// The sequence number.
        seq: u32,
    },
}

impl Datagram<'_> {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, seq, message): (u8, u32, &[u8]) = match self {
            Datagram::Data { seq, message } => (DATA, *seq, message),
            Datagram::Ack { seq } => (ACK, *seq, &[]),
        };
        let mut bytes = Vec::with_capacity(HEADER + message.len());
        bytes.put_u8(kind);
        bytes.put_u32(seq);
        bytes.put_slice(message);
        bytes
    }

    /// Reads bytes that were received; `None` if they are no such datagram.
    pub fn decode(mut bytes: &[u8]) -> Option<Datagram<'_>> {
        let kind = bytes.try_get_u8().ok()?;
        let seq = bytes.try_get_u32().ok()?;
        match kind {
            DATA => Some(Datagram::Data { seq, message: bytes }),
            ACK if bytes.is_empty() => Some(Datagram::Ack { seq }),
            _ => None,
        }
    }
}

/// The kinds that [`dissect`] tells apart.
pub const KINDS: [&str; 2] = ["data", "ack"];

/// The fields that [`dissect`] names.
pub const FIELDS: [&str; 1] = ["seq"];

/// Describes a datagram for faults, traces and reports.
pub fn dissect(bytes: &[u8]) -> Option<Dissection> {
    Some(match Datagram::decode(bytes)? {
        Datagram::Data { seq, .. } => Dissection::new(KINDS[0]).with(FIELDS[0], seq.into()),
        Datagram::Ack { seq } => Dissection::new(KINDS[1]).with(FIELDS[0], seq.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn datagrams_come_back_as_they_went(seq: u32, message: Vec<u8>) {
            for datagram in [Datagram::Data { seq, message: &message }, Datagram::Ack { seq }] {
                let bytes = datagram.encode();
                prop_assert_eq!(Datagram::decode(&bytes), Some(datagram));
            }
        }

        #[test]
        fn any_bytes_are_a_datagram_or_not(bytes: Vec<u8>) {
            if let Some(datagram) = Datagram::decode(&bytes) {
                prop_assert_eq!(datagram.encode(), bytes);
            }
        }
    }
}
