//! Bare datagrams, as in the first examples of the chapter on distributed systems of "Operating
//! Systems: Three Easy Pieces": open a socket, fill in an address, write, read. The client says hello,
//! the server answers.

use squall_sim::protocol::{Client, Dissection, HostResult, Message, OptionKind, OptionValue};
use squall_sim::protocol::{Protocol, Server};
use squall_sim::workload;

use crate::application::{self, Application};
use crate::channel;
use crate::frame::{self, FRAGMENT, FRAGMENT_FIELDS, kind};
use crate::sender;
use crate::source::{Delivery, Source};

/// The protocol.
pub fn protocol() -> Protocol {
    let [piece_of, index, count] = FRAGMENT_FIELDS;
    let protocol = Protocol::new(
        "udp",
        "Sends each message once, and waits for an answer that may never come.",
    )
    .option(
        "wait",
        OptionKind::Flag,
        OptionValue::Flag(true),
        "whether the client waits for the answer, without a timeout; if not, it never knows",
    )
    .options(vec![sender::port_option()]);
    application::with_options(channel::with_options(protocol))
        .dissector(&["hello", "answer", FRAGMENT], &[piece_of, index, count], dissect)
        .server(server)
        .client(client)
}

fn dissect(bytes: &[u8]) -> Option<Dissection> {
    match frame::peek(bytes)? {
        // The protocol numbers nothing; the message says which one it is.
        (kind::HELLO, message) => {
            let id = workload::identify(message)?;
            Some(Dissection::new("hello").with("message", id.number.into()))
        }
        (kind::ANSWER, []) => Some(Dissection::new("answer")),
        (kind::FRAGMENT, rest) => frame::dissect_fragment(rest),
        _ => None,
    }
}

async fn server(server: Server) -> HostResult {
    let mut channel = channel::listen(&server).await?;
    let application = Application::new(&server);
    loop {
        let (bytes, client) = channel.recv_from().await?;
        let [kind::HELLO, message @ ..] = bytes else {
            continue;
        };
        application.deliver(message).await?;
        channel.send_to(vec![kind::ANSWER], client).await?;
    }
}

async fn client(mut client: Client) -> HostResult {
    let mut channel = sender::bind(client.options()).await?;
    let wait = client.options().flag("wait");
    while let Some(Message { id, payload }) = client.next().await {
        let hello = [&[kind::HELLO], payload.as_slice()].concat();
        if channel.send_to(hello, client.server()).await.is_err() {
            client.ended(id, Delivery::NeverSent);
            continue;
        }
        if !wait {
            client.ended(id, Delivery::Unknown);
            continue;
        }
        while channel.recv_from().await?.0 != [kind::ANSWER] {}
        client.ended(id, Delivery::Acknowledged);
    }
    Ok(())
}
