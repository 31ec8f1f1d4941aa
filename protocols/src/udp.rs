//! Bare datagrams, as in Figures 50.1 and 50.2 of "Operating Systems: Three Easy Pieces": open a
//! socket, fill in an address, write, read. The client says hello, the server answers.

use squall_sim::net::UdpSocket;
use squall_sim::protocol::{Client, Dissection, HostResult, Message, OptionKind, OptionValue};
use squall_sim::protocol::{Protocol, Server};
use squall_sim::workload;

const HELLO: u8 = b'h';
const ANSWER: u8 = b'a';

/// The protocol.
pub fn protocol() -> Protocol {
    Protocol::new("udp", "Sends each message once, and waits for an answer that may never come.")
        .option(
            "wait",
            OptionKind::Flag,
            OptionValue::Flag(true),
            "whether the client waits for the answer, without a timeout; if not, it never knows",
        )
        .dissector(&["hello", "answer"], &["message"], dissect)
        .server(server)
        .client(client)
}

fn dissect(bytes: &[u8]) -> Option<Dissection> {
    match bytes {
        // The protocol numbers nothing; the message says which one it is.
        [HELLO, message @ ..] => {
            let id = workload::identify(message)?;
            Some(Dissection::new("hello").with("message", id.number.into()))
        }
        [ANSWER] => Some(Dissection::new("answer")),
        _ => None,
    }
}

async fn server(server: Server) -> HostResult {
    let socket = UdpSocket::bind(server.address()).await?;
    let mut buffer = server.buffer();
    loop {
        let (length, client) = socket.recv_from(&mut buffer).await?;
        let [HELLO, message @ ..] = &buffer[..length] else {
            continue;
        };
        server.deliver(message);
        socket.send_to(&[ANSWER], client).await?;
    }
}

async fn client(mut client: Client) -> HostResult {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    let wait = client.options().flag("wait");
    let mut buffer = [0; 64];
    while let Some(Message { id, payload }) = client.next().await {
        let hello = [&[HELLO], payload.as_slice()].concat();
        socket.send_to(&hello, "server:10000").await?;
        if !wait {
            client.unknown(id);
            continue;
        }
        loop {
            let (length, _) = socket.recv_from(&mut buffer).await?;
            if buffer[..length] == [ANSWER] {
                break;
            }
        }
        client.complete(id);
    }
    Ok(())
}
