//! The protocols that Squall tests, from bare UDP to a file transfer and remote procedure calls.
//!
//! Each rung mends what breaks the one below:
//!
//! | protocol | adds | still breaks on |
//! |---|---|---|
//! | [`udp`] | nothing | a lost datagram: the client waits for ever |
//! | [`ack`] | acknowledgement and timeout | a lost datagram: the client knows, but the message may be gone |
//! | [`retry`] | retransmission | a lost acknowledgement: the message is delivered twice |
//! | [`unique_id`] | an identifier for each message | memory without end; a crash takes it |
//! | [`stop_and_wait`] | a sequence counter | one message per round trip; a crash: the counter is gone; giving up: it stands still |
//! | [`go_back_n`] | a window | one loss costs all that was sent since |
//! | [`selective_repeat`] | a receiver that sorts | a slow receiver, a full network |
//! | [`mod@stream`] | bytes, flow control, congestion control | bits that flip where no network checks |
//! | [`file_transfer`] | a check at the ends | a crash after the file was handed over |
//!
//! [`rpc`] calls procedures, in the messages of [`oncrpc`], whose arguments and results are [`xdr`].
//!
//! Below them lie [`channel`] (a socket, with [`checksum`], [`fragment`] and [`frame`]) and [`timer`] (with
//! [`rtt`]); [`sender`] sends one message at a time, [`pipeline`] several, both from a [`source`].
//!
//! Decisions live in plain structs without I/O; a short async loop moves the datagrams. The loops
//! use `net` and `time` of `squall-sim`, which are tokio's outside a simulation.
#![forbid(unsafe_code)]

// What the stub compiler writes names this crate.
extern crate self as squall_protocols;

pub mod ack;
mod application;
pub mod channel;
pub mod checksum;
pub mod clock;
pub mod file_transfer;
pub mod fragment;
pub mod frame;
pub mod go_back_n;
pub mod mutants;
pub mod oncrpc;
pub mod pipeline;
pub mod retry;
pub mod rpc;
pub mod rtt;
pub mod selective_repeat;
pub mod sender;
pub mod serial;
pub mod source;
pub mod stop_and_wait;
pub mod stream;
mod theory;
pub mod timer;
pub mod udp;
pub mod unique_id;
pub mod wire;
pub mod xdr;

use squall_sim::protocol::Protocol;

/// Every shipped protocol, from the lowest rung up.
pub fn all() -> Vec<Protocol> {
    let all = vec![
        udp::protocol(),
        ack::protocol(),
        retry::protocol(),
        unique_id::protocol(),
        stop_and_wait::protocol(),
        go_back_n::protocol(),
        selective_repeat::protocol(),
        stream::protocol(),
        file_transfer::protocol(),
        rpc::protocol(),
    ];
    all.into_iter().map(mutants::with_option).collect()
}
