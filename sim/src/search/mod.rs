//! Search: from a failing run to the smallest one that fails alike, and from a scenario to the smallest
//! placement of faults that breaks it.
//!
//! `shrink` takes a failing run: `freeze` writes what chance decided down as faults, `reduce` takes away
//! what does not matter (`minimize` is the way it tries). `bounded` places faults itself, at the
//! `points` that a run offers. Both end with a file that `written` writes, with what `explain` says.
//!
//! A search runs plans, thousands of them, and looks only at how they fail. All of it is decided by the
//! plan it begins with: neither time nor the number of threads changes what is found.

mod bounded;
mod explain;
mod freeze;
mod minimize;
mod points;
mod reduce;
mod shrink;
mod written;

pub use bounded::{Bounds, CheckError, Checked, Counterexample, Level, Progress, check};
pub use points::{FaultKind, Lengths};
pub use shrink::{Shrink, ShrinkError, Shrunk, Size, shrink};

use std::sync::Arc;

use crate::check::{self, Breach, Report};
use crate::engine::{self, Keep, Run};
use crate::plan::{Engine, Plan};
use crate::protocol::{OptionValue, Protocol};

/// Runs a plan on the event engine, and judges the run.
fn run(plan: &Plan, protocol: &Protocol, keep: Keep) -> Option<(Run, Report)> {
    let plan = Arc::new(Plan { engine: Engine::Event, ..plan.clone() });
    let run = engine::run(Arc::clone(&plan), protocol, keep).ok()?;
    let report = check::judge(&plan, &run);
    Some((run, report))
}

/// An option and a value with which a plan must not fail, for its failure to count.
pub type Unless<'a> = (&'a str, &'a OptionValue);

/// True if the plan does not fail with the option that it must not fail with.
fn is_spared(plan: &Plan, protocol: &Protocol, unless: Option<Unless<'_>>) -> bool {
    let Some((name, value)) = unless else { return true };
    let mut plan = plan.clone();
    plan.options.put(name, Some(value.clone()));
    run(&plan, protocol, Keep::default()).is_some_and(|(_, report)| report.breaches.is_empty())
}

/// Runs plans to see whether they fail in one way.
struct Trials<'a> {
    protocol: &'a Protocol,
    target: Breach,
    unless: Option<Unless<'a>>,
    /// Runs so far.
    runs: u64,
    /// Asked before each run; once true, no plan fails any more, and the search comes to its end.
    stop: &'a dyn Fn() -> bool,
}

impl Trials<'_> {
    /// True if a run of the plan fails in the way that is looked for.
    fn fails(&mut self, plan: &Plan) -> bool {
        if (self.stop)() {
            return false;
        }
        self.runs += 1;
        run(plan, self.protocol, Keep::default())
            .is_some_and(|(_, report)| report.breaches.contains(&self.target))
            && is_spared(plan, self.protocol, self.unless)
    }
}
