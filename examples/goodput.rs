//! Goodput under load: what retransmissions do to a network that is full, by the way in which senders
//! wait. `cargo run --release --example goodput` prints the table; it stands in `docs/goodput.md`.
//!
//! Every client sends a message, waits until it is acknowledged, pauses for a second, and sends the
//! next: n clients offer n messages per second. The router, or the receiving application, manages
//! some 120.

use squall::history::Outcome as Ended;
use squall::plan::Cost;
use squall::{Registry, Settings};

/// Simulated seconds of each run.
const SECONDS: u64 = 200;

/// How many clients there are, and so how many messages per second they offer.
const LOADS: [u64; 9] = [20, 40, 60, 80, 100, 120, 160, 200, 240];

/// How senders wait for an acknowledgement: a column of the table each.
const TIMERS: [(&str, &str); 3] = [
    ("fixed", "timeout = '200ms'"),
    ("back-off", "backoff = { initial = '200ms', factor = 3, jitter = '20%' }"),
    ("adaptive", "timeout = 'adaptive'"),
];

/// Where it is narrow.
struct Place {
    title: &'static str,
    protocol: &'static str,
    options: &'static str,
    rest: &'static str,
}

const PLACES: [Place; 2] = [
    Place {
        title: "At a router: 1 Mbit/s and room for 100 datagrams, which all clients share",
        protocol: "stop-and-wait",
        options: "",
        rest: "[[link]]\nto = 'server'\nrate = '1mbit'\nlimit = 100\nshared = true\n",
    },
    Place {
        title: "At a host: the application takes 8 ms for each message or copy, and 100 may wait",
        protocol: "retry",
        options: "service = '8ms'\n",
        rest: "[hosts.server]\nreceive_buffer = 100\n",
    },
];

/// What came of one run, per second: messages acknowledged, and sendings of messages.
fn run(place: &Place, timer: &str, clients: u64) -> (f64, f64) {
    let Place { protocol, options, rest, .. } = place;
    let text = format!(
        "title = 'load'\nprotocol = '{protocol}'\nduration = '{SECONDS}s'\n\n[options]\n{timer}\n\
         {options}\n[workload]\nclients = {clients}\nmessages = 1000\nsize = '1000B'\n\
         interval = '1s'\n\n[[link]]\ndelay = '10ms'\n\n{rest}"
    );
    let registry = Registry::shipped();
    let scenario = registry.parse("goodput", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let outcome = registry.run(&scenario, Settings::default()).expect("nothing else runs");
    let history = &outcome.run.history;
    let completed = history.operations().filter(|(_, op)| op.outcome == Ended::Completed).count();
    let again = outcome.run.counts.cost(Cost::Retransmissions);
    let sendings = history.operations().count() as u64 + again;
    (completed as f64 / SECONDS as f64, sendings as f64 / SECONDS as f64)
}

/// The tables, in Markdown.
pub fn tables() -> String {
    PLACES.iter().map(table).collect::<Vec<_>>().join("\n")
}

fn table(place: &Place) -> String {
    let heads: Vec<String> =
        TIMERS.iter().map(|(name, _)| format!(" {name:>8} | {:>9} |", "sendings")).collect();
    let dashes = " -------: | --------: |".repeat(TIMERS.len());
    let mut out =
        format!("## {}\n\n| offered |{}\n| ------: |{dashes}\n", place.title, heads.concat());
    for clients in LOADS {
        let cells = TIMERS.map(|(_, timer)| {
            let (goodput, sendings) = run(place, timer, clients);
            format!(" {goodput:>8.1} | {sendings:>9.1} |")
        });
        out += &format!("| {clients:>7} |{}\n", cells.concat());
    }
    out
}

#[allow(dead_code, reason = "the tests use the tables alone")]
fn main() {
    print!("{}", tables());
}
