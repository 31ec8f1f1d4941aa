//! Checks: one property each, decided from what was observed.
//!
//! | property | module | from |
//! |---|---|---|
//! | maybe, at-least-once, at-most-once, exactly-once | `executions` | Birrell and Nelson, "Implementing Remote Procedure Calls" (1984); Spector's terms (1982) |
//! | fifo | `order` | Hadzilacos and Toueg, "Fault-tolerant broadcasts and related problems" (1993) |
//! | integrity | `integrity` | Saltzer, Reed and Clark, "End-to-end arguments in system design" (1984) |
//! | completion, cost, events | `liveness`, `cost`, `events` | |

mod breach;
mod cost;
mod events;
mod executions;
mod integrity;
mod liveness;
mod order;
mod verdict;

pub use breach::{Breach, Side, Way};
pub(crate) use verdict::judge;
pub use verdict::{Report, Verdict};

use crate::engine::{Ending, Run};
use crate::plan::{Guarantee, Plan};
use crate::trace::OpId;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The property held.
    Held,
    /// It did not.
    Violated {
        /// In which way.
        way: Way,
        /// The operation and the events that prove it, in words.
        witness: String,
        /// Where to look on the timeline, nanoseconds since the start.
        at: u64,
        /// The operation, if it is about one.
        op: Option<OpId>,
    },
    /// The run does not say, and this is why.
    Undecided(String),
}

impl Finding {
    /// `held`, `violated` or `undecided`.
    pub fn name(&self) -> &'static str {
        match self {
            Finding::Held => "held",
            Finding::Violated { .. } => "violated",
            Finding::Undecided(_) => "undecided",
        }
    }
}

/// What checks look at.
pub(crate) struct Observed<'a> {
    pub plan: &'a Plan,
    pub run: &'a Run,
}

impl Observed<'_> {
    /// An operation as it is written: `client-1#3`.
    fn name(&self, op: OpId) -> String {
        format!("{}#{}", self.plan.host_name(op.client), op.number)
    }

    /// True if nothing more can happen to any operation.
    fn is_over(&self) -> bool {
        match self.run.ending {
            Ending::Quiet => true,
            Ending::CutOff { unsettled } => !unsettled && self.run.history.all_ended(),
            Ending::Broken(_) => false,
        }
    }

    /// `Held`, unless the run leaves the property open.
    fn held(&self) -> Finding {
        if self.run.history.executions() == 0 {
            Finding::Undecided("nothing was delivered or executed".to_owned())
        } else if !self.is_over() {
            Finding::Undecided("the run was cut off before it was over".to_owned())
        } else {
            Finding::Held
        }
    }
}

/// Decides one guarantee.
pub(crate) fn check(guarantee: Guarantee, observed: &Observed<'_>) -> Finding {
    match guarantee {
        Guarantee::Maybe => executions::maybe(observed),
        Guarantee::AtLeastOnce => executions::at_least_once(observed),
        Guarantee::AtMostOnce => executions::at_most_once(observed),
        Guarantee::ExactlyOnce => executions::exactly_once(observed),
        Guarantee::Fifo => order::fifo(observed),
        Guarantee::Integrity => integrity::integrity(observed),
    }
}

fn violated(way: Way, op: Option<OpId>, at: u64, witness: String) -> Finding {
    Finding::Violated { way, witness, at, op }
}

/// A time as it is written in messages.
fn millis(nanos: u64) -> String {
    format!("{} ms", crate::text::millis(nanos))
}
