//! Timeout and retry: the sender keeps a copy and sends it again until it is acknowledged
//! ("Operating Systems: Three Easy Pieces", "Distributed Systems"). The receiver cannot tell a copy from a
//! new message, so a lost acknowledgement means a second delivery.

use squall_sim::protocol::Protocol;

use crate::{ack, sender, theory, wire};

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "retry",
        "Sends each message again until it is acknowledged; the receiver delivers every copy.",
    );
    theory::with_theory(wire::with_dissector(sender::with_options(protocol, 0)))
        .server(ack::deliver_everything)
        .client(sender::run)
}
