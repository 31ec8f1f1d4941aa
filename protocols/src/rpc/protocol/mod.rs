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

/// What clients and servers of any program report, besides what timers do.
const EVENTS: [&str; 9] = [
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
];

/// What else the hosts of `rpc` report.
const OWN_EVENTS: [&str; 10] = [
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

/// Lets the scenarios of a protocol of your own speak of its calls, as those of `rpc` do: declares the
/// kinds and fields of the datagrams, which timelines then show, and the events that
/// [`Client`](super::Client) and [`serve`](super::serve) report:
///
/// | event | means |
/// |---|---|
/// | `retransmission` | something is sent again: a call, or pieces of a large message |
/// | `gave-up` | the client has no answer, and sends no more |
/// | `received` | the server takes a call that it does not know, and is going to run it |
/// | `replied` | it has run a call and sends the reply |
/// | `reply-not-sent` | the socket would not take the reply |
/// | `duplicate-suppressed` | it knows the call: it runs it no second time |
/// | `asked` | the client asks about a call, or about the rest of a large reply, instead of sending it all again |
/// | `stale-reply` | a reply came to a call that has ended |
/// | `old-epoch-refused` | the call was sent to an earlier life of the server, which wants to be shown its present one |
/// | `orphan` | a call runs whose client has died: [`execute`](squall_sim::protocol::Server::execute) tells |
/// | `orphan-refused` | a call that waited is dropped, since its client has died |
///
/// A procedure says that it runs with [`execute`](squall_sim::protocol::Server::execute), whose message its
/// arguments have to carry. Events of your own are declared besides.
///
/// ```
/// use squall_protocols::rpc::{self, Client, ClientSettings, Endpoint, EndpointSettings};
/// use squall_sim::protocol::Protocol;
///
/// let protocol = Protocol::new("mine", "Calls a program of mine.").client(async |mut host| {
///     let endpoint = Endpoint::bind("0.0.0.0:0", EndpointSettings::default()).await?;
///     let client = Client::new(endpoint, host.server(), ClientSettings::default());
///     while let Some(message) = host.next().await {
///         // Here the stub's client is called, with `message.payload` among the arguments.
///         match client.null(0x2000_0099, 1).await {
///             Ok(_) => host.complete(message.id),
///             Err(error) if error.is_definite() => host.fail(message.id),
///             Err(_) => host.unknown(message.id),
///         }
///     }
///     Ok(())
/// });
/// let protocol = rpc::with_words(protocol);
/// assert!(protocol.spec().events.contains(&"duplicate-suppressed"));
/// ```
pub fn with_words(protocol: Protocol) -> Protocol {
    dissect::with_dissector(protocol).events(&["retransmission", "gave-up"]).events(&EVENTS)
}

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "rpc",
        "Calls procedures of a bank or a counter in the messages of ONC RPC, with any call semantics.",
    );
    dissect::with_dissector(options::with_options(protocol))
        .events(&EVENTS)
        .events(&OWN_EVENTS)
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
