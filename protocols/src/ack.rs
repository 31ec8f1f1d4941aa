//! Acknowledgement: the receiver says that it has the message, so that the sender knows, or knows
//! after a timeout that it does not know ("Operating Systems: Three Easy Pieces", Figure 50.3).

use std::io;

use squall_sim::net::UdpSocket;
use squall_sim::protocol::{HostResult, Protocol, Server};

use crate::sender;
use crate::wire::{self, Datagram};

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "ack",
        "Acknowledges each message; the sender tries once and gives up after the timeout.",
    );
    sender::with_options(protocol, 1)
        .dissector(&wire::KINDS, &wire::FIELDS, wire::dissect)
        .server(deliver_everything)
        .client(sender::run)
}

/// The server of `ack` and `retry`: acknowledges and delivers whatever comes.
pub(crate) async fn deliver_everything(server: Server) -> HostResult {
    let socket = UdpSocket::bind(server.address()).await?;
    receive(&socket, &mut server.buffer(), |message| {
        server.deliver(message);
    })
    .await?;
    Ok(())
}

/// Hands every message to `deliver` and acknowledges it, for ever. What does not fit into `buffer` is
/// cut off.
///
/// # Errors
/// Those of the socket.
pub async fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    mut deliver: impl FnMut(&[u8]),
) -> io::Result<()> {
    loop {
        let (length, from) = socket.recv_from(buffer).await?;
        let Some(Datagram::Data { seq, message }) = Datagram::decode(&buffer[..length]) else {
            continue;
        };
        deliver(message);
        socket.send_to(&Datagram::Ack { seq }.encode(), from).await?;
    }
}
