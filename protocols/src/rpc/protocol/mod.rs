//! The protocol `rpc`: a bank or a counter, and clients that call it.

mod audit;
mod client;
mod dissect;
mod mapper;
mod options;
mod reissue;
mod server;
mod settings;

use squall_sim::protocol::{Client, HostResult, ORPHAN, Options, Protocol};

/// What hosts report, besides what timers do.
const EVENTS: [&str; 19] = [
    "received",
    "replied",
    "reply-not-sent",
    "duplicate-suppressed",
    "asked",
    "stale-reply",
    "old-epoch-refused",
    // By the simulation, for protocols that declare it.
    ORPHAN,
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
        .client(run_client)
        .host("mapper", |options: &Options| options.flag("mapper"), mapper::run)
}

/// What a client runs.
async fn run_client(host: Client) -> HostResult {
    match host.options().get("reissue") {
        Some(_) => reissue::run(host).await,
        None => client::run(host).await,
    }
}
