//! How often which value was seen, for values from nanoseconds to years.

use std::collections::BTreeMap;

use crate::sweep::sums::add;

/// Counts by a small number. Written as a list of pairs, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "Vec<(u32, u64)>", into = "Vec<(u32, u64)>")]
pub struct Counted(BTreeMap<u32, u64>);

impl Counted {
    pub(super) fn count(&mut self, number: u32, times: u64) {
        add(self.0.entry(number).or_insert(0), times);
    }

    pub(super) fn add_up(&mut self, more: &Counted) {
        more.iter().for_each(|(number, times)| self.count(number, times));
    }

    /// The numbers that were counted, in ascending order, with how often.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, u64)> {
        self.0.iter().map(|(number, times)| (*number, *times))
    }

    /// How often any was counted.
    pub fn total(&self) -> u64 {
        self.iter().fold(0, |sum, (_, times)| sum.saturating_add(times))
    }

    /// The largest number that was counted.
    pub fn last(&self) -> Option<u32> {
        self.0.keys().next_back().copied()
    }
}

impl From<Vec<(u32, u64)>> for Counted {
    fn from(pairs: Vec<(u32, u64)>) -> Self {
        let mut all = Counted::default();
        pairs.into_iter().for_each(|(number, times)| all.count(number, times));
        all
    }
}

impl From<Counted> for Vec<(u32, u64)> {
    fn from(all: Counted) -> Self {
        all.0.into_iter().collect()
    }
}

/// Buckets for each power of two: one is at most 1/64 of its values wide.
const PARTS: u64 = 64;

/// The power of two that [`PARTS`] is.
const BITS: u32 = PARTS.trailing_zeros();

/// A log-linear histogram, as HdrHistogram's: the values below 128 have a bucket each, all others one with
/// those that have the same seven leading binary digits.
///
/// Sparse, since a part of a sweep sees few of the 3,776 buckets, and there are many parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// The largest value.
    pub max: u64,
    /// By the number of the bucket.
    buckets: Counted,
}

impl Histogram {
    pub(super) fn count(&mut self, value: u64) {
        self.max = self.max.max(value);
        self.buckets.count(bucket(value), 1);
    }

    pub(super) fn add_up(&mut self, more: &Histogram) {
        self.max = self.max.max(more.max);
        self.buckets.add_up(&more.buckets);
    }

    /// True if its numbers are those of buckets.
    pub(super) fn is_right(&self) -> bool {
        self.buckets.last().is_none_or(|last| last <= bucket(self.max))
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.buckets.total()
    }

    /// The values of each bucket that has some, the first and the last, and how many it has.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        self.buckets.iter().map(|(number, times)| (first(number), last(number), times))
    }

    /// The smallest value that at least `share` of 10,000 values do not exceed, and up to 1/64 more; `None`
    /// if there is no value.
    pub fn quantile(&self, share: u64) -> Option<u64> {
        let rank = (u128::from(self.total()) * u128::from(share)).div_ceil(10_000).max(1);
        let mut seen: u128 = 0;
        let reached = self.buckets.iter().find(|(_, times)| {
            seen += u128::from(*times);
            seen >= rank
        });
        reached.map(|(number, _)| last(number).min(self.max))
    }
}

fn bucket(value: u64) -> u32 {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(BITS + 1);
    // Of the leading digits, the first is always 1, but for the smallest values.
    shift * PARTS as u32 + (value >> shift) as u32
}

/// The smallest value of a bucket.
fn first(bucket: u32) -> u64 {
    let shift = (bucket / PARTS as u32).saturating_sub(1);
    u64::from(bucket - shift * PARTS as u32).checked_shl(shift).unwrap_or(u64::MAX)
}

/// The largest value of a bucket.
fn last(bucket: u32) -> u64 {
    let shift = (bucket / PARTS as u32).saturating_sub(1);
    first(bucket).saturating_add(1u64.checked_shl(shift).map_or(u64::MAX, |width| width - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_adjacent_and_narrow() {
        assert_eq!((first(0), last(0), bucket(0)), (0, 0, 0));
        for number in 0..bucket(u64::MAX) {
            assert_eq!(first(number + 1), last(number) + 1, "{number}");
            assert_eq!((bucket(first(number)), bucket(last(number))), (number, number));
            let width = last(number) - first(number) + 1;
            assert!(width == 1 || width * PARTS <= first(number), "{number}");
        }
        assert_eq!(last(bucket(u64::MAX)), u64::MAX);
        assert_eq!(bucket(u64::MAX) + 1, 3776);
    }

    #[test]
    fn quantiles_are_those_of_the_values_but_for_a_bucket() {
        let values: Vec<u64> = (0..5000).map(|n: u64| n * n * n * 17 % 1_000_003 + 5).collect();
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.count(*value));
        let mut sorted = values;
        sorted.sort_unstable();
        for share in [1u64, 5000, 9000, 9900, 9990, 9999, 10_000] {
            let exact = sorted[(5000 * share).div_ceil(10_000) as usize - 1];
            let found = histogram.quantile(share).unwrap();
            assert!((exact..=exact + exact / PARTS).contains(&found), "{share}: {exact}, {found}");
        }
        assert_eq!(histogram.quantile(10_000), sorted.last().copied());
        assert_eq!(Histogram::default().quantile(5000), None);
    }

    #[test]
    fn what_no_sweep_has_does_no_harm() {
        let json = format!(r#"{{"max":7,"buckets":[[{},{}],[3,1]]}}"#, u32::MAX, u64::MAX);
        let histogram: Histogram = serde_json::from_str(&json).unwrap();
        assert!(!histogram.is_right());
        assert_eq!((histogram.total(), histogram.quantile(10_000)), (u64::MAX, Some(7)));
        assert!(histogram.buckets().all(|(first, last, _)| first <= last));
    }
}
