//! Which operation a datagram belongs to.
//!
//! A trace does not say. But every message of the workload begins with the identity of its operation,
//! wherever the protocol puts it; and what answers it has the same sequence number, identifier or call id.
//! So this is right for datagrams that carry a message or name it, and silent about others.

use std::collections::{BTreeMap, BTreeSet};

use squall_sim::network::HostId;
use squall_sim::protocol::Dissection;
use squall_sim::trace::OpId;
use squall_sim::workload::{IDENTITY, goes_on, identify};

/// Fields that name a message, the strongest first; without any of them it is the first field.
const KEYS: [&str; 5] = ["xid", "message", "id", "call", "seq"];

/// Fields that say nothing about which message it is.
const NO_KEYS: [&str; 1] = ["attempt"];

/// Which operation is named how, so far.
#[derive(Default)]
pub(super) struct Attribution {
    /// Operations that each client has issued.
    issued: BTreeMap<HostId, u32>,
    /// Those that have ended for their client.
    ended: BTreeSet<OpId>,
    /// By the host at the client's end, the field and its value. The last one counts: numbers wrap.
    named: BTreeMap<(HostId, &'static str, u64), OpId>,
}

impl Attribution {
    pub fn invoked(&mut self, op: OpId) {
        self.issued.insert(op.client, op.number);
    }

    pub fn ended(&mut self, op: OpId) {
        self.ended.insert(op);
    }

    /// The operation that a datagram between these hosts belongs to.
    pub fn operation(
        &mut self,
        from: HostId,
        to: HostId,
        payload: &[u8],
        dissection: Option<&Dissection>,
    ) -> Option<OpId> {
        let name = dissection.and_then(name);
        if let Some(op) = self.carried(from, payload) {
            if let Some((field, value)) = name {
                self.named.insert((from, field, value), op);
            }
            return Some(op);
        }
        let (field, value) = name?;
        // One of the two is the client; the other has issued nothing.
        [from, to].into_iter().find_map(|host| self.named.get(&(host, field, value)).copied())
    }

    /// The operation of `client` whose message is in the payload, behind whatever header. Much can look like
    /// an identity: what is sure is one that its message follows. Of a message that is nobody's to know,
    /// such as a piece of a file, it is the last one of an operation that has not ended.
    fn carried(&self, client: HostId, payload: &[u8]) -> Option<OpId> {
        let issued = *self.issued.get(&client)?;
        let known = |bytes: &[u8]| {
            identify(bytes).filter(|op| op.client == client && (1..=issued).contains(&op.number))
        };
        let places = (0..payload.len().saturating_sub(IDENTITY - 1)).rev();
        let found = places.filter_map(|at| known(&payload[at..]).map(|op| (at, op)));
        let mut likely = None;
        for (at, op) in found {
            if goes_on(op, &payload[at..]) {
                return Some(op);
            }
            likely = likely.or(Some(op).filter(|op| !self.ended.contains(op)));
        }
        likely
    }
}

fn name(dissection: &Dissection) -> Option<(&'static str, u64)> {
    let known = KEYS.iter().find_map(|key| Some((*key, dissection.field(key)?)));
    known.or_else(|| dissection.fields.first().filter(|(name, _)| !NO_KEYS.contains(name)).copied())
}
