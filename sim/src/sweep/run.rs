//! Runs the seeds of a sweep.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::seeds::Seeds;
use super::tally::Sweep;
use crate::engine::Keep;
use crate::outcome::{RunError, Settings, simulate_keeping};
use crate::plan::Engine;
use crate::protocol::Protocol;
use crate::scenario::Scenario;

/// What to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explore {
    /// The seeds.
    pub seeds: Seeds,
    /// Whether to run the seeds behind a failing one, too.
    pub keep_going: bool,
    /// Threads.
    pub jobs: usize,
}

/// Runs a part of a sweep on this thread. `begins` is told each seed before it is run; once it says false,
/// the rest is left out.
///
/// # Errors
/// If a run can not start.
pub fn run_seeds(
    scenario: &Scenario,
    protocol: &Protocol,
    part: Sweep,
    begins: impl Fn(u64) -> bool,
) -> Result<Sweep, RunError> {
    let mut sweep = part;
    let engine = Engine::named(&sweep.engine);
    for seed in sweep.seeds.iter() {
        if !begins(seed) {
            sweep.complete = false;
            break;
        }
        let settings = Settings { seed: Some(seed), engine, keep_trace: false };
        let keep = Keep { attempts: sweep.charts.is_some(), ..Keep::default() };
        let outcome = simulate_keeping(scenario, protocol, settings, keep)?;
        if let Some(charts) = &mut sweep.charts {
            charts.count(&outcome, protocol);
        }
        if sweep.add(&outcome) {
            break;
        }
    }
    Ok(sweep)
}

/// Runs a scenario under many seeds, on several threads, on the engine that it names. The result does not
/// depend on how many.
///
/// # Errors
/// If a run can not start.
///
/// # Panics
/// If the scenario names another protocol.
pub fn explore(scenario: &Scenario, protocol: &Protocol, what: Explore) -> Result<Sweep, RunError> {
    let Explore { seeds, keep_going, jobs } = what;
    let engine = scenario.engine();
    let next = AtomicU64::new(0);
    // The chunk of the first failing seed so far: those behind it are not needed.
    let last = AtomicU64::new(u64::MAX);
    let done: Mutex<BTreeMap<u64, Result<Sweep, RunError>>> = Mutex::default();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(chunk) = seeds.chunk(index, CHUNK) else { break };
            if index > last.load(Ordering::Relaxed) {
                break;
            }
            let part = Sweep::new(scenario, engine, seeds, chunk, keep_going);
            let ran = run_seeds(scenario, protocol, part, |_| true);
            if ran.as_ref().is_ok_and(Sweep::is_over) {
                last.fetch_min(index, Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(index, ran);
        }
    };
    std::thread::scope(|scope| {
        (0..jobs.max(1)).for_each(|_| drop(scope.spawn(work)));
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let nothing = Seeds { first: seeds.first, end: seeds.first };
    let mut whole = Sweep::new(scenario, engine, seeds, nothing, keep_going);
    for part in done.into_values() {
        // Chunks behind the last one that counts may be missing: they add nothing.
        let _ = whole.append(part?);
        if whole.is_over() {
            break;
        }
    }
    whole.seeds.end = seeds.end;
    Ok(whole)
}

/// Seeds that a thread takes at a time.
const CHUNK: u64 = 64;
