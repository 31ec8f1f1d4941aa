//! The words that depend on the protocol: its options, the kinds and fields of its datagrams, the
//! events its hosts report.

use super::keys::{Key, Keys, Kind};
use super::tables::{count, duration_from, key};
use super::units::Unit;
use crate::protocol::{OptionKind, OptionSpec, ProtocolSpec};

/// The words that depend on the protocol.
#[derive(Clone, Debug, Default)]
pub(super) struct Vocabulary {
    pub(super) options: Vec<Key>,
    kinds: Vec<&'static str>,
    fields: Vec<&'static str>,
    events: Vec<&'static str>,
    /// True if some protocol does not say what its software reports.
    any_event: bool,
    pub(super) open: bool,
}

impl Vocabulary {
    /// The words of one protocol, or of several together. Without any, nothing that depends on the
    /// protocol can be judged.
    pub(super) fn of<'a>(protocols: impl IntoIterator<Item = &'a ProtocolSpec>) -> Self {
        let mut all = Vocabulary { any_event: true, open: true, ..Vocabulary::default() };
        for protocol in protocols {
            all.any_event = protocol.events.is_empty() || (all.any_event && !all.open);
            all.open = false;
            for option in &protocol.options {
                if !all.options.iter().any(|key| key.name == option.name) {
                    all.options.push(option_key(option));
                }
            }
            add(&mut all.kinds, &protocol.kinds);
            let fields = protocol.fields.iter().filter(|field| !PACKET_KEYS.contains(field));
            add(&mut all.fields, &fields.copied().collect::<Vec<_>>());
            add(&mut all.events, &protocol.events);
        }
        all
    }

    /// The kinds of datagram, if they are known.
    pub(super) fn kinds(&self) -> Option<&[&'static str]> {
        (!self.open).then_some(&self.kinds)
    }

    /// The fields of datagrams.
    pub(super) fn fields(&self) -> &[&'static str] {
        &self.fields
    }

    /// The events that the software of hosts reports, and whether there may be others.
    pub(super) fn reports(&self) -> (&[&'static str], bool) {
        (&self.events, self.any_event)
    }

    /// True if `event` is not reported by software, but happens to an operation.
    pub(super) fn is_of_history(event: &str) -> bool {
        HISTORY_EVENTS.contains(&event)
    }

    /// The events that faults can wait for, if they are known.
    pub(super) fn events(&self) -> Option<Vec<&'static str>> {
        let mut events = HISTORY_EVENTS.to_vec();
        add(&mut events, &self.events);
        (!self.open).then_some(events)
    }
}

fn add(all: &mut Vec<&'static str>, more: &[&'static str]) {
    more.iter().for_each(|word| {
        if !all.contains(word) {
            all.push(word);
        }
    });
}

/// The keys of `packet` that do not come from the protocol.
const PACKET_KEYS: [&str; 4] = ["from", "to", "kind", "attempt"];

/// The events of the history, which every protocol's hosts report.
const HISTORY_EVENTS: [&str; 6] =
    ["invoked", "delivered", "executed", "completed", "failed", "unknown"];

fn option_key(option: &OptionSpec) -> Key {
    key(option.name, option_kind(option.name, &option.kind), option.help)
}

/// The kind of value of a protocol's option.
fn option_kind(name: &str, kind: &OptionKind) -> Kind {
    match kind {
        OptionKind::Duration { min } => duration_from(i128::from(*min)),
        OptionKind::DurationOr { min, words } => {
            Kind::DurationOr { min: i128::from(*min), words: words.clone() }
        }
        OptionKind::Size { min, max } => {
            let (min, max) = (i128::from(*min), i128::from(*max));
            Kind::Whole { unit: Unit::Size, min, max, ranges: true }
        }
        OptionKind::Decimal { min, max } => Kind::Decimal { min: *min, max: *max },
        OptionKind::Count { min, max } => count(i128::from(*min), i128::from(*max)),
        OptionKind::Probability => Kind::Probability,
        OptionKind::Flag => Kind::Flag,
        OptionKind::Choice(words) => Kind::Word(words.clone()),
        OptionKind::Table(options) => Kind::Table(Keys {
            place: format!("in `{name}`").into(),
            keys: options.iter().map(option_key).collect(),
            open: false,
        }),
    }
}
