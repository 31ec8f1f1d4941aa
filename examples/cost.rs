//! What each protocol costs for one workload: 1 MiB over a link of 10 Mbit/s with 20 ms of delay and 1%
//! loss each way. `cargo run --release --example cost` prints the table; it stands in `docs/cost.md`.

use squall::history::Outcome as Ended;
use squall::network::HEADERS;
use squall::plan::Cost;
use squall::{Outcome, Registry, Settings};

const MIB: u64 = 1 << 20;

/// Bytes of a message, its identity included.
const SIZE: u64 = 1024;

/// Bits per second.
const RATE: u64 = 10_000_000;

/// A message fills the link for this long, nanoseconds: with its header of 5 bytes, UDP's and IPv4's.
const FRAME_TIME: u64 = (SIZE + 5 + HEADERS) * 8 * 1_000_000_000 / RATE;

/// A row: a protocol and its options.
struct Contender {
    name: &'static str,
    options: String,
    /// The share of the link's capacity that a formula allows, if there is one.
    allowed: Option<f64>,
}

/// The probability that a round trip fails.
const Q: f64 = 1.0 - 0.99 * 0.99;

fn contenders() -> Vec<Contender> {
    let one =
        |name, options: &str, allowed| Contender { name, options: options.to_owned(), allowed };
    let round_trip = FRAME_TIME as f64 + 40e6;
    // The timeout of all is a little more than the round trip, and windowed senders keep to the
    // link's rate, so that nothing queues.
    let timeout = "timeout = '45ms'";
    let paced = format!("timeout = '45ms'\nwindow = 256\npace = '{FRAME_TIME}ns'");
    // Of the time that one message takes, a frame is work and the rest waiting (Stallings); a failed
    // round trip costs a timeout (Schwartz).
    let time = round_trip + Q / (1.0 - Q) * (45e6 + FRAME_TIME as f64);
    let stop_and_wait = FRAME_TIME as f64 / time;
    // A loss costs all that is sent until the timeout (Schwartz). One ack replaces all before it, so
    // only lost messages count.
    let back = 45e6 / FRAME_TIME as f64;
    let go_back_n = 0.99 / (0.99 + 0.01 * (1.0 + back));
    vec![
        one("udp", "wait = false", None),
        one("ack", timeout, None),
        one("retry", timeout, Some(stop_and_wait)),
        one("unique-id", timeout, Some(stop_and_wait)),
        one("stop-and-wait", timeout, Some(stop_and_wait)),
        one("go-back-n", &paced, Some(go_back_n)),
        one("selective-repeat", &paced, Some(1.0 - Q)),
        one("stream", "congestion = 'reno'", Some(mathis())),
        one("stream", "congestion = 'none'\nreceive_window = '52KiB'", None),
        one("file-transfer", &format!("chunk = '996B'\n{paced}"), Some(1.0 - Q)),
    ]
}

/// What TCP gets through: a window that falls to half at each loss (Mathis, Semke, Mahdavi and Ott,
/// Computer Communication Review 27(3), 1997, equation 3), over the link's rate.
fn mathis() -> f64 {
    let segment = 1000.0 * 8.0;
    segment / 0.040 * (3.0f64 / 2.0).sqrt() / 0.01f64.sqrt() / RATE as f64
}

fn run(contender: &Contender) -> Outcome {
    let Contender { name, options, .. } = contender;
    // A file transfer is one operation, everything else a message for each KiB.
    let workload = match *name {
        "file-transfer" => format!("size = '{MIB}B'"),
        _ => format!("messages = {}\nsize = '{SIZE}B'", MIB / SIZE),
    };
    let text = format!(
        "title = 'cost'\nprotocol = '{name}'\nduration = '1h'\n\n[options]\n{options}\n\n\
         [workload]\n{workload}\n\n[[link]]\ndelay = '20ms'\nloss = '1%'\nrate = '{RATE}bit'\n\
         limit = 2000\n"
    );
    let registry = Registry::shipped();
    let scenario = registry.parse("cost", &text).unwrap_or_else(|errors| panic!("{errors}"));
    registry.run(&scenario, Settings::default()).expect("nothing else runs")
}

/// The table, in Markdown.
pub fn table() -> String {
    let mut out =
        "| protocol | options | delivered | datagrams | bytes | retransmissions | time, s | \
                   share of the link | formula | of what it allows |\n\
                   | --- | --- | --: | --: | --: | --: | --: | --: | --: | --: |\n"
            .to_owned();
    for contender in contenders() {
        let outcome = run(&contender);
        let counts = &outcome.run.counts;
        let history = &outcome.run.history;
        let operations = history.operations().count() as f64;
        let delivered = history.operations().filter(|(_, op)| op.executions > 0).count() as f64;
        // Without acknowledgements nothing has ended; then the last delivery counts.
        let ends = history.operations().filter_map(|(_, op)| match op.outcome {
            Ended::Completed => Some(op.ended_at),
            _ => op.first.map(|first| first.at),
        });
        let seconds = ends.max().unwrap_or(0) as f64 / 1e9;
        // Of what was delivered, each KiB as a frame of its own.
        let share = delivered / operations * (MIB / SIZE * FRAME_TIME) as f64 / 1e9 / seconds;
        let percent = |share: f64| format!("{:.1}%", share * 100.0);
        let allowed = contender.allowed.map_or("".to_owned(), percent);
        let reached = contender.allowed.map_or("".to_owned(), |all| percent(share / all));
        out += &format!(
            "| {} | {} | {} | {} | {} | {} | {seconds:.3} | {} | {allowed} | {reached} |\n",
            contender.name,
            contender.options.replace('\n', ", ").replace('\'', "\""),
            percent(delivered / operations),
            counts.sent,
            counts.bytes,
            counts.cost(Cost::Retransmissions),
            percent(share),
        );
    }
    out
}

#[allow(dead_code, reason = "the tests use the table alone")]
fn main() {
    print!("{}", table());
}
