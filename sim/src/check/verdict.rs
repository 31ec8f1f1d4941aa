//! From findings to the verdict.

use super::{Breach, Finding, Observed, check, cost, events, liveness};
use crate::engine::{Ending, Run};
use crate::plan::{Guarantee, Plan};

/// What a run says about its scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every expectation was met.
    Pass,
    /// An expectation was not met.
    Fail,
    /// The run did not decide an expectation.
    Inconclusive,
    /// A declared fault never hit, so the run proves nothing.
    Invalid,
}

impl Verdict {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Invalid => "invalid",
        }
    }
}

/// The verdict and its reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// Each guarantee, in the order of [`Guarantee::ALL`].
    pub guarantees: [(Guarantee, Finding); Guarantee::ALL.len()],
    /// Why the verdict is not pass, most important first. Empty for pass.
    pub failures: Vec<String>,
    /// In which ways the run failed, most important first; as expected ones, too.
    pub breaches: Vec<Breach>,
    /// When the first violation that fails the run was proven, nanoseconds since the start.
    pub failed_at: Option<u64>,
}

impl Report {
    /// What was found about a guarantee.
    pub fn finding(&self, guarantee: Guarantee) -> &Finding {
        let (known, finding) = &self.guarantees[guarantee as usize];
        debug_assert_eq!(*known, guarantee, "ALL is in the order of declaration");
        finding
    }
}

/// Judges a run.
///
/// A proven violation is a failure whatever else happened. After that, a fault that never hit makes
/// the run invalid: that something was not seen says nothing then.
pub(crate) fn judge(plan: &Plan, run: &Run) -> Report {
    let observed = Observed { plan, run };
    let guarantees = Guarantee::ALL.map(|guarantee| (guarantee, check(guarantee, &observed)));
    let mut judgement = Judgement::default();
    judgement.broken(run);
    judgement.expected(plan, run, &guarantees);
    judgement.completion(&observed);
    for (cost, bounds) in &plan.expect.cost {
        let wrong = cost::out_of_bounds(&observed, *cost, *bounds);
        judgement.failed.extend(wrong.map(|(side, why)| (Breach::Cost(*cost, side), why)));
    }
    for (name, bounds) in &plan.expect.events {
        let wrong = events::out_of_bounds(&observed, name, *bounds);
        let breach = |(side, why)| (Breach::Events(name.clone(), side), why);
        judgement.failed.extend(wrong.map(breach));
        judgement.undecided.extend(events::left_open(&observed, name, *bounds));
    }
    for (fault, count) in plan.faults.iter().zip(&run.faults) {
        if count.hits == 0 && !fault.optional {
            let seen = match count.opportunities {
                0 if fault.action.lies_on_links() => "no datagram met it".to_owned(),
                0 => "its trigger never matched".to_owned(),
                n => format!("opportunities: {n}"),
            };
            judgement.unhit.push(format!("fault `{}` never hit ({seen})", count.name));
        }
    }
    let failed_at = judgement.at;
    let breaches = judgement.breaches();
    let (verdict, failures) = judgement.sum_up();
    Report { verdict, guarantees, failures, breaches, failed_at }
}

#[derive(Default)]
struct Judgement {
    /// Proven.
    failed: Vec<(Breach, String)>,
    /// Violations that the scenario asks for and the run showed.
    shown: Vec<Breach>,
    /// Faults that never hit.
    unhit: Vec<String>,
    /// Violations that the scenario asks for and the run did not show.
    not_shown: Vec<String>,
    undecided: Vec<String>,
    /// When the first violation was proven.
    at: Option<u64>,
}

impl Judgement {
    fn broken(&mut self, run: &Run) {
        if let Ending::Broken(message) = &run.ending {
            self.failed.push((Breach::broken(message), message.clone()));
        }
        let errors = run.errors.iter();
        self.failed.extend(errors.map(|error| (Breach::broken(error), error.clone())));
    }

    fn expected(&mut self, plan: &Plan, run: &Run, guarantees: &[(Guarantee, Finding)]) {
        let expect = &plan.expect;
        // A run that is to show a failure may be cut off while it does.
        let shows_failure = !expect.violates.is_empty()
            || (expect.completes == Some(false) && run.history.executions() > 0);
        for (guarantee, finding) in guarantees {
            let name = guarantee.name();
            if expect.violates.contains(guarantee) {
                match finding {
                    Finding::Violated { way, .. } => {
                        self.shown.push(Breach::Violated(*guarantee, *way));
                    }
                    Finding::Held => self.not_shown.push(format!(
                        "the scenario should show that {name} is violated, but it held"
                    )),
                    Finding::Undecided(why) => self.undecided.push(format!("{name}: {why}")),
                }
                continue;
            }
            let implied = *guarantee == Guarantee::Integrity;
            let wanted = expect.guarantee == Some(*guarantee)
                || implied
                || (*guarantee == Guarantee::Fifo && expect.fifo);
            match finding {
                Finding::Violated { way, witness, at, .. } if wanted => {
                    let breach = Breach::Violated(*guarantee, *way);
                    self.failed.push((breach, format!("{name} is violated: {witness}")));
                    self.at = Some(self.at.unwrap_or(*at).min(*at));
                }
                Finding::Undecided(why) if wanted && !(implied && shows_failure) => {
                    self.undecided.push(format!("{name}: {why}"));
                }
                _ => {}
            }
        }
    }

    fn completion(&mut self, observed: &Observed<'_>) {
        let expect = &observed.plan.expect;
        let incomplete = liveness::incomplete(observed);
        match (expect.completes, incomplete) {
            (Some(true), Some(why)) => {
                self.failed.push((Breach::Incomplete, format!("not completed: {why}")));
            }
            (Some(false), None) => {
                let message = "the scenario should leave an operation unfinished, but all ended";
                self.not_shown.push(message.to_owned());
            }
            (_, None) => {
                let late = expect.within.and_then(|within| liveness::late(observed, within));
                self.failed.extend(late.map(|why| (Breach::Late, why)));
            }
            _ => {}
        }
    }

    fn breaches(&self) -> Vec<Breach> {
        let failed = self.failed.iter().map(|(breach, _)| breach);
        failed.chain(&self.shown).cloned().collect()
    }

    fn sum_up(self) -> (Verdict, Vec<String>) {
        let verdict = if !self.failed.is_empty() {
            Verdict::Fail
        } else if !self.unhit.is_empty() {
            Verdict::Invalid
        } else if !self.not_shown.is_empty() {
            Verdict::Fail
        } else if !self.undecided.is_empty() {
            Verdict::Inconclusive
        } else {
            Verdict::Pass
        };
        let failed = self.failed.into_iter().map(|(_, why)| why).collect();
        let reasons = [failed, self.unhit, self.not_shown, self.undecided];
        (verdict, reasons.into_iter().flatten().collect())
    }
}
