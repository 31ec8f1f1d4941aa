//! Samples, medians, the table and the targets.

use std::time::Instant;

/// Runs `f`, which gives a number of datagrams, and gives nanoseconds per datagram.
pub fn time(f: impl FnOnce() -> u64) -> f64 {
    let start = Instant::now();
    let delivered = f();
    start.elapsed().as_nanos() as f64 / delivered as f64
}

/// One contender's samples of one workload, a sample a round.
#[derive(Default)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    pub fn median(&self) -> f64 {
        median(self.0.clone())
    }

    /// The median of the ratios of the rounds that both took part in: what slows the machine down
    /// for a while slows both, and cancels.
    pub fn ratio(&self, other: &Samples) -> f64 {
        median(self.0.iter().zip(&other.0).map(|(own, other)| own / other).collect())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

/// A target, and what became of it.
pub struct Target {
    what: String,
    measured: f64,
    limit: f64,
    at_most: bool,
}

impl Target {
    pub fn at_most(limit: f64, what: impl Into<String>, measured: f64) -> Self {
        Target { what: what.into(), measured, limit, at_most: true }
    }

    pub fn at_least(limit: f64, what: impl Into<String>, measured: f64) -> Self {
        Target { at_most: false, ..Target::at_most(limit, what, measured) }
    }

    pub fn print(&self) {
        let (word, off) = match self.at_most {
            true => ("at most", self.measured / self.limit),
            false => ("at least", self.limit / self.measured),
        };
        let verdict = if off.is_nan() {
            "not measured".to_owned()
        } else if off <= 1.0 {
            "met".to_owned()
        } else {
            format!("MISSED by {:.0}%", (off - 1.0) * 100.0)
        };
        let (measured, limit) = (number(self.measured), number(self.limit));
        println!("{:<44} {measured:>9}   {word:<8} {limit:>6}   {verdict}", self.what);
    }
}

/// Three digits or more.
pub fn number(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}
