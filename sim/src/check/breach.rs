//! In which way a run failed, without times and names: what two runs that fail alike have in common.

use crate::plan::{Cost, Guarantee};

/// How a guarantee was violated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// The protocol sent something again, which `maybe` forbids.
    Retransmitted,
    /// An operation was delivered or executed more than once.
    Twice,
    /// A success was reported of an operation that was never delivered or executed.
    FalseSuccess,
    /// A definite failure was reported of an operation that was delivered or executed.
    FalseFailure,
    /// An operation was never delivered or executed.
    Never,
    /// A message was delivered when another one was next.
    Gap,
    /// A message was delivered again.
    Again,
    /// A message was delivered after a later one.
    Overtaken,
    /// A message was delivered damaged.
    Damaged,
    /// Something was delivered that no client had sent.
    Foreign,
}

/// On which side of its bounds a count is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Below the smallest value.
    Below,
    /// Above the largest value.
    Above,
}

/// One way in which a run failed its scenario.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Breach {
    /// The run broke, or host software ended with an error; the message, with its numbers left out.
    Broken(String),
    /// A guarantee was violated.
    Violated(Guarantee, Way),
    /// An operation did not end.
    Incomplete,
    /// An operation ended too late.
    Late,
    /// A cost was out of its bounds.
    Cost(Cost, Side),
    /// The count of an event was out of its bounds.
    Events(String, Side),
}

impl Breach {
    /// True if something happened too rarely: a run in which less happens fails in this way all the more.
    pub fn is_too_little(&self) -> bool {
        matches!(self, Breach::Cost(_, Side::Below) | Breach::Events(_, Side::Below))
    }

    /// The run broke with this message.
    pub(super) fn broken(message: &str) -> Self {
        let mut kept = String::with_capacity(message.len());
        for c in message.chars() {
            // Of each number one mark is left: how often something happened is not how it failed.
            match c.is_ascii_digit() {
                false => kept.push(c),
                true if !kept.ends_with('#') => kept.push('#'),
                true => {}
            }
        }
        Breach::Broken(kept)
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = |side: &Side| match side {
            Side::Below => "too small",
            Side::Above => "too large",
        };
        match self {
            Breach::Broken(message) => f.write_str(message),
            Breach::Violated(guarantee, way) => write!(f, "{}: {way}", guarantee.name()),
            Breach::Incomplete => f.write_str("an operation does not end"),
            Breach::Late => f.write_str("an operation ends too late"),
            Breach::Cost(cost, which) => write!(f, "cost {} is {}", cost.name(), side(which)),
            Breach::Events(name, which) => write!(f, "the count of `{name}` is {}", side(which)),
        }
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Way::Retransmitted => "something is sent again",
            Way::Twice => "an operation is delivered or executed twice",
            Way::FalseSuccess => "a success is reported of what was never delivered or executed",
            Way::FalseFailure => "a failure is reported of what was delivered or executed",
            Way::Never => "an operation is never delivered or executed",
            Way::Gap => "a message is delivered when another one is next",
            Way::Again => "a message is delivered again",
            Way::Overtaken => "a message is delivered after a later one",
            Way::Damaged => "a message is delivered damaged",
            Way::Foreign => "something is delivered that nobody sent",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_tell_failures_apart() {
        let broken = |message| Breach::broken(message);
        assert_eq!(broken("client-1 panicked at a.rs:17"), broken("client-2 panicked at a.rs:9"));
        assert_ne!(broken("client-1 panicked"), broken("server panicked"));
    }
}
