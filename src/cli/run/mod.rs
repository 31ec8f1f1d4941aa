//! `squall run`: scenario files in, verdicts out.

mod gallery;
mod junit;
mod reports;
mod text;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use squall_sim::plan::Engine;
use squall_sim::text::visible;
use squall_sim::{Outcome, RunError, Settings};

use super::determinism::{self, Fact};
use super::exit::Exit;
use super::{complain, files, interrupt, replay, stdout};
use crate::Registry;
use reports::Reports;
use text::{Tally, print};
pub(super) use text::{draw, program, summary, verdict_style};

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
    /// Overwrite the files that --trace, --junit and --report name, if they exist
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

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let paths = match files::find(&args.files) {
        Ok(paths) => paths,
        Err(exit) => return Ok(exit),
    };
    if args.trace.is_some() && paths.len() > 1 {
        complain("--trace takes the trace of one run; give one scenario file");
        return Ok(Exit::Usage);
    }
    if let Some(path) = &args.trace
        && let Err(exit) = files::may_write(path, args.force)
    {
        return Ok(exit);
    }
    let mut reports = match Reports::new(args) {
        Ok(reports) => reports,
        Err(exit) => return Ok(exit),
    };
    let several = paths.len() > 1;
    let timeline = args.timeline.unwrap_or(match several {
        true => TimelineArg::None,
        false => TimelineArg::Short,
    });
    let text = args.format == Format::Text;
    let keep_trace =
        args.trace.is_some() || args.report.is_some() || (text && timeline != TimelineArg::None);
    let engine = args.engine.map(EngineArg::engine);
    let settings = Settings { seed: args.seed, engine, keep_trace };
    let mut out = stdout();
    let mut worst = Exit::Passed;
    let mut tally = Tally::default();
    let (mut facts, mut input) = (Vec::new(), String::new());
    for (place, path) in paths.iter().enumerate() {
        if interrupt::asked() {
            complain(&format!("interrupted: {place} of {} scenarios were run", paths.len()));
            worst = worst.max(Exit::Undecided);
            break;
        }
        let exit = match files::load_quietly(path, registry) {
            Err(error) => {
                reports.not_loaded(path, &error);
                files::refuse(&error)
            }
            Ok(scenario) => match registry.run(&scenario, settings) {
                Err(error) => {
                    reports.not_run(path, &error);
                    refuse(&error)
                }
                Ok(outcome) => {
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
                    let drawn = reports.ended(path, &outcome, registry);
                    let written = write_trace(args, &outcome).max(drawn);
                    written.max(Exit::from(outcome.verdict()))
                }
            },
        };
        worst = worst.max(exit);
    }
    if text && several {
        writeln!(out, "\n{}", tally.sentence(paths.len()))?;
    }
    // What was left out can not be compared.
    if args.check_determinism && !interrupt::asked() {
        let engine = engine.map(Engine::name);
        let again = determinism::run_again(&paths, args.seed, engine, &input)?;
        worst = worst.max(compare(&mut out, &facts, &again, text, &mut reports)?);
    }
    worst = worst.max(reports.finish(text.then_some(&mut out))?);
    out.flush()?;
    Ok(worst)
}

/// Says which runs of a second process were other ones.
fn compare(
    out: &mut dyn Write,
    first: &[Fact],
    second: &[Fact],
    text: bool,
    reports: &mut Reports,
) -> io::Result<Exit> {
    let differing: Vec<&Fact> = first.iter().filter(|fact| !second.contains(fact)).collect();
    for fact in &differing {
        reports.not_deterministic(&fact.scenario);
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
