//! Every placement of a few faults: the bounded check.
//!
//! The file's own chance is switched off, so a run is decided by the faults that are placed in it. The
//! run without faults offers points: its datagrams, and what hosts report. A fault at one of them
//! gives a run that goes on differently from there, and offers points of its own behind. So every
//! placement of k faults extends one of k - 1 by a later fault. Fewer faults come first, hence the
//! first counterexample is a smallest one.
//!
//! A point is skipped if another placement, with no more faults, came to the same one in the same state
//! (see [`Point`]): from there on both do the same, whatever is placed. This is the pruning of a
//! stateful search, with hosts' observations for their states (P. Godefroid, "Partial-Order Methods for
//! the Verification of Concurrent Systems", 1996, and DSLabs' model checker, EuroSys 2019, have others).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::freeze::{rename, without_chance};
use super::points::{FaultKind, Lengths, Place, Placed, Placement, Point, points, salt};
use super::written::{self, Written};
use super::{Trials, Unless, explain, is_spared, run};
use crate::check::{Breach, Verdict};
use crate::engine::{Ending, Keep};
use crate::network::{Action, FaultSpec, Impairments, Pick, Trigger, WorldAction};
use crate::plan::{Engine, Expect, Plan, Schedule};
use crate::protocol::Protocol;
use crate::scenario::{Diagnostics, Scenario};

/// What to try.
pub struct Bounds<'a> {
    /// The seed, instead of the file's: it draws the file's ranges.
    pub seed: Option<u64>,
    /// The most faults at a time.
    pub max_faults: u32,
    /// Faults are placed up to this datagram.
    pub first: u64,
    /// The kinds of fault.
    pub kinds: &'a [FaultKind],
    /// How long what lasts lasts.
    pub lengths: Lengths,
    /// Whether placements are skipped that are equivalent to others. The result is the same without.
    pub skip: bool,
    /// Threads.
    pub jobs: usize,
    /// If given, only what does not fail with this option instead counts as a violation.
    pub unless: Option<Unless<'a>>,
    /// The path of the file that the clients send, as a counterexample shall have it.
    pub payload: Option<&'a str>,
    /// The folder at which that path begins.
    pub base: &'a Path,
    /// Told now and then how far the search is; once it says false, the search ends.
    pub progress: &'a (dyn Fn(Progress) -> bool + Sync),
}

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Faults at a time.
    pub faults: u32,
    /// Placements of so many faults that were run.
    pub done: u64,
    /// Placements of so many faults that there are.
    pub total: u64,
}

/// What came of placements with one number of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Level {
    /// Faults at a time.
    pub faults: u32,
    /// Placements that were run.
    pub run: u64,
    /// Placements that were skipped, and all that extend them: another one is equivalent.
    pub skipped: u64,
    /// Runs that did not decide what the file expects.
    pub undecided: u64,
}

/// A smallest placement of faults that breaks the scenario.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// How many faults were placed.
    pub faults: u32,
    /// How it fails.
    pub breach: Breach,
    /// The same with times and names.
    pub failure: String,
    /// A scenario file that fails by itself.
    pub text: String,
    /// The same, read.
    pub scenario: Scenario,
    /// What each fault of the file does, and whether the failure needs it.
    pub sentences: Vec<(String, bool)>,
}

/// What a bounded check came to.
#[derive(Clone, Debug)]
pub struct Checked {
    /// By number of faults, ascending from 0.
    pub levels: Vec<Level>,
    /// How many datagrams the run without faults sends.
    pub datagrams: u64,
    /// The first violation.
    pub counterexample: Option<Counterexample>,
    /// False if the search was ended before it was over.
    pub complete: bool,
}

impl Checked {
    /// The sum over all levels.
    pub fn total(&self) -> Level {
        let sum = |sum: Level, level: &Level| Level {
            faults: level.faults,
            run: sum.run + level.run,
            skipped: sum.skipped + level.skipped,
            undecided: sum.undecided + level.undecided,
        };
        self.levels.iter().fold(Level::default(), sum)
    }
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// No simulation can start here.
    #[error("no simulation can start on this thread: another one is running, or a tokio runtime")]
    NoSimulation,
    /// What was written is not what is read. This is a bug.
    #[error("the counterexample can not be read again: {0}")]
    Unreadable(Diagnostics),
}

/// Tries every placement of faults within bounds. Neither the number of threads nor their speed changes
/// what is found.
///
/// # Errors
/// If no simulation can start here.
///
/// # Panics
/// If the scenario names another protocol.
pub fn check(
    scenario: &Scenario,
    protocol: &Protocol,
    bounds: &Bounds<'_>,
) -> Result<Checked, CheckError> {
    assert_eq!(scenario.protocol(), protocol.spec().name, "the scenario names another protocol");
    let mut plan = without_its_chance(scenario.plan(bounds.seed));
    if !plan.expect.violates.is_empty() {
        // What else the file expects of its run, a run without its chance need not show.
        plan.expect = Expect { violates: plan.expect.violates, ..Expect::default() };
    }
    // None of the file's own faults has to hit while others are tried.
    let required = |fault: &mut FaultSpec| !std::mem::replace(&mut fault.optional, true);
    let required: Vec<bool> = plan.faults.iter_mut().map(required).collect();
    let search = Search { plan: &plan, required: &required, protocol, bounds };
    let mut checked =
        Checked { levels: Vec::new(), datagrams: 0, counterexample: None, complete: true };
    // States that have been extended already, with their places.
    let mut known = BTreeSet::new();
    let (mut candidates, mut skipped) = (vec![Vec::new()], 0);
    for faults in 0..=bounds.max_faults {
        let tried = search.try_all(faults, &candidates)?;
        if let ([first], 0) = (tried.as_slice(), faults) {
            checked.datagrams = first.sent;
        }
        let decided = tried.iter().position(|tried| tried.breach.is_some());
        let count = decided.map_or(tried.len(), |index| index + 1);
        let undecided = tried[..count].iter().filter(|tried| tried.undecided).count() as u64;
        checked.levels.push(Level { faults, run: count as u64, skipped, undecided });
        if let Some(index) = decided {
            if let Some((breach, failure)) = tried[index].breach.clone() {
                let found = search.write(&candidates[index], breach, failure)?;
                checked.counterexample = Some(found);
            }
            return Ok(checked);
        }
        if tried.len() < candidates.len() {
            checked.complete = false;
            return Ok(checked);
        }
        (candidates, skipped) = search.extend(&candidates, &tried, &mut known);
    }
    Ok(checked)
}

/// One placement that was run.
struct Tried {
    /// Datagrams that were sent.
    sent: u64,
    breach: Option<(Breach, String)>,
    undecided: bool,
    /// Where one more fault can be placed; empty if none will be.
    points: Vec<Point>,
    /// True if the run came to its end, so that all that was on its way is known.
    over: bool,
}

struct Search<'a> {
    plan: &'a Plan,
    /// Which of its faults have to hit, as the file says.
    required: &'a [bool],
    protocol: &'a Protocol,
    bounds: &'a Bounds<'a>,
}

impl Search<'_> {
    /// Runs all placements with this number of faults; those behind the first violation may be missing,
    /// and so may some if the search is ended.
    fn try_all(&self, faults: u32, candidates: &[Vec<Placed>]) -> Result<Vec<Tried>, CheckError> {
        let last = faults == self.bounds.max_faults;
        let total = candidates.len();
        // The next one to take, and the first one that is not worth taking any more.
        let (next, end) = (AtomicUsize::new(0), AtomicUsize::new(total));
        let (stopped, refused) = (AtomicBool::new(false), AtomicBool::new(false));
        let done: Mutex<Vec<(usize, Tried)>> = Mutex::new(Vec::new());
        let work = |reports: bool| {
            let mut mine = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= end.load(Ordering::Relaxed) || stopped.load(Ordering::Relaxed) {
                    break;
                }
                let Some(tried) = self.try_one(&candidates[index], last) else {
                    refused.store(true, Ordering::Relaxed);
                    break;
                };
                if tried.breach.is_some() {
                    end.fetch_min(index + 1, Ordering::Relaxed);
                }
                mine.push((index, tried));
                if reports && mine.len() % REPORT_EVERY == 1 {
                    let (done, total) = (index as u64, total as u64);
                    if !(self.bounds.progress)(Progress { faults, done, total }) {
                        stopped.store(true, Ordering::Relaxed);
                    }
                }
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).append(&mut mine);
        };
        std::thread::scope(|scope| {
            // The thread that runs user code may itself run a simulation, so that none may start there.
            for worker in 0..self.bounds.jobs.clamp(1, total.max(1)) {
                scope.spawn(move || work(worker == 0));
            }
        });
        if refused.load(Ordering::Relaxed) {
            return Err(CheckError::NoSimulation);
        }
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(index, _)| *index);
        // Without gaps: what is behind one was run for nothing.
        let whole = done.into_iter().zip(0..).take_while(|((index, _), place)| index == place);
        Ok(whole.map(|((_, tried), _)| tried).collect())
    }

    fn try_one(&self, placed: &[Placed], last: bool) -> Option<Tried> {
        let plan = self.with(placed);
        let keep = Keep { trace: !last, ..Keep::default() };
        let (run, report) = run(&plan, self.protocol, keep)?;
        let breach = report.breaches.iter().find(|breach| self.is_wanted(breach));
        let breach =
            breach.cloned().filter(|_| is_spared(&plan, self.protocol, self.bounds.unless));
        let is_first = report.breaches.first() == breach.as_ref();
        let failure = report.failures.first().filter(|_| is_first).cloned();
        let crashes = self.bounds.kinds.contains(&FaultKind::Crash);
        let own = self.plan.faults.len() as u32;
        let points = match &run.records {
            Some(records) if breach.is_none() => {
                let first = self.bounds.first;
                points(records, &Placement { own, salt: salt(placed), first, crashes })
            }
            _ => Vec::new(),
        };
        Some(Tried {
            sent: run.counts.sent,
            undecided: breach.is_none() && report.verdict == Verdict::Inconclusive,
            breach: breach.map(|breach| {
                let said = failure.unwrap_or_else(|| breach.to_string());
                (breach, said)
            }),
            points,
            over: run.ending == Ending::Quiet,
        })
    }

    /// True if a run that fails in this way is what is looked for. Of a file that asks for violations, that
    /// is one of them, or a run that breaks.
    fn is_wanted(&self, breach: &Breach) -> bool {
        let violates = &self.plan.expect.violates;
        match breach {
            _ if violates.is_empty() => {
                // Without the file's own chance, there may well be too little of something.
                self.bounds.unless.is_some() || !breach.is_too_little()
            }
            Breach::Violated(guarantee, _) => violates.contains(guarantee),
            Breach::Broken(_) => true,
            _ => false,
        }
    }

    /// The plan with these faults behind its own.
    fn with(&self, placed: &[Placed]) -> Plan {
        let mut plan = self.plan.clone();
        plan.faults.extend(placed.iter().map(|one| one.fault(self.bounds.lengths)));
        let own = self.plan.faults.len();
        rename(&mut plan.faults, own);
        plan
    }

    /// The placements with one fault more, behind those that are there, and how many of them are
    /// equivalent to others and so left out.
    fn extend(
        &self,
        candidates: &[Vec<Placed>],
        tried: &[Tried],
        known: &mut BTreeSet<(Place, u64)>,
    ) -> (Vec<Vec<Placed>>, u64) {
        let (mut next, mut skipped) = (Vec::new(), 0);
        for (placed, Tried { points, over, .. }) in candidates.iter().zip(tried) {
            let behind = placed.last().map_or(0, |last| {
                points
                    .iter()
                    .position(|point| point.place == last.place)
                    .map_or(points.len(), |at| at + 1)
            });
            for Point { place, state } in &points[behind..] {
                let kinds = self.kinds_at(place);
                let seen = self.bounds.skip && *over && !known.insert((place.clone(), *state));
                if seen {
                    skipped += kinds.count() as u64;
                    continue;
                }
                next.extend(kinds.map(|kind| {
                    let one = Placed { place: place.clone(), kind };
                    placed.iter().cloned().chain([one]).collect()
                }));
            }
        }
        (next, skipped)
    }

    /// The kinds of fault that can be placed there.
    fn kinds_at(&self, place: &Place) -> impl Iterator<Item = FaultKind> {
        let is_report = matches!(place, Place::Report { .. });
        let kinds = self.bounds.kinds;
        let fits = move |kind: &FaultKind| (*kind == FaultKind::Crash) == is_report;
        FaultKind::ALL.into_iter().filter(move |kind| fits(kind) && kinds.contains(kind))
    }

    /// Writes a placement down as a scenario.
    fn write(
        &self,
        placed: &[Placed],
        breach: Breach,
        failure: String,
    ) -> Result<Counterexample, CheckError> {
        let (protocol, target) = (self.protocol, breach.clone());
        let unless = self.bounds.unless;
        let mut trials = Trials { protocol, target, unless, runs: 0, stop: &|| false };
        let mut plan = self.with(placed);
        let required = self.required.iter().copied().chain(std::iter::repeat(true));
        let with = |(fault, required): (&mut FaultSpec, bool)| fault.optional = !required;
        plan.faults.iter_mut().zip(required).for_each(with);
        explain::name_datagrams(&mut plan, &mut trials);
        let faults = placed.len() as u32;
        let head = vec![
            match faults {
                0 => format!("{} fails without its own chance.", self.plan.scenario),
                _ => format!(
                    "Faults placed in {}: {faults}. Fewer do not break it.",
                    self.plan.scenario
                ),
            },
            format!("It fails in this way: {breach}."),
        ];
        let place = written::Place { payload: self.bounds.payload, base: self.bounds.base };
        let written = written::write_down(plan, head, &mut trials, place);
        let Written { text, scenario, faults: sentences } =
            written.map_err(CheckError::Unreadable)?;
        Ok(Counterexample { faults, breach, failure, text, scenario, sentences })
    }
}

/// Placements between two reports of how far the search is.
const REPORT_EVERY: usize = 16;

/// The plan with the file's own chance off. What the file's faults do besides stays.
fn without_its_chance(mut plan: Plan) -> Plan {
    plan.engine = Engine::Event;
    plan.schedule = Schedule::Fifo;
    plan.links.iter_mut().for_each(|rule| rule.set = without_chance(&rule.set));
    plan.faults.retain_mut(|fault| {
        if let Action::World(WorldAction::Link { rules }) = &mut fault.action {
            rules.iter_mut().for_each(|rule| rule.set = without_chance(&rule.set));
            rules.retain(|rule| rule.set != Impairments::default());
            if rules.is_empty() {
                return false;
            }
        }
        !matches!(
            fault.trigger,
            Trigger::Packet { pick: Pick::Chance(_), .. }
                | Trigger::Event { pick: Pick::Chance(_), .. }
        )
    });
    plan
}
