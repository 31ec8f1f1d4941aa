//! Shares a sweep out among worker processes, and outlives them.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use squall_sim::plan::Engine;
use squall_sim::scenario::Scenario;
use squall_sim::sweep::{LostRun, Seeds, Sweep};

use super::child::{News, Worker};
use super::job::{Job, Said};

/// How to share the work out.
pub(super) struct Sharing<'a> {
    pub scenario: &'a Scenario,
    pub engine: Engine,
    pub job: Job,
    /// The seeds to run.
    pub seeds: Seeds,
    /// Worker processes.
    pub workers: usize,
    /// How long a run may take.
    pub timeout: Duration,
    /// True once the sweep shall end early.
    pub stop: &'a dyn Fn() -> bool,
    /// Told how many seeds are done, and how many of them failed.
    pub progress: &'a dyn Fn(u64, u64),
}

/// What a sweep came to, and which runs ended their process: those can not be looked at again.
pub(super) struct Shared {
    pub sweep: Sweep,
    pub lost: Vec<u64>,
}

/// How often to look at clocks and at Ctrl-C.
const TICK: Duration = Duration::from_millis(50);

/// Ranges for each thread, so that none has much to do when the others are done, and seeds in one.
const RANGES: u64 = 32;
const LARGEST: u64 = 1000;

/// Runs a sweep in worker processes.
///
/// # Errors
/// If no worker can be started, or none can start a run.
pub(super) fn share(sharing: &Sharing<'_>) -> io::Result<Shared> {
    let (sender, receiver) = channel();
    let threads = (sharing.workers * sharing.job.threads) as u64;
    let size = (sharing.seeds.count() / (threads * RANGES)).clamp(1, LARGEST);
    let mut pool = Pool {
        sharing,
        sender,
        workers: BTreeMap::new(),
        started: 0,
        queue: sharing.seeds.chunks(size).collect(),
        suspects: VecDeque::new(),
        parts: BTreeMap::new(),
        end: sharing.seeds.end,
        lost: Vec::new(),
    };
    let complete = pool.run(&receiver)?;
    Ok(pool.add_up(complete))
}

struct Pool<'a> {
    sharing: &'a Sharing<'a>,
    sender: Sender<(usize, News)>,
    /// By their numbers.
    workers: BTreeMap<usize, Worker>,
    started: usize,
    /// What nobody has begun.
    queue: VecDeque<Seeds>,
    /// Seeds of which one has ended a worker, to be run one by one.
    suspects: VecDeque<Seeds>,
    /// What is done, by the first seed.
    parts: BTreeMap<u64, Sweep>,
    /// Seeds from here on are not needed.
    end: u64,
    lost: Vec<u64>,
}

impl Pool<'_> {
    /// True if all was done, false if it was ended early.
    fn run(&mut self, receiver: &Receiver<(usize, News)>) -> io::Result<bool> {
        loop {
            if (self.sharing.stop)() {
                return Ok(false);
            }
            self.hand_out()?;
            let end = self.end;
            let is_needed = |worker: &Worker| worker.given.keys().any(|first| *first < end);
            if !self.workers.values().any(is_needed) {
                return Ok(true);
            }
            match receiver.recv_timeout(TICK) {
                Ok((number, News::Said(said))) => self.hear(number, said)?,
                Ok((number, News::Gone)) => self.bury(number),
                Err(RecvTimeoutError::Timeout) => self.look_for_stuck(),
                Err(RecvTimeoutError::Disconnected) => return Ok(true),
            }
            let failures = self.parts.values().map(|part| part.verdicts.fail).sum();
            let running: u64 = self.workers.values().map(Worker::seeds_done).sum();
            let done: u64 = self.parts.values().map(|part| part.seeds.count()).sum();
            (self.sharing.progress)(done + running, failures);
        }
    }

    /// Gives workers what there is to do, and starts those that are missing.
    fn hand_out(&mut self) -> io::Result<()> {
        let end = self.end;
        self.queue.retain(|seeds| seeds.first < end);
        self.suspects.retain(|seeds| seeds.first < end);
        let plain = self.workers.values().filter(|worker| !worker.careful).count();
        let wanted = self.sharing.workers.min(self.queue.len());
        (plain..wanted).try_for_each(|_| self.start(false))?;
        let careful = self.workers.values().any(|worker| worker.careful);
        if !careful && !self.suspects.is_empty() {
            self.start(true)?;
        }
        for worker in self.workers.values_mut() {
            let queue = if worker.careful { &mut self.suspects } else { &mut self.queue };
            while worker.given.len() < worker.room
                && let Some(seeds) = queue.pop_front()
            {
                worker.give(seeds);
            }
        }
        Ok(())
    }

    fn start(&mut self, careful: bool) -> io::Result<()> {
        let number = self.started;
        let worker = Worker::start(&self.sharing.job, careful, number, &self.sender)?;
        self.started += 1;
        self.workers.insert(number, worker);
        Ok(())
    }

    fn hear(&mut self, number: usize, said: Said) -> io::Result<()> {
        let Some(worker) = self.workers.get_mut(&number) else { return Ok(()) };
        match said {
            Said::Beat(places) => worker.beat(&places),
            Said::Error(error) => return Err(io::Error::other(error)),
            Said::Part(json) => {
                let part = Sweep::from_json(&json).map_err(io::Error::other)?;
                worker.given.remove(&part.seeds.first);
                self.keep(part);
            }
        }
        Ok(())
    }

    /// Keeps what a range came to. One that ends the sweep makes what is behind it needless.
    fn keep(&mut self, part: Sweep) {
        if part.is_over() {
            self.end = self.end.min(part.seeds.end);
        }
        self.parts.insert(part.seeds.first, part);
    }

    /// A worker is gone. If it ran one seed, that was it; else each is run alone to find out.
    fn bury(&mut self, number: usize) {
        let Some(mut worker) = self.workers.remove(&number) else { return };
        let why = worker.what_ended_it(self.sharing.job.max_memory);
        for seeds in std::mem::take(&mut worker.given).into_values() {
            match (worker.careful, seeds.count()) {
                (true, 1) => self.lose(LostRun { seed: seeds.first, why: why.clone() }),
                _ => self.suspects.extend(seeds.chunks(1)),
            }
        }
    }

    /// Ends workers that are at one seed for too long.
    fn look_for_stuck(&mut self) {
        let timeout = self.sharing.timeout;
        let stuck = |(number, worker): (&usize, &Worker)| Some((*number, worker.stuck(timeout)?));
        let stuck: Vec<(usize, u64)> = self.workers.iter().filter_map(stuck).collect();
        for (number, seed) in stuck {
            let Some(mut worker) = self.workers.remove(&number) else { continue };
            worker.end();
            let why = format!("the run did not end within {timeout:?} of real time (--timeout)");
            self.lose(LostRun { seed, why });
            // The other seeds that it was given are as good as any.
            for seeds in std::mem::take(&mut worker.given).into_values() {
                let (before, behind) = match seeds.iter().any(|one| one == seed) {
                    true => (Seeds { end: seed, ..seeds }, Seeds { first: seed + 1, ..seeds }),
                    false => (seeds, Seeds { first: seeds.end, ..seeds }),
                };
                let rest = [behind, before].into_iter().filter(|rest| rest.count() > 0);
                let queue = if worker.careful { &mut self.suspects } else { &mut self.queue };
                rest.for_each(|rest| queue.push_front(rest));
            }
        }
    }

    fn lose(&mut self, lost: LostRun) {
        self.lost.push(lost.seed);
        let mut part = self.part(Seeds { first: lost.seed, end: lost.seed + 1 });
        part.add_lost(lost);
        self.keep(part);
    }

    fn part(&self, seeds: Seeds) -> Sweep {
        let Sharing { scenario, engine, job, .. } = self.sharing;
        Sweep::new(scenario, *engine, job.range, seeds, job.keep_going)
    }

    fn add_up(mut self, complete: bool) -> Shared {
        let seeds = self.sharing.seeds;
        let mut sweep = self.part(Seeds { end: seeds.first, ..seeds });
        for part in std::mem::take(&mut self.parts).into_values() {
            if complete {
                // Parts without a gap before them follow at once; the others are behind the end.
                if sweep.is_over() || sweep.append(part).is_err() {
                    break;
                }
            } else {
                sweep.add_up(part);
            }
        }
        sweep.seeds = seeds;
        sweep.complete &= complete;
        Shared { sweep, lost: self.lost }
    }
}
