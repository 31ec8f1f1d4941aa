//! What travels besides calls and replies: pieces of large messages, and notes about calls that take
//! long.
//!
//! As in every message of ONC RPC, the first word is a transaction id and the second says what it is.
//! Ours are far from call (0) and reply (1), so that other peers ignore them.
//!
//! ```text
//! bytes 0-3    transaction id of the call; all numbers are big-endian
//! bytes 4-7    0x53510001 piece, ...02 received, ...03 ask, ...04 working, ...05 forgotten
//! bytes 8-15   digest: of the call's arguments; of a reply, all of it, and so in what is said about its
//!              pieces
//! piece:     bytes 16-17 which, 18-19 of how many; 20-23 length of the message; 24 whose it is (0
//!            call, 1 reply); 25 the burst, if the sender asks which pieces are there, or 0; 26- the
//!            bytes
//! received:  byte 16 whose message; 17 the burst, or 0; 18- a bit for each piece, the first is the
//!            lowest of the first byte
//! ```

use bytes::{Buf, BufMut};
use xxhash_rust::xxh3::xxh3_64;

const PIECE: u32 = 0x5351_0001;
const RECEIVED: u32 = 0x5351_0002;
const ASK: u32 = 0x5351_0003;
const WORKING: u32 = 0x5351_0004;
const FORGOTTEN: u32 = 0x5351_0005;

/// Bytes in front of a piece.
pub const PIECE_HEADER: usize = 26;

/// What tells a call's arguments, or a reply, from others with the same transaction id.
pub fn digest(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The message of which something is a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageId {
    /// The call's transaction id.
    pub xid: u32,
    /// True for the reply, false for the call.
    pub is_reply: bool,
    /// The [`digest`] of the call's arguments, or of all of the reply.
    pub digest: u64,
}

/// A piece of a large message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Whose.
    pub of: MessageId,
    /// Which piece, from 0.
    pub index: u16,
    /// How many there are.
    pub count: u16,
    /// How many bytes the whole message has.
    pub length: u32,
    /// If the sender wants to know which pieces have arrived: which time it sends. Otherwise 0.
    pub burst: u8,
    /// The piece of the message.
    pub bytes: &'a [u8],
}

/// What is not a message of ONC RPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A piece of a large message.
    Piece(Piece<'a>),
    /// These pieces have arrived.
    Received {
        /// Whose.
        of: MessageId,
        /// The burst to which this is the answer; 0 if the receiver says it of itself.
        burst: u8,
        /// A bit for each piece, the first is the lowest of the first byte.
        pieces: &'a [u8],
    },
    /// What about this call?
    Ask {
        /// Its transaction id.
        xid: u32,
        /// The digest of its arguments.
        digest: u64,
    },
    /// The call is running or waits for its turn.
    Working {
        /// Its transaction id.
        xid: u32,
        /// The digest of its arguments.
        digest: u64,
    },
    /// No such call is known, or no such reply any more.
    Forgotten {
        /// Its transaction id.
        xid: u32,
        /// The digest of the call's arguments; if pieces of a reply were asked for, of the reply.
        digest: u64,
    },
}

impl<'a> Packet<'a> {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, xid, digest) = match self {
            Packet::Piece(Piece { of, .. }) => (PIECE, of.xid, of.digest),
            Packet::Received { of, .. } => (RECEIVED, of.xid, of.digest),
            Packet::Ask { xid, digest } => (ASK, *xid, *digest),
            Packet::Working { xid, digest } => (WORKING, *xid, *digest),
            Packet::Forgotten { xid, digest } => (FORGOTTEN, *xid, *digest),
        };
        let mut out = Vec::with_capacity(32);
        out.put_u32(xid);
        out.put_u32(kind);
        out.put_u64(digest);
        match self {
            Packet::Piece(Piece { of, index, count, length, burst, bytes }) => {
                out.put_u16(*index);
                out.put_u16(*count);
                out.put_u32(*length);
                out.put_u8(of.is_reply.into());
                out.put_u8(*burst);
                out.put_slice(bytes);
            }
            Packet::Received { of, burst, pieces } => {
                out.put_u8(of.is_reply.into());
                out.put_u8(*burst);
                out.put_slice(pieces);
            }
            Packet::Ask { .. } | Packet::Working { .. } | Packet::Forgotten { .. } => {}
        }
        out
    }

    /// Reads a datagram; `None` if it is none of these.
    pub fn decode(mut bytes: &'a [u8]) -> Option<Self> {
        let xid = bytes.try_get_u32().ok()?;
        let kind = bytes.try_get_u32().ok()?;
        if !(PIECE..=FORGOTTEN).contains(&kind) {
            return None;
        }
        let digest = bytes.try_get_u64().ok()?;
        match kind {
            PIECE => {
                let index = bytes.try_get_u16().ok()?;
                let count = bytes.try_get_u16().ok()?;
                let length = bytes.try_get_u32().ok()?;
                let is_reply = flag(&mut bytes)?;
                let burst = bytes.try_get_u8().ok()?;
                let of = MessageId { xid, is_reply, digest };
                let sound = index < count && !bytes.is_empty();
                sound.then_some(Packet::Piece(Piece { of, index, count, length, burst, bytes }))
            }
            RECEIVED => {
                let of = MessageId { xid, is_reply: flag(&mut bytes)?, digest };
                let burst = bytes.try_get_u8().ok()?;
                Some(Packet::Received { of, burst, pieces: bytes })
            }
            _ if !bytes.is_empty() => None,
            ASK => Some(Packet::Ask { xid, digest }),
            WORKING => Some(Packet::Working { xid, digest }),
            _ => Some(Packet::Forgotten { xid, digest }),
        }
    }
}

fn flag(bytes: &mut &[u8]) -> Option<bool> {
    match bytes.try_get_u8().ok()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packets_come_back_as_they_went(
            xid: u32, digest: u64, is_reply: bool, burst: u8, index in 0..900u16, more in 1..9u16,
            bytes in proptest::collection::vec(any::<u8>(), 1..40),
        ) {
            let of = MessageId { xid, is_reply, digest };
            for packet in [
                Packet::Piece(Piece { of, index, count: index + more, length: xid, burst, bytes: &bytes }),
                Packet::Received { of, burst, pieces: &bytes },
                Packet::Ask { xid, digest },
                Packet::Working { xid, digest },
                Packet::Forgotten { xid, digest },
            ] {
                let bytes = packet.encode();
                prop_assert_eq!(Packet::decode(&bytes), Some(packet));
            }
        }

        #[test]
        fn any_bytes_are_a_packet_or_not(
            kind in PIECE - 1..=FORGOTTEN + 1,
            rest in proptest::collection::vec(prop_oneof![0..2u8, any::<u8>()], 0..40),
        ) {
            let mut bytes = vec![1, 2, 3, 4];
            bytes.put_u32(kind);
            bytes.extend(rest);
            if let Some(packet) = Packet::decode(&bytes) {
                prop_assert_eq!(packet.encode(), bytes);
            }
        }
    }
}
