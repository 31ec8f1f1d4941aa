//! Reads the numbers of a table: counts, durations, sizes, rates, probabilities, bounds.

use toml::de::DeValue;

use super::drawn::{Drawn, Number};
use super::keys::Kind;
use super::reader::{Reader, Value, describe};
use super::tables::CENTURY;
use super::units::{self, Problem, Quantity, Unit};
use crate::plan::Bounds;

impl Reader<'_> {
    /// A whole number that is not negative: a count, nanoseconds, bytes, bits per second.
    pub(super) fn whole(&self, name: &str) -> Option<Drawn<u64>> {
        self.drawn_whole(name, |value| u64::try_from(value).ok())
    }

    /// A whole number with a sign.
    pub(super) fn signed(&self, name: &str) -> Option<Drawn<i64>> {
        self.drawn_whole(name, |value| i64::try_from(value).ok())
    }

    fn drawn_whole<T: Number>(
        &self,
        name: &str,
        narrow: fn(i128) -> Option<T>,
    ) -> Option<Drawn<T>> {
        let (value, key) = self.get(name)?;
        let (unit, min, max, ranges) = match key.kind {
            Kind::Whole { unit, min, max, ranges } => (unit, min, max, ranges),
            Kind::DurationOr { min, .. } => (Unit::Duration, min, CENTURY, true),
            _ => {
                debug_assert!(false, "`{name}` is not declared as a whole number");
                return None;
            }
        };
        let read = match value.get_ref() {
            DeValue::Integer(integer) if unit == Unit::Count => {
                match i128::from_str_radix(integer.as_str(), integer.radix()) {
                    Ok(number) => Ok(Quantity::One(number)),
                    Err(_) => Err(Problem { label: "too large".to_owned(), help: None }),
                }
            }
            DeValue::Integer(_) | DeValue::Float(_) if unit != Unit::Count => Err(Problem {
                label: "a unit is missing".to_owned(),
                help: Some(unit.how().to_owned()),
            }),
            DeValue::String(text) if unit == Unit::Count && !text.contains("..") => Err(Problem {
                label: "this is a string".to_owned(),
                help: Some(
                    "a number stands without quotes; a range, such as \"2..6\", with them"
                        .to_owned(),
                ),
            }),
            DeValue::String(text) => units::whole(unit, text),
            _ => {
                self.wrong_type(key, value, unit.how());
                return None;
            }
        };
        let read = read.map_err(|problem| match &key.kind {
            Kind::DurationOr { words, .. } => problem.or_words(words),
            _ => problem,
        });
        let quantity = self.problem(key, value.span(), read)?;
        let (low, high) = quantity.ends();
        let out_of_range = if low < min && min == 0 {
            Some("this must not be negative".to_owned())
        } else if low < min {
            Some(format!("too small, at least {}", unit.show(min)))
        } else if high > max {
            Some(format!("too large, at most {}", unit.show(max)))
        } else if !ranges && matches!(quantity, Quantity::Range { .. }) {
            Some("a range can not stand here".to_owned())
        } else {
            None
        };
        if let Some(label) = out_of_range {
            self.wrong(key, value.span(), Problem { label, help: None });
            return None;
        }
        let narrowed = match quantity {
            Quantity::One(one) => Quantity::One(narrow(one)?),
            Quantity::Range { .. } => Quantity::Range { low: narrow(low)?, high: narrow(high)? },
        };
        Some(Drawn::new(narrowed, &self.path_of(name)))
    }

    /// Several plain numbers, or one alone.
    pub(super) fn numbers(&self, name: &str) -> Option<Vec<u64>> {
        let (value, key) = self.get(name)?;
        let Kind::Numbers { max } = key.kind else {
            debug_assert!(false, "`{name}` is not declared as numbers");
            return None;
        };
        let list = self.list(key, value)?;
        let read = |one: &Value<'_>| {
            let DeValue::Integer(integer) = one.get_ref() else {
                self.wrong_type(key, one, "write whole numbers, such as [3, 17]");
                return None;
            };
            let number = i128::from_str_radix(integer.as_str(), integer.radix());
            let in_range = number.ok().filter(|number| (0..=max).contains(number));
            if in_range.is_none() {
                let label = format!("out of range, 0 to {max}");
                self.wrong(key, one.span(), Problem { label, help: None });
            }
            u64::try_from(in_range?).ok()
        };
        let all: Option<Vec<u64>> = list.iter().map(read).collect();
        all
    }

    /// A probability in `0.0..=1.0`.
    pub(super) fn probability(&self, name: &str) -> Option<Drawn<f64>> {
        let (value, key) = self.get(name)?;
        let number = |text: &str| {
            let number = text.parse().unwrap_or(f64::NAN);
            units::check_probability(number, number).map(Quantity::One)
        };
        let read = match value.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => number(integer.as_str()),
            DeValue::Float(float) => number(float.as_str()),
            DeValue::String(text) => units::probability(text),
            _ => {
                self.wrong_type(key, value, units::PROBABILITY_HOW);
                return None;
            }
        };
        let quantity = self.problem(key, value.span(), read)?;
        Some(Drawn::new(quantity, &self.path_of(name)))
    }

    /// A number with a fraction.
    pub(super) fn decimal(&self, name: &str) -> Option<Drawn<f64>> {
        let (value, key) = self.get(name)?;
        let Kind::Decimal { min, max } = key.kind else {
            debug_assert!(false, "`{name}` is not declared as a number");
            return None;
        };
        let read = match value.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => units::decimals(integer.as_str()),
            DeValue::Float(float) => units::decimals(float.as_str()),
            DeValue::String(text) if text.contains("..") => units::decimals(text),
            _ => {
                self.wrong_type(key, value, units::DECIMAL_HOW);
                return None;
            }
        };
        let quantity = self.problem(key, value.span(), read)?;
        let (low, high) = quantity.ends();
        if low < min || high > max {
            let label = if low < min { "too small" } else { "too large" };
            let help = Some(format!("from {min} to {max}"));
            self.wrong(key, value.span(), Problem { label: label.to_owned(), help });
            return None;
        }
        Some(Drawn::new(quantity, &self.path_of(name)))
    }

    /// A clock drift, parts per million.
    pub(super) fn drift(&self, name: &str) -> Option<Drawn<f64>> {
        let (value, key) = self.get(name)?;
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(key, value, units::DRIFT_HOW);
            return None;
        };
        let quantity = self.problem(key, value.span(), units::drift(text))?;
        Some(Drawn::new(quantity, &self.path_of(name)))
    }

    /// Bounds on a count; a whole number stands for exactly that.
    pub(super) fn bounds(&self, name: &str) -> Option<Bounds> {
        let (value, key) = self.get(name)?;
        self.problem(key, value.span(), read_bounds(value))
    }

    /// The bounds at each key of a table: at every key that it has, if it is open.
    pub(super) fn all_bounds(&self) -> Vec<(String, Bounds)> {
        let mut all = Vec::new();
        for (name, _, value) in self.entries() {
            // Recovery from a syntax error fills gaps with values at no place.
            let known = self.declares(name) || self.is_open();
            if !known || value.span().is_empty() {
                continue;
            }
            match read_bounds(value) {
                Ok(bounds) => all.push((name.to_owned(), bounds)),
                Err(problem) => self.wrong_value(name, &Kind::Bounds, value.span(), problem),
            }
        }
        all
    }
}

fn read_bounds(value: &Value<'_>) -> Result<Bounds, Problem> {
    match value.get_ref() {
        DeValue::Integer(integer) => match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(exact) => Ok(Bounds { min: exact, max: Some(exact) }),
            Err(_) => Err(Problem { label: "out of range".to_owned(), help: None }),
        },
        DeValue::String(text) => units::bounds(text),
        other => Err(Problem {
            label: format!("this is {}", describe(other)),
            help: Some("write bounds such as \"..=60\" or a whole number".to_owned()),
        }),
    }
}
