//! The datagrams of `stream`, inside their [`crate::frame`].
//!
//! ```text
//! byte 0      kind
//! bytes 1-4   segment: number of its first byte; acknowledgement: number of the byte that is next
//! bytes 5-    segment: bytes of the stream; acknowledgement: 4 bytes, room in the receive buffer
//! ```
//!
//! Numbers are big-endian, count bytes from 0, and wrap around (RFC 9293, section 3.4).

use bytes::{Buf, BufMut};
use squall_sim::protocol::Dissection;

use crate::frame::{self, kind};

/// Bytes in front of a segment's part of the stream.
pub const HEADER: usize = 5;

/// The kinds that [`dissect`] tells apart.
pub const KINDS: [&str; 2] = ["segment", "ack"];

/// The fields that [`dissect`] names.
pub const FIELDS: [&str; 4] = ["seq", "length", "ack", "window"];

/// A datagram, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datagram<'a> {
    /// A part of the stream.
    Segment {
        /// The number of its first byte.
        seq: u32,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The receiver has all bytes before `ack`, and room for `window` from there on.
    Ack {
        /// The number of the byte that is next.
        ack: u32,
        /// Bytes.
        window: u32,
    },
}

impl Datagram<'_> {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16);
        match self {
            Datagram::Segment { seq, bytes } => {
                out.put_u8(kind::SEGMENT);
                out.put_u32(*seq);
                out.put_slice(bytes);
            }
            Datagram::Ack { ack, window } => {
                out.put_u8(kind::STREAM_ACK);
                out.put_u32(*ack);
                out.put_u32(*window);
            }
        }
        out
    }

    /// Reads bytes that were received; `None` if they are no such datagram.
    pub fn decode(bytes: &[u8]) -> Option<Datagram<'_>> {
        let (kind, rest) = bytes.split_first()?;
        Datagram::decode_rest(*kind, rest)
    }

    fn decode_rest(kind: u8, mut rest: &[u8]) -> Option<Datagram<'_>> {
        match kind {
            kind::SEGMENT => {
                let seq = rest.try_get_u32().ok()?;
                (!rest.is_empty()).then_some(Datagram::Segment { seq, bytes: rest })
            }
            kind::STREAM_ACK => {
                let ack = rest.try_get_u32().ok()?;
                let window = rest.try_get_u32().ok()?;
                rest.is_empty().then_some(Datagram::Ack { ack, window })
            }
            _ => None,
        }
    }
}

/// Describes a datagram for faults, traces and reports.
pub fn dissect(bytes: &[u8]) -> Option<Dissection> {
    let (kind, rest) = frame::peek(bytes)?;
    let [seq_field, length, ack_field, window_field] = FIELDS;
    Some(match Datagram::decode_rest(kind, rest)? {
        Datagram::Segment { seq, bytes } => {
            Dissection::new(KINDS[0]).with(seq_field, seq.into()).with(length, bytes.len() as u64)
        }
        Datagram::Ack { ack, window } => {
            Dissection::new(KINDS[1]).with(ack_field, ack.into()).with(window_field, window.into())
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn datagrams_come_back_as_they_went(
            seq: u32,
            window: u32,
            bytes in prop::collection::vec(any::<u8>(), 1..100),
        ) {
            for datagram in
                [Datagram::Segment { seq, bytes: &bytes }, Datagram::Ack { ack: seq, window }]
            {
                let encoded = datagram.encode();
                prop_assert_eq!(Datagram::decode(&encoded), Some(datagram));
                prop_assert!(dissect(&encoded).is_some());
            }
        }

        #[test]
        fn any_bytes_are_a_datagram_or_not(bytes: Vec<u8>) {
            dissect(&bytes);
            if let Some(datagram) = Datagram::decode(&bytes) {
                prop_assert_eq!(datagram.encode(), bytes);
            }
        }
    }
}
