//! `squall explore` and `squall merge`: results do not depend on how the work is shared.

use serde_json::Value;

use crate::command::{folder, squall, squall_with_input, text};

/// `retry` delivers twice under some seeds.
const FAILING: &str = "title = 'Sometimes twice'\nprotocol = 'retry'\nworkload = { messages = 3 }\n\
    link = [{ delay = '10ms', loss = '2%' }]\n\
    expect = { guarantee = 'at-most-once', sometimes = ['retransmission', 'unknown'] }\n\
    fault = [{ name = 'copies', packet = { kind = 'ack' }, chance = '5%', action = 'duplicate', optional = true }]";

/// `stop-and-wait` never does.
const PASSING: &str = "title = 'Always once'\nprotocol = 'stop-and-wait'\nworkload = { messages = 3 }\n\
    link = [{ delay = '10ms', loss = '2%' }]\n\
    expect = { guarantee = 'exactly-once', sometimes = ['retransmission', 'duplicate-suppressed'] }";

/// A sweep as JSON, and its exit status.
fn explore(scenario: &str, arguments: &[&str]) -> (String, Option<i32>) {
    let arguments = [&["explore", "-", "--format", "json"], arguments].concat();
    let output = squall_with_input(&arguments, scenario);
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    (text(&output.stdout), output.status.code())
}

#[test]
fn jobs_and_shards_change_nothing() {
    for (name, scenario, more, status) in [
        ("failing", FAILING, &["--keep-going"][..], 1),
        ("ended", FAILING, &[], 1),
        ("passing", PASSING, &["--keep-going"], 0),
        ("passing_to_the_end", PASSING, &[], 0),
    ] {
        let seeds = ["--seeds", "0..10000"];
        let with = |others: &[&str]| explore(scenario, &[&seeds, more, others].concat());
        let (whole, code) = with(&["--jobs", "1"]);
        assert_eq!(code, Some(status), "{whole}");
        for others in [&["--jobs", "2"][..], &["--jobs", "2", "--isolate"], &["--jobs", "7"]] {
            assert_eq!(with(others), (whole.clone(), code), "{name}, {others:?}");
        }
        let folder = folder(&format!("shards_{name}"));
        // In no order.
        let parts = [3, 1, 4, 2].map(|i| {
            let path = folder.join(format!("{i}.json"));
            let (part, _) = with(&["--shard", &format!("{i}/4"), "--jobs", "2"]);
            std::fs::write(&path, part).unwrap();
            path.to_str().unwrap().to_owned()
        });
        let mut arguments = vec!["merge", "--format", "json"];
        arguments.extend(parts.iter().map(String::as_str));
        let merged = squall(&arguments);
        assert_eq!((text(&merged.stdout), merged.status.code()), (whole.clone(), code), "{name}");
        let sweep: Value = serde_json::from_str(&whole).unwrap();
        let runs = sweep["runs"].as_u64().unwrap();
        assert_eq!(runs == 10_000, name != "ended", "{whole}");
        assert_eq!(sweep["verdict"], if status == 0 { "pass" } else { "fail" });
    }
}

/// The sums are those of single runs, the named seeds the first that fail.
#[test]
fn a_sweep_is_the_sum_of_its_runs() {
    let (json, _) = explore(FAILING, &["--seeds", "100..=399", "--keep-going"]);
    let sweep: Value = serde_json::from_str(&json).unwrap();
    let registry = squall::Registry::shipped();
    let scenario = registry.parse("-", FAILING).unwrap();
    let (mut failing, mut hits, mut sent, mut retransmitting) = (Vec::new(), 0, 0, 0);
    for seed in 100..400 {
        let settings = squall::Settings { seed: Some(seed), ..Default::default() };
        let outcome = registry.run(&scenario, settings).unwrap();
        if outcome.verdict() == squall::check::Verdict::Fail {
            failing.push(seed);
        }
        hits += outcome.run.faults[0].hits;
        sent += outcome.run.counts.sent;
        retransmitting += u64::from(outcome.run.counts.reports.contains_key("retransmission"));
    }
    assert!(failing.len() > 10);
    assert_eq!(sweep["verdicts"]["fail"], failing.len());
    assert_eq!(sweep["faults"][0]["hits"], hits);
    assert_eq!(sweep["datagrams"]["sent"], sent);
    assert_eq!(sweep["sometimes"][0]["runs"], retransmitting);
    let named = sweep["failures"].as_array().unwrap().iter();
    let named: Vec<u64> = named.map(|failure| failure["seed"].as_u64().unwrap()).collect();
    assert_eq!(named, failing[..10]);
}

#[test]
fn a_condition_that_no_run_reaches_fails_the_sweep() {
    let never = PASSING.replace("loss = '2%'", "loss = '0%'");
    let (json, code) = explore(&never, &["--seeds", "0..50"]);
    assert_eq!(code, Some(1), "{json}");
    let output = squall_with_input(&["explore", "-", "--seeds", "0..50"], &never);
    let said = text(&output.stdout);
    assert!(said.starts_with("FAIL "), "{said}");
    assert!(said.contains("no run reached retransmission, which some must"), "{said}");
    // A single run is not asked.
    assert_eq!(squall_with_input(&["run", "-"], &never).status.code(), Some(0));
}

/// No bar and no colours where no terminal is; the timeline of the first failing seed, and its replay line.
#[test]
fn text_is_for_people_and_pipes() {
    let output = squall_with_input(&["explore", "-", "--seeds", "0..2000"], FAILING);
    assert!(output.stderr.is_empty());
    let said = text(&output.stdout);
    assert!(!said.contains('\u{1b}') && !said.contains('\r'), "{said}");
    assert!(said.contains("= delivered client-1#"), "{said}");
    assert!(said.contains("the first failing seed ended the sweep"), "{said}");
    let failing =
        said.lines().find_map(|line| line.trim().strip_prefix("repeat with: squall run - "));
    let seed = failing.and_then(|rest| rest.strip_prefix("--seed ")).expect(&said);
    let output = squall_with_input(&["run", "-", "--seed", seed], FAILING);
    assert_eq!(output.status.code(), Some(1));
}

/// However many runs are ended for taking too long, none is forgotten and none counts twice.
#[test]
fn a_short_timeout_loses_no_seeds() {
    let folder = folder("short_timeout");
    let file = folder.join("slow.toml");
    let slow = "title = 'long runs'\nprotocol = 'stop-and-wait'\nduration = '3000s'\n\
                workload = { messages = 70000 }\nlink = [{ delay = '1ms' }]\n";
    std::fs::write(&file, slow).unwrap();
    let file = file.to_str().unwrap();
    let fixed = ["explore", file, "--seeds", "0..70", "--keep-going", "--timeout", "1ms"];
    let output = squall(&[&fixed[..], &["--jobs", "1", "--format", "json"]].concat());
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["runs"], 70);
    assert_eq!(said["complete"], true);
    let (pass, fail) = (&said["verdicts"]["pass"], &said["verdicts"]["fail"]);
    assert_eq!(pass.as_u64().unwrap() + fail.as_u64().unwrap(), 70);
    assert!(fail.as_u64().unwrap() > 0);
    let failures = said["failures"].as_array().unwrap().iter();
    let seeds: Vec<u64> = failures.map(|one| one["seed"].as_u64().unwrap()).collect();
    assert!(seeds.is_sorted_by(|a, b| a < b), "{seeds:?}");
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let folder = folder("foreign_parts");
    let part = |name: &str, scenario: &str, arguments: &[&str]| {
        let path = folder.join(name);
        std::fs::write(&path, explore(scenario, arguments).0).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let one = part("one", PASSING, &["--seeds", "0..90", "--shard", "1/3"]);
    let two = part("two", PASSING, &["--seeds", "0..90", "--shard", "2/3"]);
    let three = part("three", PASSING, &["--seeds", "0..90", "--shard", "3/3"]);
    let longer = part("longer", PASSING, &["--seeds", "0..99", "--shard", "2/3"]);
    let other = part("other", FAILING, &["--seeds", "0..90", "--shard", "2/3"]);
    let on_turmoil =
        part("turmoil", PASSING, &["--seeds", "0..90", "--shard", "2/3", "--engine", "turmoil"]);
    let going = part("going", PASSING, &["--seeds", "0..90", "--shard", "2/3", "--keep-going"]);
    let broken = folder.join("broken").to_str().unwrap().to_owned();
    let whole = std::fs::read_to_string(&two).unwrap();
    std::fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    let cut = folder.join("cut").to_str().unwrap().to_owned();
    std::fs::write(&cut, whole.replace("\"complete\":true", "\"complete\":false")).unwrap();
    let altered = folder.join("altered").to_str().unwrap().to_owned();
    std::fs::write(&altered, whole.replace("\"pass\":30", "\"pass\":31")).unwrap();
    let short = folder.join("short").to_str().unwrap().to_owned();
    let fewer = whole.replace("\"pass\":30", "\"pass\":29").replace("\"runs\":30", "\"runs\":29");
    std::fs::write(&short, fewer).unwrap();
    for (parts, why) in [
        (vec![&one, &three], "the seeds 30..60 are missing"),
        (vec![&one, &two], "the seeds 60..90 are missing"),
        (vec![&two, &three], "the seeds 0..30 are missing"),
        (vec![&one, &two, &two, &three], "the seeds 30..60 are in two parts"),
        (vec![&one, &cut, &three], "the part with the seeds 30..60 was interrupted"),
        (vec![&one, &longer, &three], "the range of seeds differs, 0..90 and 0..99"),
        (vec![&one, &other, &three], "the scenario's content differs"),
        (vec![&one, &on_turmoil, &three], "the engine differs, event and turmoil"),
        (vec![&one, &going, &three], "--keep-going differs"),
        (vec![&one, &broken, &three], "this is no part of a sweep: EOF"),
        (vec![&one, &altered, &three], "its numbers do not add up: 30 runs"),
        (vec![&one, &short, &three], "its numbers do not add up: 29 runs"),
    ] {
        let arguments: Vec<&str> =
            ["merge"].into_iter().chain(parts.iter().map(|part| part.as_str())).collect();
        let output = squall(&arguments);
        assert_eq!(output.status.code(), Some(65), "{why}");
        let said = text(&output.stderr);
        assert!(said.contains(why), "{why}: {said}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(squall(&["merge", &one, &two, &three]).status.code(), Some(0));
    assert_eq!(squall(&["merge", "nowhere.json"]).status.code(), Some(64));
}

#[test]
fn failures_are_saved_as_scenarios_that_fail() {
    let folder = folder("saved_failures");
    let file = folder.join("chaos.toml");
    std::fs::write(&file, FAILING).unwrap();
    let found = folder.join("found");
    let save = || {
        let [file, found] = [&file, &found].map(|path| path.to_str().unwrap());
        squall(&["explore", file, "--seeds", "0..1000", "--keep-going", "--save", found])
    };
    let output = save();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let saved: Vec<_> =
        std::fs::read_dir(&found).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!((1..10).contains(&saved.len()), "of ten some are alike: {saved:?}");
    for path in &saved {
        assert!(text(&output.stdout).contains(path.to_str().unwrap()));
        assert_eq!(squall(&["run", path.to_str().unwrap()]).status.code(), Some(1), "{path:?}");
    }
    let before: Vec<_> = saved.iter().map(|path| std::fs::read(path).unwrap()).collect();
    // What is there stays as it is, and nothing that is like it is added.
    let again = save();
    assert_eq!((again.status.code(), text(&again.stderr).as_str()), (Some(1), ""));
    assert_eq!(std::fs::read_dir(&found).unwrap().count(), saved.len());
    let after: Vec<_> = saved.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(before, after);
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, why) in [
        (&["--seeds", "5..5"][..], "there is no seed in 5..5"),
        (&["--seeds", "9"], "write A..B (without B) or A..=B (with it)"),
        (&["--seeds", "0..9", "--shard", "0/4"], "write I/N, with I from 1 to N"),
        (&["--seeds", "0..9", "--shard", "5/4"], "write I/N, with I from 1 to N"),
        (&["--seeds", "0..9", "--jobs", "0"], "--jobs"),
        (&["--seeds", "0..9", "--timeout", "5"], "a unit is missing"),
        (&["--seeds", "0..9", "--max-memory", "1B"], "a run needs 1MiB at least"),
        (&["--seeds", "0..9", "--save", "x"], "--save needs the scenario in a file"),
        (&[], "--seeds"),
    ] {
        let output = squall(&[&["explore", "-"], arguments].concat());
        assert_eq!(output.status.code(), Some(64), "{why}");
        assert!(text(&output.stderr).contains(why), "{why}: {}", text(&output.stderr));
    }
}

/// Ctrl-C ends a sweep with what is known so far.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_sweep_with_what_is_known() {
    use std::io::Read;
    use std::process::{Command, Stdio};
    let folder = folder("interrupted");
    let file = folder.join("long.toml");
    std::fs::write(&file, PASSING).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(["explore", file.to_str().unwrap(), "--seeds", "0..1000000000", "--format", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Until it works, Ctrl-C is the system's.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut json = String::new();
    child.stdout.take().unwrap().read_to_string(&mut json).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{json}");
    let sweep: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(sweep["complete"], false);
    let path = folder.join("part.json");
    std::fs::write(&path, &json).unwrap();
    let merged = squall(&["merge", path.to_str().unwrap()]);
    assert_eq!(merged.status.code(), Some(65));
    assert!(text(&merged.stderr).contains("was interrupted: run it again"));
}
