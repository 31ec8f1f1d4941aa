//! A file transfer, and the end-to-end argument (Saltzer, Reed and Clark, "End-to-End Arguments in
//! System Design", ACM TOCS 2(4), 1984): a perfect network below does not make the transfer careful,
//! for bits also flip in the memory of a host or on its disk. Only the ends can check the whole: the
//! receiver reads back what it stored, and if it is not what was sent, all is sent again.

mod chunk;
mod client;
mod lower;
mod server;
mod store;

use squall_sim::protocol::{Dissection, OptionContext, OptionKind, OptionProblem, OptionSpec};
use squall_sim::protocol::{OptionValue, Options, Protocol};

use crate::clock::Clock;
use crate::timer::DefaultTimeout;
use crate::{channel, go_back_n, pipeline, selective_repeat, sender, stream, timer, wire};

pub use chunk::{Chunk, EndCheck, Transfer, Verdict, digest};
pub use lower::{Lower, LowerSender};
pub use store::{OnChunk, Store};

/// The port of the check at the ends.
const CHECK_PORT: u16 = squall_sim::protocol::SERVER_PORT + 1;

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "file-transfer",
        "Sends files over another protocol, stores them, and checks them at the ends if asked.",
    );
    let options = vec![
        Lower::option(),
        OptionSpec::new(
            "end_to_end",
            OptionKind::Flag,
            OptionValue::Flag(true),
            "whether the receiver reads back what it stored and compares a digest with the sender's; \
             the transfer is repeated until they agree",
        ),
        OptionSpec::new(
            "chunk",
            OptionKind::Size { min: 1, max: 65_000 },
            OptionValue::Number(1024),
            "bytes of the file in one message of the lower protocol",
        ),
        Clock::option(),
        sender::port_option(),
        OptionSpec::new(
            "resync",
            OptionKind::Flag,
            OptionValue::Flag(true),
            "as in `stop-and-wait`",
        ),
    ];
    timer::with_options(protocol, 0, DefaultTimeout::Fixed)
        .options(options)
        .options(channel::options())
        .options(pipeline::options())
        .options(stream::options())
        .check(check)
        .any_message_size()
        .events(&stream::EVENTS)
        .events(&["out-of-order", "chunk-sent", "chunk-received", "stored", "transfer-repeated"])
        .dissector(
            &["data", "ack", "fragment", "segment", "question", "verdict"],
            &[
                "seq", "id", "length", "ack", "window", "message", "index", "count", "attempt",
                "same",
            ],
            dissect,
        )
        .server(server::run)
        .client(client::run)
}

/// Checks the options of the lower protocol, for messages that are pieces.
fn check(options: &Options, context: &OptionContext) -> Option<OptionProblem> {
    let message = options.number("chunk") + chunk::HEADER as u64;
    let piece = OptionContext { message, ..*context };
    match Lower::from_options(options) {
        Lower::Stream => return stream::check(options, context),
        Lower::GoBackN => go_back_n::check(options, context),
        Lower::SelectiveRepeat => selective_repeat::check(options, context),
        Lower::Retry | Lower::UniqueId | Lower::StopAndWait => None,
    }
    .or_else(|| channel::check(options, &piece))
    .map(|problem| match problem.blamed {
        "size" => OptionProblem { blamed: "chunk", ..problem },
        _ => problem,
    })
}

fn dissect(bytes: &[u8]) -> Option<Dissection> {
    chunk::dissect(bytes).or_else(|| wire::dissect(bytes)).or_else(|| stream::dissect(bytes))
}
