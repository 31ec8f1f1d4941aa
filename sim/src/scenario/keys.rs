//! What the declaration of a key says: its name, what may stand there, one line of help.
//!
//! `tables` declares every key of a scenario file once; the checker, the lists of what is allowed
//! where, and the schema all read that.

use std::borrow::Cow;

use super::units::Unit;

/// The keys of one kind of table.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// Where that is, as messages say it, such as `in [[link]]`.
    pub place: Cow<'static, str>,
    /// Its keys, in the order in which they are listed.
    pub keys: Vec<Key>,
    /// True if other keys can not be judged, for want of a known protocol.
    pub open: bool,
}

impl Keys {
    /// The declaration of a key.
    pub(super) fn get(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of all keys.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.keys.iter().map(|key| key.name)
    }
}

/// One key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// One line for editors.
    pub help: &'static str,
    /// True if the table is wrong without it.
    pub required: bool,
}

impl Key {
    /// The same, but required.
    pub(super) fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// What may stand at a key.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A line of text that is not empty.
    Text,
    /// A name: letters, digits, `-`, `_` and `.`.
    Name,
    /// The path of a file, from the scenario file's folder.
    Path,
    /// `true` or `false`.
    Flag,
    /// `true`: to leave the key out is to say no.
    Set,
    /// One of these words.
    Word(Vec<&'static str>),
    /// One or several of these words.
    Words(Vec<&'static str>),
    /// One or several of these words; if it is open, of any.
    Names { words: Vec<&'static str>, open: bool },
    /// A number of whole units, both limits included.
    Whole {
        unit: Unit,
        min: i128,
        max: i128,
        /// True if a range may stand there.
        ranges: bool,
    },
    /// One or several plain numbers from 0 to `max`.
    Numbers { max: i128 },
    /// A duration or a range, or one of these words.
    DurationOr { min: i128, words: Vec<&'static str> },
    /// A number with a fraction or a range, both limits included.
    Decimal { min: f64, max: f64 },
    /// A probability or a range.
    Probability,
    /// A clock drift or a range.
    Drift,
    /// A probability, a range, or a table with a Gilbert-Elliott model.
    Loss(Keys),
    /// Bounds on a count.
    Bounds,
    /// A table with bounds on a count for each name; if it is open, for any name.
    Counts(Keys),
    /// Host patterns.
    Hosts,
    /// Groups of host patterns.
    Groups,
    /// A table.
    Table(Keys),
    /// An array of tables.
    Tables(Keys),
    /// Tables named by host patterns.
    HostTables(Keys),
}

impl Kind {
    /// What must stand there, with its article.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Kind::Text => "a line of text",
            Kind::Name => "a name",
            Kind::Path => "a path",
            Kind::Flag => "true or false",
            Kind::Set => "true",
            Kind::Word(_) => "a word in quotes",
            Kind::Words(_) | Kind::Names { .. } => "a word in quotes, or an array of them",
            Kind::Whole { unit, .. } => unit.noun(),
            Kind::Numbers { .. } => "a whole number, or an array of them",
            Kind::DurationOr { .. } => "a duration or a word",
            Kind::Decimal { .. } => "a number",
            Kind::Probability => "a probability",
            Kind::Drift => "a drift",
            Kind::Loss(_) => "a probability or a table with `gemodel`",
            Kind::Bounds => "bounds on a count",
            Kind::Hosts => "a host pattern or an array of them",
            Kind::Groups => "an array of groups of hosts",
            Kind::Table(_) | Kind::Counts(_) | Kind::HostTables(_) => "a table",
            Kind::Tables(_) => "an array of tables",
        }
    }
}
