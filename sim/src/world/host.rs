//! One simulated host.

use async_task::{Runnable, Task};
use slab::Slab;

use super::clock::Clock;
use super::disk::Disk;
use crate::network::HostId;
use crate::plan::HostPlan;

/// What every task of the event engine carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The world it belongs to.
    pub world: u64,
    /// Its host.
    pub host: HostId,
    /// The host's incarnation that spawned it.
    pub incarnation: u32,
}

/// One host's state. What every datagram and poll looks at comes first, in one cache line.
#[repr(C, align(64))]
pub(crate) struct Host {
    pub up: bool,
    /// From 1.
    pub incarnation: u32,
    /// The first of its open sockets; each knows the next.
    pub first_socket: Option<u32>,
    pub receive_buffer: usize,
    /// The faults that pause it.
    pub paused_by: Vec<u32>,
    pub clock: Clock,
    /// Counts ephemeral ports given out.
    pub next_port: u32,
    /// Tasks of the event engine; dropping one cancels it.
    pub tasks: Slab<Task<(), Tag>>,
    /// Tasks that became ready while it was paused.
    pub parked: Vec<Runnable<Tag>>,
    /// The faults that keep it down.
    pub crashed_by: Vec<u32>,
    /// Entries of memory its software says it holds.
    pub memory_entries: u64,
    /// Random numbers it has drawn in this incarnation.
    pub draws: u64,
    /// True once its main task has ended.
    pub finished: bool,
    /// Its files, once it has used some. They outlast a crash as far as they were synced.
    pub disk: Option<Box<Disk>>,
}

/// How far apart the ephemeral ports of two incarnations start: a prime, so that they only meet
/// again after all ports were first.
const PORT_STRIDE: u32 = 1009;

impl Host {
    pub fn new(plan: &HostPlan) -> Self {
        Host {
            up: true,
            incarnation: 1,
            receive_buffer: usize::try_from(plan.receive_buffer).unwrap_or(usize::MAX),
            clock: Clock::new(plan.clock_offset, plan.clock_drift_ppm),
            first_socket: None,
            next_port: 0,
            tasks: Slab::new(),
            paused_by: Vec::new(),
            parked: Vec::new(),
            crashed_by: Vec::new(),
            memory_entries: 0,
            draws: 0,
            finished: false,
            disk: None,
        }
    }

    /// Starts the next incarnation.
    pub fn restart(&mut self) {
        self.incarnation += 1;
        self.up = true;
        self.next_port = (self.incarnation - 1).wrapping_mul(PORT_STRIDE);
        self.draws = 0;
        self.finished = false;
    }

    /// True if its tasks may run.
    #[inline]
    pub fn runs(&self) -> bool {
        self.up && self.paused_by.is_empty()
    }
}
