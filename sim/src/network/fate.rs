//! What becomes of a datagram.

use super::corrupt::Alteration;

/// Why a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// The link's random loss.
    Loss,
    /// The packet fault with this index, in file order.
    Fault(u32),
    /// A partition between the hosts.
    Partition,
    /// The queue in front of the link's rate was full.
    QueueFull,
    /// The receiving socket's buffer was full.
    BufferFull,
    /// Corrupted, and the UDP checksum noticed.
    Checksum,
    /// The receiving host was down.
    HostDown,
    /// No socket was bound to the port.
    NoSocket,
    /// Larger than the link's MTU.
    TooBig,
}

impl DropReason {
    /// The reason's name; a fault's is `fault`, its own name is for the caller to add.
    pub fn name(self) -> &'static str {
        match self {
            DropReason::Loss => "loss",
            DropReason::Fault(_) => "fault",
            DropReason::Partition => "partition",
            DropReason::QueueFull => "queue-full",
            DropReason::BufferFull => "buffer-full",
            DropReason::Checksum => "checksum",
            DropReason::HostDown => "host-down",
            DropReason::NoSocket => "no-socket",
            DropReason::TooBig => "too-big",
        }
    }

    /// A stable number: the kind of reason, and the fault's index where there is one.
    pub(crate) fn code(self) -> (u8, u32) {
        match self {
            DropReason::Loss => (0, 0),
            DropReason::Fault(fault) => (1, fault),
            DropReason::Partition => (2, 0),
            DropReason::QueueFull => (3, 0),
            DropReason::BufferFull => (4, 0),
            DropReason::Checksum => (5, 0),
            DropReason::HostDown => (6, 0),
            DropReason::NoSocket => (7, 0),
            DropReason::TooBig => (8, 0),
        }
    }

    /// The inverse of [`DropReason::code`].
    pub(crate) fn from_code(kind: u8, fault: u32) -> Option<Self> {
        Some(match kind {
            0 => DropReason::Loss,
            1 => DropReason::Fault(fault),
            2 => DropReason::Partition,
            3 => DropReason::QueueFull,
            4 => DropReason::BufferFull,
            5 => DropReason::Checksum,
            6 => DropReason::HostDown,
            7 => DropReason::NoSocket,
            8 => DropReason::TooBig,
            _ => return None,
        })
    }
}

/// Who altered a datagram that was not dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An impairment of the link.
    Link,
    /// The fault with this index.
    Fault(u32),
}

/// Something that happened to a datagram on its way, besides being dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Copies were added.
    Duplicated {
        /// By whom.
        by: Cause,
        /// How many.
        copies: u32,
    },
    /// Its payload was altered.
    Corrupted {
        /// By whom.
        by: Cause,
        /// How, and how much.
        how: Alteration,
    },
    /// A fault made it wait.
    Delayed {
        /// The fault.
        by: Cause,
        /// Nanoseconds.
        length: u64,
    },
    /// It skipped the link's delay.
    Reordered,
}

/// The decision about one datagram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fate {
    /// Why it goes nowhere; then there are no arrivals.
    pub dropped: Option<DropReason>,
    /// When it arrives, nanoseconds; the original first, then its copies.
    pub arrivals: Arrivals,
    /// How many copies the queue in front of the link's rate turned away.
    pub overflowed: u32,
    /// The payload that arrives, if it is not the one that was sent.
    pub altered: Option<Vec<u8>>,
    /// True if the receiver's UDP checksum will notice that it was altered.
    pub checksum_fails: bool,
    /// What else happened.
    pub marks: Vec<Mark>,
    /// Faults, not about packets, that this datagram triggered.
    pub triggered: Vec<u32>,
}

/// The decision about a datagram to which nothing unusual can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// It arrives at this time, nanoseconds.
    Arrives(u64),
    /// The link loses it.
    Lost,
    /// It is not of this kind, and nothing has been decided.
    No,
}

/// Arrival times; nearly always one, which costs no allocation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrivals {
    first: Option<u64>,
    more: Vec<u64>,
}

impl Arrivals {
    pub(crate) fn push(&mut self, at: u64) {
        match self.first {
            None => self.first = Some(at),
            Some(_) => self.more.push(at),
        }
    }

    /// The times, in the order of the copies.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.first.into_iter().chain(self.more.iter().copied())
    }
}
