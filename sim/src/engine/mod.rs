//! Engines run plans. `event` jumps from event to event; `turmoil` ticks.

pub(crate) mod event;
pub(crate) mod panic;
pub(crate) mod turmoil;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::history::History;
use crate::network::{Decisions, FaultCount, HostId};
use crate::plan::{Engine, Plan};
use crate::protocol::{Client, HostFuture, HostResult, Protocol, Server};
use crate::world::{self, Counts, Installed, World};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing more could happen.
    Quiet,
    /// The scenario's duration was over.
    CutOff {
        /// Datagrams were still on the way, or waited to be received.
        unsettled: bool,
    },
    /// Host software broke the run: a panic, an endless loop, a budget overdrawn.
    Broken(String),
}

/// Everything that is known of a run.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub ending: Ending,
    /// Simulated time at the end, nanoseconds.
    pub sim_time: u64,
    /// What the application saw.
    pub history: History,
    /// What was added up.
    pub counts: Counts,
    /// What each fault came to, in file order.
    pub faults: Vec<FaultCount>,
    /// Errors with which host software ended, in order.
    pub errors: Vec<String>,
    /// The hash over all events.
    pub trace_hash: u128,
    /// The trace's records, if they were kept.
    pub(crate) records: Option<Vec<u8>>,
    /// What chance and faults decided, if it was noted.
    pub(crate) decisions: Option<Decisions>,
}

/// Why a run could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A simulation runs on this thread already.
    #[error("a simulation is running on this thread already")]
    Nested,
    /// A tokio runtime is entered on this thread.
    #[error(
        "a simulation cannot run inside a tokio runtime, where tokio's timers and tasks would hang \
         silently: call it outside, for example from a plain #[test]"
    )]
    InsideTokio,
}

/// What is kept of a run. Its hash and its history are in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    /// All events.
    pub trace: bool,
    /// What chance and faults decided.
    pub decisions: bool,
    /// Which operations retransmissions are of, in the history.
    pub attempts: bool,
}

/// Runs a plan.
///
/// # Errors
/// If a simulation or a tokio runtime is running on this thread.
pub(crate) fn run(plan: Arc<Plan>, protocol: &Protocol, keep: Keep) -> Result<Run, StartError> {
    if tokio::runtime::Handle::try_current().is_ok() {
        return Err(StartError::InsideTokio);
    }
    let mut world = World::new(Arc::clone(&plan), protocol, keep.trace);
    world.counts_attempts = keep.attempts;
    if keep.decisions {
        world.network.note_decisions();
    }
    let installed = Installed::new(world).ok_or(StartError::Nested)?;
    let _quiet = panic::Captured::start();
    let start = Arc::new((Arc::clone(&plan), protocol.clone()));
    // Host software also brings wakers, dissectors and panic payloads, which run outside its tasks.
    let ended = catch_unwind(AssertUnwindSafe(|| match plan.engine {
        Engine::Event => event::run(&plan, &start),
        Engine::Turmoil => turmoil::run(&plan, &start),
    }));
    let ending = ended.unwrap_or_else(|payload| {
        let described = panic::describe(&*payload);
        std::mem::forget(payload);
        Ending::Broken(format!("a panic outside of any task: {described}"))
    });
    let Some(world) = installed.take() else { unreachable!("it was installed above") };
    let World { now, history, counts, mut network, recorder, errors, .. } = *world;
    let faults = network.fault_counts();
    let decisions = network.take_decisions();
    let (trace_hash, records) = recorder.finish();
    let sim_time = now;
    Ok(Run { ending, sim_time, history, counts, faults, errors, trace_hash, records, decisions })
}

/// What all hosts start from.
type Start = Arc<(Arc<Plan>, Protocol)>;

/// The software of a host, from its start, when it is first polled, to its end.
///
/// Not an `async fn`, which would keep room for what it needs at the start alone: there may be many
/// thousand hosts.
struct Software {
    host: HostId,
    start: Option<Start>,
    running: Option<HostFuture>,
}

impl Software {
    fn new(start: &Start, host: HostId) -> Self {
        Software { host, start: Some(Arc::clone(start)), running: None }
    }
}

impl Future for Software {
    type Output = HostResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<HostResult> {
        if let Some(start) = self.start.take() {
            let (plan, protocol, host) = (Arc::clone(&start.0), &start.1, self.host);
            let incarnation = world::with(|world| world.hosts[host as usize].incarnation);
            let incarnation = incarnation.unwrap_or(1);
            protocol.starts(&plan.options);
            self.running = Some(if host == 0 {
                protocol.start_server(Server::new(plan, incarnation))
            } else if host <= plan.clients {
                protocol.start_client(Client::new(plan, host, incarnation))
            } else {
                protocol.start_host(start.0.host_name(host), Server::new(plan, incarnation))
            });
        }
        match &mut self.running {
            Some(running) => running.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
