//! How often a message is sent, delivered and paid for until its acknowledgement is back.

use std::sync::LazyLock;

use squall::Outcome;

use super::run;
use super::table::{Claim, Experiment, Subject, means};

pub static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    Subject::new(
        "Retransmission",
        "One client sends 1,000 messages to the server in each run, one after another, with \
         `protocols/src/retry.rs` and `stop_and_wait.rs`, and without a limit on the attempts. All \
         losses are independent.\n\n\
         Deliveries follow from this: the receiver gets copies until the first of them whose \
         acknowledgement arrives. Each copy that it gets has that luck with probability 1-p', whatever \
         became of others, so their number is geometric, and p, which only decides how many sendings \
         it takes to get one copy through, has no influence.",
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

const MESSAGES: u64 = 1000;

fn experiments() -> Vec<Experiment> {
    let sendings = |q: f64| Claim {
        quantity: "sendings per message",
        formula: "1/(1-q)",
        source: "geometric distribution; Schwartz",
        predicted: 1.0 / (1.0 - q),
    };
    vec![
        Experiment {
            setting: "`retry`: p = 10%, p' = 60%, delay 10 ms, timeout 30 ms",
            varied: "p and p'",
            claims: vec![
                sendings(0.64),
                Claim {
                    quantity: "deliveries per message",
                    formula: "1/(1-p')",
                    source: "above",
                    predicted: 1.0 / 0.4,
                },
                Claim {
                    quantity: "share of messages delivered more than once",
                    formula: "p'",
                    source: "above; OSTEP has the cause",
                    predicted: 0.6,
                },
                Claim {
                    quantity: "time per message, ms",
                    formula: "round trip + timeout q/(1-q)",
                    source: "Schwartz",
                    predicted: 20.0 + 30.0 * 0.64 / 0.36,
                },
            ],
            measure: |error| means(|seed| retry(error, seed)),
        },
        Experiment {
            setting: "`stop-and-wait`: p = p' = 50%, frames of 1 ms (1000 bits at 1 Mbit/s), delay 1 ms \
                      (a = 1), timeout = round trip = 3 ms",
            varied: "p and p'",
            claims: vec![
                sendings(0.75),
                Claim {
                    quantity: "copies received per message, delivered or suppressed",
                    formula: "1/(1-p')",
                    source: "above",
                    predicted: 2.0,
                },
                Claim {
                    quantity: "throughput, messages per second",
                    formula: "(1-q)/t_T, t_T from one sending to the next",
                    source: "Schwartz",
                    predicted: 0.25 / 0.003,
                },
                Claim {
                    quantity: "utilisation of the link by new frames",
                    formula: "(1-q)/(1+2a), a = delay / frame",
                    source: "Stallings",
                    predicted: 0.25 / 3.0,
                },
            ],
            measure: |error| means(|seed| stop_and_wait(error, seed)),
        },
    ]
}

/// Runs 1,000 messages to their end, however many attempts they need.
fn run_to_the_end(protocol: &str, rest: &str, seed: u64) -> Outcome {
    let outcome = run(protocol, &format!("duration = '10h'\n{rest}"), seed);
    assert!(outcome.run.history.all_ended(), "the run was cut off");
    outcome
}

fn reports(outcome: &Outcome, name: &str) -> u64 {
    outcome.run.counts.reports.get(name).copied().unwrap_or(0)
}

/// When the last message was acknowledged, seconds.
fn seconds(outcome: &Outcome) -> f64 {
    let ends = outcome.run.history.operations().map(|(_, op)| op.ended_at);
    ends.max().unwrap_or(0) as f64 / 1e9
}

fn retry(error: f64, seed: u64) -> [f64; 4] {
    let (data, ack) = (0.1 * (1.0 + error), 0.6 * (1.0 + error));
    let rest = format!(
        "options = {{ timeout = '30ms' }}
        workload = {{ messages = {MESSAGES} }}
        [[link]]
        delay = '10ms'
        loss = {data}
        [[link]]
        from = 'server'
        to = '*'
        loss = {ack}"
    );
    let outcome = run_to_the_end("retry", &rest, seed);
    let again = outcome.run.history.operations().filter(|(_, op)| op.executions > 1).count();
    let per_message = |total: f64| total / MESSAGES as f64;
    [
        1.0 + per_message(reports(&outcome, "retransmission") as f64),
        per_message(outcome.run.history.executions() as f64),
        per_message(again as f64),
        per_message(1000.0 * seconds(&outcome)),
    ]
}

fn stop_and_wait(error: f64, seed: u64) -> [f64; 4] {
    // 92 bytes of message, 5 of the protocol's header, 28 of UDP's and IP's: 1000 bits.
    let loss = 0.5 * (1.0 + error);
    let rest = format!(
        "options = {{ timeout = '3ms' }}
        workload = {{ messages = {MESSAGES}, size = '92B' }}
        [[link]]
        delay = '1ms'
        loss = {loss}
        [[link]]
        from = '*'
        to = 'server'
        rate = '1mbit'"
    );
    let outcome = run_to_the_end("stop-and-wait", &rest, seed);
    let per_message = |total: u64| total as f64 / MESSAGES as f64;
    let copies = outcome.run.history.executions() + reports(&outcome, "duplicate-suppressed");
    let throughput = MESSAGES as f64 / seconds(&outcome);
    [
        1.0 + per_message(reports(&outcome, "retransmission")),
        per_message(copies),
        throughput,
        throughput * 0.001,
    ]
}
