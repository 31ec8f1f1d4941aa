//! Words and numbers for people: what every message, timeline and error is written with.

pub use squall_diagnostic::text::visible;
pub(crate) use squall_diagnostic::text::{nearest, quote};

/// The words in backquotes, with commas between them.
pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// A time or duration in milliseconds, to the microsecond: `10.000`.
pub fn millis(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1_000_000, nanos / 1000 % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_have_three_digits_after_the_point() {
        assert_eq!(millis(0), "0.000");
        assert_eq!(millis(10_000_000), "10.000");
        assert_eq!(millis(1_234_567_890), "1234.567");
    }
}
