//! `cargo bench --bench sweep`: seeds per second of a sweep, on one job and on two, beside turmoil's `Sim`
//! doing the same work, in one process.
//!
//! A seed is a world: stop-and-wait, 20 messages, 10% loss each way, 200 ms timeout, checks on. The
//! contenders take turns, and every figure is the median over the rounds. `--quick` is for seeing that it
//! still runs, `--profile` runs one job alone.

#[path = "../engines/report.rs"]
#[expect(dead_code, reason = "the other benchmark uses all of it")]
mod report;
#[path = "../engines/turmoil_sim.rs"]
mod turmoil_sim;
#[path = "../engines/workload.rs"]
#[expect(dead_code, reason = "the other benchmark uses all of it")]
mod workload;

use std::time::Instant;

use report::{Samples, Target, number};
use squall::Registry;
use squall::check::Verdict;
use squall::scenario::Scenario;
use squall::sweep::{Explore, Seeds};

const SCENARIO: &str = r#"
title    = "Stop-and-wait over a line that loses every tenth datagram"
protocol = "stop-and-wait"
options  = { timeout = "200ms" }
workload = { messages = 20 }
link     = [{ delay = "10ms", loss = "10%" }]
expect   = { guarantee = "exactly-once", order = "fifo", completes = true }
"#;

fn main() {
    let flag = |name: &str| std::env::args().any(|word| word == name);
    // `cargo test --all-targets` runs benchmarks without this flag: there is nothing to test.
    if !flag("--bench") {
        return;
    }
    let registry = Registry::shipped();
    let scenario = registry.parse("bench", SCENARIO).unwrap_or_else(|errors| panic!("{errors}"));
    let (seeds, rounds) = if flag("--quick") { (2_000, 2) } else { (40_000, 15) };
    if flag("--profile") {
        for _ in 0..10 {
            sweep(&registry, &scenario, seeds, 1);
        }
        return;
    }
    let [mut one, mut two, mut turmoil] = [(); 3].map(|()| Samples::default());
    for _ in 0..rounds {
        one.0.push(sweep(&registry, &scenario, seeds, 1));
        two.0.push(sweep(&registry, &scenario, seeds, 2));
        turmoil.0.push(turmoil_seed());
    }
    let rate = |samples: &Samples| 1e9 / samples.median();
    println!("nanoseconds per seed, and seeds per second");
    for (name, samples) in [("one job", &one), ("two jobs", &two), ("turmoil's Sim", &turmoil)] {
        println!("{name:<16}{:>12}{:>12.0}", number(samples.median()), rate(samples));
    }
    println!();
    for target in [
        Target::at_least(60_000.0, "seeds per second, one job", rate(&one)),
        Target::at_least(150.0, "turmoil's Sim / one job", turmoil.ratio(&one)),
        Target::at_least(1.8, "one job / two jobs", one.ratio(&two)),
    ] {
        target.print();
    }
}

/// Nanoseconds per seed.
fn sweep(registry: &Registry, scenario: &Scenario, seeds: u64, jobs: usize) -> f64 {
    let what = Explore { seeds: Seeds { first: 0, end: seeds }, keep_going: true, jobs };
    let start = Instant::now();
    let sweep = registry.explore(scenario, what).unwrap_or_else(|error| panic!("{error}"));
    let elapsed = start.elapsed();
    assert_eq!((sweep.verdict(), sweep.runs), (Verdict::Pass, seeds));
    elapsed.as_nanos() as f64 / seeds as f64
}

/// Nanoseconds per seed.
///
/// Its `fail_rate` breaks a link in both directions, so that fewer datagrams are lost than with squall's
/// loss: it does less work for a seed.
fn turmoil_seed() -> f64 {
    let work = turmoil_sim::reduced(&workload::D);
    let start = Instant::now();
    turmoil_sim::run(&work);
    start.elapsed().as_nanos() as f64 / work.worlds as f64
}
