//! What is written behind a trace: the verdict, in words that stand alone.

use crate::check::{Breach, Finding, Report};
use crate::engine::Run;
use crate::history::Outcome;
use crate::network::{Action, HostId, HostSet, WorldAction};
use crate::outcome::replay_command;
use crate::plan::{Expect, Guarantee, Plan};
use crate::text::millis;
use crate::trace::{Conclusion, FaultFound, Found, OpId, Place};

/// What a run came to.
pub(crate) fn conclude(plan: &Plan, run: &Run, report: &Report) -> Conclusion {
    let faults = plan.faults.iter().zip(&run.faults).map(|(fault, count)| FaultFound {
        name: fault.name.clone(),
        action: fault.action.name().to_owned(),
        opportunities: count.opportunities,
        hits: count.hits,
        hosts: concerned(&fault.action, plan.hosts.len() as HostId),
    });
    let guarantees = report.guarantees.iter().map(|(guarantee, finding)| Found {
        guarantee: guarantee.name().to_owned(),
        finding: finding.name().to_owned(),
        because: match finding {
            Finding::Held => None,
            Finding::Violated { witness: why, .. } | Finding::Undecided(why) => Some(why.clone()),
        },
    });
    Conclusion {
        verdict: report.verdict.name().to_owned(),
        failures: report.failures.clone(),
        expected: expected(&plan.expect),
        guarantees: guarantees.collect(),
        faults: faults.collect(),
        look_at: look_at(plan, run, report),
        sim_time: run.sim_time,
        replay: replay_command(&plan.scenario, plan.seed, plan.engine),
    }
}

/// The hosts at the ends of the links that a fault lies on; none if it lies on all, or on none.
fn concerned(action: &Action, hosts: HostId) -> Vec<HostId> {
    let sets: Vec<&HostSet> = match action {
        Action::World(WorldAction::Partition { cuts }) => {
            cuts.iter().flat_map(|(from, to)| [from, to]).collect()
        }
        Action::World(WorldAction::Link { rules }) => {
            rules.iter().flat_map(|rule| [&rule.from, &rule.to]).collect()
        }
        _ => return Vec::new(),
    };
    let all: Vec<HostId> = HostSet::union(sets).iter(hosts).collect();
    if all.len() == hosts as usize { Vec::new() } else { all }
}

/// The first violation that fails the run, or else that the scenario asks for, or else what did not end.
fn look_at(plan: &Plan, run: &Run, report: &Report) -> Option<Place> {
    let place =
        |at: u64, op: Option<OpId>| Place { at, operation: op.map(|op| (op.client, op.number)) };
    let violated = |wanted: &dyn Fn(Guarantee, u64) -> bool| {
        let all = report.guarantees.iter().filter_map(|(guarantee, finding)| match finding {
            Finding::Violated { at, op, .. } if wanted(*guarantee, *at) => Some(place(*at, *op)),
            _ => None,
        });
        all.min_by_key(|place| place.at)
    };
    let expect = &plan.expect;
    let asked_for = |guarantee: Guarantee| expect.violates.contains(&guarantee);
    if let Some(failed_at) = report.failed_at {
        return violated(&|guarantee, at| at == failed_at && !asked_for(guarantee));
    }
    let pending = || {
        let mut operations = run.history.operations();
        let (id, op) = operations.find(|(_, op)| op.outcome == Outcome::Pending)?;
        Some(place(op.invoked_at, Some(id)))
    };
    violated(&|guarantee, _| asked_for(guarantee))
        .or_else(|| report.breaches.contains(&Breach::Incomplete).then(pending).flatten())
}

fn expected(expect: &Expect) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    all.extend(expect.guarantee.map(|guarantee| format!("{} holds", guarantee.name())));
    all.extend(expect.fifo.then(|| "fifo holds: messages are delivered in order".to_owned()));
    all.extend(expect.violates.iter().map(|one| format!("{} is violated", one.name())));
    all.extend(match (expect.completes, expect.within) {
        (Some(true), Some(within)) => {
            Some(format!("every operation ends within {} ms", millis(within)))
        }
        (Some(true), None) => Some("every operation ends".to_owned()),
        (Some(false), _) => Some("some operation does not end".to_owned()),
        (None, _) => None,
    });
    all.extend(expect.cost.iter().map(|(cost, bounds)| format!("{}: {bounds}", cost.name())));
    all.extend(expect.events.iter().map(|(name, bounds)| format!("event {name}: {bounds} times")));
    all
}
