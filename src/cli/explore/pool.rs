//! Shares a sweep out among worker processes, and outlives them.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use squall_sim::plan::Engine;
use squall_sim::protocol::Protocol;
use squall_sim::scenario::Scenario;
use squall_sim::sweep::{LostRun, Seeds, Sweep};

use super::child::{News, Worker};
use super::job::{Job, Said};

/// How to share the work out.
pub(super) struct Sharing<'a> {
    pub scenario: &'a Scenario,
    pub protocol: &'a Protocol,
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
/// If no worker can be started, none can start a run, or seeds were not run.
pub(super) fn share(sharing: &Sharing<'_>) -> io::Result<Shared> {
    let (sender, receiver) = channel();
    let threads = (sharing.workers * sharing.job.threads) as u64;
    let size = (sharing.seeds.count() / (threads * RANGES)).clamp(1, LARGEST);
    let mut pool = Pool {
        sharing,
        sender,
        workers: BTreeMap::new(),
        started: 0,
        chunks: Box::new(sharing.seeds.chunks(size)),
        queue: VecDeque::new(),
        suspects: VecDeque::new(),
        whole: part(sharing, Seeds { end: sharing.seeds.first, ..sharing.seeds }),
        parts: BTreeMap::new(),
        end: sharing.seeds.end,
        lost: Vec::new(),
    };
    let complete = pool.run(&receiver)?;
    pool.add_up(complete)
}

struct Pool<'a> {
    sharing: &'a Sharing<'a>,
    sender: Sender<(usize, News)>,
    /// By their numbers.
    workers: BTreeMap<usize, Worker>,
    started: usize,
    /// What nobody has begun
    chunks: Box<dyn Iterator<Item = Seeds>>,
    /// and the next of it, with what a worker was given and did not come to.
    queue: VecDeque<Seeds>,
    /// Seeds of which one has ended a worker, to be run one by one.
    suspects: VecDeque<Seeds>,
    /// What is done, from the first seed on without a gap.
    whole: Sweep,
    /// What is done behind that, by the first seed.
    parts: BTreeMap<u64, Sweep>,
    /// Seeds from here on are not needed.
    end: u64,
    lost: Vec<u64>,
}

impl Pool<'_> {
    /// True if all was done, false if it was ended early.
    fn run(&mut self, receiver: &Receiver<(usize, News)>) -> io::Result<bool> {
        let mut looked = Instant::now();
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
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(true),
            }
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                self.look_for_stuck();
                self.tell_progress();
            }
        }
    }

    fn tell_progress(&self) {
        let parts = || self.parts.values().chain([&self.whole]);
        let failures = parts().map(|part| part.verdicts.fail).sum();
        let done: u64 = parts().map(|part| part.seeds.count()).sum();
        let running: u64 = self.workers.values().map(Worker::seeds_done).sum();
        (self.sharing.progress)(done + running, failures);
    }

    /// Whether there is something to do that is needed: seeds one by one, or a range.
    fn has_work(&mut self, careful: bool) -> bool {
        let end = self.end;
        let queue = if careful { &mut self.suspects } else { &mut self.queue };
        queue.retain(|seeds| seeds.first < end);
        if !careful && queue.is_empty() {
            // The next range that nobody has begun; there are too many to list them all.
            queue.extend(self.chunks.next().filter(|seeds| seeds.first < end));
        }
        !queue.is_empty()
    }

    /// Gives workers what there is to do, and starts those that are missing.
    fn hand_out(&mut self) -> io::Result<()> {
        for (careful, most) in [(true, 1), (false, self.sharing.workers)] {
            while self.has_work(careful) {
                let alike = || self.workers.values().filter(|worker| worker.careful == careful);
                if alike().count() < most {
                    self.start(careful)?;
                }
                // Whoever has least to do is given more.
                let workers = self.workers.values_mut();
                let free = workers.filter(|worker| worker.careful == careful && worker.has_room());
                let Some(worker) = free.min_by_key(|worker| worker.given.len()) else { break };
                let queue = if careful { &mut self.suspects } else { &mut self.queue };
                queue.pop_front().into_iter().for_each(|seeds| worker.give(seeds));
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
                worker.is_done(part.seeds.first);
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
        // What follows what is known already need not be kept apart.
        while let Some(part) = self.parts.remove(&self.whole.seeds.end) {
            // It follows at once, so there is no error.
            let _ = self.whole.append(part);
        }
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
        let mut part = part(self.sharing, Seeds { first: lost.seed, end: lost.seed + 1 });
        part.add_lost(lost);
        self.keep(part);
    }

    fn add_up(self, complete: bool) -> io::Result<Shared> {
        let mut sweep = self.whole;
        if !complete {
            // With gaps: what is known is known. Of a whole sweep, what is left is behind its end.
            self.parts.into_values().for_each(|part| sweep.add_up(part));
        } else if sweep.seeds.end < self.end {
            let missing = Seeds { first: sweep.seeds.end, end: self.end };
            return Err(io::Error::other(format!("nobody came back with the seeds {missing}")));
        }
        sweep.seeds = self.sharing.seeds;
        sweep.complete &= complete;
        Ok(Shared { sweep, lost: self.lost })
    }
}

/// A part of the sweep of which no seed has been run.
fn part(sharing: &Sharing<'_>, seeds: Seeds) -> Sweep {
    let Sharing { scenario, protocol, engine, job, .. } = sharing;
    job.part(scenario, protocol, *engine, seeds)
}
