//! Unique identifiers: the receiver remembers every message it has had. It delivers each once, and
//! needs memory for all of them for ever ("Operating Systems: Three Easy Pieces", "Distributed
//! Systems", which goes on to the sequence counter of [`crate::stop_and_wait`]).

use std::collections::BTreeSet;
use std::io;

use squall_sim::protocol::{Client, HostResult, Protocol, Server, memory_entries, report};

use crate::application::Application;
use crate::channel::{self, Channel};
use crate::mutants::{self, Mutant};
use crate::sender::{self, Numbering};
use crate::theory;
use crate::wire::{self, Datagram};

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "unique-id",
        "Gives each message an identifier; the receiver remembers them all and suppresses copies.",
    );
    theory::with_theory(wire::with_unique_dissector(sender::with_options(protocol, 0)))
        .events(&["duplicate-suppressed"])
        .server(server)
        .client(client)
}

async fn server(server: Server) -> HostResult {
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

async fn client(mut client: Client) -> HostResult {
    let (options, peer) = (client.options().clone(), client.server());
    Ok(sender::open(&options, peer, Numbering::unique()).await?.send_all(&mut client).await?)
}

/// Hands each message to `deliver` once, in whatever order they come, for ever.
///
/// # Errors
/// Those of the socket.
pub async fn receive(
    channel: &mut Channel,
    mut deliver: impl AsyncFnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut known = BTreeSet::new();
    loop {
        let (bytes, from) = channel.recv_from().await?;
        let Some(Datagram::UniqueData { id, message }) = Datagram::decode(bytes) else {
            continue;
        };
        if mutants::is(Mutant::IdsForgotten) {
            known.retain(|other| *other == id);
        }
        if known.insert(id) {
            deliver(message).await?;
            memory_entries(known.len() as u64);
        } else {
            report("duplicate-suppressed");
        }
        channel.send_to(Datagram::UniqueAck { id }.encode(), from).await?;
    }
}
