//! The distributions of random delays.

use std::sync::LazyLock;

use squall::network::{Distribution, Impairments};

use super::table::{Claim, Estimate, Experiment, Subject};
use super::{MS, network, send};

pub static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    Subject::new(
        "Random delays",
        "200,000 datagrams over a link with a delay of 100 ms and a jitter of 10 ms, which leaves the \
         cut of the normal distribution at zero ten standard deviations away. What is measured is the \
         Kolmogorov-Smirnov distance: how far the share of delays up to x lies from the distribution's \
         F(x), at the x where that is most. It would be zero with infinitely many datagrams. With n of \
         them it is below 1.36/sqrt(n), the figure under ±, in 95 of 100 cases if the distribution is \
         the right one, and here a row agrees up to 1.63/sqrt(n), 99 of 100 (Massey).",
        experiments(),
    )
});

#[test]
fn the_distributions_are_those_they_are_named_after() {
    SUBJECT.assert_agreement();
}

#[test]
fn jitter_off_by_three_percent_is_refused() {
    experiments().into_iter().for_each(Experiment::assert_refusals);
}

const DATAGRAMS: u64 = 200_000;
const DELAY: u64 = 100 * MS;
const JITTER: f64 = 10.0 * MS as f64;

fn experiments() -> Vec<Experiment> {
    let experiment = |setting, formula, source, measure| Experiment {
        setting,
        varied: "the jitter",
        claims: vec![Claim {
            quantity: "largest distance from F",
            formula,
            source,
            predicted: 0.0,
        }],
        measure,
    };
    vec![
        experiment(
            "`uniform`, x = (delay - 100 ms) / 10 ms, from -1 to 1",
            "F(x) = (1+x)/2",
            "definition",
            |error| distance(Distribution::Uniform, error, |x| (1.0 + x) / 2.0),
        ),
        experiment(
            "`normal`, same x",
            "F(x) = (1 + erf(x/sqrt(2)))/2",
            "Abramowitz & Stegun, 26.2.29",
            |error| distance(Distribution::Normal, error, normal),
        ),
        experiment("`exponential`, same x, from 0", "F(x) = 1 - exp(-x)", "definition", |error| {
            distance(Distribution::Exponential, error, |x| 1.0 - libm::exp(-x))
        }),
        experiment(
            "`pareto`, same x, from 0",
            "F(x) = 1 - (1 + x/2)^-3",
            "Lomax; shape 3, so that the mean, one jitter, is half the scale",
            |error| distance(Distribution::Pareto, error, |x| lomax(x, 3.0)),
        ),
    ]
}

fn normal(x: f64) -> f64 {
    (1.0 + libm::erf(x / std::f64::consts::SQRT_2)) / 2.0
}

/// With a mean of 1.
fn lomax(x: f64, shape: f64) -> f64 {
    1.0 - libm::pow(1.0 + x / (shape - 1.0), -shape)
}

fn delays(distribution: Distribution, error: f64) -> Vec<u64> {
    let set = Impairments {
        delay: Some(DELAY),
        jitter: Some((JITTER * (1.0 + error)) as u64),
        distribution: Some(distribution),
        ..Impairments::default()
    };
    let mut network = network(1, set);
    (0..DATAGRAMS).map(|_| send(&mut network, 0, 0, 1).arrivals.iter().next().unwrap()).collect()
}

/// The one-sample Kolmogorov-Smirnov statistic against `cdf`, whose argument is in jitters off the
/// delay.
fn distance(distribution: Distribution, error: f64, cdf: impl Fn(f64) -> f64) -> Vec<Estimate> {
    let mut delays = delays(distribution, error);
    delays.sort_unstable();
    let n = DATAGRAMS as f64;
    let measured = delays.iter().zip(0u32..).fold(0.0f64, |most, (delay, below)| {
        let expected = cdf((*delay as f64 - DELAY as f64) / JITTER);
        let (below, up_to) = (f64::from(below) / n, f64::from(below + 1) / n);
        most.max(expected - below).max(up_to - expected)
    });
    let root = n.sqrt();
    vec![Estimate { measured, half_width: 1.36 / root, tolerance: 1.63 / root }]
}

/// The shape is no parameter, so here it is the formula that is wrong by 3%.
#[test]
fn a_tail_of_another_shape_is_refused() {
    for shape in [2.91, 3.09] {
        let found = distance(Distribution::Pareto, 0.0, |x| lomax(x * (shape - 1.0) / 2.0, shape));
        assert!(found[0].measured > found[0].tolerance, "shape {shape}: {found:?}");
    }
}
