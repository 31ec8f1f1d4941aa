//! Acknowledgement: the receiver says that it has the message, so that the sender knows, or knows
//! after a timeout that it does not know ("Operating Systems: Three Easy Pieces", "Distributed
//! Systems").

use std::io;

use squall_sim::protocol::{HostResult, Protocol, Server};

use crate::application::Application;
use crate::channel::{self, Channel};
use crate::mutants::{self, Mutant};
use crate::sender;
use crate::wire::{self, Datagram};

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "ack",
        "Acknowledges each message; the sender tries once and gives up after the timeout.",
    );
    wire::with_dissector(sender::with_options(protocol, 1))
        .server(deliver_everything)
        .client(sender::run)
}

/// The server of `ack` and `retry`: acknowledges and delivers whatever comes.
pub(crate) async fn deliver_everything(server: Server) -> HostResult {
    let application = Application::new(&server);
    Ok(serve(&server, async |message| application.deliver(message).await).await?)
}

/// Receives as the server's options say.
pub(crate) async fn serve(
    server: &Server,
    deliver: impl AsyncFnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    receive(&mut channel::listen(server).await?, deliver).await
}

/// Hands every message to `deliver` and acknowledges it, for ever.
///
/// # Errors
/// Those of the socket.
pub async fn receive(
    channel: &mut Channel,
    mut deliver: impl AsyncFnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        let (bytes, from) = channel.recv_from().await?;
        let Some(Datagram::Data { seq, message }) = Datagram::decode(bytes) else {
            continue;
        };
        let message = message.to_vec();
        let early = mutants::is(Mutant::AckBeforeDelivery);
        if early {
            channel.send_to(Datagram::Ack { seq }.encode(), from).await?;
        }
        deliver(&message).await?;
        if !early {
            channel.send_to(Datagram::Ack { seq }.encode(), from).await?;
        }
    }
}
