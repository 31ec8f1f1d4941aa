//! Every key of a scenario file, declared once.

use std::sync::LazyLock;

use super::actions::ACTIONS;
use super::keys::{Key, Keys, Kind};
use super::units::Unit;
use super::words::Vocabulary;
use crate::network::Distribution;
use crate::plan::{Cost, Engine, Guarantee, Schedule};

/// A hundred years of 365.25 days, in nanoseconds.
pub(super) const CENTURY: i128 = 876_600 * 3_600_000_000_000;

/// The largest UDP payload, bytes.
pub(super) const MAX_PAYLOAD: i128 = crate::world::MAX_PAYLOAD as i128;

/// The largest message of a protocol that sends each in one datagram, bytes: room is left for its
/// header.
pub(super) const MAX_MESSAGE: i128 = MAX_PAYLOAD - 64;

/// The most clients.
pub(super) const MAX_CLIENTS: u32 = 100_000;

/// The most operations per client.
pub(super) const MAX_OPERATIONS: u64 = 10_000_000;

/// The most bytes in a payload file.
pub(super) const MAX_PAYLOAD_FILE: u64 = 64 << 20;

/// The most entries of any one array; a guard, far above what anybody writes.
pub(super) const MAX_ENTRIES: usize = 10_000;

/// The most link tables: what they say is combined for every pair of hosts that they tell apart.
pub(super) const MAX_LINKS: usize = 500;

/// The most groups of a partition: the cuts grow with the square.
pub(super) const MAX_GROUPS: usize = 100;

pub(super) fn key(name: &'static str, kind: Kind, help: &'static str) -> Key {
    Key { name, kind, help, required: false }
}

pub(super) fn count(min: i128, max: i128) -> Kind {
    Kind::Whole { unit: Unit::Count, min, max, ranges: true }
}

fn duration() -> Kind {
    duration_from(0)
}

pub(super) fn duration_from(min: i128) -> Kind {
    Kind::Whole { unit: Unit::Duration, min, max: CENTURY, ranges: true }
}

fn signed_duration() -> Kind {
    Kind::Whole { unit: Unit::Duration, min: -CENTURY, max: CENTURY, ranges: true }
}

/// A time after the start that is not drawn.
fn instant() -> Kind {
    Kind::Whole { unit: Unit::Duration, min: 1, max: CENTURY, ranges: false }
}

fn table(place: &'static str, keys: Vec<Key>) -> Keys {
    Keys { place: place.into(), keys, open: false }
}

/// The whole file.
pub(super) fn file(words: &Vocabulary) -> Keys {
    let max_events =
        Kind::Whole { unit: Unit::Count, min: 1, max: i128::from(i64::MAX), ranges: false };
    let seed = Kind::Whole { unit: Unit::Count, min: 0, max: i128::from(u64::MAX), ranges: false };
    table(
        "at the top of the file",
        vec![
            key("title", Kind::Text, "What the scenario shows, in one sentence").required(),
            key("protocol", Kind::Text, "The protocol the hosts run; see `squall protocols`")
                .required(),
            key(
                "duration",
                instant(),
                "Simulated time after which the run is cut off; absent: 60s",
            ),
            key("seed", seed, "The seed when none is given; absent: 1"),
            key(
                "engine",
                Kind::Word(Engine::ALL.map(Engine::name).to_vec()),
                "What runs the hosts; absent: event",
            ),
            key(
                "schedule",
                Kind::Word(Schedule::ALL.map(Schedule::name).to_vec()),
                "The order in which ready tasks run; absent: fifo",
            ),
            key(
                "max_events",
                max_events,
                "Events and task polls after which the run is stopped; absent: 10000000",
            ),
            key("options", Kind::Table(options(words)), "The protocol's own options"),
            key("workload", Kind::Table(workload()), "What the clients do"),
            key("hosts", Kind::HostTables(host()), "Tunes hosts, by name or pattern"),
            key(
                "link",
                Kind::Tables(link()),
                "Impairments of links; later tables override earlier ones, key by key",
            ),
            key(
                "fault",
                Kind::Tables(fault(words)),
                "What goes wrong: one trigger, one action each",
            ),
            key("expect", Kind::Table(expect(words)), "What must hold in the end"),
        ],
    )
}

/// `[options]`.
pub(super) fn options(words: &Vocabulary) -> Keys {
    Keys { place: "in [options]".into(), keys: words.options.clone(), open: words.open }
}

fn workload() -> Keys {
    let max = i128::from(MAX_PAYLOAD_FILE);
    let size = Kind::Whole { unit: Unit::Size, min: 8, max, ranges: true };
    let operations = || count(1, i128::from(MAX_OPERATIONS));
    table(
        "in [workload]",
        vec![
            key(
                "clients",
                count(1, i128::from(MAX_CLIENTS)),
                "Hosts client-1, client-2, ...; absent: 1",
            ),
            key("messages", operations(), "Operations per client; absent: 1"),
            key(
                "calls",
                operations(),
                "Operations per client: `messages` by the name that suits RPC",
            ),
            key("size", size, "Bytes per message, its 8-byte identity included; absent: 64B"),
            key("interval", duration(), "Pause between operations; absent: one after another"),
            key(
                "payload",
                Kind::Path,
                "A file whose bytes are sent, cut into messages; relative to this file",
            ),
            key("file", Kind::Path, "A file that is sent as one message; relative to this file"),
        ],
    )
}

fn host() -> Keys {
    let clock = vec![
        key(
            "offset",
            signed_duration(),
            "How far the clock is ahead at the start; negative: behind",
        ),
        key("drift", Kind::Drift, "How much faster the clock runs, in ppm; negative: slower"),
    ];
    table(
        "in [hosts.<pattern>]",
        vec![
            key(
                "receive_buffer",
                count(1, i128::from(u32::MAX)),
                "Datagrams waiting per socket; absent: 256",
            ),
            key(
                "clock",
                Kind::Table(table("in `clock`", clock)),
                "What is wrong with the host's clock",
            ),
        ],
    )
}

fn link() -> Keys {
    let mut keys = vec![
        key("from", Kind::Hosts, "Sending hosts; absent: all"),
        key("to", Kind::Hosts, "Receiving hosts; absent: all"),
        key("both", Kind::Flag, "True: both directions"),
    ];
    keys.extend(impairments());
    keys.push(key(
        "shared",
        Kind::Flag,
        "True: these links share one queue for the rate, as through one port of a router",
    ));
    table("in [[link]]", keys)
}

/// The keys that a link and the fault action `link` share.
pub(super) fn impairments() -> Vec<Key> {
    let model = vec![
        key("p", Kind::Probability, "Per datagram, from the good to the bad state").required(),
        key("r", Kind::Probability, "Per datagram, from the bad to the good state").required(),
        key("1-h", Kind::Probability, "Loss in the bad state; absent: 100%"),
        key("1-k", Kind::Probability, "Loss in the good state; absent: 0%"),
    ];
    let model = Kind::Table(table("in `gemodel`", model));
    let loss = vec![
        key(
            "gemodel",
            model,
            "Losses in bursts, after Gilbert and Elliott, such as { p = \"1%\", r = \"30%\" }",
        )
        .required(),
    ];
    let rate = Kind::Whole { unit: Unit::Rate, min: 1, max: 1_000_000_000_000_000, ranges: true };
    let shapes = Distribution::ALL.map(Distribution::name).to_vec();
    vec![
        key("delay", duration(), "One-way delay"),
        key("jitter", duration(), "Scale of the random part of the delay"),
        key(
            "distribution",
            Kind::Word(shapes),
            "Shape of the random part of the delay; absent: uniform",
        ),
        key(
            "loss",
            Kind::Loss(table("in `loss`", loss)),
            "Share of datagrams lost, or { gemodel = { p, r, 1-h, 1-k } }",
        ),
        key("duplicate", Kind::Probability, "Share of datagrams that arrive twice"),
        key("reorder", Kind::Probability, "Share of datagrams that skip the delay"),
        key("corrupt", Kind::Probability, "Share of datagrams with one bit flipped"),
        key("rate", rate, "Bits per second: serialisation delay"),
        key(
            "limit",
            count(1, i128::from(u32::MAX)),
            "Datagrams queued for the rate, with the one being sent; more are dropped",
        ),
        key("mtu", count(28, 65_535), "Largest IP datagram in bytes; larger ones are dropped"),
        key("udp_checksum", Kind::Flag, "False: corrupted datagrams are delivered; absent: true"),
    ]
}

/// `[[fault]]`: the keys of all triggers and actions together; [`ACTIONS`] says what goes with what.
pub(super) fn fault(words: &Vocabulary) -> Keys {
    let number = || count(1, i128::from(i64::MAX));
    let actions = ACTIONS.iter().map(|action| action.name).collect();
    let mut keys = vec![
        key("name", Kind::Name, "The fault's name in reports; absent: fault-1, fault-2, ..."),
        key("optional", Kind::Flag, "True: the run counts even if the fault never hits"),
        key("packet", Kind::Table(packet(words)), "Trigger: a datagram that matches is sent"),
        key("at", duration(), "Trigger: a time"),
        key("event", Kind::Table(event()), "Trigger: a host reports something"),
        key("nth", number(), "Only the n-th match; absent: every match"),
        key("first", number(), "Only the first n matches"),
        key("every", number(), "Every n-th match"),
        key("chance", Kind::Probability, "Each match with this probability"),
        key("action", Kind::Word(actions), "What happens").required(),
        key("for", duration_from(1), "How long it lasts; absent: to the end"),
        key("copies", count(1, 100), "duplicate: how many more; absent: 1"),
        key("after", duration(), "duplicate: time between copies; absent: 0s"),
        key(
            "by",
            signed_duration(),
            "delay: how much later; clock-step: how far, negative for back",
        ),
        key("bits", count(1, 4096), "corrupt: how many different bits flip; absent: 1"),
        key(
            "burst",
            count(1, 4096),
            "corrupt, instead of bits: how many bits in a row are hit; the first and the last flip",
        ),
        key("swap-bytes", Kind::Set, "corrupt, instead of bits: two different bytes change places"),
        key("truncate", Kind::Set, "corrupt, instead of bits: the end is cut off"),
        key(
            "flip",
            Kind::Numbers { max: MAX_PAYLOAD * 8 - 1 },
            "corrupt, instead of bits: which bits flip, from 0, the lowest bit of each byte first",
        ),
        key(
            "keep",
            count(0, MAX_PAYLOAD),
            "corrupt, instead of bits: what is behind so many bytes is cut off",
        ),
        key(
            "groups",
            Kind::Groups,
            "partition: hosts of different groups can not reach each other",
        ),
        key("from", Kind::Hosts, "partition, link: sending hosts"),
        key("to", Kind::Hosts, "partition, link: receiving hosts"),
        key("both", Kind::Flag, "link: both directions"),
        key(
            "host",
            Kind::Hosts,
            "crash, pause, clock-step, corrupt-memory, corrupt-disk: the hosts",
        ),
    ];
    keys.extend(impairments());
    table("in [[fault]]", keys)
}

fn packet(words: &Vocabulary) -> Keys {
    let mut keys = vec![
        key("from", Kind::Hosts, "Sending hosts; absent: all"),
        key("to", Kind::Hosts, "Receiving hosts; absent: all"),
        key("kind", Kind::Text, "The kind of datagram, as the protocol names it"),
        key(
            "attempt",
            count(1, i128::from(i64::MAX)),
            "Which sending of an equal datagram, from 1",
        ),
    ];
    let field = |name: &&'static str| {
        key(name, count(0, i128::from(u64::MAX)), "A number in the protocol's header")
    };
    keys.extend(words.fields().iter().map(field));
    Keys { place: "in `packet`".into(), keys, open: words.open }
}

fn event() -> Keys {
    table(
        "in `event`",
        vec![
            key("host", Kind::Hosts, "Reporting hosts; absent: all"),
            key("name", Kind::Text, "What is reported, such as `executed`").required(),
        ],
    )
}

/// `[expect] events`: the events that the software of hosts reports.
pub(super) fn expected_events(words: &Vocabulary) -> Keys {
    let (names, open) = words.reports();
    let event = |name: &&'static str| key(name, Kind::Bounds, "How often hosts report this event");
    Keys { place: "in `events`".into(), keys: names.iter().map(event).collect(), open }
}

/// `[expect] sometimes`: what some run of a sweep must reach.
pub(super) fn sometimes(words: &Vocabulary) -> Kind {
    Kind::Names { words: words.events().unwrap_or_default(), open: words.reports().1 }
}

fn expect(words: &Vocabulary) -> Keys {
    let events = expected_events(words);
    let names = |guarantees: &[Guarantee]| guarantees.iter().map(|one| one.name()).collect();
    let delivery = Guarantee::ALL.split_at(4).0;
    let cost =
        Cost::ALL.iter().map(|cost| key(cost.name(), Kind::Bounds, cost_help(*cost))).collect();
    table(
        "in [expect]",
        vec![
            key("guarantee", Kind::Word(names(delivery)), "The delivery guarantee that must hold"),
            key(
                "order",
                Kind::Word(vec!["fifo"]),
                "fifo: deliveries in the order of sending, per sender",
            ),
            key("completes", Kind::Flag, "True: every operation ends; false: some must not"),
            key("within", instant(), "When every operation must have ended"),
            key(
                "violates",
                Kind::Words(names(&Guarantee::ALL)),
                "What the run must show to be violated",
            ),
            key(
                "cost",
                Kind::Table(table("in `cost`", cost)),
                "Bounds on what the run may cost, such as \"..=60\"",
            ),
            key(
                "events",
                Kind::Counts(events),
                "Bounds on how often hosts report events, such as { retransmission = \"1..\" }",
            ),
            key(
                "sometimes",
                sometimes(words),
                "What must happen in some run of a sweep (`squall explore`), such as [\"retransmission\"]",
            ),
        ],
    )
}

fn cost_help(cost: Cost) -> &'static str {
    match cost {
        Cost::Datagrams => "Datagrams sent",
        Cost::Bytes => "Payload bytes sent",
        Cost::Retransmissions => "Retransmissions the protocol reported",
        Cost::Wakeups => "Times a task of a host was polled",
        Cost::PeakMemoryEntries => "The most memory entries the hosts reported at one time",
    }
}

/// The tables in which a key of this name is known, for a hint at where a stray one belongs.
pub(super) fn homes(name: &str) -> Vec<String> {
    static TABLES: LazyLock<[Keys; 6]> = LazyLock::new(|| {
        let none = Vocabulary::default();
        [file(&none), workload(), host(), link(), fault(&none), expect(&none)]
    });
    let known = TABLES.iter().filter(|table| table.get(name).is_some());
    known.map(|table| table.place.to_string()).collect()
}
