//! Engines run plans. `event` jumps from event to event; `turmoil` ticks.

pub(crate) mod event;
pub(crate) mod panic;
pub(crate) mod turmoil;

use std::sync::Arc;

use crate::history::History;
use crate::network::FaultCount;
use crate::plan::{Engine, Plan};
use crate::protocol::{Client, HostResult, Protocol, Server};
use crate::world::{Counts, Installed, World};

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

/// Runs a plan. With `keep_trace` the run's events are kept, else only their hash.
///
/// # Errors
/// If a simulation or a tokio runtime is running on this thread.
pub fn run(plan: Arc<Plan>, protocol: &Protocol, keep_trace: bool) -> Result<Run, StartError> {
    if tokio::runtime::Handle::try_current().is_ok() {
        return Err(StartError::InsideTokio);
    }
    let world = World::new(Arc::clone(&plan), protocol.dissect(), keep_trace);
    let installed = Installed::new(world).ok_or(StartError::Nested)?;
    let _quiet = panic::Captured::start();
    let ending = match plan.engine {
        Engine::Event => event::run(&plan, protocol),
        Engine::Turmoil => turmoil::run(&plan, protocol),
    };
    let Some(world) = installed.take() else { unreachable!("it was installed above") };
    let World { now, history, counts, network, recorder, errors, .. } = *world;
    let faults = network.fault_counts();
    let (trace_hash, records) = recorder.finish();
    Ok(Run { ending, sim_time: now, history, counts, faults, errors, trace_hash, records })
}

/// The software of a host, from its start to its end.
async fn software(plan: Arc<Plan>, protocol: Protocol, host: u32) -> HostResult {
    if host == 0 {
        protocol.start_server(Server { plan }).await
    } else {
        protocol.start_client(Client::new(plan, host)).await
    }
}
