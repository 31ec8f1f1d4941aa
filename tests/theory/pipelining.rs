//! Several messages in flight: what a loss costs when everything after it is sent again, and when only
//! the lost message is.

use std::sync::LazyLock;

use super::run;
use super::table::{Claim, Experiment, Subject, means};

pub static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    Subject::new(
        "Pipelining",
        "One client sends as fast as it can for the simulated time given, in each run; what ends in the \
         first 0.1 s is not counted. Frames have 1000 bits and take t_I = 1 ms at 1 Mbit/s; the delay is 2 ms, so a round trip \
         takes 5 ms; the timeout is the round trip. Losses are independent.\n\n\
         With go-back-N, each loss costs the N = 5 frames that fit into a round trip, the lost one \
         included. With selective repeat each loss costs one frame; but each message has its own \
         acknowledgement, so that a lost acknowledgement costs one, too. The books' formula is for a \
         window that never stops the sender: of 256 here, so that a message would have to be lost 50 \
         times in a row.",
        experiments(),
    )
});

#[test]
fn the_formulas_hold() {
    SUBJECT.assert_agreement();
}

#[test]
fn losses_off_by_three_percent_are_refused() {
    experiments().into_iter().for_each(Experiment::assert_refusals);
}

fn experiments() -> Vec<Experiment> {
    vec![
        Experiment {
            setting: "`go-back-n`: p = 40%, p' = 0%, a window of N = 5, 9 s",
            varied: "p",
            claims: vec![Claim {
                quantity: "utilisation of the link by new frames",
                formula: "(1-p)/(1-p+Np)",
                source: "Stallings; Schwartz",
                predicted: 0.6 / (0.6 + 5.0 * 0.4),
            }],
            measure: |error| {
                means(|seed| [utilisation("go-back-n", 5, 9, 0.4 * (1.0 + error), 0.0, seed)])
            },
        },
        Experiment {
            setting: "`selective-repeat`: p = p' = 40%, a window of 256, 4 s",
            varied: "p and p'",
            claims: vec![Claim {
                quantity: "utilisation of the link by new frames",
                formula: "1-q",
                source: "Stallings; Schwartz",
                predicted: 0.36,
            }],
            measure: |error| {
                let loss = 0.4 * (1.0 + error);
                means(|seed| [utilisation("selective-repeat", 256, 4, loss, loss, seed)])
            },
        },
    ]
}

/// The share of time in which the link carries frames that bring a message through.
fn utilisation(
    protocol: &str,
    window: u64,
    seconds: u64,
    data_loss: f64,
    ack_loss: f64,
    seed: u64,
) -> f64 {
    // 92 bytes of message, 5 of the protocol's header, 28 of UDP's and IP's: 1000 bits.
    let rest = format!(
        "duration = '{seconds}s'
        options = {{ window = {window}, pace = '1ms', timeout = '5ms' }}
        workload = {{ messages = 10000, size = '92B' }}
        [[link]]
        delay = '2ms'
        loss = {ack_loss}
        [[link]]
        from = '*'
        to = 'server'
        loss = {data_loss}
        rate = '1mbit'"
    );
    let outcome = run(protocol, &rest, seed);
    let counted = 100_000_000..seconds * 1_000_000_000;
    let ended = outcome.run.history.operations().filter(|(_, op)| counted.contains(&op.ended_at));
    ended.count() as f64 * 1e6 / (counted.end - counted.start) as f64
}
