//! A protocol of one's own: no acknowledgements, but every message is sent several times, and the
//! receiver delivers the first copy.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use squall::net::UdpSocket;
use squall::{Client, Dissection, HostResult, OptionKind, OptionValue, Protocol, Registry, Server};

/// What scenario files of this crate may name: our protocol, beside the shipped ones.
pub fn registry() -> Registry {
    let copies = OptionKind::Count { min: 1, max: 100 };
    let again = Protocol::new("again", "Sends every message several times and asks for nothing.")
        .option("copies", copies, OptionValue::Number(3), "how often each message is sent")
        .dissector(&["copy"], &["seq"], dissect)
        .server(server)
        .client(client);
    Registry::shipped().with(again)
}

/// A datagram is a sequence number (one byte, so that it can wrap around) and the message.
fn dissect(datagram: &[u8]) -> Option<Dissection> {
    Some(Dissection::new("copy").with("seq", (*datagram.first()?).into()))
}

async fn server(server: Server) -> HostResult {
    let socket = UdpSocket::bind(server.address()).await?;
    let (mut buffer, mut seen) = ([0; 2048], BTreeSet::new());
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        let [seq, message @ ..] = &buffer[..length] else { continue };
        if seen.insert((from, *seq)) {
            server.deliver(message);
        }
    }
}

async fn client(mut client: Client) -> HostResult {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    let copies = client.options().number("copies");
    let mut seq = 0u8;
    while let Some(message) = client.next().await {
        let datagram = [&[seq], message.payload.as_slice()].concat();
        for _ in 0..copies {
            socket.send_to(&datagram, client.server()).await?;
        }
        client.unknown(message.id);
        seq = seq.wrapping_add(1);
    }
    Ok(())
}
