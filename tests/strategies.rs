//! Scenarios that proptest makes: all can be run, and what fails shrinks to what matters.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestError, TestRunner};
use squall::check::Verdict;
use squall::strategies::{Fault, Generated, Limits, To, scenarios};
use squall::{Registry, Settings};

fn verdict(registry: &Registry, generated: &Generated) -> Verdict {
    let scenario = registry.parse("generated", generated.text());
    let scenario = scenario.unwrap_or_else(|errors| panic!("{errors}{generated:?}"));
    registry.run(&scenario, Settings::default()).unwrap().verdict()
}

#[test]
fn every_generated_scenario_can_be_run_and_they_differ() {
    let registry = Registry::shipped();
    let limits = Limits { crashes: true, ..Limits::default() };
    let strategy = scenarios("stop-and-wait", "expect = { guarantee = 'exactly-once' }", limits);
    let mut runner = TestRunner::deterministic();
    let (mut kinds, mut failing) = (std::collections::BTreeSet::new(), 0);
    for _ in 0..400 {
        let generated = strategy.new_tree(&mut runner).unwrap().current();
        assert!(generated.faults.len() <= limits.faults);
        kinds.extend(generated.faults.iter().map(|fault| format!("{fault:?}")[..4].to_owned()));
        failing += usize::from(verdict(&registry, &generated) == Verdict::Fail);
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["Cras", "Dela", "Drop", "Dupl", "Part"]);
    assert!(
        (1..399).contains(&failing),
        "a crash between delivery and ack is not always there: {failing}"
    );
}

/// What is left of a failure of `protocol` after shrinking.
fn smallest(protocol: &str, rest: &str, limits: Limits) -> Generated {
    let registry = Registry::shipped();
    let strategy = scenarios(protocol, rest, limits);
    let config = Config { cases: 2_000, failure_persistence: None, ..Config::default() };
    let rng = proptest::test_runner::TestRng::deterministic_rng(config.rng_algorithm);
    let found = TestRunner::new_with_rng(config, rng).run(&strategy, |generated| {
        prop_assert_ne!(verdict(&registry, &generated), Verdict::Fail);
        Ok(())
    });
    match found {
        Err(TestError::Fail(_, smallest)) => smallest,
        other => panic!("{other:?}"),
    }
}

#[test]
fn failures_shrink_to_one_fault_one_client_and_one_operation() {
    let rest = "expect = { guarantee = 'at-most-once' }";
    let left = smallest("retry", rest, Limits::default());
    assert_eq!((left.faults.len(), left.clients, left.operations), (1, 1, 1), "{left:?}");
    let rest = "expect = { guarantee = 'at-least-once' }";
    let left = smallest("ack", rest, Limits::default());
    // One message has to arrive, or nothing is decided.
    assert_eq!((left.clients, left.operations), (1, 2), "{left:?}");
    assert!((1..=2).contains(&left.faults.len()), "{left:?}");
    let is_early = |fault: &Fault| match fault {
        Fault::Drop { to, nth } => (*to, *nth) == (To::Server, 1),
        Fault::Partition { at, .. } => *at <= 10,
        _ => false,
    };
    assert!(left.faults.iter().all(is_early), "{left:?}");
}

#[test]
fn a_crash_is_needed_to_break_stop_and_wait() {
    let rest = "expect = { guarantee = 'at-most-once' }";
    let limits = Limits { crashes: true, ..Limits::default() };
    let left = smallest("stop-and-wait", rest, limits);
    let crashes = left.faults.iter().filter(|fault| matches!(fault, Fault::Crash { .. }));
    assert_eq!(crashes.count(), 1, "{left:?}");
    assert!(left.faults.len() <= 2 && left.clients == 1, "{left:?}");
}
