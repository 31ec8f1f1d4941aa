//! Goodput against what the scenario draws for each seed.

use super::time;
use crate::history::Outcome as Ended;
use crate::outcome::Outcome;
use crate::protocol::Theory;
use crate::scenario::Varied;
use crate::sweep::sums::add;

/// Bins of an axis.
const BINS: u64 = 20;

/// The runs whose value lies in a part of the range.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// How many there are.
    pub runs: u64,
    /// Their operations that completed.
    pub operations: u64,
    /// Until all operations had ended, or the run was cut off: simulated nanoseconds.
    pub time: u64,
    /// Those for which the protocol's theory says how long they take,
    pub predicted_runs: u64,
    /// and how long, nanoseconds.
    pub predicted_time: u64,
}

/// A value that the scenario draws from a range, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// What it is.
    pub varied: Varied,
    /// The smallest value,
    pub low: u64,
    /// and the largest.
    pub high: u64,
    /// Equal parts of the range from `low` to `high`.
    pub bins: Vec<Bin>,
}

impl Axis {
    pub(super) fn new(varied: Varied, low: u64, high: u64) -> Self {
        let values = high.saturating_sub(low).saturating_add(1);
        let bins = vec![Bin::default(); values.min(BINS) as usize];
        Axis { varied, low, high, bins }
    }

    /// True if bins can be counted and summed up.
    pub(super) fn is_right(&self) -> bool {
        self.low < self.high
            && self.bins.len() == Axis::new(self.varied, self.low, self.high).bins.len()
    }

    /// True if the bins of both are the same parts of the same range.
    pub(super) fn is_like(&self, other: &Axis) -> bool {
        (self.varied, self.low, self.high) == (other.varied, other.low, other.high)
    }

    /// The bounds of a bin: values from the first up to, but without, the second.
    pub fn bounds(&self, bin: usize) -> (u64, u64) {
        let values = u128::from(self.high.saturating_sub(self.low)) + 1;
        let bound = |bin: usize| {
            let offset = (values * bin as u128).div_ceil(self.bins.len().max(1) as u128);
            u64::try_from(u128::from(self.low) + offset).unwrap_or(u64::MAX)
        };
        (bound(bin), bound(bin + 1))
    }

    pub(super) fn count(&mut self, outcome: &Outcome, theory: Option<&Theory>) {
        let Some(value) = self.varied.value(&outcome.plan) else { return };
        let values = u128::from(self.high.saturating_sub(self.low)) + 1;
        let offset = u128::from(value.clamp(self.low, self.high) - self.low);
        let index = offset * self.bins.len() as u128 / values;
        let Some(bin) = self.bins.get_mut(index as usize) else { return };
        let completed = |ended: Ended| ended == Ended::Completed;
        let operations = outcome.run.history.operations();
        let operations = operations.filter(|(_, op)| completed(op.outcome)).count() as u64;
        let time_predicted = theory.and_then(|theory| theory.time);
        let more = Bin {
            runs: 1,
            operations,
            time: time(outcome),
            predicted_runs: u64::from(time_predicted.is_some()),
            predicted_time: time_predicted.map_or(0, |time| time.round() as u64),
        };
        bin.add_up(&more);
    }

    pub(super) fn add_up(&mut self, more: &Axis) {
        self.bins.iter_mut().zip(&more.bins).for_each(|(bin, more)| bin.add_up(more));
    }
}

impl Bin {
    fn add_up(&mut self, more: &Bin) {
        add(&mut self.runs, more.runs);
        add(&mut self.operations, more.operations);
        add(&mut self.time, more.time);
        add(&mut self.predicted_runs, more.predicted_runs);
        add(&mut self.predicted_time, more.predicted_time);
    }

    /// Operations completed per simulated second.
    pub fn goodput(&self) -> Option<f64> {
        (self.time > 0).then(|| self.operations as f64 * 1e9 / self.time as f64)
    }

    /// What theory says that [`Bin::goodput`] is, if it says so of every run.
    pub fn predicted(&self) -> Option<f64> {
        let known = self.predicted_runs == self.runs && self.predicted_time > 0;
        known.then(|| self.operations as f64 * 1e9 / self.predicted_time as f64)
    }
}
