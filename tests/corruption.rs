//! Corruption: of datagrams on their way, and of what lies in a host's memory.

use std::sync::{Arc, Mutex};

use squall::network::DropReason;
use squall::reports::timeline::{self, Extent, Style};
use squall::trace::Trace;
use squall::{Client, Outcome, Protocol, Server, net::UdpSocket};

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

fn timeline(outcome: &Outcome) -> String {
    let style = Style { width: 100, color: false, extent: Extent::Full };
    let mut drawn = Vec::new();
    timeline::write(outcome.trace.as_ref().unwrap(), None, style, &mut drawn).unwrap();
    String::from_utf8(drawn).unwrap()
}

/// The trace as JSON lines, after making sure that it can be read again.
fn json_lines(outcome: &Outcome) -> String {
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
