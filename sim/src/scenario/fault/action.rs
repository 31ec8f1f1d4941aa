//! What a fault does: the keys of one action each.

use crate::network::{Action, Corruption, HostSet, PacketAction, WorldAction};
use crate::scenario::actions::CORRUPTIONS;
use crate::scenario::drawn::{Drawn, at_or};
use crate::scenario::hosts::Hosts;
use crate::scenario::link::Link;
use crate::scenario::reader::Reader;
use crate::scenario::tables::impairments;
use crate::text::listed;
use squall_diagnostic::Diagnostic;

/// An action, its ranges not yet drawn.
#[derive(Clone, Debug)]
pub(super) enum DrawnAction {
    /// An action without a range in it.
    Fixed(Action),
    Duplicate {
        copies: Option<Drawn<u64>>,
        after: Option<Drawn<u64>>,
    },
    Delay(Drawn<u64>),
    Corrupt(DrawnCorruption),
    Hold(Drawn<u64>),
    ClockStep {
        hosts: HostSet,
        by: Drawn<i64>,
    },
    Link(Box<Link>),
}

#[derive(Clone, Debug)]
pub(super) enum DrawnCorruption {
    Bits(Option<Drawn<u64>>),
    Burst(Drawn<u64>),
    Keep(Drawn<u64>),
    Fixed(Corruption),
}

/// Reads the keys that go with `action`.
pub(super) fn read(table: &Reader<'_>, action: &str, hosts: &Hosts) -> Option<DrawnAction> {
    Some(match action {
        "drop" => DrawnAction::Fixed(PacketAction::Drop.into()),
        "duplicate" => {
            DrawnAction::Duplicate { copies: table.whole("copies"), after: table.whole("after") }
        }
        "delay" => {
            not_zero(table, "by");
            DrawnAction::Delay(not_negative(table, "by")?)
        }
        "corrupt" => DrawnAction::Corrupt(corruption(table)),
        "hold" => DrawnAction::Hold(table.whole("for")?),
        "partition" => {
            DrawnAction::Fixed(WorldAction::Partition { cuts: cuts(table, hosts)? }.into())
        }
        "crash" => {
            DrawnAction::Fixed(WorldAction::Crash { hosts: hosts.at(table, "host")? }.into())
        }
        "pause" => {
            DrawnAction::Fixed(WorldAction::Pause { hosts: hosts.at(table, "host")? }.into())
        }
        "corrupt-memory" => {
            let hosts = hosts.at(table, "host")?;
            DrawnAction::Fixed(WorldAction::CorruptMemory { hosts }.into())
        }
        "corrupt-disk" => {
            let hosts = hosts.at(table, "host")?;
            DrawnAction::Fixed(WorldAction::CorruptDisk { hosts }.into())
        }
        "clock-step" => {
            not_zero(table, "by");
            let (hosts, by) = (hosts.at(table, "host"), table.signed("by"));
            DrawnAction::ClockStep { hosts: hosts?, by: by? }
        }
        "link" => {
            if !impairments().iter().any(|key| table.has(key.name)) {
                let one = Diagnostic::new(table.span.clone(), "this fault changes nothing");
                let names = impairments();
                let names = listed(names.iter().map(|key| key.name));
                table
                    .errors
                    .add_missing(one.help(format!("say what the link shall be like: {names}")));
            }
            DrawnAction::Link(Box::new(Link::read(table, hosts)?))
        }
        "calm" => DrawnAction::Fixed(WorldAction::Calm.into()),
        other => unreachable!("`{other}` is declared as an action, but nothing reads it"),
    })
}

/// A fault that changes nothing would count as one that hit.
fn not_zero(table: &Reader<'_>, key: &str) {
    if table.signed(key).is_some_and(|by| (by.low(), by.high()) == (0, 0)) {
        let one = Diagnostic::new(table.value_span(key), "this fault changes nothing");
        table.errors.add(one.label("give a time other than 0"));
    }
}

/// A duration that may be negative for other actions, but not for this one.
fn not_negative(table: &Reader<'_>, key: &str) -> Option<Drawn<u64>> {
    let signed = table.signed(key)?;
    let drawn = signed.clone().unsigned();
    if drawn.is_none() {
        let message = format!("`{key}` must not be negative here");
        let one = Diagnostic::new(table.value_span(key), message);
        table.errors.add(one.label("a datagram can not arrive earlier than without the fault"));
    }
    drawn
}

/// How a datagram is corrupted.
fn corruption(table: &Reader<'_>) -> DrawnCorruption {
    let given: Vec<&str> = CORRUPTIONS.into_iter().filter(|key| table.has(key)).collect();
    if let [first, second, ..] = given.as_slice() {
        let message = format!("`{first}` and `{second}` exclude one another");
        let one = Diagnostic::new(table.key_span(second), message).label("another way to corrupt");
        table.errors.add(
            one.other(table.key_span(first), "a way to corrupt")
                .help("keep one; a second [[fault]] can do the other to the same datagram"),
        );
    }
    let (bits, burst, keep) = (table.whole("bits"), table.whole("burst"), table.whole("keep"));
    if let Some(bits) = table.numbers("flip") {
        return DrawnCorruption::Fixed(Corruption::Flip(bits.into()));
    }
    if let Some(keep) = keep {
        return DrawnCorruption::Keep(keep);
    }
    match (burst, table.is_set("swap-bytes"), table.is_set("truncate")) {
        (Some(burst), _, _) => DrawnCorruption::Burst(burst),
        (_, true, _) => DrawnCorruption::Fixed(Corruption::SwapBytes),
        (_, _, true) => DrawnCorruption::Fixed(Corruption::Truncate),
        _ => DrawnCorruption::Bits(bits),
    }
}

/// The links that a partition cuts, one direction each.
fn cuts(table: &Reader<'_>, hosts: &Hosts) -> Option<Vec<(HostSet, HostSet)>> {
    let one_way = table.has("from") || table.has("to");
    if table.has("groups") && one_way {
        let key = if table.has("from") { "from" } else { "to" };
        let one = Diagnostic::new(
            table.key_span(key),
            format!("`groups` and `{key}` exclude one another"),
        );
        table.errors.add(
            one.other(table.key_span("groups"), "cuts both ways")
                .help("keep `groups`, or `from` and `to` for one way"),
        );
    }
    if table.has("groups") {
        let groups = hosts.groups(table, "groups")?;
        let pairs = groups.iter().flat_map(|from| groups.iter().map(move |to| (from, to)));
        let pairs = pairs.filter(|(from, to)| !std::ptr::eq(*from, *to));
        return Some(pairs.map(|(from, to)| (from.clone(), to.clone())).collect());
    }
    if !one_way {
        let one = Diagnostic::new(table.span.clone(), "this partition does not say what it parts");
        table.errors.add_missing(one.help("groups = [[\"client-*\"], [\"server\"]], or for one way from = \"...\" and to = \"...\""));
        return None;
    }
    for key in ["from", "to"].into_iter().filter(|key| !table.has(key)) {
        table.missing(key, "in a one-way partition");
    }
    let (from, to) = (hosts.at(table, "from"), hosts.at(table, "to"));
    Some(vec![(from?, to?)])
}

impl DrawnAction {
    /// The action, under `seed`.
    pub(super) fn at(&self, seed: u64) -> Action {
        match self {
            DrawnAction::Fixed(action) => action.clone(),
            DrawnAction::Duplicate { copies, after } => {
                let (copies, after) = (at_or(copies, seed, 1), at_or(after, seed, 0));
                PacketAction::Duplicate { copies, after }.into()
            }
            DrawnAction::Delay(by) => PacketAction::Delay { by: by.at(seed) }.into(),
            DrawnAction::Corrupt(how) => PacketAction::Corrupt(how.at(seed)).into(),
            DrawnAction::Hold(length) => PacketAction::Hold { length: length.at(seed) }.into(),
            DrawnAction::ClockStep { hosts, by } => {
                WorldAction::ClockStep { hosts: hosts.clone(), by: by.at(seed) }.into()
            }
            DrawnAction::Link(link) => {
                WorldAction::Link { rules: link.rules(seed).collect() }.into()
            }
        }
    }
}

impl DrawnCorruption {
    fn at(&self, seed: u64) -> Corruption {
        match self {
            DrawnCorruption::Bits(count) => Corruption::Bits(at_or(count, seed, 1)),
            DrawnCorruption::Burst(length) => Corruption::Burst(length.at(seed)),
            DrawnCorruption::Keep(length) => Corruption::Keep(length.at(seed)),
            DrawnCorruption::Fixed(how) => how.clone(),
        }
    }
}
