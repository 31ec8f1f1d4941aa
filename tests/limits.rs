//! Shipped protocols at the limits of their options, and what went wrong there once.

use squall::check::Verdict;
use squall::net::{Rejection, UdpSocket};
use squall::time::Duration;
use squall::{Client, HostResult, Outcome, Protocol, Registry, Server, Settings};
use squall_protocols::channel::{self, Channel};
use squall_protocols::clock::Clock;
use squall_protocols::go_back_n::SendWindow;
use squall_protocols::pipeline;
use squall_protocols::sender::{Numbering, Sender};
use squall_protocols::serial::SequenceSpace;
use squall_protocols::stream::{self, SendBuffer};
use squall_protocols::timer::Timer;
use squall_protocols::wire::Datagram;

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
    for protocol in WINDOWS {
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

const WINDOWS: [&str; 2] = ["go-back-n", "selective-repeat"];

#[test]
fn windows_that_give_up_fail_only_what_was_never_sent() {
    for protocol in WINDOWS {
        let outcome = run(&format!(
            "protocol = '{protocol}'
             options = {{ window = 3, max_attempts = 2 }}
             workload = {{ messages = 5 }}
             link = [{{ loss = '100%' }}]"
        ));
        let counts = outcome.to_json()["operations"].to_string();
        assert_eq!(counts, r#"{"issued":5,"completed":0,"failed":2,"unknown":3}"#, "{protocol}");
    }
}

#[test]
fn no_more_messages_are_taken_than_the_window_holds() {
    for protocol in WINDOWS {
        let outcome = run(&format!(
            "protocol = '{protocol}'
             duration = '1s'
             options = {{ window = 3 }}
             workload = {{ messages = 9 }}
             link = [{{ loss = '100%' }}]"
        ));
        assert_eq!(outcome.to_json()["operations"]["issued"], 3, "{protocol}");
    }
}

#[test]
fn a_paced_sender_sends_at_its_pace() {
    for protocol in WINDOWS {
        let outcome = assert_passes(&format!(
            "protocol = '{protocol}'
             options = {{ pace = '10ms' }}
             workload = {{ messages = 5 }}
             link = [{{ delay = '1ms' }}]
             {EXACTLY_ONCE}"
        ));
        assert_eq!(outcome.to_json()["sim_time_ns"], 42_000_000, "{protocol}");
    }
}

#[test]
fn what_was_delivered_takes_no_memory() {
    assert_passes(
        "protocol = 'selective-repeat'
         workload = { messages = 50 }
         expect = { completes = true, cost = { peak_memory_entries = 2 } }",
    );
}

/// Whatever the length of the message, no datagram is larger than the option says.
#[test]
fn fragments_are_as_large_as_the_option_says_with_headers_and_checksum() {
    for (size, checksum) in (80..110).flat_map(|size| [(size, "crc-32"), (size, "none")]) {
        assert_passes(&format!(
            "protocol = 'go-back-n'
             [options]
             fragment = '100B'
             checksum = '{checksum}'
             [workload]
             messages = 3
             size = '{size}B'
             [[link]]
             mtu = 128
             {EXACTLY_ONCE}"
        ));
    }
}

#[test]
fn what_a_receiver_throws_away_is_counted() {
    let drops = |rest: &str| {
        let outcome = run(&format!("protocol = 'ack'\n{rest}")).to_json();
        let of = |key: &str| outcome["datagrams"][key].as_u64().unwrap();
        assert_eq!(of("sent"), of("delivered") + of("dropped"));
        outcome["drops"].to_string()
    };
    let damaged = "options = { checksum = 'sum' }
                   link = [{ udp_checksum = false }]
                   fault = [{ packet = {}, nth = 1, action = 'corrupt', bits = 1 }]";
    assert_eq!(drops(damaged), r#"{"checksum":1}"#);
    let no_room = "options = { fragment = '50B', reassembly_buffer = '80B' }
                   workload = { size = '100B' }";
    assert_eq!(drops(no_room), r#"{"buffer-full":1}"#);
}

/// Acknowledgements that come from anybody but the server are none.
#[test]
fn strangers_acknowledge_nothing() {
    async fn server(server: Server) -> HostResult {
        let socket = UdpSocket::bind(server.address()).await?;
        let mut channel = Channel::new(socket, channel::Settings::default(), 1000);
        let stranger = UdpSocket::bind("0.0.0.0:7").await?;
        let acks = [0, 1].map(|seq| Datagram::Ack { seq }.encode());
        let ack = stream::Datagram::Ack { ack: 12, window: 99 }.encode();
        loop {
            let (_, from) = channel.recv_from().await?;
            for ack in acks.iter().chain([&ack]) {
                stranger.send_to(ack, from).await?;
            }
        }
    }
    async fn client(mut client: Client) -> HostResult {
        let peer = client.server();
        let timer = Timer { max_attempts: Some(2), ..Timer::fixed(Duration::from_millis(50)) };
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        let mut channel = Channel::new(socket, channel::Settings::default(), 64);
        match client.number() {
            1 => {
                let (clock, numbering) = (Clock::Monotonic, Numbering::Counter);
                Sender::new(channel, peer, timer, clock, numbering).send_all(&mut client).await?;
            }
            2 => {
                let space = SequenceSpace::new(8);
                let settings = pipeline::Settings { window: 1, space, pace: Duration::ZERO };
                let mut window = SendWindow::new(settings, timer);
                let pace = Duration::ZERO;
                pipeline::send_all(&mut client, &mut channel, peer, pace, &mut window).await?;
            }
            _ => {
                let settings = stream::Settings {
                    segment: 100,
                    buffer: 100,
                    congestion: true,
                    flow_control: true,
                };
                let mut buffer = SendBuffer::new(settings, timer);
                stream::send_all(&mut client, &mut channel, peer, &mut buffer).await?;
            }
        }
        Ok(())
    }
    let protocol = Protocol::new("test", "For a test.")
        .events(&["retransmission", "gave-up"])
        .server(server)
        .client(client);
    let outcome = super::run(protocol, "workload = { clients = 3, size = '8B' }");
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    let counts = outcome.to_json()["operations"].to_string();
    assert_eq!(counts, r#"{"issued":3,"completed":0,"failed":0,"unknown":3}"#);
}

/// What does not fit into one read is read later, though nothing more arrives.
#[test]
fn a_slow_reader_reads_to_the_end() {
    assert_passes(&format!(
        "protocol = 'stream'
         [options]
         read_interval = '10ms'
         read_size = '30B'
         [workload]
         size = '200B'
         {EXACTLY_ONCE}"
    ));
}

/// One second, two, and four: then the fourth question is answered.
#[test]
fn the_question_at_the_ends_backs_off() {
    let outcome = assert_passes(&format!(
        "protocol = 'file-transfer'
         options = {{ timeout = 'adaptive' }}
         link = [{{ delay = '10ms' }}]
         fault = [{{ packet = {{ kind = 'question' }}, first = 3, action = 'drop' }}]
         {EXACTLY_ONCE}"
    ));
    assert_eq!(outcome.to_json()["sim_time_ns"], 7_040_000_000u64);
}

#[test]
fn a_datagram_is_thrown_away_once() {
    async fn server(server: Server) -> HostResult {
        let socket = UdpSocket::bind(server.address()).await?;
        socket.reject(Rejection::BufferFull);
        socket.recv_from(&mut [0; 9]).await?;
        socket.recv_from(&mut [0; 9]).await?;
        socket.reject(Rejection::Checksum);
        socket.reject(Rejection::Checksum);
        Ok(())
    }
    async fn client(client: Client) -> HostResult {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        for message in [b"1", b"2"] {
            socket.send_to(message, client.server()).await?;
        }
        Ok(())
    }
    let protocol = Protocol::new("test", "For a test.").server(server).client(client);
    let outcome = super::run(protocol, "").to_json();
    assert_eq!(outcome["drops"].to_string(), r#"{"checksum":1}"#);
    assert_eq!(outcome["datagrams"]["delivered"], 1);
}

/// The pause of the workload goes on while acknowledgements come.
#[test]
fn windows_keep_the_pace_of_the_workload() {
    for protocol in WINDOWS {
        let outcome = assert_passes(&format!(
            "protocol = '{protocol}'
             workload = {{ messages = 3, interval = '50ms' }}
             link = [{{ delay = '10ms' }}]
             {EXACTLY_ONCE}"
        ));
        assert_eq!(outcome.to_json()["sim_time_ns"], 120_000_000, "{protocol}");
    }
}

#[test]
fn options_beyond_their_limits_are_errors() {
    for (option, what) in [
        ("timeout = '0ms'", "too small, at least 1ns"),
        ("backoff = { factor = 0.99 }", "too small"),
        ("backoff = { factor = 1000001 }", "too large"),
        ("backoff = { initial = '0s' }", "too small, at least 1ns"),
        ("fragment = '31B'", "too small, at least 32B"),
        ("max_attempts = 1000001", "too large, at most 1000000"),
    ] {
        let text = format!("title = 'x'\nprotocol = 'retry'\n[options]\n{option}\n");
        let errors = Registry::shipped().parse("test", &text).unwrap_err().to_string();
        assert!(errors.contains(what) && errors.contains("test:4:"), "{option}: {errors}");
    }
}

#[test]
fn payloads_that_are_too_large_are_errors() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("payloads");
    std::fs::create_dir_all(&folder).unwrap();
    let file = std::fs::File::create(folder.join("zeros")).unwrap();
    for (length, workload, what) in [
        (10_000_001, "payload = 'zeros'\nsize = '9B'", "10000001 messages of 9B; at most 10000000"),
        ((64 << 20) + 1, "file = 'zeros'", "larger than 64 MiB"),
    ] {
        file.set_len(length).unwrap();
        let text = format!("title = 'x'\nprotocol = 'retry'\n[workload]\n{workload}\n");
        std::fs::write(folder.join("test.toml"), text).unwrap();
        let errors = Registry::shipped().load(&folder.join("test.toml")).unwrap_err().to_string();
        assert!(errors.contains(what), "{errors}");
    }
}
