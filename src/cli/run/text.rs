//! What `squall run` prints for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use squall_reports::timeline::{self, Extent};
use squall_sim::check::{Finding, Verdict};
use squall_sim::network::DropReason;
use squall_sim::plan::{Cost, Expect};
use squall_sim::scenario::Scenario;
use squall_sim::text::{millis, visible};
use squall_sim::{Outcome, Settings};

use super::{TimelineArg, refuse};
use crate::Registry;
use crate::cli::width;

/// Rows of a short timeline.
const SHORT: usize = 60;

pub(super) fn print(
    out: &mut dyn Write,
    outcome: &Outcome,
    registry: &Registry,
    timeline: TimelineArg,
    brief: bool,
) -> io::Result<()> {
    self::timeline(out, outcome, registry, timeline)?;
    summary(out, outcome, brief && timeline == TimelineArg::None)
}

/// Runs a scenario and draws the timeline around its failure.
pub(in crate::cli) fn draw(
    out: &mut dyn Write,
    registry: &Registry,
    scenario: &Scenario,
    settings: Settings,
) -> io::Result<()> {
    match registry.run(scenario, Settings { keep_trace: true, ..settings }) {
        Ok(outcome) => timeline(out, &outcome, registry, TimelineArg::Short),
        Err(error) => {
            refuse(&error);
            Ok(())
        }
    }
}

/// Draws a run's timeline.
fn timeline(
    out: &mut dyn Write,
    outcome: &Outcome,
    registry: &Registry,
    timeline: TimelineArg,
) -> io::Result<()> {
    let extent = match timeline {
        TimelineArg::None => None,
        TimelineArg::Short => Some(
            outcome.report.failed_at.map_or(Extent::Ends(SHORT), |at| Extent::Around(at, SHORT)),
        ),
        TimelineArg::Full => Some(Extent::Full),
    };
    if let (Some(extent), Some(trace)) = (extent, &outcome.trace) {
        let dissect = registry.dissect(&outcome.plan.protocol);
        let style = timeline::Style { width: width(), color: true, extent };
        timeline::write(trace, dissect, style, out)?;
        writeln!(out)?;
    }
    Ok(())
}

/// The verdict and its reasons; in brief, one line if all is well.
pub(in crate::cli) fn summary(
    out: &mut dyn Write,
    outcome: &Outcome,
    brief: bool,
) -> io::Result<()> {
    let (plan, run, report) = (&outcome.plan, &outcome.run, &outcome.report);
    let style = verdict_style(report.verdict);
    let verdict = report.verdict.name().to_uppercase();
    let (scenario, title) = (visible(&plan.scenario), visible(&plan.title));
    writeln!(out, "{style}{verdict:<12}{style:#} {scenario}: {title}")?;
    for failure in &report.failures {
        writeln!(out, "             {}", visible(failure))?;
    }
    if brief && report.verdict == Verdict::Pass {
        return Ok(());
    }
    let counts = &run.counts;
    writeln!(
        out,
        "             {}, seed {}, {} engine; {} ms simulated; datagrams: {} sent, {} delivered, {} dropped",
        plan.protocol,
        plan.seed,
        plan.engine.name(),
        millis(run.sim_time),
        counts.sent,
        counts.delivered,
        counts.dropped,
    )?;
    let [bytes, again, memory] =
        [Cost::Bytes, Cost::Retransmissions, Cost::PeakMemoryEntries].map(|cost| counts.cost(cost));
    writeln!(
        out,
        "             costs: {bytes} bytes, retransmissions: {again}, memory entries: {memory}"
    )?;
    // What faults dropped is said beside them.
    let by_itself = |reason: &DropReason| !matches!(reason, DropReason::Fault(_));
    let drops = counts.drops.iter().filter(|(reason, _)| by_itself(reason));
    let drops: Vec<String> =
        drops.map(|(reason, count)| format!("{} {count}", reason.name())).collect();
    if !drops.is_empty() {
        writeln!(out, "             dropped: {}", drops.join(", "))?;
    }
    for word in ["held", "violated", "undecided"] {
        let named = report.guarantees.iter().filter(|(_, finding)| finding.name() == word);
        let names: Vec<&str> = named.map(|(guarantee, _)| guarantee.name()).collect();
        if !names.is_empty() {
            writeln!(out, "             {word}: {}", names.join(", "))?;
        }
    }
    for guarantee in &plan.expect.violates {
        if let Finding::Violated { witness, .. } = report.finding(*guarantee) {
            let name = guarantee.name();
            writeln!(out, "             as expected, {name} is violated: {}", visible(witness))?;
        }
    }
    if plan.expect == Expect::default() {
        writeln!(out, "             the file has no [expect], so integrity alone was judged")?;
    }
    for fault in &run.faults {
        let (name, hits, of) = (visible(&fault.name), fault.hits, fault.opportunities);
        writeln!(out, "             fault {name}: hit {hits} of {of}")?;
    }
    let arguments = outcome.replay_arguments();
    writeln!(out, "             repeat with: {} {}", program(), visible(&arguments))
}

/// How this program was called, for commands to paste.
pub(in crate::cli) fn program() -> String {
    let program = std::env::args().next().unwrap_or_default();
    let program = std::path::Path::new(&program).file_stem().unwrap_or("squall".as_ref());
    visible(&program.to_string_lossy())
}

pub(in crate::cli) fn verdict_style(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Fail => AnsiColor::Red,
        Verdict::Inconclusive | Verdict::Invalid => AnsiColor::Yellow,
    };
    color.on_default().bold()
}

/// How many runs came to which verdict.
#[derive(Default)]
pub(super) struct Tally {
    pass: usize,
    fail: usize,
    undecided: usize,
}

impl Tally {
    pub fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::Fail => self.fail += 1,
            Verdict::Inconclusive | Verdict::Invalid => self.undecided += 1,
        }
    }

    pub fn sentence(&self, files: usize) -> String {
        let Tally { pass, fail, undecided } = self;
        let unread = files - pass - fail - undecided;
        format!(
            "{files} scenarios: {pass} passed, {fail} failed, {undecided} inconclusive or invalid, \
             {unread} not run"
        )
    }
}
