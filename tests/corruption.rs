//! Corruption: of datagrams on their way, and of what lies in a host's memory.

use std::sync::{Arc, Mutex};

use squall::network::DropReason;
use squall::reports::timeline::{self, Extent, Style};
use squall::time::{Duration, sleep};
use squall::trace::{Event, Trace, What};
use squall::{Client, Outcome, Protocol, Server, expose, fs, net::UdpSocket, report};

use super::run;

/// What the client sends, each time.
const SENT: &[u8] = b"abcdefghijklmnop";

/// Sends [`SENT`] once per message, and gives what the server received.
fn receive(rest: &str) -> (Vec<Vec<u8>>, Outcome) {
    let received = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&received);
    let server = move |server: Server| {
        let all = Arc::clone(&all);
        async move {
            let socket = UdpSocket::bind(server.address()).await?;
            let mut buffer = [0; 99];
            loop {
                let (length, _) = socket.recv_from(&mut buffer).await?;
                all.lock().unwrap().push(buffer[..length].to_vec());
            }
        }
    };
    let client = async |mut client: Client| {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        while let Some(message) = client.next().await {
            socket.send_to(SENT, client.server()).await?;
            client.unknown(message.id);
        }
        Ok(())
    };
    let outcome = run(Protocol::new("test", "For a test.").server(server).client(client), rest);
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    let received = received.lock().unwrap().clone();
    (received, outcome)
}

pub(crate) fn timeline(outcome: &Outcome) -> String {
    let style = Style { width: 100, color: false, extent: Extent::Full };
    let mut drawn = Vec::new();
    timeline::write(outcome.trace.as_ref().unwrap(), None, style, &mut drawn).unwrap();
    String::from_utf8(drawn).unwrap()
}

/// The trace as JSON lines, after making sure that it can be read again.
pub(crate) fn json_lines(outcome: &Outcome) -> String {
    let trace = outcome.trace.as_ref().unwrap();
    let mut lines = Vec::new();
    trace.write_jsonl(&mut lines).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(&Trace::read_jsonl(&lines).unwrap(), trace);
    lines
}

#[test]
fn each_way_to_corrupt_is_delivered_without_a_checksum_and_says_what_it_did() {
    for (mode, in_timeline, in_lines) in [
        ("bits = 3", "~ 16 bytes: 3 bits flipped (noise)", r#""value":3,"mode":"bits""#),
        ("burst = 9", "~ 16 bytes: a burst over 9 bits (noise)", r#""value":9,"mode":"burst""#),
        ("swap-bytes = true", "~ 16 bytes: 2 bytes swapped, ", r#""mode":"swap-bytes""#),
        ("truncate = true", " cut off (noise)", r#""mode":"truncate""#),
    ] {
        for engine in ["event", "turmoil"] {
            let (received, outcome) = receive(&format!(
                "engine = '{engine}'
                 workload.messages = 2
                 link = [{{ udp_checksum = false }}]
                 fault = [{{ name = 'noise', packet = {{}}, nth = 1, action = 'corrupt', {mode} }}]"
            ));
            let [first, second] = received.as_slice() else { panic!("{received:?}") };
            assert_eq!(second, SENT);
            assert_ne!(first, SENT, "{mode}");
            let (mut before, mut after) = (SENT.to_vec(), first.clone());
            match mode {
                "truncate = true" => assert!(SENT.starts_with(first)),
                "swap-bytes = true" => {
                    before.sort_unstable();
                    after.sort_unstable();
                    assert_eq!(after, before);
                }
                _ => assert_eq!(first.len(), SENT.len()),
            }
            assert_eq!((outcome.run.faults[0].opportunities, outcome.run.faults[0].hits), (2, 1));
            assert_eq!(outcome.run.counts.corrupted, 1);
            let (drawn, lines) = (timeline(&outcome), json_lines(&outcome));
            assert!(drawn.contains(in_timeline), "{drawn}");
            assert!(lines.contains(in_lines), "{lines}");
        }
    }
}

#[test]
fn the_checksum_drops_what_was_cut_and_lets_pass_what_was_swapped_an_even_number_apart() {
    let (received, outcome) = receive(
        "workload.messages = 30
         fault = [{ packet = {}, action = 'corrupt', truncate = true }]",
    );
    assert!(received.is_empty());
    assert_eq!(outcome.run.counts.drops[&DropReason::Checksum], 30);
    let (received, outcome) = receive(
        "workload.messages = 30
         fault = [{ packet = {}, action = 'corrupt', swap-bytes = true }]",
    );
    let dropped = outcome.run.counts.drops[&DropReason::Checksum];
    assert_eq!(received.len() as u64 + dropped, 30);
    assert!(received.len() >= 8 && dropped >= 8, "{dropped} of 30 dropped");
    for bytes in received {
        let moved: Vec<usize> = (0..16).filter(|place| bytes[*place] != SENT[*place]).collect();
        assert_eq!((moved.len(), (moved[1] - moved[0]) % 2), (2, 0));
    }
}

/// Exposes [`SENT`] with each message, and gives what it was after that.
fn exposed(rest: &str) -> (Vec<Vec<u8>>, Outcome) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&seen);
    let client = move |mut client: Client| {
        let all = Arc::clone(&all);
        async move {
            while let Some(message) = client.next().await {
                let mut bytes = SENT.to_vec();
                fs::write("file", SENT).await?;
                expose("in memory", &mut bytes);
                all.lock().unwrap().push(bytes);
                report("out of memory");
                sleep(Duration::from_millis(1)).await;
                client.unknown(message.id);
            }
            Ok(())
        }
    };
    let protocol = Protocol::new("test", "For a test.").client(client);
    let outcome = run(protocol.events(&["in memory", "out of memory"]), rest);
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    let seen = seen.lock().unwrap().clone();
    (seen, outcome)
}

/// Which bits differ from [`SENT`].
fn flipped(bytes: &[u8]) -> Vec<u64> {
    let differs = |bit: &u64| {
        let byte = (bit / 8) as usize;
        (bytes[byte] ^ SENT[byte]) >> (bit % 8) & 1 == 1
    };
    (0..SENT.len() as u64 * 8).filter(differs).collect()
}

const IN_MEMORY: &str =
    "event = { name = 'in memory' }, action = 'corrupt-memory', host = 'client-1'";
const ON_DISK: &str = "event = { name = 'in memory' }, action = 'corrupt-disk', host = 'client-1'";

#[test]
fn a_bit_of_what_a_host_exposes_flips_at_the_report_that_the_fault_waits_for() {
    let mut bits = Vec::new();
    for engine in ["event", "turmoil"] {
        let (seen, outcome) = exposed(&format!(
            "engine = '{engine}'
             workload.messages = 6
             fault = [{{ {IN_MEMORY}, every = 2 }}]"
        ));
        let flips: Vec<Vec<u64>> = seen.iter().map(|bytes| flipped(bytes)).collect();
        let counts: Vec<usize> = flips.iter().map(Vec::len).collect();
        assert_eq!(counts, [0, 1, 0, 1, 0, 1]);
        let flips = flips.concat();
        assert!(flips[0] != flips[1] && flips[1] != flips[2], "{flips:?}");
        assert_eq!((outcome.run.faults[0].opportunities, outcome.run.faults[0].hits), (3, 3));
        let (drawn, lines) = (timeline(&outcome), json_lines(&outcome));
        let text = outcome.trace.as_ref().unwrap().to_string();
        for bit in &flips {
            assert!(drawn.contains(&format!("bit {bit} flipped in memory")), "{drawn}");
            assert!(text.contains(&format!("client-1 has bit {bit} flipped in memory")), "{text}");
            let line = format!(r#""host":1,"change":"memory-corrupted","value":{bit}}}"#);
            assert!(lines.contains(&line), "{lines}");
        }
        bits.push(flips);
    }
    assert_eq!(bits[0], bits[1], "the same on both engines");
}

#[test]
fn what_is_not_exposed_is_not_hit() {
    for (fault, opportunities) in [
        ("event = { name = 'out of memory' }, action = 'corrupt-memory', host = 'client-1'", 1),
        ("event = { name = 'invoked' }, action = 'corrupt-memory', host = 'client-1'", 1),
        ("event = { name = 'in memory' }, action = 'corrupt-memory', host = 'server'", 1),
        ("event = { name = 'in memory' }, nth = 2, action = 'corrupt-memory', host = '*'", 0),
    ] {
        let (seen, outcome) = exposed(&format!("fault = [{{ {fault} }}]"));
        assert_eq!(seen, [SENT], "{fault}");
        let count = &outcome.run.faults[0];
        assert_eq!((count.opportunities, count.hits), (opportunities, 0), "{fault}");
        assert_eq!(outcome.verdict(), squall::check::Verdict::Invalid);
    }
}

#[test]
fn a_fault_that_another_ones_effect_triggers_finds_nothing_exposed() {
    let crash = "event = { name = 'in memory' }, action = 'crash', host = 'client-1'";
    let unknown = "event = { name = 'unknown' }, action = 'corrupt-memory', host = 'client-1'";
    let (seen, outcome) = exposed(&format!("fault = [{{ {crash} }}, {{ {unknown} }}]"));
    assert_eq!(seen, [SENT]);
    assert_eq!((outcome.run.faults[1].opportunities, outcome.run.faults[1].hits), (1, 0));
    // Here the host that exposes stays up; the other one has an operation that becomes unknown.
    let crash_other =
        "event = { host = 'client-1', name = 'in memory' }, action = 'crash', host = 'client-2'";
    let other = "event = { host = 'client-2', name = 'unknown' }, action = 'corrupt-memory',
        host = 'client-1'";
    let (seen, outcome) = exposed(&format!(
        "workload.clients = 2
         fault = [
           {{ at = '0s', action = 'pause', host = 'client-1', for = '1us' }},
           {{ {crash_other} }}, {{ {other} }}
         ]"
    ));
    assert_eq!(seen, [SENT, SENT]);
    let hits: Vec<u64> = outcome.run.faults.iter().map(|fault| fault.hits).collect();
    assert_eq!((hits, outcome.run.faults[2].opportunities), (vec![1, 1, 0], 1));
    // What crashed has no memory; what crashes later still had.
    let hits = |faults: String| exposed(&faults).1.run.faults.iter().map(|one| one.hits).collect();
    let after: Vec<u64> = hits(format!("fault = [{{ {crash} }}, {{ {IN_MEMORY} }}]"));
    let before: Vec<u64> = hits(format!("fault = [{{ {IN_MEMORY} }}, {{ {crash} }}]"));
    assert_eq!((after, before), (vec![1, 0], vec![1, 1]));
}

/// Whatever chance decides in this run: of the network, of the host, of other faults.
fn eventful(more: &str) -> Vec<Event> {
    let client = async |mut client: Client| {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        fs::write("file", SENT).await?;
        while let Some(message) = client.next().await {
            let mut kept = SENT.to_vec();
            expose("in memory", &mut kept);
            let mut payload = [0; 8];
            rand::Rng::fill_bytes(&mut squall::random::rng(), &mut payload);
            socket.send_to(&payload, client.server()).await?;
            expose("in memory", &mut kept);
            client.unknown(message.id);
        }
        Ok(())
    };
    let outcome = run(
        Protocol::new("test", "For a test.").client(client).events(&["in memory"]),
        &format!(
            "workload = {{ messages = 50, clients = 2, interval = '1ms' }}
             link = [{{ delay = '5ms', jitter = '2ms', loss = '20%', corrupt = '20%' }}]
             fault = [
               {{ packet = {{ from = 'client-1' }}, chance = '30%', action = 'corrupt' }},
               {{ event = {{ name = 'in memory' }}, chance = '30%', action = 'corrupt-memory',
                  host = 'client-2' }},
               {{ event = {{ name = 'in memory' }}, chance = '30%', action = 'corrupt-disk',
                  host = 'client-2' }},
               {more}
             ]"
        ),
    );
    let trace = outcome.trace.unwrap();
    trace.events().collect()
}

#[test]
fn a_fault_that_flips_bits_changes_no_other_draw() {
    let without = eventful("");
    let is_hit = |event: &&Event| matches!(event.what, What::Host { host: 1, .. });
    for fault in [IN_MEMORY, ON_DISK] {
        let with = eventful(&format!("{{ {fault}, chance = '30%' }},"));
        assert!(with.iter().filter(is_hit).count() > 10);
        let rest: Vec<&Event> = with.iter().filter(|event| !is_hit(event)).collect();
        assert!(without.iter().eq(rest), "{fault}");
    }
    // Nor its own: it acts on the reports on which a fault that draws no bits would.
    let acts_at = |action: &str| -> Vec<u64> {
        let fault = format!(
            "name = 'x', event = {{ name = 'in memory' }}, chance = '50%', host = 'client-1',
             action = '{action}'"
        );
        let (_, outcome) = exposed(&format!("workload.messages = 50\nfault = [{{ {fault} }}]"));
        let events = outcome.trace.as_ref().unwrap().events();
        events
            .filter(|event| matches!(event.what, What::Host { .. }))
            .map(|event| event.at)
            .collect()
    };
    assert_eq!(acts_at("corrupt-memory"), acts_at("clock-step', by = '1s"));
    assert_eq!(acts_at("corrupt-disk"), acts_at("corrupt-memory"));
}

#[test]
fn outside_a_simulation_nothing_flips() {
    let mut bytes = SENT.to_vec();
    expose("in memory", &mut bytes);
    assert_eq!(bytes, SENT);
}
