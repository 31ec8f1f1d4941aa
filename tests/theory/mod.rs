//! What the textbooks predict, beside what the simulator does.
//!
//! A file per subject, whose experiments say what is set up, what formulas predict, and how that is
//! measured. Each formula must agree with the model, and disagree with one that is wrong by 3%. All
//! seeds are fixed. The tables are a snapshot, and stand in `docs/theory.md` with an introduction.

mod bursts;
mod checksums;
mod delays;
mod independence;
mod links;
mod pipelining;
mod queues;
mod retransmission;
mod table;

use squall::network::{Fate, HostId, HostSet, Impairments, LinkRule, Network, Packet};
use squall::{Outcome, Registry, Settings};
use table::{BATCHES, Subject};

/// What the payload has to be for a datagram of 1000 bits: 20 bytes of IPv4 header, 8 of UDP's, and
/// this.
const PAYLOAD: [u8; 97] = [0; 97];

const MS: u64 = 1_000_000;

/// A network of three hosts, with these impairments on every link.
fn network(seed: u64, set: Impairments) -> Network {
    let hosts = ["a", "b", "c"].map(str::to_owned);
    let rule = LinkRule { from: HostSet::all(), to: HostSet::all(), set };
    Network::new(seed, hosts.into(), [rule].into(), &[], None)
}

/// Sends a datagram of 1000 bits at a time, nanoseconds.
fn send(network: &mut Network, at: u64, from: HostId, to: HostId) -> Fate {
    network.transmit(at, &Packet { from, to, payload: &PAYLOAD })
}

/// Runs a shipped protocol, given what else the scenario says.
fn run(protocol: &str, rest: &str, seed: u64) -> Outcome {
    let registry = Registry::shipped();
    let text = format!("title = 'theory'\nprotocol = '{protocol}'\n{rest}");
    let scenario = registry.parse("theory", &text).unwrap_or_else(|errors| panic!("{errors}"));
    registry.run(&scenario, Settings { seed: Some(seed), ..Settings::default() }).unwrap()
}

fn subjects() -> [&'static Subject; 8] {
    [
        &retransmission::SUBJECT,
        &pipelining::SUBJECT,
        &links::SUBJECT,
        &bursts::SUBJECT,
        &delays::SUBJECT,
        &queues::SUBJECT,
        &checksums::SUBJECT,
        &independence::SUBJECT,
    ]
    .map(|subject| &**subject)
}

fn tables() -> String {
    subjects().map(Subject::to_markdown).join("\n")
}

#[test]
fn the_table() {
    super::snapshot_settings().bind(|| insta::assert_snapshot!("theory", tables()));
}

/// `INSTA_UPDATE=always` writes the page along with the snapshots.
#[test]
fn the_page_has_the_same_table() {
    let page = [introduction(), tables(), SOURCES.trim_end().to_owned()].join("\n");
    super::assert_page("docs/theory.md", "theory", &page);
}

fn introduction() -> String {
    format!(
        "# What the textbooks predict, and what Squall does

Every figure here that a formula predicts stands beside the formula. The tests in `tests/theory/`
measure, compare, and write this page:

    INSTA_UPDATE=always cargo test --test integration theory

Without that variable they fail if the page is not what they measure.

How to read a row:

- *predicted* is what the formula gives, *measured* what came out of the simulation: the mean over
  {BATCHES} runs, with the seeds 1 to {BATCHES}. *±* is half the width of its 95% confidence interval, by
  Student's t, and at most 1% of the prediction, where that is not zero. The section on delays
  has another statistic, and says which.
- The row *agrees* if prediction and measurement are at most two half widths apart. A model that is
  right falls outside by chance in about one of 4,000 rows. The seeds are fixed, so the page comes
  out the same on every machine.
- Agreement means little where nothing could disagree. So each experiment is made twice more with a
  model that is wrong by 3%, too large and too small, in what the row says, and the test fails unless
  every row then disagrees.

A *datagram* is on the wire, a *message* is the application's. p and p' are the probabilities that a
message and an acknowledgement are lost on their way, and q = 1 - (1-p)(1-p') is the probability that a
round trip fails.
"
    )
}

const SOURCES: &str = "## Sources

- Abramowitz, Stegun: *Handbook of Mathematical Functions*, 1964.
- Arpaci-Dusseau, Arpaci-Dusseau: *Operating Systems: Three Easy Pieces* (OSTEP), chapter \"Distributed Systems\".
- Elliott: \"Estimates of error rates for codes on burst-noise channels\", Bell System Technical Journal 42, 1963.
- Gilbert: \"Capacity of a burst-noise channel\", Bell System Technical Journal 39, 1960.
- Gross, Harris: *Fundamentals of Queueing Theory*, chapter 5.
- Kleinrock: *Queueing Systems, volume 1: Theory*, 1975, chapter 5.
- Lomax: \"Business failures\", Journal of the American Statistical Association 49, 1954.
- Massey: \"The Kolmogorov-Smirnov test for goodness of fit\", Journal of the American Statistical Association 46, 1951.
- Maxino, Koopman: \"The effectiveness of checksums for embedded control networks\", IEEE Transactions on Dependable and Secure Computing 6, 2009.
- netem: the manual page tc-netem(8).
- Schwartz: *Telecommunication Networks: Protocols, Modeling and Analysis*, 1987, chapter 4.
- Stallings: *Data and Computer Communications*, on the performance of link control, in the appendix to that chapter.
- Tijms: *A First Course in Stochastic Models*, 2003.
";
