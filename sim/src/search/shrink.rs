//! From a failing run to a scenario file with the fewest faults that fails in the same way.

use std::collections::BTreeSet;
use std::path::Path;

use super::freeze::{self, Delays, freeze, rename};
use super::written::{self, Place, Written};
use super::{Trials, Unless, explain, reduce, run};
use crate::check::{Breach, Report, Verdict};
use crate::engine::Keep;
use crate::network::{Action, Decisions, FaultSpec, HostId, HostSet, Pick, Trigger, WorldAction};
use crate::plan::{Engine, Expect, Plan};
use crate::protocol::Protocol;
use crate::scenario::{Diagnostics, Scenario};
use crate::text::visible;

/// What to shrink, and for how long.
#[derive(Clone, Copy)]
pub struct Shrink<'a> {
    /// The seed, instead of the file's.
    pub seed: Option<u64>,
    /// If given, only what does not fail with this option instead counts as a failure.
    pub unless: Option<Unless<'a>>,
    /// The path of the file that the clients send, as the result shall have it.
    pub payload: Option<&'a str>,
    /// The folder at which that path begins.
    pub base: &'a Path,
    /// Asked now and then; once it says true, the search ends with what it has.
    pub stop: &'a dyn Fn() -> bool,
}

/// How much there is in a failing run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Size {
    /// Faults that acted, counting each loss, copy and delay by chance as one.
    pub faults: u64,
    /// Clients.
    pub clients: u32,
    /// Operations of each client.
    pub operations: u32,
}

/// What shrinking came to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario file: it fails by itself.
    pub text: String,
    /// The same, read.
    pub scenario: Scenario,
    /// How it fails, as the run that was shrunk does.
    pub breach: Breach,
    /// What the run had.
    pub before: Size,
    /// What the file has.
    pub after: Size,
    /// What each fault of the file does, and whether the failure needs it.
    pub faults: Vec<(String, bool)>,
    /// How many runs it took.
    pub runs: u64,
}

/// Why a run could not be shrunk.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    /// It has no failure.
    #[error("there is nothing to shrink: with seed {seed} the verdict is {}", verdict.name())]
    NoFailure {
        /// The seed.
        seed: u64,
        /// The verdict.
        verdict: Verdict,
    },
    /// It fails in that a fault never hits, or that something did not happen: nothing can be taken away.
    #[error(
        "with seed {seed} the scenario fails for what it does not show ({why}), and less shows even less"
    )]
    ShowsNothing {
        /// The seed.
        seed: u64,
        /// What it does not show.
        why: String,
    },
    /// No simulation can start here.
    #[error("no simulation can start on this thread: another one is running, or a tokio runtime")]
    NoSimulation,
    /// A run of the same plan did not fail again.
    #[error("the run does not fail each time: the code under test is not deterministic")]
    NotDeterministic,
    /// What was written is not what is read. This is a bug.
    #[error("the shrunk scenario can not be read again: {0}")]
    Unreadable(Diagnostics),
}

/// Shrinks the failing run of a scenario under a seed, on the event engine.
///
/// What chance decided is written down as faults; then faults, clients, operations and options are
/// taken away as long as the run still fails in the same way: the same guarantee is violated, and for
/// the same reason. The result is never more than what it began with.
///
/// # Errors
/// If the run does not fail, or no simulation can start here.
///
/// # Panics
/// If the scenario names another protocol.
pub fn shrink(
    scenario: &Scenario,
    protocol: &Protocol,
    how: Shrink<'_>,
) -> Result<Shrunk, ShrinkError> {
    assert_eq!(scenario.protocol(), protocol.spec().name, "the scenario names another protocol");
    let plan = Plan { engine: Engine::Event, ..scenario.plan(how.seed) };
    let keep = Keep { decisions: true, ..Keep::default() };
    let Some((run, report)) = run(&plan, protocol, keep) else {
        return Err(ShrinkError::NoSimulation);
    };
    let target = target(&plan, &report, how.unless.is_some())?;
    let mut plan = expecting_only(plan, &target);
    // That is asked of sweeps, not of one run.
    plan.expect.sometimes.clear();
    let failure = report.failures.first().cloned();
    let decisions = run.decisions.unwrap_or_default();
    let before = Size { faults: fired(&plan, &decisions), ..size(&plan) };
    let unless = how.unless;
    let mut trials = Trials { protocol, target: target.clone(), unless, runs: 0, stop: how.stop };
    let budget = limit_events(&plan, &target, run.counts.wakeups + run.counts.sent);
    let start = Plan { max_events: budget, ..plan.clone() };
    let shrunk = smallest(&start, &decisions, report.failed_at, &mut trials)?;
    let shrunk = Plan { max_events: plan.max_events, ..shrunk };
    let head = vec![
        format!("Shrunk from {}, seed {}.", plan.scenario, plan.seed),
        format!("It fails in this way: {target}."),
    ];
    let head = head.into_iter().chain(failure.map(|failure| format!("There: {failure}")));
    let (after, place) = (size(&shrunk), Place { payload: how.payload, base: how.base });
    let written = written::write_down(shrunk, head.collect(), &mut trials, place);
    let Written { text, scenario, faults } = written.map_err(ShrinkError::Unreadable)?;
    Ok(Shrunk { text, scenario, breach: target, before, after, faults, runs: trials.runs })
}

/// How much there is in a plan without chance.
fn size(plan: &Plan) -> Size {
    Size {
        faults: plan.faults.len() as u64,
        clients: plan.clients,
        operations: plan.workload.operations,
    }
}

/// The way of failing that is kept.
fn target(plan: &Plan, report: &Report, compares: bool) -> Result<Breach, ShrinkError> {
    // With less, there would be even less of what there is too little of.
    let breach = report.breaches.iter().find(|breach| compares || !breach.is_too_little());
    if let Some(breach) = breach {
        return Ok(breach.clone());
    }
    let seed = plan.seed;
    Err(match (report.verdict, report.failures.first()) {
        (Verdict::Fail | Verdict::Invalid, Some(why)) => {
            ShrinkError::ShowsNothing { seed, why: visible(why) }
        }
        (verdict, _) => ShrinkError::NoFailure { seed, verdict },
    })
}

/// Of a file that asks for violations, the one that is looked for: what else it expects of its run, less
/// need not show.
fn expecting_only(plan: Plan, target: &Breach) -> Plan {
    match target {
        Breach::Violated(guarantee, _) if plan.expect.violates.contains(guarantee) => {
            let violates = vec![*guarantee];
            Plan { expect: Expect { violates, ..Expect::default() }, ..plan }
        }
        _ => plan,
    }
}

/// How often something went wrong.
fn fired(plan: &Plan, decisions: &Decisions) -> u64 {
    let datagrams: usize = decisions.datagrams.iter().map(|one| one.actions.len()).sum();
    let at_times = plan.faults.iter().filter(|fault| matches!(fault.trigger, Trigger::At(_)));
    let late = freeze::lateness(plan, decisions).filter(|by| *by > 0).count();
    (datagrams + late + decisions.triggered.len() + at_times.count()) as u64
}

/// Plans that are tried may take more events than the run did, but not without end.
fn limit_events(plan: &Plan, target: &Breach, taken: u64) -> u64 {
    match target {
        // The limit may be what it fails by.
        Breach::Broken(_) => plan.max_events,
        _ => plan.max_events.min(taken.saturating_mul(8).saturating_add(20_000)),
    }
}

/// The smallest plan that fails alike.
fn smallest(
    plan: &Plan,
    decisions: &Decisions,
    failed_at: Option<u64>,
    trials: &mut Trials<'_>,
) -> Result<Plan, ShrinkError> {
    let fixed = freeze(plan, decisions, Delays::Fixed);
    let exact = || freeze(plan, decisions, Delays::Exact);
    let frozen = [fixed].into_iter().chain(std::iter::once_with(exact));
    let mut start = frozen.into_iter().find(|frozen| trials.fails(frozen));
    if start.is_none() && !(trials.stop)() {
        // Chance outside the network decides, such as the order of tasks: it stays.
        start = trials.fails(plan).then(|| plan.clone());
        if start.is_none() {
            return Err(ShrinkError::NotDeterministic);
        }
    }
    let mut start = start.unwrap_or_else(|| plan.clone());
    // What happened after the failure can hardly matter.
    if let Some(at) = failed_at {
        let earlier = before(&start, decisions, at);
        if earlier.faults.len() < start.faults.len() && trials.fails(&earlier) {
            start = earlier;
        }
    }
    let mut small = reduce::reduce(start, trials);
    explain::name_datagrams(&mut small, trials);
    reduce::faults(&mut small, trials);
    let mut renamed = small.clone();
    rename(&mut renamed.faults, 0);
    Ok(if trials.fails(&renamed) { renamed } else { small })
}

/// The plan without faults that act after a time.
fn before(plan: &Plan, decisions: &Decisions, at: u64) -> Plan {
    let late = decisions.datagrams.iter().filter(|sent| sent.at > at);
    let late: BTreeSet<(HostId, HostId, u64)> =
        late.map(|sent| (sent.from, sent.to, sent.n)).collect();
    let hosts = plan.hosts.len() as u32;
    let only = |set: &HostSet| set.iter(hosts).next();
    let is_late = |fault: &FaultSpec| match (&fault.trigger, &fault.action) {
        (Trigger::At(begins), action) => *begins > at && *action != WorldAction::Calm.into(),
        (Trigger::Packet { matching, pick: Pick::Nth(n) }, Action::Packet(_)) => {
            let link = only(&matching.from).zip(only(&matching.to));
            link.is_some_and(|(from, to)| late.contains(&(from, to, *n)))
        }
        _ => false,
    };
    let mut plan = plan.clone();
    plan.faults.retain(|fault| !is_late(fault));
    plan
}
