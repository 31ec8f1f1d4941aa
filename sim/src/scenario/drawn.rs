//! Values that a range may stand for: drawn once per seed, each from a stream named by its key.

use std::sync::Arc;

use super::units::Quantity;
use crate::stream::{Draw, Stream};

/// A value that is fixed, or drawn from a range when a seed is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drawn<T> {
    low: T,
    high: T,
    /// The name of the range's stream; `None` if the value is fixed.
    path: Option<Arc<str>>,
}

impl<T: Number> Drawn<T> {
    /// The same value for every seed.
    pub(super) fn fixed(value: T) -> Self {
        Drawn { low: value, high: value, path: None }
    }

    /// What stands at the key `path`.
    pub(super) fn new(quantity: Quantity<T>, path: &str) -> Self {
        match quantity {
            Quantity::One(value) => Drawn::fixed(value),
            Quantity::Range { low, high } => Drawn { low, high, path: Some(path.into()) },
        }
    }

    /// The value under `seed`.
    pub(super) fn at(&self, seed: u64) -> T {
        match &self.path {
            None => self.low,
            Some(path) => {
                T::between(self.low, self.high, Stream::new(seed, &["range", path]).draw(0))
            }
        }
    }

    /// The smallest value it may have.
    pub(super) fn low(&self) -> T {
        self.low
    }

    /// The largest value it may have.
    pub(super) fn high(&self) -> T {
        self.high
    }
}

impl Drawn<i64> {
    /// The same without a sign; `None` if it may be negative.
    pub(super) fn unsigned(self) -> Option<Drawn<u64>> {
        Some(Drawn {
            low: u64::try_from(self.low).ok()?,
            high: u64::try_from(self.high).ok()?,
            path: self.path,
        })
    }
}

/// A kind of number that can be drawn.
pub(super) trait Number: Copy {
    /// Uniform from `low` to `high`.
    fn between(low: Self, high: Self, draw: Draw) -> Self;
}

impl Number for u64 {
    fn between(low: u64, high: u64, mut draw: Draw) -> u64 {
        low + draw.below((high - low).saturating_add(1))
    }
}

impl Number for i64 {
    fn between(low: i64, high: i64, mut draw: Draw) -> i64 {
        low.wrapping_add_unsigned(draw.below(high.abs_diff(low).saturating_add(1)))
    }
}

impl Number for f64 {
    fn between(low: f64, high: f64, mut draw: Draw) -> f64 {
        low + (high - low) * draw.unit()
    }
}

/// [`Drawn::at`] for a value that may be absent.
pub(super) fn at<T: Number>(drawn: &Option<Drawn<T>>, seed: u64) -> Option<T> {
    drawn.as_ref().map(|drawn| drawn.at(seed))
}

/// [`Drawn::at`] for a value with a default.
pub(super) fn at_or<T: Number>(drawn: &Option<Drawn<T>>, seed: u64, default: T) -> T {
    at(drawn, seed).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_cover_the_range_and_nothing_else() {
        let range = Quantity::Range { low: 2, high: 5 };
        let drawn: Drawn<u64> = Drawn::new(range, "a");
        let seen: std::collections::BTreeSet<u64> = (0..200).map(|seed| drawn.at(seed)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [2, 3, 4, 5]);

        let range = Quantity::Range { low: -2, high: 2 };
        let drawn: Drawn<i64> = Drawn::new(range, "a");
        assert!((0..200).all(|seed| (-2..=2).contains(&drawn.at(seed))));
        assert!((0..200).any(|seed| drawn.at(seed) < 0));
    }

    #[test]
    fn a_draw_is_keyed_by_seed_and_path_alone() {
        let range = Quantity::Range { low: 0, high: u64::MAX };
        let (a, b) = (Drawn::new(range, "a"), Drawn::new(range, "b"));
        assert_eq!(a.at(1), Drawn::new(range, "a").at(1));
        assert_ne!(a.at(1), b.at(1));
        assert_ne!(a.at(1), a.at(2));
    }

    #[test]
    fn the_widest_ranges_do_not_overflow() {
        let range = Quantity::Range { low: i64::MIN, high: i64::MAX };
        let drawn: Drawn<i64> = Drawn::new(range, "a");
        assert_ne!(drawn.at(1), drawn.at(2));
        let (low, high) = (0.0, 1.0);
        let drawn: Drawn<f64> = Drawn::new(Quantity::Range { low, high }, "a");
        assert!((0..200).all(|seed| (0.0..1.0).contains(&drawn.at(seed))));
    }
}
