//! What a range of seeds came to.

use xxhash_rust::xxh3::xxh3_128;

use super::charts::Charts;
use super::seeds::Seeds;
use super::sums::{ByGuarantee, Costs, Datagrams, Verdicts, add};
use crate::check::Verdict;
use crate::history::Outcome as Ended;
use crate::outcome::{Outcome, replay_command};
use crate::plan::{Cost, Engine};
use crate::protocol::Protocol;
use crate::scenario::Scenario;

/// Failing seeds that are named.
const NAMED: usize = 10;

/// The version of the JSON form.
const VERSION: u32 = 1;

/// The key of the JSON form for what follows from all others.
const VERDICT: &str = "verdict";

/// What a fault came to over all runs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultTally {
    /// Its name.
    pub name: String,
    /// Matches of its trigger.
    pub opportunities: u64,
    /// How often it had an effect.
    pub hits: u64,
    /// Runs in which it had one.
    pub runs: u64,
}

/// A condition that some run must reach (`sometimes` in `[expect]`).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The event, or the step of an operation.
    pub name: String,
    /// Runs in which it happened.
    pub runs: u64,
    /// How often it happened.
    pub count: u64,
}

/// A failing run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepFailure {
    /// Its seed.
    pub seed: u64,
    /// Why it fails.
    pub failure: String,
    /// The command that repeats it.
    pub replay: String,
}

/// A run that ended its process, or did not end at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRun {
    /// Its seed.
    pub seed: u64,
    /// What became of it.
    pub why: String,
}

/// What tells sweeps apart whose runs differ: a sum, so that the order of the runs does not matter. It is
/// written as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(u128);

impl Fingerprint {
    fn add(&mut self, seed: u64, trace_hash: u128) {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..].copy_from_slice(&trace_hash.to_le_bytes());
        self.0 = self.0.wrapping_add(xxh3_128(&bytes));
    }
}

impl From<Fingerprint> for String {
    fn from(Fingerprint(sum): Fingerprint) -> String {
        format!("{sum:032x}")
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("no fingerprint: {text:?}");
        let is_hexadecimal = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sum = u128::from_str_radix(&text, 16).ok().filter(|_| is_hexadecimal);
        sum.map(Fingerprint).ok_or_else(wrong)
    }
}

/// What a range of seeds came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The version of this form.
    squall_sweep: u32,
    /// The scenario's name: its path, or `-`.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The xxh3-128 of its text, as 32 hexadecimal digits.
    pub scenario_hash: String,
    /// The protocol's name.
    pub protocol: String,
    /// `event` or `turmoil`.
    pub engine: String,
    /// The seeds of the whole sweep.
    pub range: Seeds,
    /// Those that this is about.
    pub seeds: Seeds,
    /// Whether seeds behind a failing one were run.
    pub keep_going: bool,
    /// False if some of the seeds were left out, since the sweep was interrupted.
    pub complete: bool,
    /// How many were run. Less than there are, if a failing one ended the sweep.
    pub runs: u64,
    /// What they came to.
    pub verdicts: Verdicts,
    /// What was found about each guarantee.
    pub guarantees: ByGuarantee,
    /// What each fault came to, in file order.
    pub faults: Vec<FaultTally>,
    /// What some run must reach.
    pub sometimes: Vec<Condition>,
    /// What became of the datagrams.
    pub datagrams: Datagrams,
    /// What the runs cost.
    pub costs: Costs,
    /// A sum over the trace hashes of all runs with their seeds.
    pub fingerprint: Fingerprint,
    /// The first failing runs.
    pub failures: Vec<SweepFailure>,
    /// What charts of it show, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charts: Option<Charts>,
}

/// Why sweeps do not add up.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MergeError {
    /// They are not of one sweep.
    #[error("they are not parts of one sweep: {what} differs, {one} and {other}")]
    Foreign {
        /// What they differ in.
        what: &'static str,
        /// That of one part.
        one: String,
        /// That of another.
        other: String,
    },
    /// Some seeds are in two of them.
    #[error("the seeds {0} are in two parts")]
    Overlap(Seeds),
    /// Some seeds are in none.
    #[error("the seeds {0} are missing")]
    Gap(Seeds),
    /// One of them is not whole.
    #[error("the part with the seeds {0} was interrupted: run it again")]
    Interrupted(Seeds),
    /// There is none.
    #[error("there is nothing to merge")]
    Nothing,
}

impl Sweep {
    /// A sweep over a part of `range`, of which no seed has been run.
    pub fn new(
        scenario: &Scenario,
        engine: Engine,
        range: Seeds,
        seeds: Seeds,
        keep_going: bool,
    ) -> Self {
        let plan = scenario.plan(Some(seeds.first));
        let fault = |name: String| FaultTally { name, opportunities: 0, hits: 0, runs: 0 };
        let condition = |name: &String| Condition { name: name.clone(), runs: 0, count: 0 };
        Sweep {
            squall_sweep: VERSION,
            scenario: scenario.name().to_owned(),
            title: scenario.title().to_owned(),
            scenario_hash: format!("{:032x}", scenario.hash()),
            protocol: scenario.protocol().to_owned(),
            engine: engine.name().to_owned(),
            range,
            seeds,
            keep_going,
            complete: true,
            runs: 0,
            verdicts: Verdicts::default(),
            guarantees: ByGuarantee::default(),
            faults: plan.faults.iter().map(|spec| fault(spec.name.clone())).collect(),
            sometimes: scenario.expect().sometimes.iter().map(condition).collect(),
            datagrams: Datagrams::default(),
            costs: Costs::default(),
            fingerprint: Fingerprint::default(),
            failures: Vec::new(),
            charts: None,
        }
    }

    /// The same, with what charts show.
    pub fn with_charts(mut self, scenario: &Scenario, protocol: &Protocol) -> Self {
        self.charts = Some(Charts::new(scenario, protocol));
        self
    }

    /// Counts a run, but for what charts show of its operations: [`super::run_seeds`] counts that. True if the
    /// sweep ends with it.
    pub fn add(&mut self, outcome: &Outcome) -> bool {
        let counts = &outcome.run.counts;
        self.runs += 1;
        self.count_verdict(outcome.plan.seed, outcome.verdict());
        for (guarantee, finding) in &outcome.report.guarantees {
            self.guarantees.count(*guarantee, finding);
        }
        for (tally, count) in self.faults.iter_mut().zip(&outcome.run.faults) {
            tally.opportunities += count.opportunities;
            tally.hits += count.hits;
            tally.runs += u64::from(count.hits > 0);
        }
        for condition in &mut self.sometimes {
            let count = reached(outcome, &condition.name);
            condition.count += count;
            condition.runs += u64::from(count > 0);
        }
        self.datagrams += Datagrams::of(counts);
        let [bytes, retransmissions] =
            [Cost::Bytes, Cost::Retransmissions].map(|cost| counts.cost(cost));
        self.costs += Costs { bytes, retransmissions };
        self.fingerprint.add(outcome.plan.seed, outcome.run.trace_hash);
        if outcome.verdict() == Verdict::Fail {
            let failure = outcome.report.failures.first().cloned().unwrap_or_default();
            let (seed, replay) = (outcome.plan.seed, outcome.replay_command());
            self.name_failure(SweepFailure { seed, failure, replay });
        }
        self.is_over()
    }

    /// Counts a run that ended its process, or that was ended. True if the sweep ends with it.
    pub fn add_lost(&mut self, lost: LostRun) -> bool {
        self.runs += 1;
        self.count_verdict(lost.seed, Verdict::Fail);
        self.fingerprint.add(lost.seed, 0);
        let engine = Engine::named(&self.engine).unwrap_or_default();
        let replay = replay_command(&self.scenario, lost.seed, engine);
        self.name_failure(SweepFailure { seed: lost.seed, failure: lost.why, replay });
        self.is_over()
    }

    fn count_verdict(&mut self, seed: u64, verdict: Verdict) {
        self.verdicts.count(verdict);
        if let Some(charts) = &mut self.charts {
            charts.count_verdict(self.range, seed, verdict);
        }
    }

    fn name_failure(&mut self, failure: SweepFailure) {
        if self.failures.len() < NAMED {
            self.failures.push(failure);
        }
    }

    /// True if a failing seed ends the sweep, and one has failed.
    pub fn is_over(&self) -> bool {
        !self.keep_going && self.verdicts.fail > 0
    }

    /// The conditions that no run reached. Nothing is asked of a part, nor of a sweep that a failing seed has
    /// ended.
    pub fn never_reached(&self) -> impl Iterator<Item = &str> {
        let asked = self.complete && !self.is_over() && self.seeds == self.range;
        let never = self.sometimes.iter().filter(move |condition| asked && condition.runs == 0);
        never.map(|condition| condition.name.as_str())
    }

    /// What the sweep as a whole says.
    pub fn verdict(&self) -> Verdict {
        let Verdicts { fail, inconclusive, invalid, .. } = self.verdicts;
        if fail > 0 || self.never_reached().next().is_some() {
            Verdict::Fail
        } else if inconclusive + invalid > 0 || !self.complete {
            Verdict::Inconclusive
        } else {
            Verdict::Pass
        }
    }

    /// Adds up parts of one sweep, given in any order, to what the whole would have given.
    ///
    /// # Errors
    /// If they are not parts of one sweep, or some seeds are missing or there twice.
    pub fn merge(mut parts: Vec<Sweep>) -> Result<Sweep, MergeError> {
        parts.sort_by_key(|part| (part.seeds.first, part.seeds.end));
        if let Some(part) = parts.iter().find(|part| !part.complete) {
            return Err(MergeError::Interrupted(part.seeds));
        }
        let mut parts = parts.into_iter();
        let mut whole = parts.next().ok_or(MergeError::Nothing)?;
        let range = whole.range;
        for part in parts {
            whole.same_sweep(&part)?;
            whole.append(part)?;
        }
        for (found, wanted) in [(range.first, whole.seeds.first), (whole.seeds.end, range.end)] {
            if found < wanted {
                return Err(MergeError::Gap(Seeds { first: found, end: wanted }));
            }
        }
        Ok(whole)
    }

    fn same_sweep(&self, other: &Sweep) -> Result<(), MergeError> {
        let facts = |sweep: &Sweep| {
            [
                ("the scenario's content", sweep.scenario_hash.clone()),
                ("the protocol", sweep.protocol.clone()),
                ("the engine", sweep.engine.clone()),
                ("the range of seeds", sweep.range.to_string()),
                ("--keep-going", sweep.keep_going.to_string()),
            ]
        };
        for ((what, one), (_, other)) in facts(self).into_iter().zip(facts(other)) {
            if one != other {
                return Err(MergeError::Foreign { what, one, other });
            }
        }
        let alike = match (&self.charts, &other.charts) {
            (Some(one), Some(other)) => one.is_like(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        if !alike {
            let has = |sweep: &Sweep| match &sweep.charts {
                Some(_) => "some".to_owned(),
                None => "none".to_owned(),
            };
            return Err(MergeError::Foreign {
                what: "what charts need",
                one: has(self),
                other: has(other),
            });
        }
        Ok(())
    }

    /// Adds what came of the seeds that follow.
    ///
    /// # Errors
    /// If they do not follow at once.
    pub fn append(&mut self, next: Sweep) -> Result<(), MergeError> {
        let (end, first) = (self.seeds.end, next.seeds.first);
        match first.cmp(&end) {
            std::cmp::Ordering::Less => {
                return Err(MergeError::Overlap(Seeds { first, end: end.min(next.seeds.end) }));
            }
            std::cmp::Ordering::Greater => {
                return Err(MergeError::Gap(Seeds { first: end, end: first }));
            }
            std::cmp::Ordering::Equal => self.seeds.end = next.seeds.end,
        }
        if self.is_over() {
            // The sweep had come to its end before.
            return Ok(());
        }
        self.add_up(next);
        Ok(())
    }

    /// Adds what came of other seeds, wherever they are.
    pub fn add_up(&mut self, other: Sweep) {
        self.complete &= other.complete;
        self.runs += other.runs;
        self.verdicts += other.verdicts;
        self.guarantees += other.guarantees;
        for (fault, more) in self.faults.iter_mut().zip(&other.faults) {
            add(&mut fault.opportunities, more.opportunities);
            add(&mut fault.hits, more.hits);
            add(&mut fault.runs, more.runs);
        }
        for (condition, more) in self.sometimes.iter_mut().zip(&other.sometimes) {
            add(&mut condition.runs, more.runs);
            add(&mut condition.count, more.count);
        }
        self.datagrams += other.datagrams;
        self.costs += other.costs;
        self.fingerprint.0 = self.fingerprint.0.wrapping_add(other.fingerprint.0);
        if let (Some(charts), Some(more)) = (&mut self.charts, &other.charts) {
            charts.add_up(more);
        }
        self.failures.extend(other.failures);
        self.failures.sort_by_key(|failure| failure.seed);
        self.failures.truncate(NAMED);
    }

    /// The sweep as one JSON object, with what it says as a whole at the end.
    pub fn to_json(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        value[VERDICT] = self.verdict().name().into();
        value.to_string()
    }

    /// Reads what [`Sweep::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Sweep, String> {
        let mut value: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        // It follows from the rest.
        value.remove(VERDICT);
        let sweep: Sweep =
            serde_json::from_value(value.into()).map_err(|error| error.to_string())?;
        let Sweep { range, seeds, runs, verdicts, .. } = &sweep;
        let Verdicts { pass, fail, inconclusive, invalid } = *verdicts;
        let known =
            [pass, fail, inconclusive, invalid].iter().try_fold(0u64, |a, b| a.checked_add(*b));
        if sweep.squall_sweep != VERSION {
            return Err(format!(
                "version {} is not {VERSION}, which this squall reads",
                sweep.squall_sweep
            ));
        }
        if seeds.first < range.first || seeds.end > range.end {
            return Err(format!("its seeds {seeds} are not of the sweep's, {range}"));
        }
        // A whole sweep has run each seed, unless a failing one has ended it.
        let short = sweep.complete && !sweep.is_over() && *runs < seeds.count();
        if known != Some(*runs) || *runs > seeds.count() || short {
            return Err(format!("its numbers do not add up: {runs} runs of the seeds {seeds}"));
        }
        let wrong = sweep.charts.as_ref().map(|charts| charts.check(sweep.range, sweep.verdicts));
        wrong.unwrap_or(Ok(()))?;
        Ok(sweep)
    }
}

/// How often something happened in a run.
fn reached(outcome: &Outcome, name: &str) -> u64 {
    let operations = || outcome.run.history.operations();
    let ended = |how: Ended| operations().filter(|(_, op)| op.outcome == how).count() as u64;
    match name {
        "completed" => ended(Ended::Completed),
        "failed" => ended(Ended::Failed),
        "unknown" => ended(Ended::Unknown),
        "invoked" => operations().count() as u64,
        "delivered" | "executed" => outcome.run.history.executions(),
        _ => outcome.run.counts.reports.get(name).copied().unwrap_or(0),
    }
}
