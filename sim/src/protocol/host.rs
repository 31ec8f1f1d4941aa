//! What host software is given: the server's side and the client's side of a protocol.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::Options;
use crate::history::Outcome;
use crate::network::HostId;
use crate::plan::Plan;
use crate::time::{Duration, Instant, sleep_until};
use crate::trace::{OpId, Step};
use crate::{workload, world};

/// The port on which servers of the shipped protocols listen.
pub const SERVER_PORT: u16 = 10_000;

/// The event that the simulation itself reports when a server executes a call whose caller is gone:
/// the client's host is down, or has restarted since it issued the call. Nelson's orphans ("Remote
/// Procedure Call", CMU-CS-81-119, 1981). Only for protocols that declare the event.
pub const ORPHAN: &str = "orphan";

/// The event that counts as a cost, and is not allowed under the guarantee `maybe`.
pub(crate) const RETRANSMISSION: &str = "retransmission";

/// The server's side of a protocol, on the host `server` or on one of the protocol's further hosts.
#[derive(Clone, Debug)]
pub struct Server {
    plan: Arc<Plan>,
    incarnation: u32,
}

impl Server {
    pub(crate) fn new(plan: Arc<Plan>, incarnation: u32) -> Self {
        Server { plan, incarnation }
    }

    /// How often the host has started, this time included: 1 at first, one more after each restart.
    /// A real server would have to count that on its disk.
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The protocol's options.
    pub fn options(&self) -> &Options {
        &self.plan.options
    }

    /// Where to listen: every address, [`SERVER_PORT`].
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, SERVER_PORT))
    }

    /// Room for a datagram with any of the workload's messages behind a header of up to 64 bytes.
    pub fn buffer(&self) -> Vec<u8> {
        let most = world::MAX_PAYLOAD;
        let size = usize::try_from(self.plan.workload.size).unwrap_or(most);
        vec![0; size.saturating_add(64).min(most)]
    }

    /// Hands a message to the application: what a protocol exists for, and what the checks count.
    /// Gives the operation whose identity the message carries. Integrity is violated if the rest of
    /// it is not what was sent, or if nobody sent such a message, which gives `None`; so does a call
    /// outside a simulation.
    pub fn deliver(&self, message: &[u8]) -> Option<OpId> {
        world::with_live_host(|world, host| world.execute(host, message, Step::Delivered)).flatten()
    }

    /// Runs a call whose argument is the message. As [`Server::deliver`], under another name; and if the
    /// protocol declares the event [`ORPHAN`], one is reported when the caller is gone.
    pub fn execute(&self, message: &[u8]) -> Option<OpId> {
        world::with_live_host(|world, host| world.execute(host, message, Step::Executed)).flatten()
    }
}

/// One operation that a client is to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which operation it is.
    pub id: OpId,
    /// The bytes to deliver; the application at the other end knows the operation by them.
    pub payload: Vec<u8>,
}

/// The client's side of a protocol, on a host `client-1`, `client-2`, ...
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) plan: Arc<Plan>,
    pub(crate) host: HostId,
    incarnation: u32,
    /// True once it has issued an operation.
    started: bool,
    /// Until when the workload's pause lasts.
    pause: Option<Instant>,
}

impl Client {
    pub(crate) fn new(plan: Arc<Plan>, host: HostId, incarnation: u32) -> Self {
        Client { plan, host, incarnation, started: false, pause: None }
    }

    /// How often the host has started, as [`Server::incarnation`].
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The protocol's options.
    pub fn options(&self) -> &Options {
        &self.plan.options
    }

    /// The client's number, from 1.
    pub fn number(&self) -> u32 {
        self.host
    }

    /// Where the server listens.
    pub fn server(&self) -> SocketAddr {
        SocketAddr::from((crate::network::address(0), SERVER_PORT))
    }

    /// Issues the next operation, after the workload's pause, which begins with the call; `None`
    /// once all were issued. A client that restarts goes on with the first operation that it has
    /// not issued. If the future is dropped before it is ready, the next call waits for the rest
    /// of the same pause.
    pub async fn next(&mut self) -> Option<Message> {
        let interval = self.plan.workload.interval;
        let left = world::with_live_host(|world, host| world.has_operations_left(host));
        if left != Some(true) {
            return None;
        }
        if self.started && interval > 0 {
            let pause = || Instant::now() + Duration::from_nanos(interval);
            sleep_until(*self.pause.get_or_insert_with(pause)).await;
        }
        self.pause = None;
        self.started = true;
        let id = world::with_live_host(|world, host| world.invoke(host)).flatten()?;
        Some(Message { id, payload: workload::message(&self.plan.workload, id) })
    }

    /// The operation succeeded: the server has it. Ignored, as [`Client::fail`] and
    /// [`Client::unknown`] are, for another client's operation and for one that has ended.
    pub fn complete(&self, op: OpId) {
        end(op, Outcome::Completed);
    }

    /// The operation failed for certain: it did not happen and will not.
    pub fn fail(&self, op: OpId) {
        end(op, Outcome::Failed);
    }

    /// The client gives the operation up without knowing whether it happened.
    pub fn unknown(&self, op: OpId) {
        end(op, Outcome::Unknown);
    }
}

fn end(op: OpId, outcome: Outcome) {
    world::with_live_host(|world, host| world.end_operation(host, op, outcome));
}

/// Reports that something happened on this host, for the trace, for faults that wait for it and for
/// the counts. Elsewhere than on a simulated host it does nothing.
///
/// `"retransmission"` is counted as a cost; the guarantee `maybe` allows none. A protocol that names
/// its events must name it, too.
pub fn report(event: &str) {
    expose(event, &mut []);
}

/// Reports an event, as [`report`] does, and says that `bytes` are in this host's memory at this
/// moment: a fault `corrupt-memory` that waits for the event flips a random bit of them, which no
/// checksum on the network sees. Only a check between the two ends does: J. Saltzer, D. Reed and
/// D. Clark, "End-to-End Arguments in System Design" (ACM TOCS 2(4), 1984), section 2.1.
pub fn expose(event: &str, bytes: &mut [u8]) {
    world::with_live_host(|world, host| world.report(host, event, bytes));
}

/// Says how many entries of memory (remembered ids, cached replies, buffered messages) this host's
/// protocol now holds, for the cost `peak_memory_entries`.
pub fn memory_entries(entries: u64) {
    world::with_live_host(|world, host| world.set_memory_entries(host, entries));
}
