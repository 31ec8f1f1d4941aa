//! What a report of a sweep draws: sums over runs in bins, which add up to the same whoever ran which part.
//!
//! All numbers are whole ones. Where theory comes in, each run's share is rounded before it is added, so
//! that the order of the runs does not matter there either.

mod axis;
mod histogram;

pub use axis::{Axis, Bin};
pub use histogram::{Counted, Histogram};

use std::collections::BTreeMap;

use super::seeds::Seeds;
use super::sums::{Verdicts, add};
use crate::check::Verdict;
use crate::engine::Ending;
use crate::history::Outcome as Ended;
use crate::outcome::Outcome;
use crate::protocol::{Protocol, Theory};
use crate::scenario::Scenario;

/// Bins of the seeds of a sweep, at the most.
const BINS: u64 = 500;

/// Attempts that are told apart; the last number stands for more, too.
pub const ATTEMPTS: u32 = 64;

/// Parts of an operation in which predictions are added up.
pub const PARTS: u64 = 1_000_000;

/// How the operations of all runs ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    /// The client was told that it succeeded.
    pub completed: u64,
    /// The client was told that it did not.
    pub failed: u64,
    /// The client gave up without knowing.
    pub unknown: u64,
    /// It had not ended.
    pub pending: u64,
}

/// How often operations were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempts {
    /// Completed operations by the sendings that they took, up to [`ATTEMPTS`].
    pub operations: Counted,
    /// Retransmissions of clients that had several operations under way, or none: it is not known of which.
    pub unattributed: u64,
    /// How many operations theory predicts for each number of sendings, from 1, in [`PARTS`] of one.
    pub predicted: Vec<u64>,
    /// Runs of which theory says so.
    pub predicted_runs: u64,
}

/// What the charts of a sweep show.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charts {
    /// Runs that were looked at: all but those that ended their process.
    pub runs: u64,
    /// How the operations ended.
    pub operations: Operations,
    /// How long completed operations took, nanoseconds.
    pub latency: Histogram,
    /// How often they were sent.
    pub attempts: Attempts,
    /// Where the protocol's theory is from, if it has one.
    pub theory: Option<String>,
    /// Goodput against each value that the scenario draws.
    pub goodput: Vec<Axis>,
    /// What seeds came to, by the number of the bin.
    pub seeds: BTreeMap<u32, Verdicts>,
}

impl Charts {
    /// Those of a sweep of which no seed has been run.
    pub fn new(scenario: &Scenario, protocol: &Protocol) -> Self {
        let axes = scenario.varied().into_iter();
        Charts {
            runs: 0,
            operations: Operations::default(),
            latency: Histogram::default(),
            attempts: Attempts::default(),
            theory: protocol.theory_source().map(str::to_owned),
            goodput: axes.map(|(varied, low, high)| Axis::new(varied, low, high)).collect(),
            seeds: BTreeMap::new(),
        }
    }

    /// Counts a run.
    pub(super) fn count(&mut self, outcome: &Outcome, protocol: &Protocol) {
        let theory = protocol.theory_of(&outcome.plan);
        self.runs += 1;
        for (_, op) in outcome.run.history.operations() {
            match op.outcome {
                Ended::Completed => {
                    self.operations.completed += 1;
                    self.latency.count(op.ended_at.saturating_sub(op.invoked_at));
                    let attempts = op.retransmissions.saturating_add(1).min(ATTEMPTS);
                    self.attempts.operations.count(attempts, 1);
                }
                Ended::Failed => self.operations.failed += 1,
                Ended::Unknown => self.operations.unknown += 1,
                Ended::Pending => self.operations.pending += 1,
            }
        }
        add(&mut self.attempts.unattributed, outcome.run.history.unattributed());
        if let Some(theory) = &theory {
            self.attempts.predict(theory, outcome.run.history.expected());
        }
        self.goodput.iter_mut().for_each(|axis| axis.count(outcome, theory.as_ref()));
    }

    /// Counts what a seed of the sweep over `range` came to.
    pub(super) fn count_verdict(&mut self, range: Seeds, seed: u64, verdict: Verdict) {
        let index = seed.saturating_sub(range.first) / seeds_per_bin(range);
        let bin = self.seeds.entry(u32::try_from(index).unwrap_or(u32::MAX)).or_default();
        bin.count(verdict);
    }

    /// What the seeds of the sweep over `range` came to, in at most `most` parts of it that are as equal as
    /// the bins allow.
    pub fn verdicts(&self, range: Seeds, most: u64) -> Vec<(Seeds, Verdicts)> {
        let size = seeds_per_bin(range);
        let together = range.count().div_ceil(size).div_ceil(most.max(1)).max(1);
        let parts = range.chunks(size.saturating_mul(together)).zip(0..);
        let bins = |part: u64| {
            let first = u32::try_from(part * together).unwrap_or(u32::MAX);
            self.seeds
                .range(first..)
                .take_while(move |(index, _)| u64::from(**index) < (part + 1) * together)
        };
        parts
            .map(|(seeds, part)| {
                let mut sum = Verdicts::default();
                bins(part).for_each(|(_, bin)| sum += *bin);
                (seeds, sum)
            })
            .collect()
    }

    /// True if both can be added up.
    pub(super) fn is_like(&self, other: &Charts) -> bool {
        let axes = self.goodput.iter().zip(&other.goodput);
        self.theory == other.theory
            && self.goodput.len() == other.goodput.len()
            && axes.into_iter().all(|(one, other)| one.is_like(other))
    }

    pub(super) fn add_up(&mut self, more: &Charts) {
        add(&mut self.runs, more.runs);
        add(&mut self.operations.completed, more.operations.completed);
        add(&mut self.operations.failed, more.operations.failed);
        add(&mut self.operations.unknown, more.operations.unknown);
        add(&mut self.operations.pending, more.operations.pending);
        self.latency.add_up(&more.latency);
        self.attempts.add_up(&more.attempts);
        self.goodput.iter_mut().zip(&more.goodput).for_each(|(axis, more)| axis.add_up(more));
        for (index, more) in &more.seeds {
            *self.seeds.entry(*index).or_default() += *more;
        }
    }

    /// Why these are not the charts of a sweep that came to `verdicts`, if they are not.
    pub(super) fn check(&self, range: Seeds, verdicts: Verdicts) -> Result<(), &'static str> {
        let mut sum = Verdicts::default();
        self.seeds.values().for_each(|bin| sum += *bin);
        let bins = range.count().div_ceil(seeds_per_bin(range));
        let completed = self.operations.completed;
        let counted = [self.latency.total(), self.attempts.operations.total()];
        if sum != verdicts || self.seeds.keys().any(|index| u64::from(*index) >= bins) {
            Err("the verdicts in its charts are not those of its runs")
        } else if !self.latency.is_right() || counted != [completed; 2] {
            Err("the numbers in its charts do not add up")
        } else if !self.goodput.iter().all(Axis::is_right)
            || self.attempts.predicted.len() > ATTEMPTS as usize
            || self.attempts.operations.last() > Some(ATTEMPTS)
        {
            Err("its charts have bins that no chart has")
        } else {
            Ok(())
        }
    }
}

impl Attempts {
    fn predict(&mut self, theory: &Theory, operations: u64) {
        self.predicted_runs += 1;
        self.predicted.resize(ATTEMPTS as usize, 0);
        let all = operations.saturating_mul(PARTS);
        let mut left = all;
        // What is beyond the last number belongs to it.
        let but_last = ATTEMPTS as usize - 1;
        for (sum, share) in self.predicted.iter_mut().zip(theory.attempts(but_last)) {
            let part = ((all as f64 * share).round() as u64).min(left);
            left -= part;
            add(sum, part);
        }
        self.predicted.iter_mut().skip(but_last).for_each(|sum| add(sum, left));
    }

    fn add_up(&mut self, more: &Attempts) {
        self.operations.add_up(&more.operations);
        add(&mut self.unattributed, more.unattributed);
        add(&mut self.predicted_runs, more.predicted_runs);
        let length = self.predicted.len().max(more.predicted.len());
        self.predicted.resize(length, 0);
        self.predicted.iter_mut().zip(&more.predicted).for_each(|(sum, more)| add(sum, *more));
    }
}

/// Seeds in a bin of their chart; the same for all parts of a sweep.
fn seeds_per_bin(range: Seeds) -> u64 {
    range.count().div_ceil(BINS).max(1)
}

/// How long a run took until all operations had ended, or it was cut off, nanoseconds.
fn time(outcome: &Outcome) -> u64 {
    let history = &outcome.run.history;
    let ended = matches!(outcome.run.ending, Ending::Quiet | Ending::CutOff { .. });
    let last = history.operations().map(|(_, op)| op.ended_at).max();
    match last {
        Some(last) if ended && history.all_ended() => last,
        _ => outcome.run.sim_time,
    }
}
