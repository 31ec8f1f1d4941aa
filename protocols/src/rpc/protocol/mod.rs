//! The protocol `rpc`: a bank or a counter, and clients that call it.

mod audit;
mod client;
mod dissect;
mod options;
mod reissue;
mod server;

use squall_sim::protocol::{Options, Protocol};

/// What hosts report, besides what timers do.
const EVENTS: [&str; 19] = [
    "received",
    "replied",
    "reply-not-sent",
    "duplicate-suppressed",
    "asked",
    "stale-reply",
    "old-epoch-refused",
    "orphan",
    "orphan-refused",
    "journal-damaged",
    "balance-right",
    "wrong-balance",
    "not-audited",
    "restarted",
    "reissued",
    "registered",
    "not-registered",
    "no-mapper",
    "not-found",
];

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "rpc",
        "Calls procedures of a bank or a counter in the messages of ONC RPC, with any call semantics.",
    );
    dissect::with_dissector(options::with_options(protocol))
        .events(&EVENTS)
        .server(server::run)
        .client(client::run)
        .host("mapper", |options: &Options| options.flag("mapper"), server::run_mapper)
}
