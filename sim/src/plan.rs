//! A plan: a scenario with a seed applied and every range drawn. Engines run plans.

use std::sync::Arc;

use crate::network::{FaultSpec, HostId, Impairments, LinkRule};
use crate::protocol::Options;

/// Which engine runs the hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The world jumps from event to event.
    #[default]
    Event,
    /// `turmoil::Sim` runs each host on a tokio runtime of its own.
    Turmoil,
}

impl Engine {
    /// All of them.
    pub const ALL: [Engine; 2] = [Engine::Event, Engine::Turmoil];

    /// The engine with this name.
    pub fn named(name: &str) -> Option<Self> {
        Engine::ALL.into_iter().find(|engine| engine.name() == name)
    }

    /// The name in scenario files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Event => "event",
            Engine::Turmoil => "turmoil",
        }
    }
}

/// In which order tasks that are ready run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// First in, first out.
    #[default]
    Fifo,
    /// Drawn from the named stream `schedule`.
    Random,
}

impl Schedule {
    /// All of them.
    pub const ALL: [Schedule; 2] = [Schedule::Fifo, Schedule::Random];

    /// The schedule with this name.
    pub fn named(name: &str) -> Option<Self> {
        Schedule::ALL.into_iter().find(|schedule| schedule.name() == name)
    }

    /// The name in scenario files.
    pub fn name(self) -> &'static str {
        match self {
            Schedule::Fifo => "fifo",
            Schedule::Random => "random",
        }
    }
}

/// One host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostPlan {
    /// `server`, `client-1`, ..., or the name of a further host of the protocol.
    pub name: String,
    /// Datagrams that may wait in each of its sockets.
    pub receive_buffer: u64,
    /// Wall clock ahead of true time at the start, nanoseconds.
    pub clock_offset: i64,
    /// How much its clocks run fast, parts per million (negative: slow).
    pub clock_drift_ppm: f64,
}

impl HostPlan {
    /// Datagrams that wait in a socket if the file says nothing.
    pub(crate) const RECEIVE_BUFFER: u64 = 256;

    /// A host of which the file says nothing.
    pub(crate) fn new(name: String) -> Self {
        HostPlan {
            name,
            receive_buffer: HostPlan::RECEIVE_BUFFER,
            clock_offset: 0,
            clock_drift_ppm: 0.0,
        }
    }
}

/// What the clients do.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadPlan {
    /// Operations per client.
    pub operations: u32,
    /// Bytes per message, its 8-byte identity included.
    pub size: u64,
    /// Pause between operations, nanoseconds.
    pub interval: u64,
    /// The bytes of a real file; absent: bytes made from each operation's number.
    pub payload: Option<Payload>,
}

/// How a real file is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Cut into messages of the workload's size.
    Cut(Arc<[u8]>),
    /// Each message carries the whole of it.
    Whole(Arc<[u8]>),
}

/// A property of a run that a check decides. Below, n is how often one operation was delivered or
/// executed, over all incarnations of all hosts. The first four are the call semantics of Spector
/// (CACM 25(4), 1982) and of Birrell and Nelson (ACM TOCS 2(1), 1984).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// Every reported success has n >= 1, and the protocol retransmits nothing.
    Maybe,
    /// Every reported success has n >= 1; once every operation has ended, each has n >= 1.
    AtLeastOnce,
    /// n <= 1; a reported success has n = 1, a reported definite failure n = 0.
    AtMostOnce,
    /// At-most-once, and every operation has n = 1 by the end.
    ExactlyOnce,
    /// Per sender, what was delivered is at every instant a prefix of what was sent; a subsequence, if
    /// the scenario asks for no guarantee that forbids loss.
    Fifo,
    /// What was delivered is what was sent, byte for byte.
    Integrity,
}

impl Guarantee {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Guarantee; 6] = [
        Guarantee::Maybe,
        Guarantee::AtLeastOnce,
        Guarantee::AtMostOnce,
        Guarantee::ExactlyOnce,
        Guarantee::Fifo,
        Guarantee::Integrity,
    ];

    /// The name in scenario files and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Guarantee::Maybe => "maybe",
            Guarantee::AtLeastOnce => "at-least-once",
            Guarantee::AtMostOnce => "at-most-once",
            Guarantee::ExactlyOnce => "exactly-once",
            Guarantee::Fifo => "fifo",
            Guarantee::Integrity => "integrity",
        }
    }
}

/// Bounds on a count, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Smallest value allowed.
    pub min: u64,
    /// Largest value allowed; `None` is no limit.
    pub max: Option<u64>,
}

impl std::fmt::Display for Bounds {
    /// As scenario files have them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Bounds { min, max } = self;
        match max {
            Some(max) if max == min => write!(f, "{min}"),
            Some(max) => write!(f, "{min}..={max}"),
            None => write!(f, "{min}.."),
        }
    }
}

/// A cost that a run adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cost {
    /// Datagrams sent.
    Datagrams,
    /// Payload bytes sent.
    Bytes,
    /// Retransmissions the protocol reported.
    Retransmissions,
    /// Times a task of a host was polled.
    Wakeups,
    /// The most entries of memory that the hosts reported to hold, over all hosts at one time.
    PeakMemoryEntries,
}

impl Cost {
    /// All of them.
    pub const ALL: [Cost; 5] = [
        Cost::Datagrams,
        Cost::Bytes,
        Cost::Retransmissions,
        Cost::Wakeups,
        Cost::PeakMemoryEntries,
    ];

    /// The key under `[expect.cost]`.
    pub fn name(self) -> &'static str {
        match self {
            Cost::Datagrams => "datagrams",
            Cost::Bytes => "bytes",
            Cost::Retransmissions => "retransmissions",
            Cost::Wakeups => "wakeups",
            Cost::PeakMemoryEntries => "peak_memory_entries",
        }
    }
}

/// What the scenario expects of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// The delivery guarantee that must hold.
    pub guarantee: Option<Guarantee>,
    /// True if deliveries must be in order per sender.
    pub fifo: bool,
    /// Whether every operation must end (`true`), or some must not (`false`).
    pub completes: Option<bool>,
    /// The time by which every operation must have ended, nanoseconds since the start.
    pub within: Option<u64>,
    /// What the run must show to be violated.
    pub violates: Vec<Guarantee>,
    /// Bounds on costs.
    pub cost: Vec<(Cost, Bounds)>,
    /// Bounds on how often hosts report events, by name.
    pub events: Vec<(String, Bounds)>,
    /// What must happen in some run of a sweep: events that hosts report, or steps of operations.
    pub sometimes: Vec<String>,
}

/// One run, fully decided but for the draws that the network makes from its named streams.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario's name: its path, or `-`.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// The protocol's name.
    pub protocol: String,
    /// Keys every named stream.
    pub seed: u64,
    /// The engine.
    pub engine: Engine,
    /// The order of ready tasks.
    pub schedule: Schedule,
    /// When the run is cut off, nanoseconds.
    pub duration: u64,
    /// How many events and task polls a run may take before it is stopped.
    pub max_events: u64,
    /// The protocol's options.
    pub options: Options,
    /// The workload.
    pub workload: WorkloadPlan,
    /// How many clients there are.
    pub clients: u32,
    /// The hosts: `server` first, then `client-1` and so on, then the protocol's further hosts. A
    /// [`HostId`] is an index into this.
    pub hosts: Vec<HostPlan>,
    /// Link rules in file order; later ones override earlier ones key by key.
    pub links: Vec<LinkRule>,
    /// Faults in file order.
    pub faults: Vec<FaultSpec>,
    /// Expectations.
    pub expect: Expect,
}

impl Plan {
    /// The name of a host.
    pub fn host_name(&self, host: HostId) -> &str {
        &self.hosts[host as usize].name
    }

    /// The impairments from one host to another, all rules applied.
    pub fn link(&self, from: HostId, to: HostId) -> Impairments {
        let mut link = Impairments::default();
        let rules = self.links.iter();
        let named = rules.filter(|rule| rule.from.contains(from) && rule.to.contains(to));
        named.for_each(|rule| link.override_with(&rule.set));
        link
    }
}
