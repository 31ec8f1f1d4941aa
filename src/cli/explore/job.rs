//! What a worker process is told: the first line of its input. The lines that follow are ranges of seeds.

use std::path::Path;

use squall_sim::plan::Engine;
use squall_sim::protocol::Protocol;
use squall_sim::scenario::Scenario;
use squall_sim::sweep::{Seeds, Sweep};

use crate::Registry;

/// The work that all workers share.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Job {
    /// The scenario's name.
    name: String,
    /// Its text.
    text: String,
    /// The folder at which its paths begin.
    base: String,
    engine: String,
    /// The seeds of the whole sweep.
    pub range: Seeds,
    pub keep_going: bool,
    /// Whether what charts show is counted.
    pub charts: bool,
    /// Threads of each worker.
    pub threads: usize,
    /// Bytes that a run may take.
    pub max_memory: u64,
}

impl Job {
    pub fn new(scenario: &Scenario, base: &Path, engine: Engine, range: Seeds) -> Self {
        Job {
            name: scenario.name().to_owned(),
            text: scenario.text().to_owned(),
            base: base.to_string_lossy().into_owned(),
            engine: engine.name().to_owned(),
            range,
            keep_going: true,
            charts: false,
            threads: 1,
            max_memory: u64::MAX,
        }
    }

    /// A part of the sweep, of which no seed has been run.
    pub fn part(
        &self,
        scenario: &Scenario,
        protocol: &Protocol,
        engine: Engine,
        seeds: Seeds,
    ) -> Sweep {
        let part = Sweep::new(scenario, engine, self.range, seeds, self.keep_going);
        if self.charts { part.with_charts(scenario, protocol) } else { part }
    }

    /// The scenario, read again.
    ///
    /// # Errors
    /// If it is wrong, which it was not before.
    pub fn scenario(&self, registry: &Registry) -> Result<(Scenario, Engine), String> {
        let base = Path::new(&self.base);
        let scenario = Scenario::parse(&self.name, &self.text, base, registry.specs());
        let engine = Engine::named(&self.engine).ok_or("unknown engine")?;
        Ok((scenario.map_err(|errors| errors.to_string())?, engine))
    }
}

/// What a worker says, one on each line.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum Said {
    /// What a range of seeds came to, as [`squall_sim::sweep::Sweep::to_json`] writes it.
    Part(String),
    /// What each busy thread is at.
    Beat(Vec<At>),
    /// No run can start.
    Error(String),
}

/// Where a thread of a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct At {
    /// The first seed of its range.
    pub first: u64,
    /// The seed that it is running,
    pub seed: u64,
    /// and for how long, milliseconds of real time.
    pub millis: u64,
}
