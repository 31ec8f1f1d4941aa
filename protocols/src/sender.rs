//! The sender of `ack`, `retry` and `stop-and-wait`: one message at a time, sent again until it is
//! acknowledged or the attempts are used up.

use std::io;
use std::net::SocketAddr;

use squall_sim::net::UdpSocket;
use squall_sim::protocol::{Client, HostResult, Message, OptionKind, OptionValue, Options};
use squall_sim::protocol::{Protocol, report};
use squall_sim::time::{Duration, Instant, SystemTime, timeout_at};

use crate::wire::Datagram;

/// How long to wait for an acknowledgement, and how often to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Time from a sending to the next.
    pub timeout: Duration,
    /// Sendings in all; `None` is without end.
    pub max_attempts: Option<u64>,
    /// The clock that the timeout is measured with.
    pub clock: Clock,
}

/// A clock of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The one that is never set.
    Monotonic,
    /// The one on the wall. A step of it makes timeouts too short or too long: a classic mistake,
    /// here to be shown.
    Wall,
}

impl Patience {
    /// As the options say that [`with_options`] declares.
    pub fn from_options(options: &Options) -> Self {
        let attempts = options.number("max_attempts");
        Patience {
            timeout: options.duration("timeout"),
            max_attempts: (attempts > 0).then_some(attempts),
            clock: if options.word("clock") == "wall" { Clock::Wall } else { Clock::Monotonic },
        }
    }
}

/// Declares the options that [`Patience::from_options`] and [`run`] read.
pub fn with_options(protocol: Protocol, max_attempts: u64) -> Protocol {
    let attempts = OptionKind::Count { min: 0, max: 1_000_000 };
    let clocks = OptionKind::Choice(vec!["monotonic", "wall"]);
    protocol
        .option(
            "timeout",
            OptionKind::Duration { min: 1 },
            OptionValue::Number(200_000_000),
            "how long the sender waits for an acknowledgement before it tries again or gives up",
        )
        .option(
            "max_attempts",
            attempts,
            OptionValue::Number(max_attempts),
            "how often a message is sent at the most; 0 is without end",
        )
        .option(
            "clock",
            clocks,
            OptionValue::Word("monotonic".into()),
            "the clock that measures the timeout; a step of the wall clock breaks it",
        )
        .option(
            "client_port",
            OptionKind::Count { min: 0, max: 65_535 },
            OptionValue::Number(0),
            "the client's port; 0 takes a free one, another after each restart",
        )
        .events(&["retransmission", "gave-up"])
}

/// What the sender decides about the message it is sending: the part without I/O.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    seq: u32,
    made: u64,
    max: Option<u64>,
}

/// What to do when no acknowledgement came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTimeout {
    /// Send the message again.
    Retransmit,
    /// Stop: whether the message arrived is unknown.
    GiveUp,
}

impl Attempts {
    /// The first attempt to send the message with this sequence number.
    pub fn first(seq: u32, max: Option<u64>) -> Self {
        Attempts { seq, made: 1, max }
    }

    /// True if this acknowledges the message; late ones of earlier messages do not.
    pub fn is_acknowledged_by(&self, datagram: &Datagram<'_>) -> bool {
        *datagram == Datagram::Ack { seq: self.seq }
    }

    /// No acknowledgement came in time.
    pub fn handle_timeout(&mut self) -> OnTimeout {
        if self.max.is_some_and(|max| self.made >= max) {
            return OnTimeout::GiveUp;
        }
        self.made += 1;
        OnTimeout::Retransmit
    }
}

/// How sending a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver has it.
    Acknowledged,
    /// All attempts went without an acknowledgement.
    Unknown,
}

/// Sends messages, numbered from 1.
#[derive(Debug)]
pub struct Sender {
    socket: UdpSocket,
    peer: SocketAddr,
    patience: Patience,
    next_seq: u32,
}

impl Sender {
    /// A sender to `peer`.
    pub fn new(socket: UdpSocket, peer: SocketAddr, patience: Patience) -> Self {
        Sender { socket, peer, patience, next_seq: 1 }
    }

    /// Sends a message and waits until it is acknowledged or the attempts are used up.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<Delivery> {
        let seq = self.next_seq;
        self.next_seq = self.next_seq.wrapping_add(1);
        let datagram = Datagram::Data { seq, message }.encode();
        let mut attempts = Attempts::first(seq, self.patience.max_attempts);
        loop {
            self.socket.send_to(&datagram, self.peer).await?;
            if self.acknowledged(&attempts).await? {
                return Ok(Delivery::Acknowledged);
            }
            match attempts.handle_timeout() {
                OnTimeout::Retransmit => report("retransmission"),
                OnTimeout::GiveUp => {
                    report("gave-up");
                    return Ok(Delivery::Unknown);
                }
            }
        }
    }

    /// Waits for the acknowledgement until the timeout.
    async fn acknowledged(&self, attempts: &Attempts) -> io::Result<bool> {
        let mut buffer = [0; 64];
        let mut wait = Wait::begin(self.patience);
        while let Some(deadline) = wait.next() {
            let received = timeout_at(deadline, self.socket.recv_from(&mut buffer)).await;
            let Ok(received) = received else { continue };
            let (length, from) = received?;
            let datagram = Datagram::decode(&buffer[..length]);
            if from == self.peer
                && datagram.is_some_and(|known| attempts.is_acknowledged_by(&known))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The wait of one attempt.
enum Wait {
    Monotonic(Instant),
    Wall { deadline: Duration, look_every: Duration },
}

impl Wait {
    fn begin(patience: Patience) -> Self {
        match patience.clock {
            Clock::Monotonic => Wait::Monotonic(Instant::now() + patience.timeout),
            Clock::Wall => Wait::Wall {
                deadline: SystemTime::now().since_epoch() + patience.timeout,
                look_every: (patience.timeout / 10).max(Duration::from_millis(1)),
            },
        }
    }

    /// Until when to wait next; `None` once the timeout is over.
    fn next(&mut self) -> Option<Instant> {
        let now = Instant::now();
        match self {
            Wait::Monotonic(deadline) => (*deadline > now).then_some(*deadline),
            Wait::Wall { deadline, look_every } => {
                let rest = deadline.checked_sub(SystemTime::now().since_epoch())?;
                (!rest.is_zero()).then(|| now + rest.min(*look_every))
            }
        }
    }
}

/// What a client of `ack`, `retry` and `stop-and-wait` runs.
///
/// # Errors
/// Those of its socket.
pub async fn run(mut client: Client) -> HostResult {
    let port = u16::try_from(client.options().number("client_port")).unwrap_or(0);
    let socket = UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, port)).await?;
    let patience = Patience::from_options(client.options());
    let mut sender = Sender::new(socket, client.server(), patience);
    while let Some(Message { id, payload }) = client.next().await {
        match sender.send(&payload).await? {
            Delivery::Acknowledged => client.complete(id),
            Delivery::Unknown => client.unknown(id),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_acknowledgement_of_this_message_counts() {
        let attempts = Attempts::first(7, None);
        assert!(attempts.is_acknowledged_by(&Datagram::Ack { seq: 7 }));
        assert!(!attempts.is_acknowledged_by(&Datagram::Ack { seq: 6 }));
        assert!(!attempts.is_acknowledged_by(&Datagram::Data { seq: 7, message: &[] }));
    }

    #[test]
    fn attempts_are_counted_from_the_first() {
        let mut attempts = Attempts::first(1, Some(3));
        assert_eq!(attempts.handle_timeout(), OnTimeout::Retransmit);
        assert_eq!(attempts.handle_timeout(), OnTimeout::Retransmit);
        assert_eq!(attempts.handle_timeout(), OnTimeout::GiveUp);
        let mut endless = Attempts::first(1, None);
        assert!((0..1000).all(|_| endless.handle_timeout() == OnTimeout::Retransmit));
    }
}
