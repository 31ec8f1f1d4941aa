//! `cargo bench`: the event engine beside its limit and its alternative, in one process.
//!
//! `cargo bench -- A D growth` selects workloads, `--quick` is for seeing that it still runs,
//! `--without-turmoil` for profiling. The contenders take turns, round by round, and every figure is
//! the median over the rounds, so that a noisy machine disturbs them alike. Times are for whole runs:
//! worlds are built, run, judged and dropped.

mod bare;
mod event_engine;
mod report;
mod turmoil_sim;
mod workload;

use event_engine::Squall;
use report::{Samples, Target, number, time};
use workload::Workload;

struct Arguments {
    selected: Vec<String>,
    quick: bool,
    without_turmoil: bool,
}

impl Arguments {
    fn read() -> Self {
        let (flags, selected): (Vec<_>, Vec<_>) =
            std::env::args().skip(1).partition(|word| word.starts_with("--"));
        Arguments {
            selected,
            quick: flags.iter().any(|flag| flag == "--quick"),
            without_turmoil: flags.iter().any(|flag| flag == "--without-turmoil"),
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.selected.is_empty() || self.selected.iter().any(|word| word == name)
    }
}

fn main() {
    // `cargo test --all-targets` runs benchmarks without this flag: there is nothing to test.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let arguments = Arguments::read();
    let mut targets = Vec::new();
    let workloads = [workload::A, workload::B, workload::C, workload::D, workload::E];
    let mut selected = workloads.into_iter().filter(|work| arguments.wants(work.name)).peekable();
    if selected.peek().is_some() {
        println!("nanoseconds per delivered datagram, and ratios");
        println!(
            "{:<47}{:>7}{:>8}{:>11}{:>12}{:>13}{:>12}{:>16}",
            "",
            "bare",
            "squall",
            "full trace",
            "turmoil",
            "squall/bare",
            "trace/bare",
            "turmoil/squall"
        );
    }
    for work in selected {
        compare(&work, &arguments, &mut targets);
    }
    if arguments.wants("growth") {
        growth(arguments.quick, &mut targets);
    }
    println!();
    targets.iter().for_each(Target::print);
}

/// Lets all contenders run one workload.
fn compare(work: &Workload, arguments: &Arguments, targets: &mut Vec<Target>) {
    let contender = Squall::new(work);
    let mut reduced = turmoil_sim::reduced(work);
    if arguments.quick {
        reduced.messages = reduced.messages.min(20);
    }
    assert_eq!(contender.run(false), bare::run(work), "datagrams of {}", work.name);
    let [mut bare, mut plain, mut full, mut turmoil] = [(); 4].map(|()| Samples::default());
    let (rounds, turmoil_rounds) = match (arguments.quick, work.name) {
        (true, _) => (3, 1),
        (false, "C") => (25, 1),
        (false, _) => (25, 5),
    };
    for round in 0..rounds {
        bare.0.push(time(|| bare::run(work)));
        plain.0.push(time(|| contender.run(false)));
        full.0.push(time(|| contender.run(true)));
        if round < turmoil_rounds && !arguments.without_turmoil {
            turmoil.0.push(time(|| turmoil_sim::run(&reduced)));
        }
    }
    let (cost, traced, gain) = (plain.ratio(&bare), full.ratio(&bare), turmoil.ratio(&plain));
    println!(
        "{} {:<45}{:>7}{:>8}{:>11}{:>12}{:>13}{:>12}{:>16}",
        work.name,
        work.what,
        number(bare.median()),
        number(plain.median()),
        number(full.median()),
        number(turmoil.median()),
        number(cost),
        number(traced),
        number(gain),
    );
    let name = work.name;
    match name {
        "A" | "D" => {
            targets.push(Target::at_most(6.0, format!("{name}: squall / bare loop"), cost))
        }
        "B" | "E" => {
            targets.push(Target::at_most(4.0, format!("{name}: squall / bare loop"), cost))
        }
        _ => {}
    }
    match name {
        "A" | "B" | "D" => {
            targets.push(Target::at_least(250.0, format!("{name}: turmoil's Sim / squall"), gain));
        }
        "C" => targets.push(Target::at_least(10_000.0, "C: turmoil's Sim / squall", gain)),
        _ => println!(
            "  (turmoil: {} hosts, since 1,000 are not feasible; no target)",
            reduced.hosts
        ),
    }
}

/// E with more and more hosts. Part of the growth is the memory's: the bare loop has it too.
fn growth(quick: bool, targets: &mut Vec<Target>) {
    let sizes = [2, 10, 100, 1_000, 10_000];
    let work = sizes.map(Workload::peers);
    let contenders = work.each_ref().map(Squall::new);
    let mut squall = sizes.map(|_| Samples::default());
    let mut bare = sizes.map(|_| Samples::default());
    for _ in 0..if quick { 2 } else { 9 } {
        for (index, work) in work.iter().enumerate() {
            bare[index].0.push(time(|| bare::run(work)));
            squall[index].0.push(time(|| contenders[index].run(false)));
        }
    }
    println!("\ngrowth of E with the number of hosts: nanoseconds per delivered datagram");
    println!("{:>8}{:>9}{:>9}{:>14}", "hosts", "bare", "squall", "squall/bare");
    for (index, hosts) in sizes.iter().enumerate() {
        let (bare, squall) = (&bare[index], &squall[index]);
        println!(
            "{hosts:>8}{:>9}{:>9}{:>14}",
            number(bare.median()),
            number(squall.median()),
            number(squall.ratio(bare))
        );
    }
    let last = sizes.len() - 1;
    println!(
        "from {} to {} hosts: bare x{}, squall x{}",
        sizes[0],
        sizes[last],
        number(bare[last].ratio(&bare[0])),
        number(squall[last].ratio(&squall[0]))
    );
    let measured = squall[last].ratio(&squall[0]);
    targets.push(Target::at_most(3.0, "growth from 2 to 10,000 hosts", measured));
}
