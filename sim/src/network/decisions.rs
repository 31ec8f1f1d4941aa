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
    /// The link's delay of its first copy, nanoseconds, without queue, hold and what faults added; `None` if
    /// it was dropped.
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

/// For what a datagram waited.
pub(super) struct Waits<'a> {
    /// For how long a fault holds its link, if one began to, nanoseconds.
    pub held: Option<u64>,
    /// How long faults delay it.
    pub extra: u64,
    /// The delays of its copies, by the link and by the faults that made them.
    pub delays: &'a [u64],
}

impl Decisions {
    /// Notes a datagram, the `n`-th on its link from 0.
    pub(super) fn note(
        &mut self,
        at: u64,
        packet: &Packet<'_>,
        n: u64,
        waits: &Waits<'_>,
        fate: &Fate,
    ) {
        let Waits { held, extra, delays } = *waits;
        let mut actions: Vec<PacketAction> = Vec::new();
        actions.extend(held.map(|length| PacketAction::Hold { length }));
        actions.extend((extra > 0).then_some(PacketAction::Delay { by: extra }));
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
