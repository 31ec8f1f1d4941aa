//! A worker process of a sweep: ranges of seeds in, what they came to out. What ends this process (a
//! stack overflow, an abort, too much memory) or keeps it from going on does not touch the one that
//! started it.

use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use squall_sim::plan::Engine;
use squall_sim::scenario::Scenario;
use squall_sim::sweep::{Seeds, run_seeds};

use super::job::{At, Job, Said};
use crate::Registry;
use crate::cli::exit::Exit;
use crate::cli::interrupt;

/// Between two signs of life.
const BEAT: Duration = Duration::from_millis(50);

/// As much as the main thread of a program has by default.
const STACK: usize = 8 << 20;

/// What a worker takes besides its runs, bytes.
const BASE: u64 = 96 << 20;

/// No seed: the thread waits for work.
const IDLE: u64 = u64::MAX;

/// Where a thread is, for the one that tells it.
struct Place {
    first: AtomicU64,
    seed: AtomicU64,
}

/// Where a thread was seen, and since when.
type Seen = Option<(u64, u64, Instant)>;

pub(in crate::cli) fn run(registry: &Registry) -> io::Result<Exit> {
    interrupt::ignore();
    let mut lines = io::stdin().lock().lines();
    let Some(first) = lines.next().transpose()? else { return Ok(Exit::Usage) };
    let Ok(job) = serde_json::from_str::<Job>(&first) else { return Ok(Exit::Usage) };
    limit_memory(job.max_memory, job.threads);
    let (scenario, engine) = match job.scenario(registry) {
        Ok(read) => read,
        Err(error) => {
            say(&Said::Error(error));
            return Ok(Exit::Bug);
        }
    };
    let shared = Arc::new((job, scenario, engine, registry.clone()));
    let (sender, receiver) = channel::<Seeds>();
    let receiver = Arc::new(Mutex::new(receiver));
    let mut places = Vec::new();
    for _ in 0..shared.0.threads {
        let place = Arc::new(Place { first: AtomicU64::new(0), seed: AtomicU64::new(IDLE) });
        places.push(Arc::clone(&place));
        let (shared, receiver) = (Arc::clone(&shared), Arc::clone(&receiver));
        let work = move || work(&shared, &receiver, &place);
        std::thread::Builder::new().stack_size(STACK).spawn(work)?;
    }
    std::thread::spawn(move || {
        let mut seen = vec![None; places.len()];
        loop {
            std::thread::sleep(BEAT);
            let places = places.iter().zip(&mut seen);
            say(&Said::Beat(places.filter_map(|(place, seen)| at(place, seen)).collect()));
        }
    });
    for line in lines {
        let Ok(seeds) = Seeds::try_from(line?) else { return Ok(Exit::Usage) };
        if sender.send(seeds).is_err() {
            break;
        }
    }
    // Nobody wants anything more: what still runs, runs for nobody.
    Ok(Exit::Passed)
}

/// Where a thread is. A run has taken at least as long as it has been seen: this is measured here, since
/// what is said may be heard late.
fn at(place: &Place, seen: &mut Seen) -> Option<At> {
    let (first, seed) = (place.first.load(Ordering::Relaxed), place.seed.load(Ordering::Relaxed));
    if seed == IDLE {
        *seen = None;
        return None;
    }
    let before = seen.filter(|(at, known, _)| (*at, *known) == (first, seed));
    let (_, _, since) = *seen.insert(before.unwrap_or((first, seed, Instant::now())));
    let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
    Some(At { first, seed, millis })
}

fn work(
    (job, scenario, engine, registry): &(Job, Scenario, Engine, Registry),
    receiver: &Mutex<Receiver<Seeds>>,
    place: &Place,
) {
    let Some(protocol) = registry.protocol(scenario.protocol()) else {
        unreachable!("the scenario was read with the registry's protocols")
    };
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(seeds) = next else { return };
        place.first.store(seeds.first, Ordering::Relaxed);
        let part = job.part(scenario, protocol, *engine, seeds);
        let ran = run_seeds(scenario, protocol, part, |seed| {
            place.seed.store(seed, Ordering::Relaxed);
            true
        });
        place.seed.store(IDLE, Ordering::Relaxed);
        say(&match ran {
            Ok(sweep) => Said::Part(sweep.to_json()),
            Err(error) => Said::Error(error.to_string()),
        });
    }
}

/// A line on standard output: one of its own, even if host software has just printed without ending its
/// line. If nobody reads it any more, this process has no more to do.
fn say(said: &Said) {
    let line = serde_json::to_string(said).unwrap_or_default();
    if writeln!(io::stdout().lock(), "\n{line}").is_err() {
        std::process::exit(0);
    }
}

/// Lets this process have no more memory than a run may take, and what it has itself: the stacks of its
/// threads count as a whole.
#[cfg(unix)]
fn limit_memory(most: u64, threads: usize) {
    let stacks = (threads * STACK) as u64;
    let limit = most.saturating_add(BASE).saturating_add(stacks);
    // Where the system knows no such limit, or has a lower one, it is not for us to say more.
    let _ = rlimit::Resource::DATA.set(limit, limit);
}

#[cfg(not(unix))]
fn limit_memory(_: u64, _: usize) {
    let _ = BASE;
}
