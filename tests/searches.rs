//! Bounded search and shrinking, on the shipped protocols.

use std::path::Path;

use squall::check::{Breach, Verdict, Way};
use squall::plan::Guarantee;
use squall::search::{self, Bounds, Checked, FaultKind, Lengths, Shrink, ShrinkError, Shrunk};
use squall::{Registry, Settings};

const PACKETS: [FaultKind; 4] =
    [FaultKind::Drop, FaultKind::Duplicate, FaultKind::Late, FaultKind::Delay];

const MS: u64 = 1_000_000;

fn bounds(max_faults: u32, kinds: &[FaultKind]) -> Bounds<'_> {
    Bounds {
        seed: None,
        max_faults,
        first: 20,
        kinds,
        lengths: Lengths { late: 300 * MS, down: 1000 * MS },
        skip: true,
        unless: None,
        jobs: 2,
        payload: None,
        base: Path::new("."),
        progress: &|_| true,
    }
}

/// A scenario over a line of 10 ms.
fn scenario(protocol: &str, rest: &str) -> String {
    format!("title = 'a test'\nprotocol = '{protocol}'\nlink = [{{ delay = '10ms' }}]\n{rest}")
}

fn check(text: &str, bounds: &Bounds<'_>) -> Checked {
    let registry = Registry::shipped();
    let scenario = registry.parse("test", text).unwrap_or_else(|errors| panic!("{errors}"));
    let protocol = registry.protocol(scenario.protocol()).unwrap();
    search::check(&scenario, protocol, bounds).unwrap()
}

/// The number of faults in a counterexample, and how it fails. It must fail by itself, and each of its
/// faults must be needed.
fn counterexample(text: &str, bounds: &Bounds<'_>) -> (u32, Breach) {
    let found = check(text, bounds).counterexample.expect("a counterexample");
    let registry = Registry::shipped();
    let again = registry.parse("counterexample", &found.text);
    let again = again.unwrap_or_else(|errors| panic!("{errors}\n{}", found.text));
    let outcome = registry.run(&again, Settings::default()).unwrap();
    assert_eq!(outcome.verdict(), Verdict::Fail, "{}", found.text);
    assert_eq!(outcome.report.breaches[0], found.breach, "{}", found.text);
    assert!(found.sentences.iter().all(|(_, needed)| *needed), "{}", found.text);
    assert_eq!(found.sentences.len(), found.faults as usize);
    (found.faults, found.breach)
}

const TWICE: Breach = Breach::Violated(Guarantee::AtMostOnce, Way::Twice);

#[test]
fn retry_delivers_twice_after_one_fault() {
    let text =
        scenario("retry", "workload = { messages = 5 }\nexpect = { guarantee = 'at-most-once' }");
    assert_eq!(counterexample(&text, &bounds(3, &PACKETS)), (1, TWICE));
    assert_eq!(counterexample(&text, &bounds(3, &[FaultKind::Drop])), (1, TWICE));
}

#[test]
fn at_least_once_executes_twice_after_one_fault() {
    let text = scenario(
        "rpc",
        "options = { semantics = 'at-least-once' }\nworkload = { calls = 5 }\n\
         expect = { guarantee = 'at-most-once' }",
    );
    assert_eq!(counterexample(&text, &bounds(3, &PACKETS)), (1, TWICE));
    assert_eq!(counterexample(&text, &bounds(3, &[FaultKind::Drop])), (1, TWICE));
}

/// Four numbers and a window of four: the receiver takes the old 0 for the new one, once all acks that
/// would have moved the window are lost, or one copy comes late.
#[test]
fn a_window_as_large_as_the_number_space_delivers_old_for_new() {
    let text = scenario(
        "go-back-n",
        "options = { window = 4, sequence_bits = 2, unsafe_window = true, timeout = '100ms' }\n\
         workload = { messages = 8 }\nexpect = { guarantee = 'exactly-once' }",
    );
    let twice = Breach::Violated(Guarantee::ExactlyOnce, Way::Twice);
    assert_eq!(counterexample(&text, &bounds(4, &[FaultKind::Drop])), (3, twice.clone()));
    assert_eq!(counterexample(&text, &bounds(4, &PACKETS)), (1, twice));
}

/// A window one smaller is safe from losses, however many of these there are.
#[test]
fn a_window_below_the_number_space_is_safe_from_losses() {
    let text = scenario(
        "go-back-n",
        "options = { window = 3, sequence_bits = 2, timeout = '100ms' }\n\
         workload = { messages = 8 }\nexpect = { guarantee = 'exactly-once', completes = true }",
    );
    let checked = check(&text, &bounds(4, &[FaultKind::Drop]));
    assert!(checked.counterexample.is_none() && checked.complete);
    assert_eq!(checked.total().undecided, 0);
}

/// As many schedules as there are ways to place the faults, or fewer.
fn proves(text: &str, max_faults: u32) -> u64 {
    let checked = check(text, &bounds(max_faults, &PACKETS));
    let found = checked.counterexample.as_ref().map(|found| &found.text);
    assert_eq!((found, checked.complete), (None, true));
    let total = checked.total();
    assert!(total.undecided == 0 && checked.datagrams > 20, "{checked:?}");
    // Twenty places, four kinds: the binomials of 20 times powers of 4.
    let placements = [1, 20 * 4, 190 * 16, 1140 * 64];
    let all: u64 = placements[..=max_faults as usize].iter().sum();
    assert_eq!(total.run + total.skipped, all);
    total.run
}

#[test]
fn stop_and_wait_withstands_three_faults() {
    let text = scenario(
        "stop-and-wait",
        "workload = { messages = 12 }\n\
         expect = { guarantee = 'exactly-once', order = 'fifo', completes = true }",
    );
    proves(&text, 3);
}

#[test]
fn the_at_most_once_server_withstands_three_faults() {
    let text = scenario(
        "rpc",
        "options = { semantics = 'at-most-once' }\nworkload = { calls = 12 }\n\
         expect = { guarantee = 'at-most-once', completes = true }",
    );
    proves(&text, 3);
}

/// A crash between the execution and the reply makes the restarted server run the call again; a
/// reply on its disk prevents that.
#[test]
fn crash_points_are_the_reports_of_hosts() {
    let rpc = |options: &str| {
        let rest = "workload = { calls = 3 }\nexpect = { guarantee = 'at-most-once' }";
        scenario("rpc", &format!("options = {{ {options} }}\n{rest}"))
    };
    let kinds = [FaultKind::Crash];
    let forgetful = rpc("semantics = 'at-most-once'");
    assert_eq!(counterexample(&forgetful, &bounds(1, &kinds)), (1, TWICE));
    let durable = rpc("semantics = 'exactly-once'");
    let checked = check(&durable, &bounds(2, &kinds));
    assert!(checked.counterexample.is_none() && checked.total().run > 50, "{checked:?}");
}

/// Whatever a partition takes away need not be lost as well: the states behind are the same.
#[test]
fn what_changes_nothing_is_skipped() {
    let text = scenario(
        "stop-and-wait",
        "options = { timeout = '50ms' }\nworkload = { messages = 6 }\n\
         fault = [{ at = '35ms', for = '300ms', action = 'partition', groups = ['client-1', 'server'] }]\n\
         expect = { guarantee = 'exactly-once', completes = true }",
    );
    let checked = check(&text, &bounds(2, &[FaultKind::Drop]));
    assert!(checked.counterexample.is_none());
    assert!(checked.total().skipped > 20, "{checked:?}");
}

/// Skipping changes neither what is found nor that nothing is.
#[test]
fn a_search_without_skipping_finds_the_same() {
    let partition = "fault = [{ at = '35ms', for = '60ms', action = 'partition', \
                     groups = ['client-1', 'server'] }]";
    for (protocol, options) in [
        ("stop-and-wait", "timeout = '50ms'"),
        ("retry", "timeout = '50ms'"),
        ("go-back-n", "window = 4, sequence_bits = 2, unsafe_window = true, timeout = '50ms'"),
        (
            "selective-repeat",
            "window = 3, sequence_bits = 2, unsafe_window = true, timeout = '50ms'",
        ),
        ("rpc", "semantics = 'at-least-once'"),
        ("rpc", "semantics = 'at-most-once'"),
    ] {
        let text = scenario(
            protocol,
            &format!(
                "options = {{ {options} }}\nworkload = {{ messages = 5 }}\n{partition}\n\
                 expect = {{ guarantee = 'exactly-once', order = 'fifo' }}"
            ),
        );
        let mut skipped = 0;
        for kinds in [&[FaultKind::Drop, FaultKind::Delay][..], &PACKETS, &[FaultKind::Crash]] {
            let bounds = bounds(3, kinds);
            let bounds = Bounds { first: 12, ..bounds };
            let fast = check(&text, &bounds);
            let slow = check(&text, &Bounds { skip: false, ..bounds });
            assert_eq!(slow.total().skipped, 0);
            skipped += fast.total().skipped;
            let found = |checked: &Checked| {
                let found = checked.counterexample.as_ref();
                found.map(|found| (found.faults, found.failure.clone(), found.text.clone()))
            };
            assert_eq!(found(&fast), found(&slow), "{protocol} {options} {kinds:?}");
        }
        println!("{protocol} {options}: {skipped} skipped");
    }
}

/// The file's own chance is off: that too little of something happens then is no violation.
#[test]
fn too_little_of_something_is_no_violation() {
    let text = scenario(
        "stop-and-wait",
        "workload = { messages = 3 }\n\
         expect = { guarantee = 'exactly-once', events = { retransmission = '1..' } }",
    );
    let checked = check(&text, &bounds(1, &[FaultKind::Drop]));
    assert!(checked.counterexample.is_none(), "{checked:?}");
}

/// Of a file that asks for a violation, that is looked for, and not what else the file expects of its run.
#[test]
fn a_violation_that_is_asked_for_is_found() {
    let text = scenario(
        "retry",
        "options = { timeout = '25ms' }\n\
         workload = { messages = 2 }\n\
         expect = { violates = ['at-most-once'], cost = { retransmissions = '1..' }, \
                    events = { retransmission = '..=0' } }",
    );
    let found = check(&text, &bounds(2, &PACKETS)).counterexample.expect("a counterexample");
    assert_eq!(found.breach, TWICE);
    assert_eq!(found.failure, TWICE.to_string());
    let again = Registry::shipped().parse("counterexample", &found.text).unwrap();
    let outcome = Registry::shipped().run(&again, Settings::default()).unwrap();
    assert_eq!(outcome.verdict(), Verdict::Pass, "{}", found.text);
}

/// A partition that an event triggers, and that a crash may prevent, hides when a copy would have come.
#[test]
fn partitions_that_come_and_go_hide_nothing() {
    let text = scenario(
        "stop-and-wait",
        "options = { timeout = '40ms' }\nworkload = { messages = 4 }\n\
         fault = [{ event = { host = 'server', name = 'delivered' }, nth = 2, for = '25ms', \
         action = 'partition', groups = ['client-1', 'server'] }]\n\
         expect = { guarantee = 'at-most-once' }",
    );
    let kinds = [FaultKind::Delay, FaultKind::Late, FaultKind::Crash];
    let lengths = Lengths { late: 15 * MS, down: 10 * MS };
    let bounds = Bounds { lengths, first: 12, ..bounds(2, &kinds) };
    let [fast, slow] = [true, false].map(|skip| check(&text, &Bounds { skip, ..bounds }));
    let found = |checked: &Checked| {
        checked.counterexample.as_ref().map(|found| (found.faults, found.text.clone()))
    };
    assert_eq!(found(&fast), found(&slow));
}

/// Faults of the file that need not hit stay so in a counterexample, and the others do not.
#[test]
fn the_files_own_faults_stay_what_they_are() {
    let text = scenario(
        "retry",
        "workload = { messages = 3 }\nexpect = { guarantee = 'at-most-once' }\n\
         fault = [{ name = 'own', packet = { kind = 'data' }, nth = 2, action = 'delay', by = '1ms' }, \
         { name = 'spare', packet = { kind = 'data' }, nth = 9, action = 'drop', optional = true }]",
    );
    let found = check(&text, &bounds(1, &[FaultKind::Drop])).counterexample.unwrap();
    assert_eq!(found.text.matches("optional = true").count(), 1, "{}", found.text);
}

/// Faults that are placed take no names that the file's own have.
#[test]
fn placed_faults_have_names_of_their_own() {
    let text = scenario(
        "retry",
        "workload = { messages = 2 }\nexpect = { guarantee = 'at-most-once' }\n\
         fault = [{ name = 'drop-1', packet = { kind = 'data' }, nth = 9, action = 'drop' }]",
    );
    let found = check(&text, &bounds(1, &[FaultKind::Drop])).counterexample.unwrap();
    assert!(found.text.contains("name = \"drop-2\""), "{}", found.text);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let text = scenario(
        "selective-repeat",
        "options = { window = 4, sequence_bits = 2, unsafe_window = true, timeout = '100ms' }\n\
         workload = { messages = 8 }\nexpect = { guarantee = 'exactly-once' }",
    );
    let with = |jobs| {
        let checked =
            check(&text, &Bounds { jobs, ..bounds(4, &[FaultKind::Drop, FaultKind::Delay]) });
        (checked.levels, checked.counterexample.map(|found| found.text))
    };
    let one = with(1);
    assert!(one.1.is_some());
    for jobs in [2, 3, 8] {
        assert_eq!(with(jobs), one);
    }
}

#[test]
fn the_files_own_chance_is_off() {
    let text = "title = 'a test'\nprotocol = 'ack'\nworkload = { messages = 3 }\n\
        link = [{ delay = '10ms', jitter = '9ms', loss = '90%', duplicate = '50%' }]\n\
        fault = [{ packet = {}, chance = '99%', action = 'drop' }]\n\
        expect = { guarantee = 'exactly-once' }";
    let checked = check(text, &bounds(0, &PACKETS));
    assert!(checked.counterexample.is_none());
    assert_eq!((checked.total().run, checked.total().undecided), (1, 0));
}

fn shrink(text: &str, seed: u64) -> Result<Shrunk, ShrinkError> {
    let registry = Registry::shipped();
    let scenario = registry.parse("chaos", text).unwrap_or_else(|errors| panic!("{errors}"));
    let protocol = registry.protocol(scenario.protocol()).unwrap();
    let how = Shrink {
        seed: Some(seed),
        unless: None,
        payload: None,
        base: Path::new("."),
        stop: &|| false,
    };
    search::shrink(&scenario, protocol, how)
}

/// A bad day for a protocol: everything that a network does, and crashes.
fn chaos(protocol: &str, options: &str, report: &str, expect: &str) -> String {
    format!(
        "title = 'Everything at once'\nprotocol = '{protocol}'\nduration = '10s'\n\
         options = {{ {options} }}\nworkload = {{ clients = 3, messages = 30 }}\n\
         expect = {{ {expect} }}\n\
         [[link]]\ndelay = '10ms'\njitter = '8ms'\nloss = '20%'\nduplicate = '8%'\nreorder = '5%'\n\
         corrupt = '2%'\n\
         [[fault]]\nat = '300ms..800ms'\nfor = '50ms..400ms'\naction = 'partition'\n\
         groups = ['client-*', 'server']\noptional = true\n\
         [[fault]]\nevent = {{ host = 'server', name = '{report}' }}\nchance = '8%'\n\
         action = 'crash'\nhost = 'server'\nfor = '200ms'\noptional = true\n\
         [[fault]]\npacket = {{ to = 'server' }}\nchance = '5%'\naction = 'delay'\nby = '400ms'\n\
         optional = true\n"
    )
}

/// Every protocol that can fail, and how it is asked to.
const FRAGILE: [(&str, &str, &str, &str); 12] = [
    ("udp", "wait = false", "delivered", "guarantee = 'exactly-once'"),
    ("ack", "", "delivered", "guarantee = 'exactly-once'"),
    ("retry", "", "delivered", "guarantee = 'at-most-once'"),
    ("unique-id", "", "delivered", "guarantee = 'at-most-once'"),
    ("stop-and-wait", "", "delivered", "guarantee = 'at-most-once'"),
    ("go-back-n", "", "delivered", "guarantee = 'exactly-once', completes = true"),
    ("selective-repeat", "", "delivered", "guarantee = 'exactly-once', completes = true"),
    ("stream", "", "delivered", "guarantee = 'exactly-once', completes = true"),
    ("file-transfer", "", "delivered", "guarantee = 'exactly-once'"),
    ("rpc", "semantics = 'maybe'", "executed", "guarantee = 'exactly-once'"),
    ("rpc", "semantics = 'at-least-once'", "executed", "guarantee = 'at-most-once'"),
    ("rpc", "semantics = 'at-most-once'", "executed", "guarantee = 'at-most-once'"),
];

/// Of each protocol twenty failing runs with twenty faults or more: at most three are left.
#[test]
fn chaos_shrinks_to_a_few_faults() {
    let registry = Registry::shipped();
    for (protocol, options, report, expect) in FRAGILE {
        let text = chaos(protocol, options, report, expect);
        let (mut counts, mut before) = (Vec::new(), Vec::new());
        for seed in 0..400 {
            let shrunk = match shrink(&text, seed) {
                Ok(shrunk) if shrunk.before.faults >= 20 => shrunk,
                Ok(_) | Err(ShrinkError::NoFailure { .. }) => continue,
                Err(error) => panic!("{protocol}, seed {seed}: {error}"),
            };
            let outcome = registry.run(&shrunk.scenario, Settings::default()).unwrap();
            assert_eq!(outcome.verdict(), Verdict::Fail, "{}", shrunk.text);
            assert_eq!(outcome.report.breaches[0], shrunk.breach, "{}", shrunk.text);
            assert!(shrunk.after.faults <= 3, "{protocol}, seed {seed}:\n{}", shrunk.text);
            assert!(shrunk.after.operations <= shrunk.before.operations);
            assert!(shrunk.after.clients <= shrunk.before.clients);
            assert!(shrunk.faults.iter().all(|(_, needed)| *needed), "{}", shrunk.text);
            counts.push(shrunk.after.faults);
            before.push(shrunk.before.faults);
            if counts.len() == 20 {
                break;
            }
        }
        assert_eq!(counts.len(), 20, "{protocol} {options}: too few failing runs");
        counts.sort_unstable();
        before.sort_unstable();
        println!(
            "{protocol} {options}: faults before {}, after {} (medians of 20 failing seeds; most after: {})",
            before[10], counts[10], counts[19]
        );
    }
}

#[test]
fn shrinking_is_deterministic() {
    let text = chaos("selective-repeat", "", "delivered", "guarantee = 'exactly-once'");
    let failing = (0..100).find(|seed| shrink(&text, *seed).is_ok()).unwrap();
    let [one, other] = [(); 2].map(|()| shrink(&text, failing).unwrap());
    assert_eq!((one.text, one.runs), (other.text, other.runs));
}

/// A search whose time is up at once still gives a file that fails.
#[test]
fn a_search_that_is_stopped_gives_what_it_has() {
    let registry = Registry::shipped();
    let text = chaos("retry", "", "delivered", "guarantee = 'at-most-once'");
    let scenario = registry.parse("chaos", &text).unwrap();
    let protocol = registry.protocol("retry").unwrap();
    for most in [0, 1, 2, 10, 30] {
        let runs = std::cell::Cell::new(0);
        let stop = || {
            runs.set(runs.get() + 1);
            runs.get() > most
        };
        let how = Shrink {
            seed: Some(1),
            unless: None,
            payload: None,
            base: Path::new("."),
            stop: &stop,
        };
        let shrunk = search::shrink(&scenario, protocol, how).unwrap();
        let outcome = registry.run(&shrunk.scenario, Settings::default()).unwrap();
        assert!(outcome.report.breaches.contains(&shrunk.breach), "{most}: {}", shrunk.text);
    }
}

/// Faults at a time come earlier, and so fewer operations are enough.
#[test]
fn timed_faults_come_earlier() {
    let text = scenario(
        "retry",
        "workload = { messages = 30 }\nexpect = { guarantee = 'at-most-once' }\n\
         fault = [{ at = '515ms', for = '50ms', action = 'partition', \
         groups = ['client-1', 'server'] }]",
    );
    let shrunk = shrink(&text, 1).unwrap();
    assert_eq!((shrunk.after.faults, shrunk.after.operations), (1, 1), "{}", shrunk.text);
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let text = scenario("stop-and-wait", "expect = { guarantee = 'exactly-once' }");
    let error = shrink(&text, 1).unwrap_err();
    assert_eq!(error.to_string(), "there is nothing to shrink: with seed 1 the verdict is pass");
}

/// A run that shows the violation its file asks for is shrunk to a file that shows it, too.
#[test]
fn an_expected_violation_shrinks_too() {
    let text = chaos("retry", "", "delivered", "violates = ['at-most-once']");
    let shrunk = shrink(&text, 1).unwrap();
    assert_eq!(shrunk.breach, TWICE);
    assert!(shrunk.after.faults <= 1, "{}", shrunk.text);
    let outcome = Registry::shipped().run(&shrunk.scenario, Settings::default()).unwrap();
    assert_eq!(outcome.verdict(), Verdict::Pass, "{}", shrunk.text);
}
