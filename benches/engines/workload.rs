//! What is run, and what every contender must agree on.

use std::time::Duration;

use squall::stream::Stream;

/// One way, everywhere.
pub const DELAY: Duration = Duration::from_millis(10);
/// Stop-and-wait's, of each datagram, and how long its sender waits.
pub const LOSS: f64 = 0.1;
pub const TIMEOUT: Duration = Duration::from_millis(200);
/// Bytes of a message.
pub const SIZE: usize = 64;

/// What the hosts do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Clients send messages to one server, which sends them back; the next follows the answer.
    Echo,
    /// The same, but each message goes to a random other host.
    Peers,
    /// The shipped stop-and-wait over a lossy link.
    StopAndWait,
}

/// How much of it.
#[derive(Clone, Copy)]
pub struct Workload {
    pub name: &'static str,
    pub what: &'static str,
    pub shape: Shape,
    /// The server included.
    pub hosts: u32,
    /// Messages per client.
    pub messages: u32,
    /// Between an answer and the next message.
    pub interval: Duration,
    /// Fresh worlds, with the seeds 1, 2, ...
    pub worlds: u64,
}

pub const A: Workload = Workload {
    name: "A",
    what: "ping-pong",
    shape: Shape::Echo,
    hosts: 2,
    messages: 5_000,
    interval: Duration::ZERO,
    worlds: 10,
};

pub const B: Workload = Workload {
    name: "B",
    what: "50 clients, one server",
    hosts: 51,
    messages: 200,
    worlds: 5,
    ..A
};

pub const C: Workload = Workload {
    name: "C",
    what: "one request every 10 s for an hour",
    messages: 360,
    interval: Duration::from_secs(10),
    worlds: 50,
    ..A
};

pub const D: Workload = Workload {
    name: "D",
    what: "stop-and-wait, 10% loss, 20 messages a world",
    shape: Shape::StopAndWait,
    messages: 20,
    worlds: 1_000,
    ..A
};

pub const E: Workload = Workload {
    name: "E",
    what: "1,000 hosts, each pinging random others",
    shape: Shape::Peers,
    hosts: 1_000,
    messages: 50,
    worlds: 1,
    ..A
};

impl Workload {
    /// E's shape with so many hosts, and as many datagrams whatever their number.
    pub fn peers(hosts: u32) -> Workload {
        let messages = 100_000 / (hosts - 1);
        Workload { hosts, messages, ..E }
    }

    pub fn clients(&self) -> u32 {
        self.hosts - 1
    }
}

/// When a client sends its first message, nanoseconds. Were they to begin together, all datagrams
/// would arrive at the same instants for ever, which squall handles in one go; so each gets a time
/// of its own, before the first datagram can arrive anywhere.
pub fn start(client: u32) -> u64 {
    let stream = Stream::new(1, &["bench", "start"]);
    stream.draw(client.into()).below(DELAY.as_nanos() as u64)
}

/// Whom a peer pings with its n-th message: any other host.
#[derive(Clone, Copy)]
pub struct Targets {
    stream: Stream,
    own: u32,
    hosts: u32,
}

impl Targets {
    pub fn of(own: u32, hosts: u32) -> Self {
        let stream = Stream::new(1, &["bench", "target"]).part(own.into());
        Targets { stream, own, hosts }
    }

    pub fn get(&self, n: u32) -> u32 {
        let other = self.stream.draw(n.into()).below(u64::from(self.hosts) - 1) as u32;
        other + u32::from(other >= self.own)
    }
}
