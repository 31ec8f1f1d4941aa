//! The sender of `ack`, `retry`, `stop-and-wait` and `unique-id`: one message at a time, sent again
//! until it is acknowledged or the attempts are used up.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rand::Rng;
use squall_sim::net::UdpSocket;
use squall_sim::protocol::{Client, HostResult, Message, OptionKind, OptionSpec, OptionValue};
use squall_sim::protocol::{Options, Protocol, report};
use squall_sim::random;
use squall_sim::time::{Instant, timeout_at};

use crate::application;
use crate::channel::{self, Channel, HEADER_ROOM, Settings};
use crate::clock::{Clock, Wait};
use crate::mutants::{self, Mutant};
use crate::source::{Delivery, Source};
use crate::timer::{self, DefaultTimeout, Timer};
use crate::wire::Datagram;

/// Declares the options that [`run`] reads.
pub fn with_options(protocol: Protocol, max_attempts: u64) -> Protocol {
    let options = vec![Clock::option(), port_option()];
    let protocol =
        timer::with_options(protocol, max_attempts, DefaultTimeout::Fixed).options(options);
    application::with_options(channel::with_options(protocol))
}

/// The option that [`bind`] reads.
pub(crate) fn port_option() -> OptionSpec {
    OptionSpec::new(
        "client_port",
        OptionKind::Count { min: 0, max: 65_535 },
        OptionValue::Number(0),
        "the client's port; 0 takes a free one, another after each restart",
    )
}

/// A client's channel to its server.
///
/// # Errors
/// Those of the socket.
pub(crate) async fn bind(options: &Options) -> io::Result<Channel> {
    bind_with(options, Settings::from_options(options)).await
}

/// As [`bind`], with these settings.
///
/// # Errors
/// Those of the socket.
pub(crate) async fn bind_with(options: &Options, settings: Settings) -> io::Result<Channel> {
    let port = u16::try_from(options.number("client_port")).unwrap_or(0);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
    Ok(Channel::new(socket, settings, HEADER_ROOM))
}

/// What tells a sender's messages apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// A counter, from 1.
    Counter,
    /// An identifier that is used once: a random number of the sender's, and a counter.
    Unique {
        /// The random number.
        session: u32,
    },
}

impl Numbering {
    /// Identifiers with a random number of this host.
    pub fn unique() -> Self {
        let drawn = random::rng().next_u32();
        let session = if mutants::is(Mutant::IdReusedAfterRestart) { 7 } else { drawn };
        Numbering::Unique { session }
    }

    /// The `n`-th message as a datagram, and the acknowledgement that belongs to it.
    fn datagrams(self, n: u32, message: &[u8]) -> (Datagram<'_>, Datagram<'static>) {
        match self {
            Numbering::Counter => (Datagram::Data { seq: n, message }, Datagram::Ack { seq: n }),
            Numbering::Unique { session } => {
                let id = u64::from(session) << 32 | u64::from(n);
                (Datagram::UniqueData { id, message }, Datagram::UniqueAck { id })
            }
        }
    }
}

/// Sends messages one after another.
#[derive(Debug)]
pub struct Sender {
    channel: Channel,
    peer: SocketAddr,
    timer: Timer,
    clock: Clock,
    numbering: Numbering,
    next: u32,
}

impl Sender {
    /// A sender to `peer`.
    pub fn new(
        channel: Channel,
        peer: SocketAddr,
        timer: Timer,
        clock: Clock,
        numbering: Numbering,
    ) -> Self {
        Sender { channel, peer, timer, clock, numbering, next: 1 }
    }

    /// Sends a message and waits until it is acknowledged or the attempts are used up.
    ///
    /// # Errors
    /// Those of the socket once the message was sent.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<Delivery> {
        let (mut datagram, mut ack) = self.numbering.datagrams(self.next, message);
        self.next = self.next.wrapping_add(1);
        let mut attempts = 1;
        loop {
            match self.channel.send_to(datagram.encode(), self.peer).await {
                Err(_) if attempts == 1 => return Ok(Delivery::NeverSent),
                sent => sent?,
            }
            let sent_at = Instant::now();
            if self.acknowledged(&ack, attempts).await? {
                if mutants::is(Mutant::TimerNeverCancelled) {
                    report("retransmission");
                    self.channel.send_to(datagram.encode(), self.peer).await?;
                }
                self.timer.handle_ack(sent_at.elapsed(), attempts);
                return Ok(Delivery::Acknowledged);
            }
            self.timer.handle_timeout();
            if self.timer.gives_up_after(attempts) {
                report("gave-up");
                if mutants::is(Mutant::NumberReusedAfterGivingUp) {
                    self.next = self.next.wrapping_sub(1);
                }
                return Ok(Delivery::Unknown);
            }
            report("retransmission");
            attempts += 1;
            if mutants::is(Mutant::NewIdOnRetry) {
                (datagram, ack) = self.numbering.datagrams(self.next, message);
                self.next = self.next.wrapping_add(1);
            }
        }
    }

    /// Waits for the acknowledgement until the timeout. Late ones of other messages do not count.
    async fn acknowledged(&mut self, ack: &Datagram<'_>, attempt: u64) -> io::Result<bool> {
        let mut wait = Wait::begin(self.clock, self.timer.wait(attempt));
        while let Some(deadline) = wait.next() {
            let received = timeout_at(deadline, self.channel.recv_from()).await;
            let Ok(received) = received else { continue };
            let (bytes, from) = received?;
            let decoded = Datagram::decode(bytes);
            let any = mutants::is(Mutant::AnyAckWill) && decoded.is_some();
            if from == self.peer && (decoded.as_ref() == Some(ack) || any) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sends all messages of a source.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn send_all(&mut self, source: &mut impl Source) -> io::Result<()> {
        while let Some(Message { id, payload }) = source.next().await {
            let delivery = self.send(&payload).await?;
            source.ended(id, delivery);
        }
        Ok(())
    }
}

/// A sender as the options say.
pub(crate) async fn open(
    options: &Options,
    peer: SocketAddr,
    numbering: Numbering,
) -> io::Result<Sender> {
    let (timer, clock) =
        (Timer::from_options(options, DefaultTimeout::Fixed), Clock::from_options(options));
    Ok(Sender::new(bind(options).await?, peer, timer, clock, numbering))
}

/// What a client of `ack`, `retry` and `stop-and-wait` runs.
///
/// # Errors
/// Those of its socket.
pub async fn run(mut client: Client) -> HostResult {
    let (options, peer) = (client.options().clone(), client.server());
    Ok(open(&options, peer, Numbering::Counter).await?.send_all(&mut client).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_an_acknowledgement_of_its_own() {
        for numbering in [Numbering::Counter, Numbering::Unique { session: 7 }] {
            let (data, ack) = numbering.datagrams(1, b"x");
            let (other, other_ack) = numbering.datagrams(2, b"x");
            assert_ne!(data, other);
            assert_ne!(ack, other_ack);
        }
        let (mine, _) = Numbering::Unique { session: 7 }.datagrams(1, b"x");
        let (yours, _) = Numbering::Unique { session: 8 }.datagrams(1, b"x");
        assert_ne!(mine, yours);
    }
}
