//! Shipped protocols at the limits of their options, and what went wrong there once.

use squall::check::Verdict;
use squall::{Outcome, Registry, Settings};

fn run(text: &str) -> Outcome {
    let registry = Registry::shipped();
    let scenario = registry.parse("test", &format!("title = 'a test'\n{text}"));
    registry
        .run(&scenario.unwrap_or_else(|errors| panic!("{errors}")), Settings::default())
        .unwrap()
}

fn assert_passes(text: &str) -> Outcome {
    let outcome = run(text);
    assert_eq!(outcome.verdict(), Verdict::Pass, "{:?}\n{text}", outcome.report.failures);
    outcome
}

const EXACTLY_ONCE: &str =
    "[expect]\nguarantee = 'exactly-once'\norder = 'fifo'\ncompletes = true\n";

#[test]
fn a_stream_that_gives_up_leaves_the_outcome_unknown() {
    let outcome = assert_passes(
        "protocol = 'stream'
         options = { max_attempts = 2 }
         workload = { messages = 3, interval = '1s' }
         fault = [{ at = '1500ms', action = 'partition', groups = [['client-1'], ['server']] }]
         expect = { guarantee = 'at-most-once', completes = true }",
    );
    let counts = outcome.to_json()["operations"].to_string();
    assert_eq!(counts, r#"{"issued":3,"completed":2,"failed":0,"unknown":1}"#);
}

#[test]
fn a_lost_window_update_stops_no_stream() {
    assert_passes(&format!(
        "protocol = 'stream'
         [options]
         receive_window = '68B'
         segment = '68B'
         read_interval = '500ms'
         [workload]
         messages = 3
         interval = '100ms'
         [[fault]]
         packet = {{ kind = 'ack', window = 68 }}
         first = 1
         action = 'drop'
         {EXACTLY_ONCE}"
    ));
}

#[test]
fn streams_of_single_bytes_arrive() {
    assert_passes(&format!(
        "protocol = 'stream'
         duration = '1h'
         [options]
         segment = '1B'
         receive_window = '1B'
         send_buffer = '1B'
         read_size = '1B'
         read_interval = '1ms'
         [workload]
         clients = 3
         messages = 20
         size = '20B'
         [[link]]
         delay = '10ms'
         loss = '10%'
         {EXACTLY_ONCE}"
    ));
}

#[test]
fn a_minimum_timeout_may_be_longer_than_a_minute() {
    for protocol in ["stop-and-wait", "go-back-n", "selective-repeat", "stream"] {
        assert_passes(&format!(
            "protocol = '{protocol}'
             duration = '1h'
             options = {{ timeout = 'adaptive', min_timeout = '61s' }}
             workload = {{ messages = 3 }}
             fault = [{{ packet = {{ from = 'server' }}, first = 1, action = 'drop' }}]
             {EXACTLY_ONCE}"
        ));
    }
}

const LOWER: [&str; 6] =
    ["retry", "unique-id", "stop-and-wait", "go-back-n", "selective-repeat", "stream"];

/// The receiver knows the port, and with it the numbers of the file before.
#[test]
fn several_files_from_one_port_arrive() {
    for (over, end_to_end) in LOWER.iter().flat_map(|over| [(over, true), (over, false)]) {
        assert_passes(&format!(
            "protocol = 'file-transfer'
             [options]
             over = '{over}'
             client_port = 5000
             end_to_end = {end_to_end}
             [workload]
             messages = 3
             size = '4KiB'
             {EXACTLY_ONCE}"
        ));
    }
}

#[test]
fn more_files_than_there_are_ports_arrive() {
    let outcome = assert_passes(&format!(
        "protocol = 'file-transfer'
         options = {{ over = 'go-back-n', end_to_end = false }}
         workload = {{ messages = 17000, size = '8B' }}
         link = [{{ delay = '1ms' }}]
         {EXACTLY_ONCE}"
    ));
    assert_eq!(outcome.to_json()["executions"]["total"], 17_000);
}

#[test]
fn the_largest_file_arrives() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("limits");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("largest"), vec![7; 64 << 20]).unwrap();
    let text = format!(
        "title = 'a test'
         protocol = 'file-transfer'
         options = {{ chunk = '65000B' }}
         workload = {{ file = 'largest' }}
         {EXACTLY_ONCE}"
    );
    let registry = Registry::shipped();
    std::fs::write(folder.join("largest.toml"), text).unwrap();
    let scenario = registry.load(&folder.join("largest.toml")).unwrap();
    let outcome = registry.run(&scenario, Settings::default()).unwrap();
    assert_eq!(outcome.verdict(), Verdict::Pass, "{:?}", outcome.report.failures);
}

/// Bits flip in the place and the length of pieces, and nobody checks before they are stored.
#[test]
fn damaged_pieces_do_not_end_the_receiver() {
    for seed in 0..200 {
        let outcome = run(&format!(
            "protocol = 'file-transfer'
             seed = {seed}
             options = {{ over = 'retry', chunk = '16B' }}
             workload = {{ messages = 5 }}
             link = [{{ udp_checksum = false }}]
             fault = [{{ packet = {{ kind = 'data' }}, every = 3, action = 'corrupt', bits = 99 }}]"
        ));
        assert_eq!(outcome.run.errors, Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn the_smallest_windows_and_fragments_work() {
    for protocol in ["go-back-n", "selective-repeat"] {
        assert_passes(&format!(
            "protocol = '{protocol}'
             duration = '1h'
             [options]
             window = 1
             sequence_bits = 1
             fragment = '32B'
             [workload]
             clients = 4
             messages = 50
             size = '200B'
             [[link]]
             delay = '10ms'
             loss = '5%'
             {EXACTLY_ONCE}"
        ));
    }
}
