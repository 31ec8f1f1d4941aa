//! That what is drawn for one datagram, link or seed says nothing about any other.

use std::sync::LazyLock;

use squall::network::{DropReason, Fate, Impairments, Loss, Mark};

use super::table::{Claim, Experiment, Subject, means};
use super::{MS, network, send};

pub static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    Subject::new(
        "Independence",
        "Correlations of what happens to two datagrams, or to one in two ways; 2,500 pairs in each \
         run. For events, n times the square of the correlation is the chi-square of the two-by-two \
         table. \"Off by 3%\" is a correlation of 3% or -3% here, by a Gilbert-Elliott link with the same \
         loss and p + r = 1 - 3% or 1 + 3%, or by mixing 3% of one into the other.",
        experiments(),
    )
});

#[test]
fn nothing_is_correlated() {
    SUBJECT.assert_agreement();
}

#[test]
fn a_correlation_of_three_percent_is_refused() {
    experiments().into_iter().for_each(Experiment::assert_refusals);
}

const PAIRS: u64 = 2500;

fn experiments() -> Vec<Experiment> {
    let experiment = |setting, varied, quantity, measure| Experiment {
        setting,
        varied,
        claims: vec![Claim { quantity, formula: "0", source: "definition", predicted: 0.0 }],
        measure,
    };
    let mixed = "the other, mixed in";
    vec![
        experiment(
            "a link with 50% loss",
            "a Gilbert-Elliott link",
            "loss of a datagram and of the next",
            |error| means(|seed| [next_loss(error, seed)]),
        ),
        experiment(
            "a link with ±10 ms of uniform jitter",
            mixed,
            "delay of a datagram and of the next",
            |error| means(|seed| [next_delay(error, seed)]),
        ),
        experiment(
            "two links of one sender, 50% loss",
            mixed,
            "losses at the same place",
            |error| means(|seed| [two_links((seed, 0, 1), (seed, 0, 2), error)]),
        ),
        experiment(
            "the two directions between two hosts, 50% loss",
            mixed,
            "losses at the same place",
            |error| means(|seed| [two_links((seed, 0, 1), (seed, 1, 0), error)]),
        ),
        experiment(
            "one link under two seeds in a row, 50% loss",
            mixed,
            "losses at the same place",
            |error| means(|seed| [two_links((seed, 0, 1), (seed + 1, 0, 1), error)]),
        ),
        experiment(
            "a link with 50% duplication and corruption",
            mixed,
            "duplication and corruption of one datagram",
            |error| means(|seed| [two_kinds(error, seed)]),
        ),
    ]
}

/// Pearson's coefficient.
fn correlation(xs: &[f64], ys: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_x, mean_y) = (mean(xs), mean(ys));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in xs.iter().zip(ys) {
        let (x, y) = (x - mean_x, y - mean_y);
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    xy / (xx * yy).sqrt()
}

/// The correlation of two series of equal variance, after mixing a share of the first into the second,
/// which adds about that much.
fn correlation_with(error: f64, xs: &[f64], ys: &[f64]) -> f64 {
    let mixed: Vec<f64> = xs.iter().zip(ys).map(|(x, y)| y + error * x).collect();
    correlation(xs, &mixed)
}

fn is_lost(fate: &Fate) -> f64 {
    f64::from(u8::from(fate.dropped == Some(DropReason::Loss)))
}

fn half_lost() -> Impairments {
    Impairments { loss: Some(Loss::Independent(0.5)), ..Impairments::default() }
}

fn next_loss(error: f64, seed: u64) -> f64 {
    let mut set = half_lost();
    if error != 0.0 {
        let turn = (1.0 - error) / 2.0;
        let loss = Loss::GilbertElliott { p: turn, r: turn, loss_bad: 1.0, loss_good: 0.0 };
        set.loss = Some(loss);
    }
    let mut network = network(seed, set);
    let lost: Vec<f64> = (0..=PAIRS).map(|n| is_lost(&send(&mut network, n, 0, 1))).collect();
    correlation(&lost[1..], &lost[..lost.len() - 1])
}

fn next_delay(error: f64, seed: u64) -> f64 {
    let set = Impairments { delay: Some(50 * MS), jitter: Some(10 * MS), ..Impairments::default() };
    let mut network = network(seed, set);
    let arrival = |_| send(&mut network, 0, 0, 1).arrivals.iter().next().unwrap() as f64;
    let delays: Vec<f64> = (0..=PAIRS).map(arrival).collect();
    correlation_with(error, &delays[1..], &delays[..delays.len() - 1])
}

/// A seed, and the ends of a link.
type Place = (u64, u32, u32);

fn two_links(one: Place, other: Place, error: f64) -> f64 {
    let [xs, ys] = [one, other].map(|(seed, from, to)| {
        let mut network = network(seed, half_lost());
        (0..PAIRS).map(|n| is_lost(&send(&mut network, n, from, to))).collect::<Vec<f64>>()
    });
    correlation_with(error, &xs, &ys)
}

fn two_kinds(error: f64, seed: u64) -> f64 {
    let set = Impairments { duplicate: Some(0.5), corrupt: Some(0.5), ..Impairments::default() };
    let mut network = network(seed, set);
    let (xs, ys): (Vec<f64>, Vec<f64>) = (0..PAIRS)
        .map(|n| {
            let fate = send(&mut network, n, 0, 1);
            let twice = |mark: &Mark| matches!(mark, Mark::Duplicated { .. });
            let yes_or_no = |yes: bool| f64::from(u8::from(yes));
            (yes_or_no(fate.marks.iter().any(twice)), yes_or_no(fate.altered.is_some()))
        })
        .unzip();
    correlation_with(error, &xs, &ys)
}
