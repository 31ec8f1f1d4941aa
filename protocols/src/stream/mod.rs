//! A byte stream: bytes are numbered rather than messages, so that segments may be cut anew at every
//! sending; the receiver says how much room it has, and the sender finds out how much the network has
//! (RFC 9293; Jacobson 1988).
//!
//! The acknowledgement says that the receiver's buffer has the bytes, not that the application has
//! read them: a success is one of the transport, and a crash in between shows the difference
//! (Saltzer, Reed and Clark, "End-to-End Arguments in System Design", 1984).

mod congestion;
mod receive;
mod segment;
mod send;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use squall_sim::net::UdpSocket;
use squall_sim::network::HEADERS;
use squall_sim::protocol::{Client, HostResult, Message, OptionContext, OptionKind, OptionProblem};
use squall_sim::protocol::{OptionSpec, OptionValue, Options, Protocol, Server};
use squall_sim::protocol::{memory_entries, report};
use squall_sim::task::{Either, select};
use squall_sim::time::{Duration, Instant};

use crate::channel::{self, Channel, HEADER_ROOM};
use crate::checksum::Checksum;
use crate::pipeline;
use crate::sender;
use crate::source::Source;
use crate::timer::{self, DefaultTimeout, Timer};

pub use congestion::Congestion;
pub use receive::{OnSegment, ReceiveBuffer};
pub use segment::Datagram;
pub(crate) use segment::dissect;
pub use send::{SendBuffer, Sending, Settings};

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "stream",
        "A byte stream with flow control and Jacobson's congestion control, as TCP has them.",
    );
    timer::with_options(protocol, 0, DefaultTimeout::Adaptive)
        .options(vec![Checksum::option(), sender::port_option()])
        .options(options())
        .check(check)
        .any_message_size()
        .events(&EVENTS)
        .dissector(&segment::KINDS, &segment::FIELDS, segment::dissect)
        .server(server)
        .client(client)
}

/// What its hosts report, besides the timer's events.
pub(crate) const EVENTS: [&str; 3] = ["fast-retransmit", "duplicate-suppressed", "overflow"];

pub(crate) fn options() -> Vec<OptionSpec> {
    let size = |min, max| OptionKind::Size { min, max };
    vec![
        OptionSpec::new(
            "segment",
            size(1, 65_000),
            OptionValue::Number(1000),
            "the most bytes of the stream in one datagram",
        ),
        OptionSpec::new(
            "congestion",
            OptionKind::Choice(vec!["reno", "none"]),
            OptionValue::Word("reno".to_owned()),
            "whether the sender looks for the network's capacity: slow start, additive increase and \
             multiplicative decrease, fast retransmit and recovery",
        ),
        OptionSpec::new(
            "flow_control",
            OptionKind::Flag,
            OptionValue::Flag(true),
            "whether the sender keeps to the receiver's window",
        ),
        OptionSpec::new(
            "send_buffer",
            size(1, 1 << 30),
            OptionValue::Number(256 << 10),
            "bytes that may wait at the sender; another message is taken while there is room",
        ),
        OptionSpec::new(
            "receive_window",
            size(1, 1 << 30),
            OptionValue::Number(64 << 10),
            "bytes that may wait at the receiver, for each sender",
        ),
        OptionSpec::new(
            "read_interval",
            OptionKind::Duration { min: 0 },
            OptionValue::Number(0),
            "how often the receiving application reads; 0 reads as soon as there is something",
        ),
        OptionSpec::new(
            "read_size",
            size(1, 1 << 30),
            OptionValue::Number(1000),
            "how many bytes it then reads at the most",
        ),
    ]
}

/// Checks that segments fit through the links.
pub(crate) fn check(options: &Options, context: &OptionContext) -> Option<OptionProblem> {
    let headers = HEADERS + segment::HEADER as u64 + Checksum::from_options(options).width() as u64;
    let (length, mtu) = (options.number("segment"), context.mtu?);
    (length + headers > mtu).then(|| OptionProblem {
        blamed: "segment",
        message: format!(
            "a segment of {length} bytes does not fit through a link with an MTU of {mtu}"
        ),
        help: format!("at most {}B: the headers take {headers} bytes", mtu.saturating_sub(headers)),
    })
}

fn channel_settings(options: &Options) -> channel::Settings {
    channel::Settings { checksum: Checksum::from_options(options), ..channel::Settings::default() }
}

fn size(options: &Options, name: &str) -> usize {
    usize::try_from(options.number(name)).unwrap_or(usize::MAX)
}

async fn client(mut client: Client) -> HostResult {
    let (options, peer) = (client.options().clone(), client.server());
    let (mut channel, mut buffer) = open(&options).await?;
    Ok(send_all(&mut client, &mut channel, peer, &mut buffer).await?)
}

/// A client's side of a stream, as the options say.
pub(crate) async fn open(options: &Options) -> io::Result<(Channel, SendBuffer)> {
    let settings = Settings {
        segment: size(options, "segment"),
        buffer: size(options, "send_buffer"),
        congestion: options.word("congestion") == "reno",
        flow_control: options.flag("flow_control"),
    };
    let timer = Timer::from_options(options, DefaultTimeout::Adaptive);
    let channel = sender::bind_with(options, channel_settings(options)).await?;
    Ok((channel, SendBuffer::new(settings, timer)))
}

/// Sends all messages of a source, and waits until the receiver has them. Another source may follow.
///
/// # Errors
/// Those of the socket.
pub async fn send_all(
    source: &mut impl Source,
    channel: &mut Channel,
    peer: SocketAddr,
    buffer: &mut SendBuffer,
) -> io::Result<()> {
    let mut exhausted = false;
    loop {
        while let Some(Sending { seq, bytes, again }) = buffer.next_segment(Instant::now()) {
            if again {
                report("retransmission");
            }
            let segment = Datagram::Segment { seq, bytes: &bytes };
            channel.send_to(segment.encode(), peer).await?;
        }
        while let Some((id, delivery)) = buffer.pop_ended() {
            source.ended(id, delivery);
        }
        if buffer.is_dead() {
            return pipeline::fail_the_rest(source).await;
        }
        if exhausted && buffer.is_empty() {
            return Ok(());
        }
        let wants_message = !exhausted && buffer.has_room();
        let message = async {
            match wants_message {
                true => source.next().await,
                false => std::future::pending().await,
            }
        };
        let time = pipeline::sleep_until_some(buffer.deadline());
        match select(channel.recv_from(), select(message, time)).await {
            Either::First(received) => {
                let (bytes, from) = received?;
                let datagram = Datagram::decode(bytes).filter(|_| from == peer);
                if let Some(Datagram::Ack { ack, window }) = datagram
                    && buffer.handle_ack(Instant::now(), ack, window)
                {
                    report("fast-retransmit");
                }
            }
            Either::Second(Either::First(Some(Message { id, payload }))) => {
                buffer.push(id, &payload);
            }
            Either::Second(Either::First(None)) => exhausted = true,
            Either::Second(Either::Second(())) => buffer.handle_timeout(),
        }
    }
}

async fn server(server: Server) -> HostResult {
    let deliver = async |message: &[u8]| {
        server.deliver(message);
        Ok(())
    };
    Ok(serve(&server, deliver).await?)
}

/// Receives as the server's options say.
pub(crate) async fn serve(
    server: &Server,
    deliver: impl AsyncFnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let options = server.options();
    let socket = UdpSocket::bind(server.address()).await?;
    let room = size(options, "segment") + HEADER_ROOM;
    let mut channel = Channel::new(socket, channel_settings(options), room);
    let reader =
        Reader { interval: options.duration("read_interval"), most: size(options, "read_size") };
    let new = || ReceiveBuffer::new(size(options, "receive_window"), size(options, "segment"));
    receive(&mut channel, reader, new, deliver).await
}

/// How fast the receiving application reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Time between reads; zero reads at once.
    pub interval: Duration,
    /// Bytes of one read, if there is an interval.
    pub most: usize,
}

/// One sender's stream and what the application has read of it.
struct Connection {
    buffer: ReceiveBuffer,
    /// Bytes read that are no whole message yet.
    read: Vec<u8>,
}

impl Connection {
    /// Lets the application read. Gives the messages that are whole now.
    fn read(&mut self, most: usize) -> Vec<Vec<u8>> {
        self.read.extend(self.buffer.read(most));
        let mut messages = Vec::new();
        while let Some((length, rest)) = self.read.split_first_chunk() {
            let length = u32::from_be_bytes(*length) as usize;
            let Some(message) = rest.get(..length) else { break };
            messages.push(message.to_vec());
            self.read.drain(..4 + length);
        }
        messages
    }
}

/// Hands each message to `deliver` once, in order, for ever.
///
/// # Errors
/// Those of the socket.
pub async fn receive(
    channel: &mut Channel,
    reader: Reader,
    new: impl Fn() -> ReceiveBuffer,
    mut deliver: impl AsyncFnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut connections: BTreeMap<SocketAddr, Connection> = BTreeMap::new();
    let mut next_read: Option<Instant> = None;
    loop {
        match select(channel.recv_from(), pipeline::sleep_until_some(next_read)).await {
            Either::First(received) => {
                let (bytes, from) = received?;
                let Some(Datagram::Segment { seq, bytes }) = Datagram::decode(bytes) else {
                    continue;
                };
                let connection = connections
                    .entry(from)
                    .or_insert_with(|| Connection { buffer: new(), read: Vec::new() });
                match connection.buffer.handle_segment(seq, bytes) {
                    OnSegment::Kept => {}
                    OnSegment::Duplicate => report("duplicate-suppressed"),
                    OnSegment::Overflow => report("overflow"),
                }
                if reader.interval.is_zero() {
                    for message in connection.read(usize::MAX) {
                        deliver(&message).await?;
                    }
                } else if connection.buffer.is_readable() && next_read.is_none() {
                    next_read = Some(Instant::now() + reader.interval);
                }
                let (ack, window) = connection.buffer.acknowledge();
                channel.send_to(Datagram::Ack { ack, window }.encode(), from).await?;
            }
            Either::Second(()) => {
                for (from, connection) in &mut connections {
                    for message in connection.read(reader.most) {
                        deliver(&message).await?;
                    }
                    if connection.buffer.has_opened() {
                        let (ack, window) = connection.buffer.acknowledge();
                        channel.send_to(Datagram::Ack { ack, window }.encode(), *from).await?;
                    }
                }
                let more = connections.values().any(|one| one.buffer.is_readable());
                next_read = more.then(|| Instant::now() + reader.interval);
            }
        }
        let held: usize = connections.values().map(|one| one.buffer.held()).sum();
        memory_entries(held as u64);
    }
}
