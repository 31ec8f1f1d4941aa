//! Large replies that were sent, in case pieces of them are lost.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::rpc::large::Outgoing;
use crate::rpc::packet::{MessageId, digest};

fn into_bytes(pieces: Vec<Vec<u8>>) -> Vec<Bytes> {
    pieces.into_iter().map(Bytes::from).collect()
}

/// How many large replies are kept.
const CAPACITY: usize = 16;

/// The last large replies, the oldest first.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    replies: VecDeque<(SocketAddr, Outgoing)>,
    fragment: usize,
    reliable: bool,
}

impl Outbox {
    /// Sends datagrams of at most `fragment` bytes, perhaps over a reliable layer.
    pub fn new(fragment: usize, reliable: bool) -> Self {
        Outbox { replies: VecDeque::new(), fragment, reliable }
    }

    /// What to send for a large reply: all pieces of a new one; of one that was sent before, a piece to
    /// hear which are missing. `None` if it takes too many pieces.
    pub fn send(&mut self, to: SocketAddr, xid: u32, reply: &[u8]) -> Option<Vec<Bytes>> {
        let of = MessageId { xid, is_reply: true, digest: digest(reply) };
        if let Some(known) = self.find(to, of) {
            return Some(vec![known.probe().into()]);
        }
        let mut outgoing = Outgoing::new(of, reply.to_vec(), self.fragment, self.reliable)?;
        let pieces = into_bytes(outgoing.missing());
        self.replies.push_back((to, outgoing));
        while self.replies.len() > CAPACITY {
            self.replies.pop_front();
        }
        Some(pieces)
    }

    /// The client says which pieces it has: gives the missing ones. `None` if the reply is forgotten.
    pub fn handle_received(
        &mut self,
        from: SocketAddr,
        of: MessageId,
        burst: u8,
        pieces: &[u8],
    ) -> Option<Vec<Bytes>> {
        let known = self.find(from, of)?;
        let is_news = known.handle_received(burst, pieces);
        Some(if is_news { into_bytes(known.missing()) } else { Vec::new() })
    }

    fn find(&mut self, to: SocketAddr, of: MessageId) -> Option<&mut Outgoing> {
        let found =
            self.replies.iter_mut().find(|(client, known)| *client == to && known.id() == of);
        found.map(|(_, known)| known)
    }
}
