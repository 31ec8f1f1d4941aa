//! What the datagrams of RPC are, for faults, traces and reports.

use squall_sim::protocol::{Dissection, Protocol};

use crate::oncrpc::{Body, Message, Reply};
use crate::rpc::packet::{Packet, Piece};
use crate::wire::Datagram;
use crate::xdr::{self, Xdr};

const KINDS: [&str; 9] =
    ["call", "reply", "denied", "piece", "received", "ask", "working", "forgotten", "ack"];

const FIELDS: [&str; 7] = ["xid", "program", "version", "procedure", "status", "index", "count"];

/// Declares how the datagrams are read.
pub(super) fn with_dissector(protocol: Protocol) -> Protocol {
    protocol.dissector(&KINDS, &[&FIELDS[..], &["id"]].concat(), dissect)
}

/// Describes a datagram; one of the reliable layer as what it carries.
pub fn dissect(bytes: &[u8]) -> Option<Dissection> {
    dissect_packet(bytes).or_else(|| match Datagram::decode(bytes)? {
        Datagram::UniqueData { id, message } => Some(dissect_packet(message)?.with("id", id)),
        Datagram::UniqueAck { id } => Some(Dissection::new("ack").with("id", id)),
        _ => None,
    })
}

fn dissect_packet(bytes: &[u8]) -> Option<Dissection> {
    let of_call = |kind, xid: u32| Dissection::new(kind).with("xid", xid.into());
    match Packet::decode(bytes) {
        None => dissect_message(bytes),
        Some(Packet::Piece(Piece { of, index, count, .. })) => {
            Some(of_call("piece", of.xid).with("index", index.into()).with("count", count.into()))
        }
        Some(Packet::Received { of, .. }) => Some(of_call("received", of.xid)),
        Some(Packet::Ask { xid, .. }) => Some(of_call("ask", xid)),
        Some(Packet::Working { xid, .. }) => Some(of_call("working", xid)),
        Some(Packet::Forgotten { xid, .. }) => Some(of_call("forgotten", xid)),
    }
}

fn dissect_message(bytes: &[u8]) -> Option<Dissection> {
    let (Message { xid, body }, _) = Message::decode(bytes).ok()?;
    let of_call = |kind| Dissection::new(kind).with("xid", xid.into());
    match body {
        // What differs most often comes first: a narrow timeline shows no more.
        Body::Call(header) => Some(
            Dissection::new("call")
                .with("procedure", header.procedure.into())
                .with("xid", xid.into())
                .with("program", header.program.into())
                .with("version", header.version.into()),
        ),
        Body::Reply(Reply::Accepted { status, .. }) => {
            Some(of_call("reply").with("status", first_word(&status)))
        }
        Body::Reply(Reply::Denied(why)) => Some(of_call("denied").with("status", first_word(&why))),
        // Not ours: the datagram of a reliable layer can look like one.
        Body::ForeignCall { .. } => None,
    }
}

/// The number with which a value begins on the wire.
fn first_word(value: &impl Xdr) -> u64 {
    let bytes = xdr::to_bytes(value).unwrap_or_default();
    bytes.first_chunk().map_or(0, |word| u64::from(u32::from_be_bytes(*word)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_of_the_reliable_layer_is_what_it_carries() {
        let ask = Packet::Ask { xid: 7, digest: 1 }.encode();
        assert_eq!(dissect(&ask).unwrap().to_string(), "ask xid=7");
        let data = Datagram::UniqueData { id: 9, message: &ask }.encode();
        assert_eq!(dissect(&data).unwrap().to_string(), "ask xid=7 id=9");
        let ack = Datagram::UniqueAck { id: 9 }.encode();
        assert_eq!(dissect(&ack).unwrap().to_string(), "ack id=9");
    }

    proptest! {
        #[test]
        fn any_bytes_are_dissected_or_not(bytes: Vec<u8>) {
            if let Some(found) = dissect(&bytes) {
                prop_assert!(KINDS.contains(&found.kind));
            }
        }
    }
}
