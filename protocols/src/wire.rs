//! The datagrams of `ack`, `retry`, `stop-and-wait` and the like, inside their [`crate::frame`].
//!
//! ```text
//! byte 0      kind
//! bytes 1-4   sequence number, big-endian; of unique data, 8 bytes of identifier
//! bytes 5-    data: the message; acknowledgement: nothing
//! ```

use bytes::{Buf, BufMut};
use squall_sim::protocol::{Dissection, Protocol};

use crate::frame::{self, FRAGMENT, FRAGMENT_FIELDS, kind};

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
    /// The receiver has the message with this sequence number; or, if it acknowledges many at a time,
    /// all before it.
    Ack {
        /// The sequence number.
        seq: u32,
    },
    /// A message with an identifier that no other message has.
    UniqueData {
        /// The identifier.
        id: u64,
        /// The message.
        message: &'a [u8],
    },
    /// The receiver has the message with this identifier.
    UniqueAck {
        /// The identifier.
        id: u64,
    },
}

impl Datagram<'_> {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let length = match self {
            Datagram::Data { message, .. } | Datagram::UniqueData { message, .. } => message.len(),
            Datagram::Ack { .. } | Datagram::UniqueAck { .. } => 0,
        };
        // Room for the longest header and the longest checksum besides.
        let mut bytes = Vec::with_capacity(length + 16);
        match self {
            Datagram::Data { seq, message } => {
                bytes.put_u8(kind::DATA);
                bytes.put_u32(*seq);
                bytes.put_slice(message);
            }
            Datagram::Ack { seq } => {
                bytes.put_u8(kind::ACK);
                bytes.put_u32(*seq);
            }
            Datagram::UniqueData { id, message } => {
                bytes.put_u8(kind::UNIQUE_DATA);
                bytes.put_u64(*id);
                bytes.put_slice(message);
            }
            Datagram::UniqueAck { id } => {
                bytes.put_u8(kind::UNIQUE_ACK);
                bytes.put_u64(*id);
            }
        }
        bytes
    }

    /// Reads bytes that were received; `None` if they are no such datagram.
    pub fn decode(bytes: &[u8]) -> Option<Datagram<'_>> {
        let (kind, rest) = bytes.split_first()?;
        Datagram::decode_rest(*kind, rest)
    }

    fn decode_rest(kind: u8, mut rest: &[u8]) -> Option<Datagram<'_>> {
        match kind {
            kind::DATA => {
                let seq = rest.try_get_u32().ok()?;
                Some(Datagram::Data { seq, message: rest })
            }
            kind::ACK => {
                let seq = rest.try_get_u32().ok()?;
                rest.is_empty().then_some(Datagram::Ack { seq })
            }
            kind::UNIQUE_DATA => {
                let id = rest.try_get_u64().ok()?;
                Some(Datagram::UniqueData { id, message: rest })
            }
            kind::UNIQUE_ACK => {
                let id = rest.try_get_u64().ok()?;
                rest.is_empty().then_some(Datagram::UniqueAck { id })
            }
            _ => None,
        }
    }
}

/// Declares how the datagrams of a protocol are read that numbers its messages.
pub fn with_dissector(protocol: Protocol) -> Protocol {
    let [message, index, count] = FRAGMENT_FIELDS;
    protocol.dissector(&["data", "ack", FRAGMENT], &["seq", message, index, count], dissect)
}

/// Declares how the datagrams of a protocol are read that gives its messages identifiers.
pub fn with_unique_dissector(protocol: Protocol) -> Protocol {
    let [message, index, count] = FRAGMENT_FIELDS;
    protocol.dissector(&["data", "ack", FRAGMENT], &["id", message, index, count], dissect)
}

/// Describes a datagram for faults, traces and reports.
pub fn dissect(bytes: &[u8]) -> Option<Dissection> {
    let (kind, rest) = frame::peek(bytes)?;
    if kind == kind::FRAGMENT {
        return frame::dissect_fragment(rest);
    }
    Some(match Datagram::decode_rest(kind, rest)? {
        Datagram::Data { seq, .. } => Dissection::new("data").with("seq", seq.into()),
        Datagram::Ack { seq } => Dissection::new("ack").with("seq", seq.into()),
        Datagram::UniqueData { id, .. } => Dissection::new("data").with("id", id),
        Datagram::UniqueAck { id } => Dissection::new("ack").with("id", id),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checksum::Checksum;

    proptest! {
        #[test]
        fn datagrams_come_back_as_they_went(seq: u32, id: u64, message: Vec<u8>) {
            for datagram in [
                Datagram::Data { seq, message: &message },
                Datagram::Ack { seq },
                Datagram::UniqueData { id, message: &message },
                Datagram::UniqueAck { id },
            ] {
                let bytes = datagram.encode();
                prop_assert_eq!(Datagram::decode(&bytes), Some(datagram));
                let plain = dissect(&bytes);
                prop_assert!(plain.is_some());
                for checksum in Checksum::ALL {
                    let mut sealed = frame::seal(checksum, bytes.clone());
                    prop_assert_eq!(&dissect(&sealed), &plain);
                    let length = frame::open(checksum, &mut sealed);
                    prop_assert_eq!(length.map(|length| &sealed[..length]), Some(&bytes[..]));
                }
            }
        }

        #[test]
        fn any_bytes_are_a_datagram_or_not(mut bytes: Vec<u8>) {
            dissect(&bytes);
            for checksum in Checksum::ALL {
                frame::open(checksum, &mut bytes);
            }
            if let Some(datagram) = Datagram::decode(&bytes) {
                prop_assert_eq!(datagram.encode(), bytes);
            }
        }
    }
}
