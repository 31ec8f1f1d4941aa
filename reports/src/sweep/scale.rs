//! Axes: where a number is, and how it is written.

use squall_sim::sweep::PARTS;

/// A logarithm to base 2 that is linear between powers of two: computed without a platform's mathematics, so
/// that the same numbers give the same page everywhere. 0 for 0 and for 1.
pub fn log(number: f64) -> f64 {
    if number < 1.0 {
        return 0.0;
    }
    let (mut power, mut exponent) = (1.0, 0.0);
    while number / power >= 2.0 {
        power *= 2.0;
        exponent += 1.0;
    }
    exponent + number / power - 1.0
}

/// The number that lies there.
pub fn exp(place: f64) -> f64 {
    let (mut power, mut exponent) = (1.0, 0.0);
    while exponent + 1.0 <= place {
        power *= 2.0;
        exponent += 1.0;
    }
    power * (1.0 + place - exponent)
}

/// Round numbers from `low` to `high` for an axis, or as many as there is room for: 1, 10, 100, ..., and the
/// doubles and fives between them if there are few.
pub fn round_numbers(low: f64, high: f64) -> Vec<f64> {
    let all = |steps: &[f64]| {
        let mut found = Vec::new();
        let mut decade = 1.0;
        while decade <= high {
            found.extend(steps.iter().map(|step| step * decade));
            decade *= 10.0;
        }
        found.retain(|number| (low..=high).contains(number));
        found
    };
    let (fine, coarse) = (all(&[1.0, 2.0, 5.0]), all(&[1.0]));
    if fine.len() <= MOST_LABELS { fine } else { coarse }
}

/// Labels that an axis has room for.
const MOST_LABELS: usize = 9;

/// A simulated time: `20 ms`.
pub fn time(nanos: u64) -> String {
    let (unit, name) = match nanos {
        0..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let thousandths = u128::from(nanos) * 1000 / unit;
    let number = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    format!("{} {name}", number.trim_end_matches('0').trim_end_matches('.'))
}

/// A probability in millionths: `12.5%`.
pub fn percent(millionths: u64) -> String {
    let number = format!("{}.{:04}", millionths / 10_000, millionths % 10_000);
    format!("{}%", number.trim_end_matches('0').trim_end_matches('.'))
}

/// Predicted operations, which are added up in parts of one.
pub fn operations(parts: u64) -> f64 {
    parts as f64 / PARTS as f64
}

/// A number with four digits that count.
pub fn number(number: f64) -> String {
    let digits = match number.abs() {
        1000.0.. => 0,
        100.0.. => 1,
        10.0.. => 2,
        _ => 3,
    };
    format!("{number:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_there_and_back() {
        for number in [1.0, 1.5, 2.0, 3.0, 1000.0, 1e6, 20e6, 2.5e9] {
            assert_eq!(exp(log(number)), number);
        }
        assert!((log(8.0), log(12.0), log(0.0)) == (3.0, 3.5, 0.0));
        let steps: Vec<f64> = (1..500).map(|n| log(f64::from(n))).collect();
        assert!(steps.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!(round_numbers(15.0, 600.0), [20.0, 50.0, 100.0, 200.0, 500.0]);
        assert_eq!(round_numbers(3.0, 2e6), [10.0, 100.0, 1e3, 1e4, 1e5, 1e6]);
        assert!(round_numbers(6.0, 9.0).is_empty());
    }

    #[test]
    fn numbers_for_people() {
        let times = [0, 999, 1_500, 20_000_000, 20_100_500, 61_000_000_000].map(time);
        assert_eq!(times, ["0 ns", "999 ns", "1.5 µs", "20 ms", "20.1 ms", "61 s"]);
        assert_eq!([0, 125_000, 1_000_000, 1].map(percent), ["0%", "12.5%", "100%", "0.0001%"]);
        assert_eq!(
            [0.5, 12.3456, 123.456, 12345.6].map(number),
            ["0.500", "12.35", "123.5", "12346"]
        );
    }
}
