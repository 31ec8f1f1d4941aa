//! Experiments, what they should give, and the table of what they gave.

use std::fmt::Write;

/// Runs of an experiment, with the seeds from 1.
pub const BATCHES: u64 = 40;

/// The 97.5% quantile of Student's t with `BATCHES - 1` degrees of freedom.
const STUDENT: f64 = 2.0227;

/// How wrong a model must be for every row to notice.
pub const ERROR: f64 = 0.03;

/// Half widths of confidence intervals are at most this share of the prediction.
const SHARPNESS: f64 = 0.01;

/// One formula.
pub struct Claim {
    /// What it is about, with its unit.
    pub quantity: &'static str,
    /// The formula.
    pub formula: &'static str,
    /// Where it is derived: a paper, or a book and its section, in the page's list of sources; or how.
    pub source: &'static str,
    /// What it gives.
    pub predicted: f64,
}

/// What a simulation says about one quantity.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// The mean, or the statistic of a test.
    pub measured: f64,
    /// Half the width of its 95% confidence interval.
    pub half_width: f64,
    /// How far off a prediction may be.
    pub tolerance: f64,
}

/// Something to simulate, and the formulas that say what will come out.
pub struct Experiment {
    /// What is set up.
    pub setting: &'static str,
    /// In what the argument of `measure` is an error.
    pub varied: &'static str,
    /// What should come out.
    pub claims: Vec<Claim>,
    /// What does come out, in the order of the claims, if the model is wrong by this share.
    pub measure: fn(f64) -> Vec<Estimate>,
}

/// The mean of each of `N` figures over [`BATCHES`] seeds.
pub fn means<const N: usize>(batch: impl Fn(u64) -> [f64; N]) -> Vec<Estimate> {
    let figures: Vec<[f64; N]> = (1..=BATCHES).map(batch).collect();
    let count = BATCHES as f64;
    (0..N)
        .map(|which| {
            let mean = figures.iter().map(|batch| batch[which]).sum::<f64>() / count;
            let squares = figures.iter().map(|batch| (batch[which] - mean) * (batch[which] - mean));
            let variance = squares.sum::<f64>() / (count - 1.0);
            // What no run disagrees about is exact, but for the rounding of the mean.
            let exact = figures.iter().all(|batch| batch[which] == figures[0][which]);
            let half_width = if exact { 0.0 } else { STUDENT * (variance / count).sqrt() };
            Estimate { measured: mean, half_width, tolerance: 2.0 * half_width }
        })
        .collect()
}

impl Claim {
    /// True if prediction and measurement are close enough, but for rounding.
    fn agrees(&self, estimate: &Estimate) -> bool {
        let rounding = 1e-9 * self.predicted.abs();
        (estimate.measured - self.predicted).abs() <= estimate.tolerance + rounding
    }
}

/// A claim with what was measured.
struct Row {
    claim: Claim,
    estimate: Estimate,
}

/// An experiment that was made.
struct Section {
    setting: &'static str,
    varied: &'static str,
    rows: Vec<Row>,
}

/// All experiments of one file.
pub struct Subject {
    title: &'static str,
    text: &'static str,
    sections: Vec<Section>,
}

impl Subject {
    /// Makes the experiments.
    pub fn new(title: &'static str, text: &'static str, experiments: Vec<Experiment>) -> Self {
        let sections = experiments.into_iter().map(|experiment| {
            let estimates = (experiment.measure)(0.0);
            assert_eq!(estimates.len(), experiment.claims.len(), "{}", experiment.setting);
            let rows = experiment.claims.into_iter().zip(estimates);
            Section {
                setting: experiment.setting,
                varied: experiment.varied,
                rows: rows.map(|(claim, estimate)| Row { claim, estimate }).collect(),
            }
        });
        Subject { title, text, sections: sections.collect() }
    }

    /// Every row agrees, and is sharp enough to mean something.
    #[track_caller]
    pub fn assert_agreement(&self) {
        for section in &self.sections {
            for row in &section.rows {
                let text = row.describe(section.setting);
                assert!(row.claim.agrees(&row.estimate), "theory and simulation disagree: {text}");
                let widest = SHARPNESS * row.claim.predicted;
                assert!(widest == 0.0 || row.estimate.half_width <= widest, "too vague: {text}");
            }
        }
    }

    /// The subject as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "## {}\n\n{}\n\n\
             | setting | quantity | formula | predicted | measured | ± | agrees | refused if off by 3% | \
             source |\n|---|---|---|--:|--:|--:|---|---|---|\n",
            self.title, self.text
        );
        for section in &self.sections {
            let mut common = [section.setting, section.varied];
            for Row { claim, estimate } in &section.rows {
                let [setting, varied] = common;
                let show = |value| figure(value, estimate.half_width);
                let (predicted, measured) = (show(claim.predicted), show(estimate.measured));
                let half_width = show(estimate.half_width);
                let agrees = if claim.agrees(estimate) { "yes" } else { "**no**" };
                let Claim { quantity, formula, source, .. } = claim;
                let _ = writeln!(
                    text,
                    "| {setting} | {quantity} | {formula} | {predicted} | {measured} | {half_width} | \
                     {agrees} | {varied} | {source} |",
                );
                common = ["same", "same"];
            }
        }
        text
    }
}

impl Row {
    fn describe(&self, setting: &str) -> String {
        let Row { claim, estimate: Estimate { measured, half_width, tolerance } } = self;
        format!(
            "{}, predicted {} by {}, measured {measured} ± {half_width} (95%), tolerance {tolerance}: \
             {setting}",
            claim.quantity, claim.predicted, claim.formula
        )
    }
}

impl Experiment {
    /// A model that is wrong by [`ERROR`] agrees with no claim.
    #[track_caller]
    pub fn assert_refusals(self) {
        for error in [ERROR, -ERROR] {
            for (claim, estimate) in self.claims.iter().zip((self.measure)(error)) {
                assert!(
                    !claim.agrees(&estimate),
                    "{} is predicted to be {} and would agree with {estimate:?}, although there is an \
                     error of {error} in {}: {}",
                    claim.quantity,
                    claim.predicted,
                    self.varied,
                    self.setting
                );
            }
        }
    }
}

/// A number with as many decimals as give the half width two significant digits, or with four
/// significant digits if it is exact.
fn figure(value: f64, half_width: f64) -> String {
    if value == 0.0 && half_width == 0.0 {
        return "0".to_owned();
    }
    let (scale, digits) = if half_width > 0.0 { (half_width, 2) } else { (value.abs(), 4) };
    let magnitude = libm::floor(libm::log10(scale)) as i32;
    let decimals = usize::try_from(digits - 1 - magnitude).unwrap_or(0);
    // No minus sign before what rounds to zero.
    let value = if value.abs() < 0.5 * libm::pow(10.0, -(decimals as f64)) { 0.0 } else { value };
    format!("{value:.decimals$}")
}

#[test]
fn figures_have_the_digits_that_mean_something() {
    assert_eq!(figure(4.012_345, 0.039_1), "4.012");
    assert_eq!(figure(0.039_1, 0.039_1), "0.039");
    assert_eq!(figure(-0.000_4, 0.039), "0.000");
    assert_eq!(figure(-0.123_4, 0.039), "-0.123");
    assert_eq!(figure(0.2, 0.0), "0.2000");
    assert_eq!(figure(226.666, 1.9), "226.7");
    assert_eq!(figure(226.666, 19.0), "227");
    assert_eq!(figure(0.0, 0.0), "0");
}

#[test]
fn confidence_intervals_are_student_s() {
    // The mean of 1..=40 is 20.5, its variance 40 * 41 / 12.
    let [estimate] = means(|seed| [seed as f64])[..] else { panic!() };
    assert_eq!(estimate.measured, 20.5);
    let expected = 2.0227 * (40.0 * 41.0 / 12.0 / 40.0f64).sqrt();
    assert!((estimate.half_width - expected).abs() < 1e-12, "{estimate:?}");
    assert_eq!(estimate.tolerance, 2.0 * estimate.half_width);
}
