//! What a protocol says about itself: options, kinds of datagrams, fields, events.
//!
//! One declaration serves the checker of scenario files, their JSON Schema, `squall protocols` and
//! the protocol's own code.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What an option's value may be.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionKind {
    /// A duration such as `"200ms"`, at least `min`, in nanoseconds.
    Duration {
        /// Smallest value allowed, nanoseconds. A timeout of 0 would spin.
        min: u64,
    },
    /// A duration, at least `min` nanoseconds, or one of these words, such as `"adaptive"`.
    DurationOr {
        /// Smallest value allowed, nanoseconds.
        min: u64,
        /// The words.
        words: Vec<&'static str>,
    },
    /// A size such as `"64B"` or `"4KiB"`, from `min` to `max` bytes, both included.
    Size {
        /// Smallest value allowed.
        min: u64,
        /// Largest value allowed.
        max: u64,
    },
    /// A whole number from `min` to `max`, both included.
    Count {
        /// Smallest value allowed.
        min: u64,
        /// Largest value allowed.
        max: u64,
    },
    /// A number such as `1.5`, from `min` to `max`, both included.
    Decimal {
        /// Smallest value allowed.
        min: f64,
        /// Largest value allowed.
        max: f64,
    },
    /// A probability such as `"10%"` or `0.1`.
    Probability,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(Vec<&'static str>),
    /// A table with options of its own.
    Table(Vec<OptionSpec>),
}

/// The value of an option, drawn and checked.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// Nanoseconds, bytes or a count.
    Number(u64),
    /// A number with a fraction.
    Decimal(f64),
    /// A probability in `0.0..=1.0`.
    Probability(f64),
    /// A flag.
    Flag(bool),
    /// A word of a choice.
    Word(String),
    /// A table of options.
    Table(Options),
}

/// One option of a protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionSpec {
    /// The key in `[options]`.
    pub name: &'static str,
    /// What its value may be.
    pub kind: OptionKind,
    /// The value when the scenario gives none; `None` is an option that may be absent.
    pub default: Option<OptionValue>,
    /// One sentence.
    pub help: &'static str,
}

impl OptionSpec {
    /// An option with a default.
    pub fn new(
        name: &'static str,
        kind: OptionKind,
        default: OptionValue,
        help: &'static str,
    ) -> Self {
        OptionSpec { name, kind, default: Some(default), help }
    }

    /// An option that may be absent.
    pub fn absent(name: &'static str, kind: OptionKind, help: &'static str) -> Self {
        OptionSpec { name, kind, default: None, help }
    }
}

/// What else of a scenario a protocol may look at when it checks its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionContext {
    /// The largest message of the workload, bytes.
    pub message: u64,
    /// The smallest MTU of any `[[link]]`, bytes of an IP datagram; `None` without a limit.
    pub mtu: Option<u64>,
}

/// Why options that are right one by one do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionProblem {
    /// The key to blame, in `[options]` or `[workload]`.
    pub blamed: &'static str,
    /// What is wrong, in a few words.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// Checks options together, and against the rest of the scenario. Where the scenario gives ranges it
/// is asked about their ends, so a limit must be monotonic in each option.
pub type OptionCheck = fn(&Options, &OptionContext) -> Option<OptionProblem>;

/// A host besides server and clients, such as a port mapper.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// Its name.
    pub name: &'static str,
    /// Whether a run with these options has it. As with an [`OptionCheck`], whether some run of a
    /// scenario may have it is asked with ranges at their ends.
    pub when: fn(&Options) -> bool,
}

/// What the checker of scenario files must know of a protocol.
#[derive(Clone, Debug, Default)]
pub struct ProtocolSpec {
    /// The name scenarios use.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// The options it takes.
    pub options: Vec<OptionSpec>,
    /// The kinds of datagram its dissector tells apart; empty without a dissector.
    pub kinds: Vec<&'static str>,
    /// The fields its dissector may name.
    pub fields: Vec<&'static str>,
    /// The events its hosts report, besides those of the history.
    pub events: Vec<&'static str>,
    /// The hosts besides server and clients.
    pub hosts: Vec<HostSpec>,
    /// Checks of the options together.
    pub checks: Vec<OptionCheck>,
    /// True if messages may be larger than a datagram carries.
    pub any_message_size: bool,
}

/// The options of one run: every declared option that was given or has a default. Cloning shares them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options(Arc<BTreeMap<String, OptionValue>>);

impl Options {
    /// Sets an option.
    pub fn set(&mut self, name: impl Into<String>, value: OptionValue) {
        Arc::make_mut(&mut self.0).insert(name.into(), value);
    }

    /// Sets an option, or takes it away.
    pub(crate) fn put(&mut self, name: &str, value: Option<OptionValue>) {
        let options = Arc::make_mut(&mut self.0);
        match value {
            Some(value) => drop(options.insert(name.to_owned(), value)),
            None => drop(options.remove(name)),
        }
    }

    /// The value of an option, if it was given or has a default.
    pub fn get(&self, name: &str) -> Option<&OptionValue> {
        self.0.get(name)
    }

    /// A duration in nanoseconds, a size in bytes, or a count.
    ///
    /// # Panics
    /// If the protocol declares no such option with a default: a mistake in the protocol.
    #[track_caller]
    pub fn number(&self, name: &str) -> u64 {
        match self.get(name) {
            Some(OptionValue::Number(number)) => *number,
            other => wrong_option(name, other, "a number"),
        }
    }

    /// A duration.
    ///
    /// # Panics
    /// As [`Options::number`].
    #[track_caller]
    pub fn duration(&self, name: &str) -> std::time::Duration {
        std::time::Duration::from_nanos(self.number(name))
    }

    /// A flag.
    ///
    /// # Panics
    /// If the protocol declares no such flag with a default.
    #[track_caller]
    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Some(OptionValue::Flag(flag)) => *flag,
            other => wrong_option(name, other, "a flag"),
        }
    }

    /// A probability in `0.0..=1.0`.
    ///
    /// # Panics
    /// If the protocol declares no such probability with a default.
    #[track_caller]
    pub fn probability(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(OptionValue::Probability(probability)) => *probability,
            other => wrong_option(name, other, "a probability"),
        }
    }

    /// A number with a fraction.
    ///
    /// # Panics
    /// If the protocol declares no such number with a default.
    #[track_caller]
    pub fn decimal(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(OptionValue::Decimal(number)) => *number,
            other => wrong_option(name, other, "a number with a fraction"),
        }
    }

    /// The table at an option, if it was given.
    ///
    /// # Panics
    /// If the option is not a table.
    #[track_caller]
    pub fn table(&self, name: &str) -> Option<&Options> {
        match self.get(name)? {
            OptionValue::Table(table) => Some(table),
            other => wrong_option(name, Some(other), "a table"),
        }
    }

    /// The word chosen.
    ///
    /// # Panics
    /// If the protocol declares no such choice with a default.
    #[track_caller]
    pub fn word(&self, name: &str) -> &str {
        match self.get(name) {
            Some(OptionValue::Word(word)) => word,
            other => wrong_option(name, other, "a choice"),
        }
    }
}

/// A protocol reads an option that it does not declare, or not as this.
#[track_caller]
fn wrong_option(name: &str, found: Option<&OptionValue>, wanted: &str) -> ! {
    match found {
        None => panic!("the protocol declares no option `{name}`"),
        Some(found) => {
            panic!("the protocol reads its option `{name}` as {wanted}, but it is {found:?}")
        }
    }
}
