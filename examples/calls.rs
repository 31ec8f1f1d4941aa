//! What a remote procedure call costs, by semantics and by what carries it.
//! `cargo run --release --example calls` prints the table; it stands in `docs/cost.md`.

use squall::history::Outcome as Ended;
use squall::plan::Cost;
use squall::{Outcome, Registry, Settings};

const CALLS: u32 = 1000;

/// Options, and bytes of the arguments.
const CONTENDERS: [(&str, u32); 8] = [
    ("semantics = 'maybe'", 64),
    ("semantics = 'at-least-once'", 64),
    ("semantics = 'at-most-once'", 64),
    ("boot_epoch = true", 64),
    ("semantics = 'exactly-once'", 64),
    ("transport = 'reliable'", 64),
    ("result_size = '16KiB'", 16 << 10),
    ("result_size = '16KiB'\ntransport = 'reliable'", 16 << 10),
];

fn run(options: &str, size: u32, loss: u32) -> Outcome {
    let text = format!(
        "title = 'calls'\nprotocol = 'rpc'\nduration = '1h'\n[options]\naudit = false\n{options}\n\
         [workload]\ncalls = {CALLS}\nsize = '{size}B'\n[[link]]\ndelay = '10ms'\nloss = '{loss}%'\n"
    );
    let registry = Registry::shipped();
    let scenario = registry.parse("calls", &text).unwrap_or_else(|errors| panic!("{errors}"));
    registry.run(&scenario, Settings::default()).expect("nothing else runs")
}

/// Datagrams, retransmissions, executions and milliseconds per call.
fn figures(outcome: &Outcome) -> [f64; 4] {
    let (counts, history) = (&outcome.run.counts, &outcome.run.history);
    let ended = history.operations().filter(|(_, op)| op.outcome != Ended::Pending);
    let last = ended.map(|(_, op)| op.ended_at).max().unwrap_or(0);
    let per_call = |sum: u64| sum as f64 / f64::from(CALLS);
    [
        per_call(counts.sent),
        per_call(counts.cost(Cost::Retransmissions)),
        per_call(history.executions()),
        per_call(last) / 1e6,
    ]
}

/// The table, in Markdown.
pub fn table() -> String {
    let mut out =
        "| options | arguments | loss | datagrams | retransmissions | executions | time, ms |\n\
                   | --- | --: | --: | --: | --: | --: | --: |\n"
            .to_owned();
    for (options, size) in CONTENDERS {
        for loss in [0, 10] {
            let [datagrams, retransmissions, executions, time] = figures(&run(options, size, loss));
            out += &format!(
                "| {} | {size}B | {loss}% | {datagrams:.2} | {retransmissions:.2} | \
                 {executions:.2} | {time:.1} |\n",
                options.replace('\n', ", ").replace('\'', "\""),
            );
        }
    }
    out
}

#[allow(dead_code, reason = "the tests use the table alone")]
fn main() {
    print!("{}", table());
}
