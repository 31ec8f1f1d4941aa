//! The options of the protocol `rpc`: what there is, and what excludes one another.

use std::ops::RangeInclusive;

use squall_sim::net::MAX_PAYLOAD;
use squall_sim::network::HEADERS;
use squall_sim::protocol::{OptionContext, OptionKind, OptionProblem, OptionSpec, OptionValue};
use squall_sim::protocol::{Options, Protocol};
use squall_sim::time::Duration;

use super::settings::{is_durable, keeps_replies, message_room};
use crate::rpc::large::MAX_PIECES;
use crate::rpc::packet::PIECE_HEADER;
use crate::sender;
use crate::timer::{self, DefaultTimeout};

/// Bytes of a message besides a call's arguments or results, at the most: header, credential and verifier.
const HEADER_ROOM: u64 = 160;

/// The bytes of a call of the counter: who calls.
const COUNTER_MESSAGE: u64 = 8;

/// Declares the options that [`super::settings`] reads.
pub(super) fn with_options(protocol: Protocol) -> Protocol {
    let protocol = timer::with_options(protocol, 0, DefaultTimeout::Fixed);
    protocol
        .options(vec![sender::port_option()])
        .options(application())
        .options(client())
        .options(server())
        .options(messages())
        .check(check)
        .any_message_size()
}

fn word(name: &'static str, words: &[&'static str], help: &'static str) -> OptionSpec {
    let default = OptionValue::Word(words[0].to_owned());
    OptionSpec::new(name, OptionKind::Choice(words.to_vec()), default, help)
}

fn flag(name: &'static str, default: bool, help: &'static str) -> OptionSpec {
    OptionSpec::new(name, OptionKind::Flag, OptionValue::Flag(default), help)
}

fn count(
    name: &'static str,
    range: RangeInclusive<u64>,
    default: u64,
    help: &'static str,
) -> OptionSpec {
    let kind = OptionKind::Count { min: *range.start(), max: *range.end() };
    OptionSpec::new(name, kind, OptionValue::Number(default), help)
}

fn duration(name: &'static str, min: u64, default: Duration, help: &'static str) -> OptionSpec {
    let default = OptionValue::Number(default.as_nanos() as u64);
    OptionSpec::new(name, OptionKind::Duration { min }, default, help)
}

fn application() -> Vec<OptionSpec> {
    vec![
        word(
            "semantics",
            &["at-most-once", "maybe", "at-least-once", "exactly-once"],
            "maybe: a call is sent once; at-least-once: sent again, and the server remembers nothing; \
             at-most-once: the server keeps replies; exactly-once: it keeps them on its disk",
        ),
        word(
            "application",
            &["bank", "counter"],
            "what is called: a bank whose accounts are on a disk, or a counter in memory",
        ),
        word(
            "procedure",
            &["deposit", "transfer", "set-limit"],
            "which of the bank's procedures (on the wire 1, 2 and 3): the first two add, the third \
             overwrites",
        ),
        duration("service", 0, Duration::ZERO, "how long a slow call takes on the server"),
        count("slow_every", 1..=1_000_000, 1, "every which call is slow, from the first on"),
        flag("lock", true, "whether the bank locks accounts between reading and writing them"),
        OptionSpec::new(
            "result_size",
            OptionKind::Size { min: 0, max: 16 << 20 },
            OptionValue::Number(0),
            "how many bytes the bank's receipts have beside the balance",
        ),
        flag(
            "audit",
            true,
            "whether clients ask for their balances (procedure 4) once all their calls have ended, and \
             report `wrong-balance` if that is not what they paid in",
        ),
    ]
}

fn client() -> Vec<OptionSpec> {
    vec![
        count("outstanding", 1..=10_000, 1, "how many calls a client has under way at a time"),
        duration(
            "ask_interval",
            1,
            Duration::from_secs(1),
            "how long a client waits before it asks again about a call that the server works on",
        ),
        word(
            "first_xid",
            &["random", "one"],
            "the transaction id with which a client begins; with `one`, and a fixed port, it uses ids \
             again after a restart",
        ),
        flag(
            "trust_refusals",
            false,
            "a flaw: a refusal counts as a definite failure even if the call was sent before",
        ),
        flag(
            "retransmit_on_stale_reply",
            false,
            "a flaw: a reply to a call that has ended makes the client send again",
        ),
        OptionSpec::absent(
            "reissue",
            OptionKind::Choice(vec!["never", "always", "if-acknowledged", "if-not-acknowledged"]),
            "after each call the client watches whether the server restarts, and then calls anew, or \
             does not; needs the counter, and semantics = \"maybe\"",
        ),
        flag("mapper", false, "whether clients ask a port mapper, on host `mapper`, for the port"),
    ]
}

fn server() -> Vec<OptionSpec> {
    vec![
        count("reply_cache", 0..=1_000_000, 64, "how many replies the server keeps"),
        OptionSpec::absent(
            "reply_ttl",
            OptionKind::Duration { min: 1 },
            "how long it keeps them; absent: until there is no room",
        ),
        flag(
            "match_arguments",
            true,
            "whether calls with the same transaction id and other arguments are other calls",
        ),
        flag(
            "boot_epoch",
            false,
            "whether the server refuses calls from before it restarted, which leaves their outcome \
             unknown",
        ),
        OptionSpec::absent(
            "durable",
            OptionKind::Flag,
            "whether a reply is committed to the disk in one step with the effect; absent: with \
             semantics = \"exactly-once\"",
        ),
        flag("sync", true, "whether a commit waits until it would outlast a crash"),
        word(
            "organization",
            &["iterative", "thread-pool", "event-driven"],
            "who runs the calls: the server itself, one after another; workers; or a task for each, \
             all on one thread",
        ),
        count("workers", 1..=1000, 4, "how many workers a thread-pool has"),
        count("queue", 1..=1_000_000, 64, "how many calls may wait for a worker; more are dropped"),
        flag(
            "blocks",
            false,
            "whether a slow call blocks its thread: an event-driven server stops",
        ),
        word(
            "reply",
            &["after-execution", "before-execution"],
            "when the server replies; before needs the counter",
        ),
        duration(
            "register_after",
            0,
            Duration::ZERO,
            "for how long after each start the server refuses all calls: no such program",
        ),
        flag(
            "refuse_orphans",
            false,
            "whether calls that wait are dropped once their client was heard of in a later life",
        ),
    ]
}

fn messages() -> Vec<OptionSpec> {
    vec![
        word(
            "transport",
            &["udp", "reliable"],
            "what carries the messages: bare datagrams, or a layer that acknowledges each",
        ),
        OptionSpec::new(
            "fragment",
            OptionKind::Size { min: 256, max: MAX_PAYLOAD as u64 },
            OptionValue::Number(1400),
            "the largest datagram; larger messages travel in pieces",
        ),
        OptionSpec::new(
            "reassembly_buffer",
            OptionKind::Size { min: 1, max: 1 << 32 },
            OptionValue::Number(1 << 20),
            "room for pieces that wait for the rest of their messages",
        ),
        duration(
            "reassembly_timeout",
            1,
            Duration::from_secs(30),
            "how long pieces wait for more of their message",
        ),
    ]
}

fn check(options: &Options, context: &OptionContext) -> Option<OptionProblem> {
    let problem =
        |blamed, message: String, help: String| Some(OptionProblem { blamed, message, help });
    let is_counter = options.word("application") == "counter";
    if is_counter && context.message != COUNTER_MESSAGE {
        return problem(
            "application",
            format!(
                "the counter's calls carry no payload, and workload.size is {}B",
                context.message
            ),
            format!(
                "workload.size = \"{COUNTER_MESSAGE}B\", which say who calls; or application = \"bank\""
            ),
        );
    }
    // What is only there for the bank: as it is by default.
    let for_bank = [
        ("procedure", options.word("procedure") != "deposit"),
        ("result_size", options.number("result_size") > 0),
    ];
    if let Some((blamed, _)) = for_bank.into_iter().find(|(_, chosen)| is_counter && *chosen) {
        let help = "application = \"bank\", or take this option away".to_owned();
        return problem(blamed, "the counter knows nothing of this".to_owned(), help);
    }
    if !is_counter {
        let help = "application = \"counter\", and workload.size = \"8B\"".to_owned();
        if options.word("reply") == "before-execution" {
            let message = "the bank's results are not known before a call has run".to_owned();
            return problem("reply", message, help);
        }
        if options.get("reissue").is_some() {
            let message = "only calls of the counter are issued anew".to_owned();
            return problem("reissue", message, help);
        }
    }
    if is_counter && is_durable(options) {
        return problem(
            "application",
            "the counter is in memory: nothing of it can be durable".to_owned(),
            "application = \"bank\", or durable = false".to_owned(),
        );
    }
    if options.get("reissue").is_some() && options.word("semantics") != "maybe" {
        return problem(
            "reissue",
            "the client sends the same call again itself".to_owned(),
            "semantics = \"maybe\"".to_owned(),
        );
    }
    if options.flag("boot_epoch") && options.word("semantics") == "exactly-once" {
        return problem(
            "boot_epoch",
            "a server that refuses calls from before a restart can not run each of them".to_owned(),
            "semantics = \"at-most-once\"; what is durable needs no boot epoch".to_owned(),
        );
    }
    if is_durable(options) && !keeps_replies(options) {
        return problem(
            "durable",
            "a server that keeps no replies has none to commit".to_owned(),
            "semantics = \"exactly-once\" or \"at-most-once\"".to_owned(),
        );
    }
    if options.word("semantics") == "maybe" && options.number("max_attempts") > 1 {
        return problem(
            "max_attempts",
            "with semantics = \"maybe\" a call is sent once".to_owned(),
            "take this option away, or choose \"at-least-once\"".to_owned(),
        );
    }
    let fragment = options.number("fragment");
    if let Some(mtu) = context.mtu.filter(|mtu| fragment + HEADERS > *mtu) {
        let most = mtu.saturating_sub(HEADERS);
        return problem(
            "fragment",
            format!("datagrams of {fragment} bytes do not fit through a link with an MTU of {mtu}"),
            format!("at most {most}B: the IPv4 and UDP headers take {HEADERS} bytes of the MTU"),
        );
    }
    let most = (message_room(options) - PIECE_HEADER) as u64 * MAX_PIECES as u64 - HEADER_ROOM;
    for (key, size) in [("size", context.message), ("result_size", options.number("result_size"))] {
        if size > most {
            return problem(
                key,
                format!("{size} bytes take more than {MAX_PIECES} datagrams"),
                format!("at most {most}B with datagrams of {fragment} bytes"),
            );
        }
    }
    None
}
