//! What the options of the protocol `rpc` mean: the settings of clients, server and bank.

use rand::Rng;
use squall_sim::protocol::Options;
use squall_sim::random;
use squall_sim::time::{Duration, Instant};

use crate::oncrpc::Auth;
use crate::rpc::client::ClientSettings;
use crate::rpc::endpoint::EndpointSettings;
use crate::rpc::journal::JournalSettings;
use crate::rpc::programs::bank::BankSettings;
use crate::rpc::reliable;
use crate::rpc::server::{BootEpoch, CacheSettings, Organization, ServerSettings};
use crate::timer::{DefaultTimeout, Timer};

/// How often the reliable layer sends a message, if calls have no limit.
const RELIABLE_ATTEMPTS: u64 = 10;

/// How often the port mapper is asked before it counts as dead, if calls have no limit, and how often a
/// client asks it for a server that is not there yet.
pub(super) const MAPPER_ATTEMPTS: u64 = 5;

/// Whether replies are committed with the effects.
pub(super) fn is_durable(options: &Options) -> bool {
    match options.get("durable") {
        Some(_) => options.flag("durable"),
        None => options.word("semantics") == "exactly-once",
    }
}

fn size(options: &Options, name: &str) -> usize {
    usize::try_from(options.number(name)).unwrap_or(usize::MAX)
}

/// What is left of a datagram for a message, or a piece of one.
pub(super) fn message_room(options: &Options) -> usize {
    let header = if is_reliable(options) { reliable::HEADER } else { 0 };
    size(options, "fragment") - header
}

fn is_reliable(options: &Options) -> bool {
    options.word("transport") == "reliable"
}

/// Whether the server remembers the replies that it gave.
pub(super) fn keeps_replies(options: &Options) -> bool {
    matches!(options.word("semantics"), "at-most-once" | "exactly-once")
}

/// The timer of calls, and of the reliable layer below them.
fn call_timer(options: &Options) -> Timer {
    let timer = Timer::from_options(options, DefaultTimeout::Fixed);
    if options.word("semantics") == "maybe" {
        return Timer { max_attempts: Some(1), ..timer };
    }
    timer
}

/// The sockets of server and clients.
pub(super) fn endpoint(options: &Options) -> EndpointSettings {
    // The last acknowledgement may be lost, and then nobody is there any more. What matters is asked for
    // again by the call.
    let with_end = |timer: Timer| {
        let max_attempts = Some(timer.max_attempts.unwrap_or(RELIABLE_ATTEMPTS));
        Timer { max_attempts, ..timer }
    };
    EndpointSettings {
        room: size(options, "fragment").max(1500),
        reliable: is_reliable(options).then(|| with_end(call_timer(options))),
    }
}

/// How a client calls the server.
pub(super) fn client_settings(options: &Options, credential: Auth) -> ClientSettings {
    ClientSettings {
        timer: call_timer(options),
        ask_interval: options.duration("ask_interval"),
        asks: keeps_replies(options),
        fragment: message_room(options),
        reassembly_buffer: size(options, "reassembly_buffer"),
        reassembly_timeout: options.duration("reassembly_timeout"),
        first_xid: match options.word("first_xid") {
            "one" => 1,
            _ => random::rng().next_u32(),
        },
        boot_epoch: options.flag("boot_epoch"),
        credential,
        trust_refusals: options.flag("trust_refusals"),
        retransmit_on_stale_reply: options.flag("retransmit_on_stale_reply"),
    }
}

/// How the server serves; what it recovered is not among the options.
pub(super) fn server_settings(options: &Options) -> ServerSettings {
    let cache = CacheSettings {
        capacity: size(options, "reply_cache"),
        ttl: options.get("reply_ttl").map(|_| options.duration("reply_ttl")),
        match_arguments: options.flag("match_arguments"),
    };
    let register_after = options.duration("register_after");
    ServerSettings {
        reply_cache: keeps_replies(options).then_some(cache),
        organization: match options.word("organization") {
            "thread-pool" => Organization::ThreadPool(size(options, "workers")),
            "event-driven" => Organization::EventDriven { blocks: options.flag("blocks") },
            _ => Organization::Iterative,
        },
        queue: size(options, "queue"),
        boot_epoch: if options.flag("boot_epoch") {
            BootEpoch::Required
        } else if options.get("reissue").is_some() {
            BootEpoch::Told
        } else {
            BootEpoch::Untold
        },
        recovered: Vec::new(),
        fragment: message_room(options),
        reassembly_buffer: size(options, "reassembly_buffer"),
        reassembly_timeout: options.duration("reassembly_timeout"),
        opens_at: (!register_after.is_zero()).then(|| Instant::now() + register_after),
        refuse_orphans: options.flag("refuse_orphans"),
        reply_first: options.word("reply") == "before-execution",
    }
}

/// Which of the bank's procedures clients call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BankProcedure {
    Deposit,
    Transfer,
    SetLimit,
}

/// As the options say.
pub(super) fn bank_procedure(options: &Options) -> BankProcedure {
    match options.word("procedure") {
        "transfer" => BankProcedure::Transfer,
        "set-limit" => BankProcedure::SetLimit,
        _ => BankProcedure::Deposit,
    }
}

/// How the bank works.
pub(super) fn bank_settings(options: &Options) -> BankSettings {
    BankSettings {
        journal: JournalSettings { durable: is_durable(options), sync: options.flag("sync") },
        service: options.duration("service"),
        slow_every: options.number("slow_every"),
        lock: options.flag("lock"),
        slip: size(options, "result_size"),
    }
}

/// The client that talks to the port mapper: it gives up, even if calls do not.
pub(super) fn mapper_settings(options: &Options) -> ClientSettings {
    let timer = Timer::from_options(options, DefaultTimeout::Fixed);
    let max_attempts = Some(timer.max_attempts.unwrap_or(MAPPER_ATTEMPTS));
    ClientSettings { timer: Timer { max_attempts, ..timer }, ..ClientSettings::default() }
}

/// The first wait of a call's timer.
pub(super) fn first_timeout(options: &Options) -> Duration {
    call_timer(options).wait(1)
}
