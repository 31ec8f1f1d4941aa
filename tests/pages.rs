//! Pages of the documentation with tables that examples print.

#[path = "../examples/calls.rs"]
mod calls;
#[path = "../examples/cost.rs"]
mod cost;
#[path = "../examples/goodput.rs"]
mod goodput;

const COST: &str = "# What each protocol costs

1 MiB from one client to the server, over a link of 10 Mbit/s with 20 ms of delay and 1% loss in each
direction, seed 1. Printed by `cargo run --release --example cost`, and written by a test:

    INSTA_UPDATE=always cargo test --test integration pages

A message has 1 KiB. *datagrams* and *bytes* are what both hosts sent, without the headers of UDP and
IPv4. *time* is from the first sending to the last acknowledgement, or, where nothing is acknowledged,
to the last delivery. *share of the link* is the time that the delivered messages take on the link, each
sent once with its headers, divided by *time*. *formula* is what the literature allows:
stop-and-wait, go-back-N and selective repeat after Schwartz (*Telecommunication Networks*, chapter 4)
with these timeouts, and Mathis, Semke, Mahdavi and Ott (1997) for Reno. They know no beginning and no
end: to this short transfer, the first and the last round trip cost 4% of the time. Reno also pays
for slow start, and for timeouts of at least 200 ms where several losses fall into one window.
";

const CALLS: &str = "## What a call costs

1,000 calls of the bank, one after another, over a link with 10 ms of delay, with and without loss in each
direction, seed 1; figures are per call. Printed by `cargo run --release --example calls`.

A call over bare datagrams takes two of them: the reply acknowledges the call. A reliable layer below
does not know that, and acknowledges each on its own: two more, and nothing is faster. What is kept of
replies, in memory or on the disk, costs no datagram; `boot_epoch` costs a round trip at the beginning.
Arguments and results of 16 KiB travel in twelve pieces each (thirteen over the reliable layer, whose
header takes room); of those only the lost ones travel again,
and short packets that say which.
";

const GOODPUT: &str = "# Goodput under load

What retransmissions do to a network or a host that is full, by the way in which the senders wait.
Printed by `cargo run --release --example goodput`, and written by a test:

    INSTA_UPDATE=always cargo test --test integration pages

Every client sends a message of 1000 bytes, waits until it is acknowledged, pauses for a second, and
sends the next: n clients *offer* n messages per second, or a little less, for the round trip comes on
top of the pause. All begin at once. The bottleneck has a capacity of some 120 messages per second. The
column of a way to wait is its goodput: how many messages were acknowledged per second, over 200
seconds. *sendings* is how many were sent per second, copies included.

- With a **fixed** timeout of 200 ms goodput breaks down at a load of 80, long before the capacity is
  reached, and never comes near it again: once the queue is longer than the timeout, every message is
  sent several times, and the copies keep the queue long (Nagle, RFC 896, calls that congestion
  collapse).
- **Back-off** (200 ms, then three times as long with each attempt, up to 20% more or less) gets out of
  the jam of the beginning and carries all that is offered, nearly up to the capacity. Beyond it, each
  message begins with 200 ms again, though the last one has shown that this is too short.
- The **adaptive** timeout (RFC 6298) remembers: goodput stays at the capacity, and hardly anything is
  sent twice.
";

#[test]
fn the_cost_of_each_protocol() {
    let table = cost::table();
    let calls = calls::table();
    let page = format!("{COST}\n{table}\n{CALLS}\n{}", calls.trim_end());
    super::assert_page("docs/cost.md", "pages", &page);
    let datagrams = |options: &str| {
        let row = calls.lines().find(|line| line.contains(options)).unwrap();
        row.split("| ").nth(4).unwrap().trim().parse::<f64>().unwrap()
    };
    // The two extra messages of the textbook.
    assert_eq!(datagrams("at-most-once"), 2.0);
    assert_eq!(datagrams("reliable"), 4.0);
    let row = table.lines().find(|line| line.contains("selective-repeat")).unwrap();
    let reached = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
    let reached: f64 = reached.trim_end_matches('%').parse().unwrap();
    assert!(reached >= 85.0, "{row}");
}

#[test]
fn goodput_under_load() {
    let tables = goodput::tables();
    super::assert_page("docs/goodput.md", "pages", &format!("{GOODPUT}\n{}", tables.trim_end()));
    for table in tables.split("\n\n").filter(|part| part.starts_with("| offered")) {
        let goodput = |load: u64, column: usize| -> f64 {
            let mut rows = table.lines().map(|line| line.split('|').map(str::trim));
            let cell = rows.find_map(|mut row| {
                (row.nth(1) == Some(&load.to_string())).then(|| row.nth(column)).flatten()
            });
            cell.unwrap().parse().unwrap()
        };
        let (fixed, back_off, adaptive) = (0, 2, 4);
        assert!(goodput(80, fixed) < 0.8 * goodput(60, fixed), "{table}");
        assert!(goodput(80, back_off) > 1.25 * goodput(60, back_off), "{table}");
        assert!(goodput(240, adaptive) > 118.0, "{table}");
    }
}
