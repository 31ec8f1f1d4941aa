//! What is written behind a trace: the verdict, in words that stand alone.

use crate::check::{Finding, Report};
use crate::engine::Run;
use crate::outcome::replay_command;
use crate::plan::{Expect, Plan};
use crate::text::millis;
use crate::trace::{Conclusion, FaultFound, Found};

/// What a run came to.
pub(crate) fn conclude(plan: &Plan, run: &Run, report: &Report) -> Conclusion {
    let faults = plan.faults.iter().zip(&run.faults).map(|(fault, count)| FaultFound {
        name: fault.name.clone(),
        action: fault.action.name().to_owned(),
        opportunities: count.opportunities,
        hits: count.hits,
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
        look_at: report.failed_at.or_else(|| asked_for(&plan.expect, report)),
        sim_time: run.sim_time,
        replay: replay_command(&plan.scenario, plan.seed, plan.engine),
    }
}

/// When the first violation was proven that the scenario asks for.
fn asked_for(expect: &Expect, report: &Report) -> Option<u64> {
    let shown = expect.violates.iter().filter_map(|guarantee| match report.finding(*guarantee) {
        Finding::Violated { at, .. } => Some(*at),
        _ => None,
    });
    shown.min()
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
    all.extend(expect.events.iter().map(|(name, bounds)| format!("events `{name}`: {bounds}")));
    all
}
