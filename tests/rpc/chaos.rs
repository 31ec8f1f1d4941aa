//! One scenario in which all goes wrong that can: each of the call semantics holds where it should, and
//! breaks where it should.

use squall::check::Finding;
use squall::plan::Guarantee;
use squall::{Registry, Settings};

const SEEDS: u64 = 1000;

/// Loss, copies, late copies, overtaking, and a server that crashes now and then after it has run a call
/// or before it has.
const CHAOS: &str = "
title = 'chaos'
protocol = 'rpc'
duration = '10m'
workload = { clients = 2, calls = 6 }
[[link]]
delay = '20ms'
jitter = '15ms'
loss = '10%'
duplicate = '10%'
[[fault]]
packet = { kind = 'call' }
chance = '10%'
action = 'duplicate'
after = '1500ms'
optional = true
[[fault]]
event = { host = 'server', name = 'executed' }
chance = '10%'
action = 'crash'
host = 'server'
for = '400ms'
optional = true
[[fault]]
event = { host = 'server', name = 'received' }
chance = '5%'
action = 'crash'
host = 'server'
for = '400ms'
optional = true
[[fault]]
at = '20s'
action = 'calm'
optional = true
";

const VARIANTS: [&str; 5] = [
    "semantics = 'maybe'",
    "semantics = 'at-least-once'",
    "semantics = 'at-most-once'",
    "semantics = 'at-most-once'\nboot_epoch = true",
    "semantics = 'exactly-once'",
];

const GUARANTEES: [Guarantee; 4] =
    [Guarantee::Maybe, Guarantee::AtLeastOnce, Guarantee::AtMostOnce, Guarantee::ExactlyOnce];

/// In how many runs each guarantee held, and was violated; and the books were right, and wrong.
#[derive(Default)]
struct Counts {
    held: [u64; 4],
    violated: [u64; 4],
    books: [u64; 2],
}

fn count(variant: &str) -> Counts {
    let registry = Registry::shipped();
    let text = format!("{CHAOS}\n[options]\n{variant}\n");
    let scenario = registry.parse("chaos", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let mut counts = Counts::default();
    for seed in 1..=SEEDS {
        let settings = Settings { seed: Some(seed), ..Settings::default() };
        let outcome = registry.run(&scenario, settings).unwrap();
        assert_eq!(outcome.run.errors, Vec::<String>::new(), "seed {seed}: {variant}");
        for (index, guarantee) in GUARANTEES.into_iter().enumerate() {
            match outcome.report.finding(guarantee) {
                Finding::Held => counts.held[index] += 1,
                Finding::Violated { .. } => counts.violated[index] += 1,
                Finding::Undecided(why) => panic!("seed {seed}: {variant}: {why}"),
            }
        }
        for (index, event) in ["balance-right", "wrong-balance"].into_iter().enumerate() {
            counts.books[index] += outcome.run.counts.reports.get(event).copied().unwrap_or(0);
        }
    }
    counts
}

#[test]
fn each_semantics_holds_where_it_should_and_breaks_where_it_should() {
    let mut table = format!(
        "Runs of {SEEDS} in which the guarantee held; and clients that found their balance right, and \
         wrong.\n\n{:<42}{:>8}{:>15}{:>14}{:>14}{:>8}{:>8}\n",
        "", "maybe", "at-least-once", "at-most-once", "exactly-once", "right", "wrong"
    );
    let all = VARIANTS.map(|variant| {
        let counts = count(variant);
        let [maybe, at_least, at_most, exactly] = counts.held;
        let ([right, wrong], name) = (counts.books, variant.replace('\n', ", "));
        table += &format!(
            "{name:<42}{maybe:>8}{at_least:>15}{at_most:>14}{exactly:>14}{right:>8}{wrong:>8}\n"
        );
        counts
    });
    crate::snapshot_settings().bind(|| insta::assert_snapshot!("rpc_chaos", table));
    let [maybe, at_least_once, at_most_once, with_epoch, exactly_once] = all;
    // Each holds always where it is promised,
    assert_eq!(maybe.held[0], SEEDS);
    assert_eq!(at_least_once.held[1], SEEDS);
    assert_eq!(with_epoch.held[2], SEEDS);
    assert_eq!(exactly_once.held[3], SEEDS);
    assert_eq!(exactly_once.books, [2 * SEEDS, 0]);
    // and breaks where it is not: nothing is sent again, copies run, the cache is gone, calls are given up.
    assert!(maybe.violated[1] > 0 && at_least_once.violated[2] > 0);
    assert!(at_most_once.violated[2] > 0 && with_epoch.violated[3] > 0);
    assert!(at_least_once.books[1] > 0 && at_most_once.books[1] > 0);
}
