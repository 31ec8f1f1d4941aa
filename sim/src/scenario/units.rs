//! How quantities are written: durations, sizes, rates, counts, probabilities, drifts, and ranges
//! of them. Nothing here knows of files.

use crate::plan::Bounds;
use crate::text::listed;

/// What a whole number counts. Values are nanoseconds, bytes, bits per second, or plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A plain number.
    Count,
    /// Nanoseconds.
    Duration,
    /// Bytes.
    Size,
    /// Bits per second.
    Rate,
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// What is wrong, to stand beside the place.
    pub label: String,
    /// How to write it.
    pub help: Option<String>,
}

impl Problem {
    /// The same where one of these words may stand as well.
    pub(super) fn or_words(mut self, words: &[&str]) -> Self {
        let words = format!("known words: {}", listed(words.iter().copied()));
        self.help = Some(self.help.map_or(words.clone(), |help| format!("{help}; {words}")));
        self
    }
}

fn problem(label: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem { label: label.into(), help: Some(help.into()) }
}

/// One value, or the ends of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Quantity<T> {
    /// Always this.
    One(T),
    /// From `low` to `high`; for whole numbers both are included.
    Range {
        /// The lower end.
        low: T,
        /// The upper end.
        high: T,
    },
}

impl<T: Copy> Quantity<T> {
    /// The lower and the upper end.
    pub(super) fn ends(&self) -> (T, T) {
        match *self {
            Quantity::One(value) => (value, value),
            Quantity::Range { low, high } => (low, high),
        }
    }
}

impl Unit {
    /// The suffixes and what they multiply by; the first of equals is the one to show.
    fn suffixes(self) -> &'static [(&'static str, u64)] {
        match self {
            Unit::Count => &[("", 1)],
            Unit::Duration => &[
                ("ns", 1),
                ("us", 1_000),
                ("µs", 1_000),
                ("μs", 1_000),
                ("ms", 1_000_000),
                ("s", 1_000_000_000),
                ("m", 60_000_000_000),
                ("min", 60_000_000_000),
                ("h", 3_600_000_000_000),
            ],
            Unit::Size => {
                &[("B", 1), ("KB", 1_000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20)]
            }
            Unit::Rate => {
                &[("bit", 1), ("kbit", 1_000), ("mbit", 1_000_000), ("gbit", 1_000_000_000)]
            }
        }
    }

    /// What such a value is called, with its article.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Unit::Count => "a whole number",
            Unit::Duration => "a duration",
            Unit::Size => "a size",
            Unit::Rate => "a rate",
        }
    }

    /// How to write one.
    pub(super) fn how(self) -> &'static str {
        match self {
            Unit::Count => "write a whole number, such as 3",
            Unit::Duration => {
                "write a number and a unit, such as \"200ms\"; units: ns, us, ms, s, m, h"
            }
            Unit::Size => {
                "write a number and a unit, such as \"64B\"; units: B, KB (1000 B), KiB (1024 B), MB, MiB"
            }
            Unit::Rate => {
                "write a number and a unit, such as \"1mbit\"; units: bit, kbit, mbit, gbit (per second)"
            }
        }
    }

    /// A regular expression for one value, for the schema.
    pub(super) fn pattern(self, signed: bool) -> String {
        let suffixes: Vec<&str> = self.suffixes().iter().map(|(name, _)| *name).collect();
        let sign = if signed { "-?" } else { "" };
        match self {
            Unit::Count => format!("{sign}[0-9]+"),
            _ => format!("{sign}[0-9]+(\\.[0-9]+)? ?({})", suffixes.join("|")),
        }
    }

    /// Writes a value with the largest unit that leaves no fraction.
    pub(super) fn show(self, value: i128) -> String {
        let (name, factor) = self
            .suffixes()
            .iter()
            .filter(|(_, factor)| value % i128::from(*factor) == 0)
            .max_by_key(|(name, factor)| (*factor, std::cmp::Reverse(name.len())))
            .copied()
            .unwrap_or(("", 1));
        match value {
            0 => format!("0{}", self.suffixes()[0].0),
            _ => format!("{}{name}", value / i128::from(factor)),
        }
    }

    /// Reads one value such as `1.5s` or `-3ms`, exactly.
    pub(super) fn read(self, text: &str) -> Result<i128, Problem> {
        let text = text.trim();
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = (&rest[..end], rest[end..].trim_start());
        if number.is_empty() {
            return Err(problem(format!("not {}", self.noun()), self.how()));
        }
        let Some((_, factor)) = self.suffixes().iter().find(|(name, _)| *name == suffix) else {
            let label = match suffix {
                "" => "a unit is missing".to_owned(),
                _ => self.unknown_suffix(suffix),
            };
            return Err(problem(label, self.how()));
        };
        let value = decimal(number, *factor).map_err(|why| match why {
            NotWhole::Malformed => problem("not a number", self.how()),
            NotWhole::Huge => Problem { label: "too large".to_owned(), help: None },
            NotWhole::Fraction => {
                problem(format!("not a whole number of {}", self.smallest()), self.how())
            }
        })?;
        Ok(if negative { -value } else { value })
    }

    fn unknown_suffix(self, suffix: &str) -> String {
        let known = self.suffixes().iter().map(|(name, _)| *name);
        let quoted = crate::text::quote(suffix);
        match known.into_iter().find(|name| name.eq_ignore_ascii_case(suffix)) {
            Some(name) if !name.is_empty() => {
                format!("unknown unit {quoted}; did you mean `{name}`?")
            }
            _ if self == Unit::Count => format!("a plain number has no unit {quoted}"),
            _ => format!("unknown unit {quoted}"),
        }
    }

    fn smallest(self) -> &'static str {
        match self {
            Unit::Count => "things",
            Unit::Duration => "nanoseconds",
            Unit::Size => "bytes",
            Unit::Rate => "bits per second",
        }
    }
}

enum NotWhole {
    Malformed,
    Huge,
    Fraction,
}

/// `number` (digits, perhaps a point and digits) times `factor`, if that is whole.
fn decimal(number: &str, factor: u64) -> Result<i128, NotWhole> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(NotWhole::Malformed);
    }
    let fraction = fraction.trim_end_matches('0');
    if whole.trim_start_matches('0').len() > 25 {
        return Err(NotWhole::Huge);
    }
    // Every factor divides 10^20 only as far as its powers of 2 and 5 go; more digits than this
    // can not come out whole.
    if fraction.len() > 15 {
        return Err(NotWhole::Fraction);
    }
    let factor = i128::from(factor);
    let digits: i128 = format!("0{whole}{fraction}").parse().map_err(|_| NotWhole::Huge)?;
    let scale = 10i128.pow(fraction.len() as u32);
    let product = digits.checked_mul(factor).ok_or(NotWhole::Huge)?;
    if product % scale != 0 {
        return Err(NotWhole::Fraction);
    }
    Ok(product / scale)
}

/// Reads a value or a range of whole numbers; both ends of the result are included.
pub(super) fn whole(unit: Unit, text: &str) -> Result<Quantity<i128>, Problem> {
    let Some((low, high, closed)) = split(text)? else {
        return unit.read(text).map(Quantity::One);
    };
    let (low, high) = (unit.read(low)?, unit.read(high)?);
    ordered(low, high, closed)?;
    let high = if closed { high } else { high - 1 };
    Ok(Quantity::Range { low, high })
}

/// Reads `10%`, `0.1`, or a range of them.
pub(super) fn probability(text: &str) -> Result<Quantity<f64>, Problem> {
    real(text, |text| {
        let (number, scale) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), 100.0),
            None => (text, 1.0),
        };
        let value = float(number).ok_or_else(|| problem("not a probability", PROBABILITY_HOW))?;
        check_probability(value / scale, value)
    })
}

/// Checks that a number is a probability; `written` is what stands before the percent sign, if any.
pub(super) fn check_probability(value: f64, written: f64) -> Result<f64, Problem> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    let help = if value == written && (1.0..=100.0).contains(&value) {
        format!("a probability lies between 0 and 1; for {value} in a hundred write \"{value}%\"")
    } else {
        "a probability lies between 0 and 1, or \"0%\" and \"100%\"".to_owned()
    };
    Err(problem("out of range", help))
}

/// How to write a probability.
pub(super) const PROBABILITY_HOW: &str = "write a probability such as \"10%\" or 0.1";

/// How to write a number with a fraction.
pub(super) const DECIMAL_HOW: &str =
    "write a number such as 2 or 1.5; a range, such as \"1.5..3\", in quotes";

/// Reads `1.5`, or a range of such numbers.
pub(super) fn decimals(text: &str) -> Result<Quantity<f64>, Problem> {
    real(text, |text| float(text).ok_or_else(|| problem("not a decimal number", DECIMAL_HOW)))
}

/// The largest clock drift either way, parts per million.
pub(super) const MAX_DRIFT: f64 = 100_000.0;

/// How to write a drift.
pub(super) const DRIFT_HOW: &str =
    "write parts per million, such as \"200ppm\" (fast) or \"-50ppm\" (slow)";

/// Reads `200ppm`, or a range.
pub(super) fn drift(text: &str) -> Result<Quantity<f64>, Problem> {
    real(text, |text| {
        let number = text.strip_suffix("ppm").ok_or_else(|| problem("not a drift", DRIFT_HOW))?;
        let value = float(number.trim_end()).ok_or_else(|| problem("not a drift", DRIFT_HOW))?;
        if value.abs() > MAX_DRIFT {
            return Err(problem("out of range", format!("at most {MAX_DRIFT}ppm either way")));
        }
        Ok(value)
    })
}

fn real(text: &str, read: impl Fn(&str) -> Result<f64, Problem>) -> Result<Quantity<f64>, Problem> {
    let Some((low, high, closed)) = split(text)? else {
        return read(text.trim()).map(Quantity::One);
    };
    let (low, high) = (read(low)?, read(high)?);
    ordered(low, high, closed)?;
    Ok(Quantity::Range { low, high })
}

/// A plain decimal number: none of the other things that Rust takes for a float.
fn float(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.len() <= 40
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    if plain { text.parse().ok() } else { None }
}

/// Splits `low..high` and `low..=high`; `None` if there is no `..`.
fn split(text: &str) -> Result<Option<(&str, &str, bool)>, Problem> {
    let Some((low, high)) = text.split_once("..") else {
        return Ok(None);
    };
    let (high, closed) = match high.strip_prefix('=') {
        Some(high) => (high, true),
        None => (high, false),
    };
    let (low, high) = (low.trim(), high.trim());
    if low.is_empty() || high.is_empty() {
        return Err(problem(
            "a range that is drawn from needs both ends",
            "write low..high, such as \"2..6\" or \"5ms..50ms\"",
        ));
    }
    Ok(Some((low, high, closed)))
}

fn ordered<T: PartialOrd>(low: T, high: T, closed: bool) -> Result<(), Problem> {
    if low > high {
        return Err(problem("the range is reversed", "write the smaller end first"));
    }
    if low == high && !closed {
        return Err(problem(
            "the range is empty",
            "`..` leaves its upper end out; `..=` includes it",
        ));
    }
    Ok(())
}

/// Reads bounds on a count: `..=60`, `..60`, `1..`, `3..=5`, `3..5`.
pub(super) fn bounds(text: &str) -> Result<Bounds, Problem> {
    let how = "write \"..=60\", \"..60\", \"1..\", \"3..=5\", \"3..5\", or a whole number without quotes for exactly that";
    let Some((low, high)) = text.split_once("..") else {
        return Err(problem("not bounds", how));
    };
    let (high, closed) = match high.strip_prefix('=') {
        Some(high) => (high.trim(), true),
        None => (high.trim(), false),
    };
    let low = low.trim();
    if high.is_empty() && (closed || low.is_empty()) {
        return Err(problem("an end is missing", how));
    }
    let read = |text: &str| {
        let value = Unit::Count.read(text).map_err(|_| problem("not bounds", how))?;
        u64::try_from(value).map_err(|_| problem("out of range", "counts start at 0"))
    };
    let min = if low.is_empty() { 0 } else { read(low)? };
    if high.is_empty() {
        return Ok(Bounds { min, max: None });
    }
    let high = read(high)?;
    ordered(min, high, closed)?;
    let max = Some(if closed { high } else { high - 1 });
    Ok(Bounds { min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(unit: Unit, text: &str) -> i128 {
        match whole(unit, text) {
            Ok(Quantity::One(value)) => value,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn refused(unit: Unit, text: &str) -> String {
        whole(unit, text).expect_err(text).label
    }

    #[test]
    fn durations_are_exact_nanoseconds() {
        let cases = [
            ("0s", 0),
            ("7ns", 7),
            ("3us", 3_000),
            ("3µs", 3_000),
            ("3μs", 3_000),
            ("1.5s", 1_500_000_000),
            ("0.000000001s", 1),
            ("200 ms", 200_000_000),
            ("2m", 120_000_000_000),
            ("2min", 120_000_000_000),
            ("1h", 3_600_000_000_000),
            ("-5ms", -5_000_000),
            ("876000h", 3_153_600_000_000_000_000),
        ];
        for (text, value) in cases {
            assert_eq!(one(Unit::Duration, text), value, "{text}");
        }
        assert_eq!(refused(Unit::Duration, "200"), "a unit is missing");
        assert_eq!(refused(Unit::Duration, "200MS"), "unknown unit `MS`; did you mean `ms`?");
        assert_eq!(refused(Unit::Duration, "1.5ns"), "not a whole number of nanoseconds");
        assert_eq!(refused(Unit::Duration, "1..5.5ns"), "a unit is missing");
        assert_eq!(refused(Unit::Duration, "soon"), "not a duration");
        assert_eq!(refused(Unit::Duration, ""), "not a duration");
        assert_eq!(refused(Unit::Duration, "1.2.3s"), "not a number");
        assert_eq!(refused(Unit::Duration, ".5s"), "not a number");
        assert_eq!(refused(Unit::Duration, "99999999999999999999999999h"), "too large");
    }

    #[test]
    fn sizes_tell_1000_from_1024() {
        assert_eq!(one(Unit::Size, "64B"), 64);
        assert_eq!(one(Unit::Size, "1KB"), 1000);
        assert_eq!(one(Unit::Size, "1.5KiB"), 1536);
        assert_eq!(one(Unit::Size, "2MB"), 2_000_000);
        assert_eq!(one(Unit::Size, "1MiB"), 1_048_576);
        assert_eq!(refused(Unit::Size, "0.5B"), "not a whole number of bytes");
        assert_eq!(refused(Unit::Size, "1kb"), "unknown unit `kb`; did you mean `KB`?");
    }

    #[test]
    fn rates_are_bits_per_second() {
        assert_eq!(one(Unit::Rate, "9600bit"), 9600);
        assert_eq!(one(Unit::Rate, "1.5mbit"), 1_500_000);
        assert_eq!(one(Unit::Rate, "1gbit"), 1_000_000_000);
        assert_eq!(refused(Unit::Rate, "1mb"), "unknown unit `mb`");
    }

    #[test]
    fn whole_ranges_include_the_end_only_with_an_equals_sign() {
        let range = |text| whole(Unit::Count, text).map(|range| range.ends());
        assert_eq!(range("2..6"), Ok((2, 5)));
        assert_eq!(range("2..=6"), Ok((2, 6)));
        assert_eq!(range("2..=2"), Ok((2, 2)));
        assert_eq!(refused(Unit::Count, "2..2"), "the range is empty");
        assert_eq!(refused(Unit::Count, "6..2"), "the range is reversed");
        assert!(refused(Unit::Count, "2..").contains("both ends"));
        assert!(refused(Unit::Count, "..").contains("both ends"));
        let range = whole(Unit::Duration, "5ms..50ms").map(|range| range.ends());
        assert_eq!(range, Ok((5_000_000, 49_999_999)));
    }

    #[test]
    fn probabilities_lie_between_0_and_1() {
        assert_eq!(probability("10%"), Ok(Quantity::One(0.1)));
        assert_eq!(probability("0.25"), Ok(Quantity::One(0.25)));
        assert_eq!(probability("100%"), Ok(Quantity::One(1.0)));
        let range = Quantity::Range { low: 0.0, high: 0.2 };
        assert_eq!(probability("0%..20%"), Ok(range));
        for bad in ["101%", "-1%", "2", "NaN", "inf", "1e-1", "", "%", "20%..0%", "5%..5%"] {
            assert!(probability(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn drifts_are_parts_per_million() {
        assert_eq!(drift("200ppm"), Ok(Quantity::One(200.0)));
        assert_eq!(drift("-0.5ppm"), Ok(Quantity::One(-0.5)));
        let range = Quantity::Range { low: -5.0, high: 5.0 };
        assert_eq!(drift("-5ppm..5ppm"), Ok(range));
        for bad in ["200", "200 pm", "100001ppm", "-100001ppm", "ppm", "1e3ppm"] {
            assert!(drift(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bounds_read_as_rust_ranges_do() {
        let read = |text| bounds(text).map(|bounds| (bounds.min, bounds.max));
        assert_eq!(read("..=60"), Ok((0, Some(60))));
        assert_eq!(read("..60"), Ok((0, Some(59))));
        assert_eq!(read("1.."), Ok((1, None)));
        assert_eq!(read("3..=5"), Ok((3, Some(5))));
        assert_eq!(read("3..5"), Ok((3, Some(4))));
        for bad in ["..", "..=", "3..=", "5..3", "3..3", "..0", "-1..3", "a..b", "7", "1.5..2"] {
            assert!(bounds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_are_shown_with_the_largest_unit_that_fits() {
        assert_eq!(Unit::Duration.show(1_500_000_000), "1500ms");
        assert_eq!(Unit::Duration.show(120_000_000_000), "2m");
        assert_eq!(Unit::Duration.show(0), "0ns");
        assert_eq!(Unit::Size.show(65443), "65443B");
        assert_eq!(Unit::Size.show(4096), "4KiB");
        assert_eq!(Unit::Count.show(7), "7");
    }
}
