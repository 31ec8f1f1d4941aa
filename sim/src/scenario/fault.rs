//! The `[[fault]]` tables: one trigger, one action.

mod action;

use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

use super::actions::{ACTIONS, ActionKeys, FAULT_KEYS, PICKS, TRIGGERS};
use super::drawn::{Drawn, at};
use super::hosts::Hosts;
use super::link::Link;
use super::reader::Reader;
use super::words::Vocabulary;
use crate::network::{FaultSpec, HostSet, PacketMatch, Pick, Trigger};
use crate::text::{listed, quote};
use action::DrawnAction;
use squall_diagnostic::{Diagnostic, Span};

/// One `[[fault]]` table, its ranges not yet drawn.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    name: String,
    optional: bool,
    trigger: DrawnTrigger,
    action: DrawnAction,
    length: Option<Drawn<u64>>,
}

#[derive(Clone, Debug)]
enum DrawnTrigger {
    Packet {
        from: HostSet,
        to: HostSet,
        kind: Option<String>,
        fields: Vec<(String, Drawn<u64>)>,
        attempt: Option<Drawn<u64>>,
        pick: DrawnPick,
    },
    At(Drawn<u64>),
    Event {
        hosts: HostSet,
        name: String,
        pick: DrawnPick,
    },
}

#[derive(Clone, Debug)]
enum DrawnPick {
    All,
    Nth(Drawn<u64>),
    First(Drawn<u64>),
    Every(Drawn<u64>),
    Chance(Drawn<f64>),
}

/// What the reading of faults needs to know of the rest of the file.
pub(super) struct Surroundings<'a> {
    pub hosts: &'a Hosts,
    pub words: &'a Vocabulary,
}

/// Names the `[[fault]]` tables: as the file does, or by position.
pub(super) fn paths() -> impl FnMut(usize, &DeTable<'_>) -> String {
    |i, table| format!("fault[{}]", name(i, table))
}

fn name(i: usize, table: &DeTable<'_>) -> String {
    match table.get("name").map(|name| name.get_ref()) {
        Some(DeValue::String(name)) => name.to_string(),
        _ => format!("fault-{}", i + 1),
    }
}

/// Reads all `[[fault]]` tables; notes in `pauses` where a host is paused.
pub(super) fn read_all(
    file: &Reader<'_>,
    around: &Surroundings<'_>,
    pauses: &mut Vec<Span>,
) -> Vec<Fault> {
    let mut names: HashMap<String, Span> = HashMap::new();
    let mut faults = Vec::new();
    for (i, table) in file.tables("fault", paths()).iter().enumerate() {
        let given = table.text("name");
        let name =
            given.as_ref().map_or(format!("fault-{}", i + 1), |(name, _)| (*name).to_owned());
        let span = given.map_or(table.span.clone(), |(_, span)| span);
        if let Some(first) = names.get(&name) {
            let message = format!("two faults are called {}", quote(&name));
            let one = Diagnostic::new(span, message).label("the second");
            table.errors.add(
                one.other(first.clone(), "the first")
                    .help("faults without a `name` are called fault-1, fault-2, ... by position"),
            );
        } else {
            names.insert(name.clone(), span);
        }
        faults.extend(read(table, name, around, pauses));
    }
    faults
}

fn read(
    table: &Reader<'_>,
    name: String,
    around: &Surroundings<'_>,
    pauses: &mut Vec<Span>,
) -> Option<Fault> {
    let optional = table.flag("optional").unwrap_or(false);
    let action = table.word("action");
    let action = action.and_then(|word| ACTIONS.iter().find(|action| action.name == word));
    match action {
        Some(action) => check_keys(table, action),
        // Without the action, what is wrong with its keys can still be said.
        None => check_values(table, around),
    }
    if action.is_some_and(|action| action.name == "pause") {
        pauses.push(table.value_span("action"));
    }
    let trigger = trigger(table, around, action.and_then(|action| action.trigger));
    // What is held is let go by the action itself, not by the end of the fault.
    let hold = action.is_some_and(|action| action.name == "hold");
    let length = if hold { None } else { table.whole("for") };
    let action = action.and_then(|action| action::read(table, action.name, around.hosts));
    Some(Fault { name, optional, trigger: trigger?, action: action?, length })
}

/// Notes keys of other actions, and required ones that are absent.
fn check_keys(table: &Reader<'_>, action: &ActionKeys) {
    let allowed = action.allowed();
    let place = format!("in a fault with action = \"{}\"", action.name);
    for (key, span, _) in table.entries() {
        if table.declares(key) && !allowed.contains(&key) {
            let owners = ACTIONS.iter().filter(|other| other.allowed().contains(&key));
            let owners = listed(owners.map(|other| other.name));
            let own: Vec<&str> =
                allowed.iter().copied().filter(|name| !FAULT_KEYS.contains(name)).collect();
            let own = match own.as_slice() {
                [] => format!("`{}` takes no keys of its own", action.name),
                own => format!("`{}` takes {}", action.name, listed(own.iter().copied())),
            };
            let message = format!("`{key}` does not go with action = \"{}\"", action.name);
            let one = Diagnostic::new(span, message).label(format!("this goes with {owners}"));
            table.errors.add(one.help(own));
        }
    }
    action.required.iter().filter(|key| !table.has(key)).for_each(|key| table.missing(key, &place));
}

/// Checks the values of a fault whose action is not known.
fn check_values(table: &Reader<'_>, around: &Surroundings<'_>) {
    for key in ["copies", "after", "bits", "burst", "keep"] {
        table.whole(key);
    }
    table.numbers("flip");
    for key in ["swap-bytes", "truncate"] {
        table.is_set(key);
    }
    table.signed("by");
    around.hosts.at(table, "host");
    Link::read(table, around.hosts);
}

fn trigger(
    table: &Reader<'_>,
    around: &Surroundings<'_>,
    needed: Option<&str>,
) -> Option<DrawnTrigger> {
    let given: Vec<&str> = TRIGGERS.into_iter().filter(|key| table.has(key)).collect();
    let help = "packet = { ... }, at = \"2s\", or event = { host = \"...\", name = \"...\" }";
    match given.as_slice() {
        [] => {
            let one = Diagnostic::new(table.span.clone(), "this fault has no trigger");
            table.errors.add_missing(one.help(format!("give it one of {help}")));
        }
        [_] => {}
        [first, second, ..] => {
            let one =
                Diagnostic::new(table.key_span(second), "this fault has more than one trigger");
            let one = one.label("another trigger").other(table.key_span(first), "a trigger");
            table.errors.add(one.help(format!(
                "keep one of {help}; a second [[fault]] can do the same at another time"
            )));
        }
    }
    if let ([only], Some(needed)) = (given.as_slice(), needed.filter(|key| !given.contains(key))) {
        let (what, label, help) = match needed {
            "packet" => (
                "what happens to a datagram",
                "this needs a datagram",
                "use packet = { ... } to say which datagrams",
            ),
            _ => (
                "what happens to bytes that a host exposes",
                "this needs a report, and the bytes that come with it",
                "use event = { host = \"...\", name = \"...\" } to say which reports",
            ),
        };
        let one = Diagnostic::new(table.key_span(only), format!("`{only}` can not trigger {what}"));
        table.errors.add(one.other(table.value_span("action"), label).help(help));
    }
    let pick = pick(table, given.first().copied());
    let packet = table.table("packet").map(|packet| read_packet(&packet, around, pick.clone()));
    let at = table.whole("at").map(DrawnTrigger::At);
    let event = table.table("event").map(|event| read_event(&event, around, pick));
    packet.flatten().or(at).or(event.flatten())
}

fn pick(table: &Reader<'_>, trigger: Option<&str>) -> DrawnPick {
    let given: Vec<&str> = PICKS.into_iter().filter(|key| table.has(key)).collect();
    if let [first, second, ..] = given.as_slice() {
        let message = format!("`{first}` and `{second}` exclude one another");
        let one = Diagnostic::new(table.key_span(second), message);
        table
            .errors
            .add(one.label("a second choice of matches").other(table.key_span(first), "the first"));
    }
    if let (Some(key), Some("at")) = (given.first(), trigger) {
        let one = Diagnostic::new(table.key_span(key), format!("`{key}` does not go with `at`"));
        let one = one.label("a time comes once").other(table.key_span("at"), "the trigger");
        table.errors.add(
            one.help("nth, first, every and chance choose among matches of `packet` or `event`"),
        );
    }
    let (nth, first) = (table.whole("nth"), table.whole("first"));
    let (every, chance) = (table.whole("every"), table.probability("chance"));
    (nth.map(DrawnPick::Nth))
        .or(first.map(DrawnPick::First))
        .or(every.map(DrawnPick::Every))
        .or(chance.map(DrawnPick::Chance))
        .unwrap_or(DrawnPick::All)
}

fn read_packet(
    packet: &Reader<'_>,
    around: &Surroundings<'_>,
    pick: DrawnPick,
) -> Option<DrawnTrigger> {
    let kind = packet.text("kind");
    if let (Some((kind, span)), Some(known)) = (&kind, around.words.kinds())
        && !known.contains(kind)
    {
        packet.unknown_word("kind", kind, span.clone(), known);
    }
    let field = |name: &&'static str| Some(((*name).to_owned(), packet.whole(name)?));
    let fields = around.words.fields().iter().filter_map(field).collect();
    let attempt = packet.whole("attempt");
    let (from, to) = (around.hosts.at_or_all(packet, "from"), around.hosts.at_or_all(packet, "to"));
    Some(DrawnTrigger::Packet {
        from: from?,
        to: to?,
        kind: kind.map(|(kind, _)| kind.to_owned()),
        fields,
        attempt,
        pick,
    })
}

fn read_event(
    event: &Reader<'_>,
    around: &Surroundings<'_>,
    pick: DrawnPick,
) -> Option<DrawnTrigger> {
    let hosts = around.hosts.at_or_all(event, "host");
    let (name, span) = event.text("name")?;
    if let Some(known) = around.words.events().filter(|known| !known.contains(&name)) {
        event.unknown_word("event", name, span, &known);
    }
    Some(DrawnTrigger::Event { hosts: hosts?, name: name.to_owned(), pick })
}

impl Fault {
    /// The fault, under `seed`.
    pub(super) fn at(&self, seed: u64) -> FaultSpec {
        FaultSpec {
            name: self.name.clone(),
            trigger: self.trigger.at(seed),
            action: self.action.at(seed),
            length: at(&self.length, seed),
            optional: self.optional,
        }
    }
}

impl DrawnTrigger {
    fn at(&self, seed: u64) -> Trigger {
        match self {
            DrawnTrigger::Packet { from, to, kind, fields, attempt, pick } => {
                let field = |(name, value): &(String, Drawn<u64>)| (name.clone(), value.at(seed));
                let matching = PacketMatch {
                    from: from.clone(),
                    to: to.clone(),
                    kind: kind.clone(),
                    fields: fields.iter().map(field).collect(),
                    attempt: at(attempt, seed),
                };
                Trigger::Packet { matching, pick: pick.at(seed) }
            }
            DrawnTrigger::At(time) => Trigger::At(time.at(seed)),
            DrawnTrigger::Event { hosts, name, pick } => {
                Trigger::Event { hosts: hosts.clone(), name: name.clone(), pick: pick.at(seed) }
            }
        }
    }
}

impl DrawnPick {
    fn at(&self, seed: u64) -> Pick {
        match self {
            DrawnPick::All => Pick::All,
            DrawnPick::Nth(n) => Pick::Nth(n.at(seed)),
            DrawnPick::First(n) => Pick::First(n.at(seed)),
            DrawnPick::Every(n) => Pick::Every(n.at(seed)),
            DrawnPick::Chance(chance) => Pick::Chance(chance.at(seed)),
        }
    }
}
