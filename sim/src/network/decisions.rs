//! What chance and packet faults decided in a run, one datagram after another: enough to write down a
//! run without any chance in it.

use super::config::{HostId, PacketAction};
use super::corrupt;
use super::fate::{DropReason, Fate};
use super::fault::Packet;

/// What was decided about one datagram.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    /// When it was sent, nanoseconds since the start.
    pub at: u64,
    /// The link: from this host
    pub from: HostId,
    /// to this one.
    pub to: HostId,
    /// Its number on the link, from 1.
    pub n: u64,
    /// What happened to it, besides its delay.
    pub actions: Vec<PacketAction>,
    /// How long the first copy of it took, nanoseconds, without queue and hold; `None` if it was dropped.
    pub delay: Option<u64>,
}

/// All decisions of a run, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Decisions {
    pub datagrams: Vec<Decision>,
    /// World-level faults that a datagram or report triggered: which, and by which of its matches,
    /// counted from 1.
    pub triggered: Vec<(u32, u64)>,
}

impl Decisions {
    /// Notes a datagram, the `n`-th on its link from 0. `delays` are those of its copies, and `held` for
    /// how long a fault holds its link, if one began to.
    pub fn note(
        &mut self,
        at: u64,
        packet: &Packet<'_>,
        n: u64,
        held: Option<u64>,
        delays: &[u64],
        fate: &Fate,
    ) {
        let mut actions: Vec<PacketAction> = Vec::new();
        actions.extend(held.map(|length| PacketAction::Hold { length }));
        let by_chance_or_fault =
            matches!(fate.dropped, Some(DropReason::Loss | DropReason::Fault(_)));
        actions.extend(by_chance_or_fault.then_some(PacketAction::Drop));
        if let Some(altered) = &fate.altered {
            let changes = corrupt::difference(packet.payload, altered);
            actions.extend(changes.into_iter().map(PacketAction::Corrupt));
        }
        // Copies are alike: the one that comes first may as well be the original.
        let mut delays = delays.to_vec();
        delays.sort_unstable();
        let first = delays.first().copied();
        for delay in delays.iter().skip(1) {
            let after = delay - first.unwrap_or(0);
            actions.push(PacketAction::Duplicate { copies: 1, after });
        }
        let Packet { from, to, .. } = *packet;
        self.datagrams.push(Decision { at, from, to, n: n + 1, actions, delay: first });
    }
}
