//! What a trace is made of.

use crate::network::{DropReason, HostId, Mark};

/// One operation of the workload: a message to deliver or a call to execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId {
    /// The client that issues it.
    pub client: HostId,
    /// Its number among that client's operations, from 1.
    pub number: u32,
}

impl std::fmt::Display for OpId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.client, self.number)
    }
}

/// What the application saw of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The client issued it.
    Invoked,
    /// The server was given the message.
    Delivered,
    /// The server ran the call.
    Executed,
    /// The client was told that it succeeded.
    Completed,
    /// The client was told that it did not and will not happen.
    Failed,
    /// The client gave up, or died, without knowing.
    Unknown,
}

impl Step {
    /// All steps; a step's place in this list is its stable number.
    pub const ALL: [Step; 6] = [
        Step::Invoked,
        Step::Delivered,
        Step::Executed,
        Step::Completed,
        Step::Failed,
        Step::Unknown,
    ];

    /// The event's name in scenario files and traces.
    pub fn name(self) -> &'static str {
        match self {
            Step::Invoked => "invoked",
            Step::Delivered => "delivered",
            Step::Executed => "executed",
            Step::Completed => "completed",
            Step::Failed => "failed",
            Step::Unknown => "unknown",
        }
    }
}

/// A host and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The host.
    pub host: HostId,
    /// The UDP port.
    pub port: u16,
}

/// A change to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostChange {
    /// It lost its tasks and sockets.
    Crashed,
    /// It started again; the number is its new incarnation.
    Restarted(u32),
    /// It stopped running.
    Paused,
    /// It runs again.
    Resumed,
    /// Its wall clock was stepped by this many nanoseconds.
    ClockStepped(i64),
    /// This bit of what it exposed in its memory flipped, counted from the first byte, the least
    /// significant bit of each byte first.
    MemoryCorrupted(u64),
    /// This bit of what it has stored flipped, counted over its files in the order of their names.
    DiskCorrupted(u64),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A datagram was handed to the network. Datagrams are numbered from 1 in this order.
    Sent {
        /// Its number.
        id: u64,
        /// Where it comes from.
        from: Endpoint,
        /// Where it goes.
        to: Endpoint,
        /// The UDP payload, as sent.
        payload: Vec<u8>,
    },
    /// The network altered a datagram.
    Marked {
        /// Its number.
        id: u64,
        /// How.
        mark: Mark,
    },
    /// A datagram, or a copy of it, goes no further.
    Dropped {
        /// Its number.
        id: u64,
        /// Which copy: 0 is the original.
        copy: u32,
        /// Why.
        reason: DropReason,
    },
    /// A datagram, or a copy of it, was put into a socket's receive buffer.
    Delivered {
        /// Its number.
        id: u64,
        /// Which copy: 0 is the original.
        copy: u32,
    },
    /// A connected socket learns that its peer's port is closed.
    Refused {
        /// The socket that learns.
        at: Endpoint,
    },
    /// An operation took a step.
    Operation {
        /// The host where it happened.
        host: HostId,
        /// That host's incarnation, from 1.
        incarnation: u32,
        /// The operation.
        op: OpId,
        /// The step.
        step: Step,
    },
    /// The server was given a message that is not the one that was sent.
    Damaged {
        /// The host where it happened.
        host: HostId,
        /// The operation whose identity it carries; `None` if that names no operation issued.
        op: Option<OpId>,
    },
    /// Host software reported an event.
    Reported {
        /// The host.
        host: HostId,
        /// The event.
        name: String,
    },
    /// A host changed.
    Host {
        /// The host.
        host: HostId,
        /// How.
        change: HostChange,
    },
    /// A fault that lasts came into force.
    FaultBegan {
        /// Its index in file order.
        fault: u32,
    },
    /// A fault that lasts ended.
    FaultEnded {
        /// Its index in file order.
        fault: u32,
    },
    /// Host software ended with an error or a panic.
    Broke {
        /// The host.
        host: HostId,
        /// What it said.
        message: String,
    },
}

/// One event of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds since the start.
    pub at: u64,
    /// What happened.
    pub what: What,
}
