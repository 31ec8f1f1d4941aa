//! Loss in bursts: Gilbert's two states, and Elliott's losses in each.

use std::sync::LazyLock;

use squall::network::{DropReason, Impairments, Loss};

use super::table::{Claim, Experiment, Subject, means};
use super::{network, send};

pub static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    Subject::new(
        "Bursts of loss",
        "The Gilbert-Elliott model with netem's names: p is the probability of going from the good to \
         the bad state, r that of going back, 1-h the loss in the bad state, 1-k that in the good one. \
         30,000 datagrams in each run, after 100 that let the chain forget where it began.",
        experiments(),
    )
});

#[test]
fn the_formulas_hold() {
    SUBJECT.assert_agreement();
}

#[test]
fn parameters_off_by_three_percent_are_refused() {
    experiments().into_iter().for_each(Experiment::assert_refusals);
}

const DATAGRAMS: u64 = 30_000;
const WARM_UP: usize = 100;

const P: f64 = 0.2;
const R: f64 = 0.5;

fn experiments() -> Vec<Experiment> {
    vec![
        Experiment {
            setting: "p = 20%, r = 50%, 1-h = 100%, 1-k = 0%",
            varied: "r",
            claims: vec![
                Claim {
                    quantity: "share lost",
                    formula: "p/(p+r)",
                    source: "Gilbert",
                    predicted: P / (P + R),
                },
                Claim {
                    quantity: "datagrams lost in a row",
                    formula: "1/r",
                    source: "Gilbert",
                    predicted: 1.0 / R,
                },
            ],
            measure: |error| {
                means(|seed| {
                    let lost = losses(P, R * (1.0 + error), 1.0, 0.0, seed);
                    [share(&lost), run_length(&lost, true)]
                })
            },
        },
        Experiment {
            setting: "p = 20%, r = 50%, 1-h = 100%, 1-k = 0%",
            varied: "p",
            claims: vec![Claim {
                quantity: "datagrams not lost in a row",
                formula: "1/p",
                source: "Gilbert",
                predicted: 1.0 / P,
            }],
            measure: |error| {
                means(|seed| [run_length(&losses(P * (1.0 + error), R, 1.0, 0.0, seed), false)])
            },
        },
        Experiment {
            setting: "p = 20%, r = 50%, 1-h = 80%, 1-k = 10%",
            varied: "1-h",
            claims: vec![Claim {
                quantity: "share lost",
                formula: "(p(1-h) + r(1-k)) / (p+r)",
                source: "Elliott",
                predicted: (P * 0.8 + R * 0.1) / (P + R),
            }],
            measure: |error| means(|seed| [share(&losses(P, R, 0.8 * (1.0 + error), 0.1, seed))]),
        },
    ]
}

/// Which datagrams are lost, in order.
fn losses(p: f64, r: f64, loss_bad: f64, loss_good: f64, seed: u64) -> Vec<bool> {
    let loss = Some(Loss::GilbertElliott { p, r, loss_bad, loss_good });
    let mut network = network(seed, Impairments { loss, ..Impairments::default() });
    let sent = WARM_UP as u64 + DATAGRAMS;
    let lost = (0..sent).map(|n| send(&mut network, n, 0, 1).dropped == Some(DropReason::Loss));
    lost.skip(WARM_UP).collect()
}

fn share(lost: &[bool]) -> f64 {
    lost.iter().filter(|lost| **lost).count() as f64 / lost.len() as f64
}

/// How many datagrams in a row are lost, or are not, on average.
fn run_length(lost: &[bool], which: bool) -> f64 {
    let total = lost.iter().filter(|lost| **lost == which).count();
    let runs = lost.windows(2).filter(|pair| pair[0] != which && pair[1] == which).count();
    total as f64 / runs as f64
}
