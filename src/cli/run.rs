//! `squall run`: scenario files in, verdicts out.

use std::io::{self, Write};
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use squall_reports::timeline::{self, Extent};
use squall_sim::check::{Finding, Verdict};
use squall_sim::network::DropReason;
use squall_sim::plan::{Cost, Engine, Expect};
use squall_sim::scenario::Scenario;
use squall_sim::text::{millis, visible};
use squall_sim::{Outcome, RunError, Settings};

use super::determinism::{self, Fact};
use super::exit::Exit;
use super::gallery::Gallery;
use super::junit::Cases;
use super::{complain, files, replay, stdout, width};
use crate::Registry;

/// Arguments of `squall run`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  squall run scenarios/ladder/lost_ack_retry.toml      one scenario, with its timeline
  squall run scenarios --seed 7                        all scenarios below a folder
  generate | squall run - --format json                from standard input, JSON out
  squall run scenarios --junit target/squall.xml       and the verdicts in a file, for CI
  squall run scenarios --report pages                  a page for each run, and an index
  squall run scenarios --check-determinism             twice, in separate processes")]
pub(super) struct Args {
    /// Scenario files, folders of them, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The seed, instead of the file's
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// The engine, instead of the file's
    #[arg(long, value_enum)]
    engine: Option<EngineArg>,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// How much of the timeline to print [default: short for one file, none for several]
    #[arg(long, value_enum)]
    timeline: Option<TimelineArg>,
    /// Write the trace here, for `squall replay` and `squall report`
    #[arg(long, value_name = "OUT")]
    trace: Option<PathBuf>,
    /// Write the verdicts here as JUnit's XML, for CI: failures, and as errors whatever could not be
    /// judged; without times, so that the same runs give the same file
    #[arg(long, value_name = "OUT.xml")]
    junit: Option<PathBuf>,
    /// Overwrite the files that --trace and --junit name, if they exist
    #[arg(long)]
    force: bool,
    /// Write pages into this folder: an index of all runs, and one for each
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Run everything once more, in a second process, and compare
    #[arg(long)]
    check_determinism: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum EngineArg {
    /// Jump from event to event
    Event,
    /// Run each host on a tokio runtime, by turmoil
    Turmoil,
}

impl EngineArg {
    pub(super) fn engine(self) -> Engine {
        match self {
            EngineArg::Event => Engine::Event,
            EngineArg::Turmoil => Engine::Turmoil,
        }
    }
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// JSON, one object on a line
    Json,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum TimelineArg {
    /// No timeline
    None,
    /// At most some 60 rows
    Short,
    /// All rows
    Full,
}

/// Rows of a short timeline.
const SHORT: usize = 60;

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let paths = match files::find(&args.files) {
        Ok(paths) => paths,
        Err(exit) => return Ok(exit),
    };
    if args.trace.is_some() && paths.len() > 1 {
        complain("--trace takes the trace of one run; give one scenario file");
        return Ok(Exit::Usage);
    }
    for path in [&args.trace, &args.junit].into_iter().flatten() {
        if let Err(exit) = files::may_write(path, args.force) {
            return Ok(exit);
        }
    }
    let mut gallery = match args.report.as_deref().map(|dir| Gallery::new(dir, args.force)) {
        Some(Err(exit)) => return Ok(exit),
        Some(Ok(gallery)) => Some(gallery),
        None => None,
    };
    let several = paths.len() > 1;
    let timeline = args.timeline.unwrap_or(match several {
        true => TimelineArg::None,
        false => TimelineArg::Short,
    });
    let text = args.format == Format::Text;
    let keep_trace =
        args.trace.is_some() || gallery.is_some() || (text && timeline != TimelineArg::None);
    let engine = args.engine.map(EngineArg::engine);
    let settings = Settings { seed: args.seed, engine, keep_trace };
    let mut out = stdout();
    let mut worst = Exit::Passed;
    let mut tally = Tally::default();
    let (mut facts, mut input) = (Vec::new(), String::new());
    let mut cases = Cases::default();
    for path in &paths {
        let exit = match files::load_quietly(path, registry) {
            Err(error) => {
                cases.not_loaded(path, &error);
                let why = "this file can not be read, or is wrong";
                gallery.iter_mut().for_each(|gallery| gallery.not_run(path, why));
                files::refuse(&error)
            }
            Ok(scenario) => match registry.run(&scenario, settings) {
                Err(error) => {
                    cases.not_run(path, &error);
                    let why = "it can not be run on this engine";
                    gallery.iter_mut().for_each(|gallery| gallery.not_run(path, why));
                    refuse(&error)
                }
                Ok(outcome) => {
                    cases.ended(path, &outcome);
                    tally.count(outcome.verdict());
                    if args.check_determinism {
                        facts.extend(Fact::of(&outcome.to_json()));
                        if path.as_os_str() == "-" {
                            input = scenario.text().to_owned();
                        }
                    }
                    if text {
                        print(&mut out, &outcome, registry, timeline, several)?;
                    } else {
                        writeln!(out, "{}", outcome.to_json())?;
                    }
                    let page = gallery.as_mut().map(|gallery| gallery.add(&outcome, registry));
                    let written = write_trace(args, &outcome).max(page.unwrap_or(Exit::Passed));
                    written.max(Exit::from(outcome.verdict()))
                }
            },
        };
        worst = worst.max(exit);
    }
    if text && several {
        writeln!(out, "\n{}", tally.sentence(paths.len()))?;
    }
    if args.check_determinism {
        let engine = engine.map(Engine::name);
        let again = determinism::run_again(&paths, args.seed, engine, &input)?;
        worst = worst.max(compare(&mut out, &facts, &again, text, &mut cases)?);
    }
    if let Some(path) = &args.junit {
        worst = worst.max(cases.write(path, args.force));
    }
    if let Some(gallery) = gallery {
        worst = worst.max(gallery.finish(text.then_some(&mut out))?);
    }
    out.flush()?;
    Ok(worst)
}

/// Says which runs of a second process were other ones.
fn compare(
    out: &mut dyn Write,
    first: &[Fact],
    second: &[Fact],
    text: bool,
    cases: &mut Cases,
) -> io::Result<Exit> {
    let differing: Vec<&Fact> = first.iter().filter(|fact| !second.contains(fact)).collect();
    for fact in &differing {
        cases.not_deterministic(&fact.scenario, replay::SUSPECTS);
        complain(&format!(
            "{} is not deterministic: a second process had another run. `{} replay` says from which event on",
            visible(&fact.scenario),
            program()
        ));
    }
    if !differing.is_empty() || first.len() != second.len() {
        complain(&format!("not deterministic. {}", replay::SUSPECTS));
        return Ok(Exit::NotDeterministic);
    }
    if text {
        writeln!(out, "deterministic: {} runs were the same in a second process", first.len())?;
    }
    Ok(Exit::Passed)
}

/// Says why a scenario cannot be run.
pub(super) fn refuse(error: &RunError) -> Exit {
    match error {
        RunError::Engine(diagnostics) => {
            let _ = writeln!(anstream::stderr(), "{}\n", diagnostics.render(true));
            Exit::Data
        }
        RunError::Start(error) => {
            complain(&error.to_string());
            Exit::Usage
        }
    }
}

fn write_trace(args: &Args, outcome: &Outcome) -> Exit {
    let (Some(path), Some(trace)) = (&args.trace, &outcome.trace) else { return Exit::Passed };
    match files::write(path, args.force, |out| trace.write_jsonl(out)) {
        Ok(()) => Exit::Passed,
        Err(exit) => exit,
    }
}

fn print(
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
pub(super) fn draw(
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
pub(super) fn summary(out: &mut dyn Write, outcome: &Outcome, brief: bool) -> io::Result<()> {
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
pub(super) fn program() -> String {
    let program = std::env::args().next().unwrap_or_default();
    let program = std::path::Path::new(&program).file_stem().unwrap_or("squall".as_ref());
    visible(&program.to_string_lossy())
}

pub(super) fn verdict_style(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Fail => AnsiColor::Red,
        Verdict::Inconclusive | Verdict::Invalid => AnsiColor::Yellow,
    };
    color.on_default().bold()
}

/// How many runs came to which verdict.
#[derive(Default)]
struct Tally {
    pass: usize,
    fail: usize,
    undecided: usize,
}

impl Tally {
    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::Fail => self.fail += 1,
            Verdict::Inconclusive | Verdict::Invalid => self.undecided += 1,
        }
    }

    fn sentence(&self, files: usize) -> String {
        let Tally { pass, fail, undecided } = self;
        let unread = files - pass - fail - undecided;
        format!(
            "{files} scenarios: {pass} passed, {fail} failed, {undecided} inconclusive or invalid, \
             {unread} not run"
        )
    }
}
