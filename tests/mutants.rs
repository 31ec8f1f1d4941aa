//! The zoo of mutants: would the scenario library notice if a protocol were wrong?

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use squall::check::Verdict;
use squall::protocols::mutants::{Mutant, OPTION};
use squall::scenario::Scenario;
use squall::search::{self, Bounds, FaultKind, Lengths, Shrink};
use squall::{OptionValue, Registry, Settings};

use crate::engine_parity::scenarios;

/// The library, by the name of each file below `scenarios/`.
fn library(registry: &Registry) -> Vec<(String, Scenario)> {
    let folder = Path::new("scenarios");
    let name = |path: &Path| {
        let below = path.strip_prefix(folder).unwrap().with_extension("");
        below.to_string_lossy().into_owned()
    };
    scenarios(folder).iter().map(|path| (name(path), registry.load(path).unwrap())).collect()
}

fn verdict(registry: &Registry, scenario: &Scenario) -> Verdict {
    registry.run(scenario, Settings::default()).unwrap().verdict()
}

fn mutated(scenario: &Scenario, mutant: Mutant) -> Scenario {
    scenario.with_option(OPTION, OptionValue::Word(mutant.name().to_owned()))
}

/// Runs that shrinking one scenario may take.
const RUNS: u64 = 500;

/// The fewest faults by which the mutant fails: what its failing scenarios shrink to, and what a bounded
/// search finds with fewer.
fn fewest_faults(registry: &Registry, killers: &[(&str, Scenario)]) -> Option<u32> {
    // A failure counts if it is the mutant's.
    let none = OptionValue::Word("none".to_owned());
    let unless = Some((OPTION, &none));
    let mut fewest: Option<(u32, Scenario)> = None;
    for (_, scenario) in killers {
        let protocol = registry.protocol(scenario.protocol()).unwrap();
        let runs = Cell::new(0);
        let stop = || runs.replace(runs.get() + 1) > RUNS;
        let (payload, base) = place(scenario);
        let how = Shrink { seed: None, unless, payload, base, stop: &stop };
        let Ok(shrunk) = search::shrink(scenario, protocol, how) else { continue };
        let faults = shrunk.after.faults as u32;
        if fewest.as_ref().is_none_or(|(known, _)| faults < *known) {
            fewest = Some((faults, shrunk.scenario));
        }
        if faults <= 1 {
            break;
        }
    }
    let (faults, scenario) = fewest?;
    let Some(fewer) = faults.checked_sub(1) else { return Some(0) };
    let protocol = registry.protocol(scenario.protocol()).unwrap();
    let (payload, base) = place(&scenario);
    let bounds = Bounds {
        seed: None,
        max_faults: fewer.min(2),
        first: 12,
        kinds: &FaultKind::ALL,
        lengths: Lengths { late: 300_000_000, down: 1_000_000_000 },
        skip: true,
        unless,
        jobs: 2,
        payload,
        base,
        progress: &|_| true,
    };
    let checked = search::check(&scenario.without_faults(), protocol, &bounds).unwrap();
    Some(checked.counterexample.map_or(faults, |found| found.faults))
}

/// The file that a scenario of the library sends, and the folder where its path begins.
fn place(scenario: &Scenario) -> (Option<&str>, &Path) {
    (scenario.payload_path(), Path::new(scenario.name()).parent().unwrap())
}

#[test]
fn every_mutant_is_killed_by_a_shipped_scenario() {
    let registry = Registry::shipped();
    let library = library(&registry);
    let mut table = String::from(TABLE);
    let mut alive = Vec::new();
    for mutant in Mutant::ALL {
        let of_it = library
            .iter()
            .filter(|(_, scenario)| mutant.protocols().contains(&scenario.protocol()));
        let mutated = of_it.map(|(name, scenario)| (name.as_str(), mutated(scenario, *mutant)));
        let is_killer =
            |(_, scenario): &(&str, Scenario)| verdict(&registry, scenario) != Verdict::Pass;
        let killers: Vec<(&str, Scenario)> = mutated.filter(is_killer).collect();
        let Some((first, _)) = killers.first() else {
            alive.push(mutant.name());
            continue;
        };
        let faults = fewest_faults(&registry, &killers);
        let faults = faults.map_or("–".to_owned(), |faults| faults.to_string());
        let others = match killers.len() - 1 {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | `{first}`{others} | {faults} |",
            mutant.name(),
            mutant.protocols().join(", "),
            mutant.summary().trim_end_matches('.'),
        );
    }
    assert!(alive.is_empty(), "no shipped scenario notices {alive:?}");
    assert!(Mutant::ALL.len() >= 30);
    crate::snapshot_settings().bind(|| insta::assert_snapshot!("mutants", table));
    crate::assert_page("docs/mutants.md", "mutants", &format!("{HEAD}{}", table.trim_end()));
}

/// The option alone changes nothing.
#[test]
fn the_library_passes_without_a_mutant() {
    let registry = Registry::shipped();
    let mut wrong: BTreeMap<String, Verdict> = BTreeMap::new();
    for (name, scenario) in library(&registry) {
        let run = |scenario: &Scenario| registry.run(scenario, Settings::default()).unwrap();
        let outcome = run(&scenario);
        if outcome.verdict() != Verdict::Pass {
            wrong.insert(name, outcome.verdict());
        }
        let none = scenario.with_option(OPTION, OptionValue::Word("none".to_owned()));
        assert_eq!(run(&none).run.trace_hash, outcome.run.trace_hash);
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// A run after a mutant's is a run without one, on the same thread; and a mutant's is the same each time.
#[test]
fn mutants_do_not_outlive_their_run() {
    let registry = Registry::shipped();
    let scenario =
        registry.load(Path::new("scenarios/loss/random_loss_stop_and_wait.toml")).unwrap();
    let hash =
        |scenario: &Scenario| registry.run(scenario, Settings::default()).unwrap().run.trace_hash;
    let mutant = mutated(&scenario, Mutant::TimerNeverCancelled);
    let (plain, wrong) = (hash(&scenario), hash(&mutant));
    assert_ne!(plain, wrong);
    assert_eq!((hash(&scenario), hash(&mutant)), (plain, wrong));
}

const HEAD: &str = "\
# The zoo of mutants

Would the scenarios notice if a protocol were wrong? With the cargo feature `mutants`, the shipped
protocols take an option `mutant = \"name\"`, which lets them make a mistake; every mistake is noticed by a
scenario of the library (its verdict is not *pass*). The last column says how few faults are enough: what the
failing scenarios shrink to, or what `squall check` finds with fewer. Without the mutant none of these
fail. With 0 it fails on a perfect network; a dash means that what the scenario shows is no longer to be seen.

This page is written by a test: `cargo test --features mutants --test integration mutants`. Try one:

    cargo run --features mutants -- run scenarios/ladder/lost_ack_stop_and_wait.toml

with `[options] mutant = \"duplicate-not-acknowledged\"` in the file. Besides these, some options are mistakes
on purpose: `unsafe_window`, and of `rpc` `trust_refusals`, `retransmit_on_stale_reply`, `sync = false`,
`lock = false` and `match_arguments = false`.

";

const TABLE: &str = "\
| mutant | protocols | the mistake | noticed by | faults |
|---|---|---|---|---|
";
