//! What the network is asked to do: impairments per link, and faults.
//!
//! Every value here is final: ranges were drawn, names were resolved to host numbers. Times are
//! nanoseconds, sizes bytes, rates bits per second, probabilities lie in `0.0..=1.0`.

use std::net::Ipv4Addr;
use std::sync::Arc;

/// The number of a host in its world, counted from 0 in the order in which hosts were added.
pub type HostId = u32;

/// The address of a host: 10.0.0.1 for the first.
pub fn address(host: HostId) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 1).to_bits().wrapping_add(host))
}

/// A set of hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostSet(Members);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Members {
    All,
    /// One bit per host; shared, since each run's plan has its own copy of the set.
    Some(Arc<[u64]>),
}

impl HostSet {
    /// Every host.
    pub fn all() -> Self {
        HostSet(Members::All)
    }

    /// True if every host is in the set, however many there are.
    pub(crate) fn is_all(&self) -> bool {
        self.0 == Members::All
    }

    /// True if `host` is in the set.
    #[inline]
    pub fn contains(&self, host: HostId) -> bool {
        match &self.0 {
            Members::All => true,
            Members::Some(words) => {
                words.get(host as usize / 64).is_some_and(|word| word >> (host % 64) & 1 == 1)
            }
        }
    }

    /// All hosts of any of the sets.
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a HostSet>) -> Self {
        let mut all: Vec<u64> = Vec::new();
        for set in sets {
            let Members::Some(words) = &set.0 else { return HostSet::all() };
            if all.len() < words.len() {
                all.resize(words.len(), 0);
            }
            all.iter_mut().zip(words.iter()).for_each(|(all, word)| *all |= word);
        }
        HostSet(Members::Some(all.into()))
    }

    /// The members under new numbers: each host of `kept` gets its place there, the rest is left out.
    pub(crate) fn renumbered(&self, kept: &[HostId]) -> Self {
        if self.0 == Members::All {
            return HostSet::all();
        }
        let members = (0..).zip(kept).filter(|(_, old)| self.contains(**old));
        members.map(|(new, _)| new).collect()
    }

    /// The members below `hosts`, in ascending order.
    pub fn iter(&self, hosts: u32) -> impl Iterator<Item = HostId> + '_ {
        (0..hosts).filter(|host| self.contains(*host))
    }
}

impl FromIterator<HostId> for HostSet {
    fn from_iter<I: IntoIterator<Item = HostId>>(hosts: I) -> Self {
        let mut words = Vec::new();
        for host in hosts {
            let word = host as usize / 64;
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (host % 64);
        }
        HostSet(Members::Some(words.into()))
    }
}

/// How a link's random delay is spread around `delay`; `jitter` is its scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distribution {
    /// Anywhere in `delay - jitter ..= delay + jitter`, each value as likely.
    #[default]
    Uniform,
    /// Normal with mean `delay` and standard deviation `jitter`, cut off at zero.
    Normal,
    /// `delay` plus an exponential with mean `jitter`.
    Exponential,
    /// `delay` plus a Pareto II (Lomax) with shape 3 and mean `jitter`: a heavy tail.
    Pareto,
}

impl Distribution {
    /// All of them.
    pub const ALL: [Distribution; 4] = [
        Distribution::Uniform,
        Distribution::Normal,
        Distribution::Exponential,
        Distribution::Pareto,
    ];

    /// The distribution with this name.
    pub fn named(name: &str) -> Option<Self> {
        Distribution::ALL.into_iter().find(|distribution| distribution.name() == name)
    }

    /// The name in scenario files.
    pub fn name(self) -> &'static str {
        match self {
            Distribution::Uniform => "uniform",
            Distribution::Normal => "normal",
            Distribution::Exponential => "exponential",
            Distribution::Pareto => "pareto",
        }
    }
}

/// How a link loses datagrams.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Each datagram alone, with this probability.
    Independent(f64),
    /// Two states with their own losses: E. N. Gilbert, "Capacity of a Burst-Noise Channel" (1960),
    /// with E. O. Elliott's loss in the good state (1963); the names are netem's.
    GilbertElliott {
        /// Probability, per datagram, of going from good to bad.
        p: f64,
        /// Probability, per datagram, of going from bad to good.
        r: f64,
        /// Loss in the bad state, netem's `1-h`.
        loss_bad: f64,
        /// Loss in the good state, netem's `1-k`.
        loss_good: f64,
    },
}

/// What one `[[link]]` table says; an absent key leaves what earlier tables said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impairments {
    /// One-way delay, nanoseconds.
    pub delay: Option<u64>,
    /// Scale of the random part of the delay, nanoseconds.
    pub jitter: Option<u64>,
    /// Shape of the random part of the delay.
    pub distribution: Option<Distribution>,
    /// Loss.
    pub loss: Option<Loss>,
    /// Probability that a datagram arrives twice.
    pub duplicate: Option<f64>,
    /// Probability that a datagram skips the delay and so overtakes others.
    pub reorder: Option<f64>,
    /// Probability that one random bit of a datagram flips.
    pub corrupt: Option<f64>,
    /// Serialisation rate, bits per second, never 0.
    pub rate: Option<u64>,
    /// Datagrams that may wait for the rate, the one being sent included.
    pub limit: Option<u64>,
    /// Largest IP datagram, bytes, headers included.
    pub mtu: Option<u64>,
    /// False switches the UDP checksum off, so that corrupted datagrams are delivered, truncated ones
    /// included.
    pub udp_checksum: Option<bool>,
    /// Whether the links of the rule share one queue for their rate, as those through one port of a
    /// router do.
    pub shared: Option<bool>,
}

impl Impairments {
    /// Takes over what a later table says.
    pub(crate) fn override_with(&mut self, later: &Impairments) {
        self.delay = later.delay.or(self.delay);
        self.jitter = later.jitter.or(self.jitter);
        self.distribution = later.distribution.or(self.distribution);
        self.loss = later.loss.or(self.loss);
        self.duplicate = later.duplicate.or(self.duplicate);
        self.reorder = later.reorder.or(self.reorder);
        self.corrupt = later.corrupt.or(self.corrupt);
        self.rate = later.rate.or(self.rate);
        self.limit = later.limit.or(self.limit);
        self.mtu = later.mtu.or(self.mtu);
        self.udp_checksum = later.udp_checksum.or(self.udp_checksum);
        self.shared = later.shared.or(self.shared);
    }
}

/// Impairments of every link from a host of `from` to a host of `to`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkRule {
    /// Sending hosts.
    pub from: HostSet,
    /// Receiving hosts.
    pub to: HostSet,
    /// What the rule sets.
    pub set: Impairments,
}

/// Which of the matches a trigger acts on; counting starts at 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pick {
    /// Every match.
    All,
    /// The n-th match alone.
    Nth(u64),
    /// The first n matches.
    First(u64),
    /// The n-th, 2n-th, 3n-th match and so on.
    Every(u64),
    /// Each match with this probability.
    Chance(f64),
}

/// Which datagrams a packet trigger matches.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketMatch {
    /// Sending hosts.
    pub from: HostSet,
    /// Receiving hosts.
    pub to: HostSet,
    /// The kind the protocol's dissector must say.
    pub kind: Option<String>,
    /// Fields the dissector must say, with these values.
    pub fields: Vec<(String, u64)>,
    /// Counts sendings of an equal datagram on the same link, from 1.
    pub attempt: Option<u64>,
}

/// When a fault acts.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// When a matching datagram is sent.
    Packet {
        /// Which datagrams match.
        matching: PacketMatch,
        /// Which of the matches.
        pick: Pick,
    },
    /// At a time, nanoseconds since the start.
    At(u64),
    /// When a host reports an event.
    Event {
        /// Reporting hosts.
        hosts: HostSet,
        /// The event's name.
        name: String,
        /// Which of the reports.
        pick: Pick,
    },
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// To the datagram that triggers it. Only a packet trigger goes with it.
    Packet(PacketAction),
    /// To hosts, or to the network as a whole.
    World(WorldAction),
}

impl Action {
    /// What it does, as scenario files call it.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Packet(PacketAction::Drop) => "drop",
            Action::Packet(PacketAction::Duplicate { .. }) => "duplicate",
            Action::Packet(PacketAction::Delay { .. }) => "delay",
            Action::Packet(PacketAction::Corrupt(_)) => "corrupt",
            Action::Packet(PacketAction::Hold { .. }) => "hold",
            Action::World(WorldAction::Partition { .. }) => "partition",
            Action::World(WorldAction::Crash { .. }) => "crash",
            Action::World(WorldAction::Pause { .. }) => "pause",
            Action::World(WorldAction::ClockStep { .. }) => "clock-step",
            Action::World(WorldAction::CorruptMemory { .. }) => "corrupt-memory",
            Action::World(WorldAction::CorruptDisk { .. }) => "corrupt-disk",
            Action::World(WorldAction::Link { .. }) => "link",
            Action::World(WorldAction::Calm) => "calm",
        }
    }

    /// True for what lies on links while it is in force: partitions and link overrides.
    pub fn lies_on_links(&self) -> bool {
        matches!(self, Action::World(WorldAction::Partition { .. } | WorldAction::Link { .. }))
    }
}

impl From<PacketAction> for Action {
    fn from(action: PacketAction) -> Self {
        Action::Packet(action)
    }
}

impl From<WorldAction> for Action {
    fn from(action: WorldAction) -> Self {
        Action::World(action)
    }
}

/// What a fault does to the datagram that triggers it.
#[derive(Clone, Debug, PartialEq)]
pub enum PacketAction {
    /// Loses the datagram.
    Drop,
    /// Sends `copies` more, each `after` nanoseconds later than the one before.
    Duplicate {
        /// How many more.
        copies: u64,
        /// Nanoseconds between copies.
        after: u64,
    },
    /// Adds to this datagram's delay; others may overtake it.
    Delay {
        /// Nanoseconds.
        by: u64,
    },
    /// Corrupts the payload.
    Corrupt(Corruption),
    /// Holds this datagram and all that follow it on the same link, then lets them go in order.
    Hold {
        /// Nanoseconds.
        length: u64,
    },
}

/// How a fault corrupts a payload. Places are random, unless they are given.
///
/// J. Stone and C. Partridge, "When the CRC and TCP Checksum Disagree" (SIGCOMM 2000), found all of
/// these, and more, in what hosts and routers deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// Flips this many different bits.
    Bits(u64),
    /// Hits this many consecutive bits: the first and the last are flipped, each of those between
    /// with probability 1/2.
    Burst(u64),
    /// Two bytes of different value change places.
    SwapBytes,
    /// Cuts off the end: at least one byte, and not the last one that is left.
    Truncate,
    /// Flips these bits, as far as the payload has them.
    Flip(Arc<[u64]>),
    /// Cuts off what is behind this many bytes.
    Keep(u64),
}

impl Corruption {
    /// The key in scenario files.
    pub fn name(&self) -> &'static str {
        match self {
            Corruption::Bits(_) => "bits",
            Corruption::Burst(_) => "burst",
            Corruption::SwapBytes => "swap-bytes",
            Corruption::Truncate => "truncate",
            Corruption::Flip(_) => "flip",
            Corruption::Keep(_) => "keep",
        }
    }
}

/// What a fault does to hosts, or to the network as a whole.
#[derive(Clone, Debug, PartialEq)]
pub enum WorldAction {
    /// Stops everything from the first set to the second, also what is on the way, for each pair.
    Partition {
        /// Pairs (from, to), one direction each.
        cuts: Vec<(HostSet, HostSet)>,
    },
    /// Drops all tasks and sockets of these hosts, and what they have not synced to their disks; they
    /// restart when the fault ends.
    Crash {
        /// The hosts.
        hosts: HostSet,
    },
    /// Stops these hosts from running until the fault ends; their sockets go on receiving.
    Pause {
        /// The hosts.
        hosts: HostSet,
    },
    /// Steps the wall clock of these hosts.
    ClockStep {
        /// The hosts.
        hosts: HostSet,
        /// Nanoseconds, negative for back.
        by: i64,
    },
    /// Flips a random bit of the bytes that one of these hosts exposes with the report that triggers
    /// this, see [`expose`](crate::protocol::expose).
    CorruptMemory {
        /// The hosts.
        hosts: HostSet,
    },
    /// Flips a random bit of what these hosts have stored on their disks, synced or not, see
    /// [`fs`](crate::fs).
    CorruptDisk {
        /// The hosts.
        hosts: HostSet,
    },
    /// Overrides impairments until the fault ends.
    Link {
        /// The rules, later ones first in line, as if at the end of the file.
        rules: Vec<LinkRule>,
    },
    /// Ends every fault and impairment, for good: from now on the network is perfect, but for delay
    /// and rate.
    Calm,
}

/// One `[[fault]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSpec {
    /// Its name, unique in the scenario.
    pub name: String,
    /// When it acts.
    pub trigger: Trigger,
    /// What it does.
    pub action: Action,
    /// How long a partition, crash, pause or link override lasts, nanoseconds; `None` is to the end.
    pub length: Option<u64>,
    /// True if the fault may stay without a hit.
    pub optional: bool,
}
