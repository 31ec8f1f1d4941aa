//! Ranges of seeds.

use std::fmt;
use std::str::FromStr;

/// The seeds from `first` up to, but without, `end`. Never empty when read from a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seeds {
    /// The first one.
    pub first: u64,
    /// The one behind the last.
    pub end: u64,
}

impl Seeds {
    /// How many there are.
    pub fn count(self) -> u64 {
        self.end.saturating_sub(self.first)
    }

    /// The `i`-th of `n` parts, counted from 1: contiguous, and as equal as can be.
    ///
    /// # Panics
    /// Unless `1 <= i <= n`.
    pub fn shard(self, i: u64, n: u64) -> Seeds {
        assert!((1..=n).contains(&i), "there is no part {i} of {n}");
        let bound = |i: u64| {
            let offset = u128::from(self.count()) * u128::from(i) / u128::from(n);
            self.first + offset as u64
        };
        Seeds { first: bound(i - 1), end: bound(i) }
    }

    /// Parts of at most `size` seeds, in order.
    pub fn chunks(self, size: u64) -> impl Iterator<Item = Seeds> {
        (0..self.count().div_ceil(size.max(1))).map_while(move |index| self.chunk(index, size))
    }

    /// The part with this index, from 0, of parts of `size` seeds.
    pub fn chunk(self, index: u64, size: u64) -> Option<Seeds> {
        let size = size.max(1);
        let first = self.first.checked_add(index.checked_mul(size)?)?;
        (first < self.end).then(|| Seeds { first, end: first.saturating_add(size).min(self.end) })
    }

    /// The seeds themselves.
    pub fn iter(self) -> impl Iterator<Item = u64> {
        self.first..self.end
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.end)
    }
}

impl FromStr for Seeds {
    type Err = String;

    /// Reads `A..B`, without B, or `A..=B`, with it.
    fn from_str(text: &str) -> Result<Self, String> {
        let how = "write A..B (without B) or A..=B (with it), such as 0..1000";
        let (first, end) = text.split_once("..").ok_or(how)?;
        let (end, closed) = match end.strip_prefix('=') {
            Some(end) => (end, true),
            None => (end, false),
        };
        let number = |text: &str| text.trim().replace('_', "").parse::<u64>();
        let (Ok(first), Ok(end)) = (number(first), number(end)) else {
            return Err(how.to_owned());
        };
        let end =
            if closed { end.checked_add(1).ok_or("the last seed is too large")? } else { end };
        if first >= end {
            return Err(format!("there is no seed in {text}"));
        }
        Ok(Seeds { first, end })
    }
}

impl TryFrom<String> for Seeds {
    type Error = String;

    /// As [`FromStr`], but an empty range is one, too: a shard of few seeds may have none.
    fn try_from(text: String) -> Result<Self, String> {
        let ends = text.split_once("..").and_then(|(first, end)| {
            Some(Seeds { first: first.parse().ok()?, end: end.parse().ok()? })
        });
        ends.filter(|seeds| seeds.first <= seeds.end).ok_or(format!("no range of seeds: {text:?}"))
    }
}

impl From<Seeds> for String {
    fn from(seeds: Seeds) -> String {
        seeds.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_range() {
        assert_eq!("3..7".parse(), Ok(Seeds { first: 3, end: 7 }));
        assert_eq!("3..=7".parse(), Ok(Seeds { first: 3, end: 8 }));
        assert_eq!("0..10_000".parse(), Ok(Seeds { first: 0, end: 10_000 }));
        for wrong in
            ["", "7", "7..", "..7", "7..3", "3..3", "-1..4", "a..b", "0..=18446744073709551615"]
        {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn shards_and_chunks_are_contiguous_and_whole() {
        let seeds = Seeds { first: 5, end: 108 };
        for n in [1, 2, 7, 103, 200] {
            let shards: Vec<Seeds> = (1..=n).map(|i| seeds.shard(i, n)).collect();
            let all: Vec<u64> = shards.iter().flat_map(|shard| shard.iter()).collect();
            assert_eq!(all, seeds.iter().collect::<Vec<_>>());
            let sizes = shards.iter().map(|shard| shard.count());
            assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
        }
        for size in [1, 10, 103, 1000] {
            let all: Vec<u64> = seeds.chunks(size).flat_map(|chunk| chunk.iter()).collect();
            assert_eq!(all, seeds.iter().collect::<Vec<_>>());
        }
        let whole = Seeds { first: 0, end: u64::MAX };
        assert_eq!(whole.shard(2, 2).end, u64::MAX);
    }
}
