//! The shares of datagrams that a link loses, damages, duplicates and reorders.

use std::sync::LazyLock;

use squall::network::{DropReason, Impairments, Loss, Mark};

use super::table::{Claim, Experiment, Subject, means};
use super::{MS, network, send};

pub static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    Subject::new(
        "Impairments of a link",
        "One link of the network model alone, without hosts; 10,000 datagrams in each run. The shares \
         are the definitions of these impairments, in Linux as here.",
        experiments(),
    )
});

#[test]
fn the_formulas_hold() {
    SUBJECT.assert_agreement();
}

#[test]
fn impairments_off_by_three_percent_are_refused() {
    experiments().into_iter().for_each(Experiment::assert_refusals);
}

const DATAGRAMS: u64 = 10_000;

/// Every impairment of the first experiment.
const SHARE: f64 = 0.3;

fn experiments() -> Vec<Experiment> {
    let definition =
        |quantity, formula| Claim { quantity, formula, source: "netem", predicted: SHARE };
    vec![
        Experiment {
            setting: "loss, corruption, duplication and reordering of 30%, all at once",
            varied: "all four",
            claims: vec![
                definition("lost, of all", "`loss`"),
                definition("corrupted, of those not lost", "`corrupt`"),
                definition("duplicated, of those not lost", "`duplicate`"),
                definition("ahead of the delay, of all copies", "`reorder`"),
            ],
            measure: |error| means(|seed| shares(SHARE * (1.0 + error), seed)),
        },
        Experiment {
            setting: "uniform jitter of ±5 ms (w = 10 ms), a datagram every d = 5 ms",
            varied: "the jitter",
            claims: vec![Claim {
                quantity: "share that arrives before its predecessor",
                formula: "(1 - d/w)^2 / 2",
                source: "triangular density of the difference of two uniform delays",
                predicted: 0.125,
            }],
            measure: |error| means(|seed| overtaking((5e6 * (1.0 + error)) as u64, seed)),
        },
    ]
}

fn shares(share: f64, seed: u64) -> [f64; 4] {
    let set = Impairments {
        delay: Some(10 * MS),
        loss: Some(Loss::Independent(share)),
        corrupt: Some(share),
        duplicate: Some(share),
        reorder: Some(share),
        ..Impairments::default()
    };
    let mut network = network(seed, set);
    let (mut lost, mut corrupted, mut duplicated) = (0u64, 0u64, 0u64);
    let (mut copies, mut ahead) = (0u64, 0u64);
    for n in 0..DATAGRAMS {
        let now = n * MS;
        let fate = send(&mut network, now, 0, 1);
        lost += u64::from(fate.dropped == Some(DropReason::Loss));
        corrupted += u64::from(fate.altered.is_some());
        let twice = |mark: &Mark| matches!(mark, Mark::Duplicated { .. });
        duplicated += u64::from(fate.marks.iter().any(twice));
        copies += fate.arrivals.iter().count() as u64;
        ahead += fate.arrivals.iter().filter(|at| *at == now).count() as u64;
    }
    let kept = (DATAGRAMS - lost) as f64;
    [
        lost as f64 / DATAGRAMS as f64,
        corrupted as f64 / kept,
        duplicated as f64 / kept,
        ahead as f64 / copies as f64,
    ]
}

fn overtaking(jitter: u64, seed: u64) -> [f64; 1] {
    let set = Impairments { delay: Some(50 * MS), jitter: Some(jitter), ..Impairments::default() };
    let mut network = network(seed, set);
    let arrival = |n| send(&mut network, n * 5 * MS, 0, 1).arrivals.iter().next().unwrap();
    let arrivals: Vec<u64> = (0..=DATAGRAMS).map(arrival).collect();
    let overtook = arrivals.windows(2).filter(|pair| pair[1] < pair[0]).count();
    [overtook as f64 / DATAGRAMS as f64]
}
