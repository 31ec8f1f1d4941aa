//! What a worker process is told: the first line of its input. The lines that follow are ranges of seeds.

use std::path::Path;

use squall_sim::plan::Engine;
use squall_sim::scenario::Scenario;
use squall_sim::sweep::Seeds;

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
            threads: 1,
            max_memory: u64::MAX,
        }
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
