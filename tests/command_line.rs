//! The command line: exit statuses, output, and what is said about wrong input.

use std::process::{Command, Stdio};

use crate::command::{folder, squall, squall_with_input, text};

const GOOD: &str = "title = 'One message'\nprotocol = 'ack'\n";

#[test]
fn exit_statuses_are_the_documented_ones() {
    let verdicts = |file: &str| format!("tests/verdicts/{file}.toml");
    let status = |arguments: &[&str]| squall(arguments).status.code();
    assert_eq!(squall_with_input(&["run", "-"], GOOD).status.code(), Some(0));
    assert_eq!(status(&["run", &verdicts("retry_is_not_exactly_once")]), Some(1));
    assert_eq!(status(&["run", &verdicts("a_fault_never_hits")]), Some(2));
    assert_eq!(status(&["run", &verdicts("cut_off")]), Some(2));
    assert_eq!(status(&["run", "tests/verdicts"]), Some(1), "a failure outweighs the undecided");
    assert_eq!(status(&["run", "no/such.toml"]), Some(64));
    assert_eq!(status(&["run", "--sed", "7", "x.toml"]), Some(64));
    assert_eq!(status(&["run"]), Some(64));
    assert_eq!(status(&[]), Some(64));
    assert_eq!(squall_with_input(&["run", "-"], "title = 3").status.code(), Some(65));
    assert_eq!(status(&["--help"]), Some(0));
    assert_eq!(status(&["--version"]), Some(0));
    assert_eq!(status(&["schema"]), Some(0));
}

#[test]
fn an_option_of_the_matrix_is_one_option_and_nothing_else() {
    let status = |set: &str| {
        let matrix = ["matrix", "--protocol", "udp", "--seeds", "1", "--format", "json", "--set"];
        squall(&[&matrix[..], &[set]].concat()).status.code()
    };
    assert_eq!(status("wait=false"), Some(0));
    for set in ["wait", "wait=", "wait=false\n[workload]\nclients=9", "[workload]\nmessages=1"] {
        assert_eq!(status(set), Some(64), "{set}");
    }
    assert_eq!(status("wait=3"), Some(65));
}

#[test]
fn a_broken_file_is_shown_with_the_place_and_without_a_backtrace() {
    let output = squall_with_input(&["run", "-"], "title = 'x'\nprotocl = 'ack'\n");
    let error = text(&output.stderr);
    assert!(error.contains("protocl"), "{error}");
    assert!(error.contains("-:2"), "{error}");
    assert!(error.contains("protocol"), "the nearest key: {error}");
    assert!(!error.contains("backtrace") && !error.contains("panicked"), "{error}");
    assert!(output.stdout.is_empty());
    let missing = text(&squall(&["run", "no/such.toml"]).stderr);
    assert!(
        missing.contains("no/such.toml") && missing.contains("give a scenario file"),
        "{missing}"
    );
}

#[test]
fn json_has_the_fields_of_the_contract_one_object_a_line() {
    let output = squall(&["run", "tests/verdicts", "--format", "json", "--seed", "5"]);
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 4);
    for line in lines.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        for field in [
            "scenario",
            "title",
            "protocol",
            "engine",
            "seed",
            "verdict",
            "trace_hash",
            "sim_time_ns",
            "datagrams",
            "drops",
            "operations",
            "executions",
            "guarantees",
            "faults",
            "failures",
            "replay",
        ] {
            assert!(object.get(field).is_some(), "{field} is missing: {line}");
        }
        assert_eq!(object["seed"], 5);
    }
}

#[test]
fn output_in_a_pipe_has_no_colours_and_no_control_characters() {
    let hostile = "title = \"a\\u001b[31m red\"\nprotocol = 'ack'\nx\u{1b}[0m = 1\n";
    for (input, status) in [(GOOD, 0), (hostile, 65)] {
        let output = squall_with_input(&["run", "-", "--timeline", "full"], input);
        assert_eq!(output.status.code(), Some(status));
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
    }
}

#[test]
fn a_trace_is_replayed_and_drawn_and_nothing_is_overwritten() {
    let folder = folder("replay");
    let trace = folder.join("a.trace");
    let trace = trace.to_str().unwrap();
    let run = |more: &[&str]| {
        let scenario = "tests/verdicts/retry_is_not_exactly_once.toml";
        squall(&[&["run", scenario, "--trace", trace], more].concat())
    };
    assert_eq!(run(&[]).status.code(), Some(1));
    let before = std::fs::read(trace).unwrap();
    let again = run(&["--seed", "2"]);
    assert_eq!(again.status.code(), Some(64));
    assert!(text(&again.stderr).contains("--force"));
    assert_eq!(std::fs::read(trace).unwrap(), before);
    assert_eq!(run(&["--force"]).status.code(), Some(1));
    assert_eq!(std::fs::read(trace).unwrap(), before, "the same run, the same bytes");

    let replayed = squall(&["replay", trace]);
    assert_eq!(replayed.status.code(), Some(1), "the run's own verdict");
    assert!(text(&replayed.stdout).contains("The run is the recorded one"));

    let drawn = squall(&["report", trace]);
    assert!(text(&drawn.stdout).contains("= delivered client-1#1 (2x)"));
    let pages = folder.join("pages");
    let pages = pages.to_str().unwrap();
    assert_eq!(squall(&["report", trace, "-o", pages]).status.code(), Some(0));
    assert_eq!(squall(&["report", trace, "-o", pages]).status.code(), Some(64));

    std::fs::write(trace, &before[..before.len() / 2]).unwrap();
    let damaged = squall(&["replay", trace]);
    assert_eq!(damaged.status.code(), Some(65));
    assert!(text(&damaged.stderr).contains("a.trace: line "), "{}", text(&damaged.stderr));
}

#[test]
fn a_replay_that_differs_says_where() {
    let folder = folder("differs");
    let (scenario, trace) = (folder.join("a.toml"), folder.join("a.trace"));
    let payload = folder.join("payload");
    // The payload is the one thing that the trace does not hold.
    std::fs::write(&payload, "first").unwrap();
    std::fs::write(&scenario, format!("{GOOD}workload = {{ payload = 'payload' }}")).unwrap();
    let (scenario, trace) = (scenario.to_str().unwrap(), trace.to_str().unwrap());
    assert_eq!(squall(&["run", scenario, "--trace", trace]).status.code(), Some(0));
    assert_eq!(squall(&["replay", trace]).status.code(), Some(0));
    std::fs::write(&payload, "other").unwrap();
    let output = squall(&["replay", trace]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stdout);
    assert!(said.contains("differs from event 2 on"), "{said}");
    assert!(said.contains("HashMap"), "{said}");
}

#[test]
fn a_reader_that_goes_does_not_change_the_exit_status() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(["run", "tests/verdicts", "--timeline", "full"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn the_environment_does_not_change_a_run() {
    let run = |variable: Option<(&str, &str)>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_squall"));
        command.args(["run", "tests/verdicts", "--format", "json"]);
        command.env_remove("RUST_LOG");
        if let Some((name, value)) = variable {
            command.env(name, value);
        }
        command.output().unwrap().stdout
    };
    let plain = run(None);
    assert!(!plain.is_empty());
    assert_eq!(run(Some(("RUST_LOG", "trace"))), plain);
    assert_eq!(run(Some(("RUST_BACKTRACE", "full"))), plain);
    assert_eq!(run(Some(("TZ", "Asia/Kathmandu"))), plain);
}

#[test]
fn the_matrix_is_printed_as_tables_as_json_and_as_scenarios() {
    let one = ["matrix", "--protocol", "retry", "--seeds", "2"];
    let output = squall(&one);
    assert_eq!(output.status.code(), Some(0));
    let tables = text(&output.stdout);
    assert!(tables.starts_with("## retry\n\n| faults "), "{tables}");
    assert!(
        tables.lines().any(|line| line.starts_with("| loss ") && line.contains("at-least-once"))
    );
    assert!(output.stderr.is_empty(), "no progress in a pipe");

    let output = squall(&[&one[..], &["--format", "json", "--set", "timeout = '1s'"]].concat());
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() >= 12);
    assert!(lines.iter().all(|line| line["protocol"] == "retry" && line["runs"] == 2));
    assert_eq!(lines[0]["options"], "timeout = '1s'");

    let output = squall(&["matrix", "--protocol", "retry", "--scenario", "loss"]);
    let again = squall_with_input(&["run", "-"], &text(&output.stdout));
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));

    let status = |arguments: &[&str]| squall(arguments).status.code();
    assert_eq!(status(&["matrix", "--protocol", "retyr"]), Some(64));
    assert_eq!(status(&["matrix", "--scenario", "gremlins"]), Some(64));
    assert_eq!(status(&["matrix", "--seeds", "0"]), Some(64));
    assert_eq!(status(&["matrix", "--protocol", "retry", "--set", "windw=3"]), Some(65));
}

#[test]
fn protocols_may_be_asked_for_by_name() {
    let output = squall(&["protocols", "retry"]);
    let listed = text(&output.stdout);
    assert!(listed.starts_with("retry\n") && !listed.contains("\nstream\n"), "{listed}");
    let output = squall(&["protocols", "retyr"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("there are udp, ack, retry"), "{output:?}");
}
