//! `squall check`: every placement of a few faults.

use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use squall_sim::Settings;
use squall_sim::check::Breach;
use squall_sim::scenario::Scenario;
use squall_sim::search::{Bounds, CheckError, Checked, Counterexample, FaultKind, Lengths};
use squall_sim::search::{Progress, check};
use squall_sim::text::visible;

use super::exit::Exit;
use super::files::{self, Opened};
use super::run::{self, Format};
use super::values::{jobs, some_jobs, time};
use super::{complain, interrupt, progress as bar, stdout};
use crate::Registry;

/// Arguments of `squall check`.
#[derive(clap::Args)]
#[command(after_help = "\
The file's own chance is switched off: loss, jitter and the like on links, and faults with `chance`. Then
every placement of at most K faults is tried, each on another one of the first M datagrams: it is lost
(drop), arrives twice (duplicate), a copy of it arrives late (late), it arrives late itself (delay). With
`crash`, hosts also crash as they report something, and restart. Fewer faults come first, so that
a counterexample is a smallest one.

A placement is skipped if another one, with no more faults, leads to the same state at the same place: if
every host has observed the same, and the same is still on its way, both go on in the same way, whatever
is placed behind.

Exit status: 0 no violation; 1 a counterexample; 2 some runs decided nothing, or it was interrupted. If the
file asks for a violation (`violates`), a counterexample is what it expects.

Examples:
  squall check my.toml --max-faults 2
  squall check my.toml --max-faults 3 --first 10 --actions drop,delay --late 500ms -o counterexample.toml
  squall check my.toml --max-faults 1 --actions crash --down 2s")]
pub(super) struct Args {
    /// The scenario file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The most faults at a time
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(0..=10))]
    max_faults: u32,
    /// The kinds of fault: drop, duplicate, late, delay, crash
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = kind,
          default_value = "drop,duplicate,late,delay")]
    actions: Vec<FaultKind>,
    /// Place faults on the first M datagrams
    #[arg(long, value_name = "M", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    first: u64,
    /// How much later `late` copies and `delay`ed datagrams arrive
    #[arg(long, value_name = "TIME", default_value = "300ms", value_parser = time)]
    late: Duration,
    /// How long a crashed host is down
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    down: Duration,
    /// The seed, instead of the file's: it draws the file's ranges
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Run equivalent placements, too: the result is the same, and takes longer
    #[arg(long)]
    no_skip: bool,
    /// How many threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = some_jobs)]
    jobs: Option<NonZero<usize>>,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Write a counterexample here, as a scenario file
    #[arg(short, long, value_name = "OUT.toml")]
    output: Option<PathBuf>,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
}

fn kind(name: &str) -> Result<FaultKind, String> {
    let known = || FaultKind::ALL.map(FaultKind::name).join(", ");
    FaultKind::named(name.trim()).ok_or_else(|| format!("there are {}", known()))
}

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let opened = Opened::new(&args.file, args.output.as_deref(), args.force, registry);
    let Opened { scenario, protocol, place } = match opened {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    interrupt::listen();
    let bar = bar::Progress::new(0, "schedules");
    let progress = |at: Progress| {
        bar.set(at.total, at.done, format!("; {} faults at a time", at.faults));
        !interrupt::asked()
    };
    let bounds = Bounds {
        seed: args.seed,
        max_faults: args.max_faults,
        first: args.first,
        kinds: &args.actions,
        lengths: Lengths { late: nanos(args.late), down: nanos(args.down) },
        skip: !args.no_skip,
        unless: None,
        jobs: jobs(args.jobs),
        payload: place.payload.as_deref(),
        base: &place.base,
        progress: &progress,
    };
    let checked = check(&scenario, protocol, &bounds);
    drop(bar);
    let checked = match checked {
        Ok(checked) => checked,
        Err(error) => {
            complain(&visible(&error.to_string()));
            return Ok(match error {
                CheckError::NoSimulation => Exit::Usage,
                CheckError::Unreadable(_) => Exit::Bug,
            });
        }
    };
    let mut exit = exit(&scenario, &checked);
    if let (Some(path), Some(found)) = (&args.output, &checked.counterexample) {
        let written = files::write(path, args.force, |out| out.write_all(found.text.as_bytes()));
        exit = exit.max(written.err().unwrap_or(Exit::Passed));
    }
    let mut out = stdout();
    match args.format {
        Format::Json => writeln!(out, "{}", to_json(args, &scenario, &checked, exit))?,
        Format::Text => {
            if let Some(found) = &checked.counterexample {
                run::draw(&mut out, registry, &found.scenario, Settings::default())?;
            }
            describe(&mut out, args, &scenario, &checked)?;
        }
    }
    out.flush()?;
    Ok(exit)
}

fn expects_violation(scenario: &Scenario) -> bool {
    !scenario.expect().violates.is_empty()
}

/// True if the file asks for what was found.
fn is_expected(scenario: &Scenario, found: &Counterexample) -> bool {
    let violates = &scenario.expect().violates;
    matches!(found.breach, Breach::Violated(guarantee, _) if violates.contains(&guarantee))
}

fn exit(scenario: &Scenario, checked: &Checked) -> Exit {
    let undecided = !checked.complete || checked.total().undecided > 0;
    match &checked.counterexample {
        Some(found) if is_expected(scenario, found) => Exit::Passed,
        Some(_) => Exit::Failed,
        None if undecided => Exit::Undecided,
        None if expects_violation(scenario) => Exit::Failed,
        None => Exit::Passed,
    }
}

fn kinds(args: &Args) -> Vec<&'static str> {
    FaultKind::ALL
        .into_iter()
        .filter(|kind| args.actions.contains(kind))
        .map(FaultKind::name)
        .collect()
}

fn describe(
    out: &mut dyn Write,
    args: &Args,
    scenario: &Scenario,
    checked: &Checked,
) -> io::Result<()> {
    let (name, title) = (visible(scenario.name()), visible(scenario.title()));
    writeln!(out, "{name}: {title}")?;
    let (kinds, first, sent) = (kinds(args).join(", "), args.first, checked.datagrams);
    writeln!(
        out,
        "    faults placed: {kinds}; on the first {first} datagrams of {sent} that are sent without faults"
    )?;
    for level in &checked.levels {
        let (faults, run, skipped) = (level.faults, level.run, level.skipped);
        let undecided = match level.undecided {
            0 => String::new(),
            n => format!(" ({n} decided nothing)"),
        };
        writeln!(
            out,
            "    faults: {faults}, schedules run: {run}{undecided}, skipped as equivalent: {skipped}"
        )?;
    }
    let total = checked.total();
    let (run, most) = (total.run, args.max_faults);
    match &checked.counterexample {
        Some(found) => {
            let expected = if is_expected(scenario, found) { "As expected, a" } else { "A" };
            writeln!(out, "{expected} counterexample, faults: {}", found.faults)?;
            writeln!(out, "    {}", visible(&found.failure))?;
            for (sentence, _) in &found.sentences {
                writeln!(out, "    {}", visible(sentence))?;
            }
            match &args.output {
                Some(path) => {
                    let path = visible(&path.display().to_string());
                    writeln!(out, "repeat with: {} run {path}", run::program())
                }
                None => writeln!(out, "\n{}", found.text),
            }
        }
        None if !checked.complete => {
            writeln!(out, "Interrupted: no violation in {run} schedules so far")
        }
        None if total.undecided > 0 => writeln!(
            out,
            "No violation with at most {most} faults was seen on the first {first} datagrams, but {} of {run} \
             schedules decided nothing \
             (is `duration` too short?)",
            total.undecided
        ),
        None => writeln!(
            out,
            "No violation with at most {most} faults on the first {first} datagrams: {run} schedules run"
        ),
    }
}

fn to_json(args: &Args, scenario: &Scenario, checked: &Checked, exit: Exit) -> Value {
    let total = checked.total();
    let counterexample = checked.counterexample.as_ref().map(|found| {
        let sentences: Vec<&str> = found.sentences.iter().map(|(said, _)| said.as_str()).collect();
        json!({
            "faults": found.faults,
            "failure": found.failure,
            "does": sentences,
            "scenario": found.text,
        })
    });
    json!({
        "scenario": scenario.name(),
        "title": scenario.title(),
        "protocol": scenario.protocol(),
        "seed": args.seed.unwrap_or(scenario.seed()),
        "max_faults": args.max_faults,
        "actions": kinds(args),
        "first": args.first,
        "verdict": match exit {
            Exit::Passed => "pass",
            Exit::Undecided => "inconclusive",
            _ => "fail",
        },
        "complete": checked.complete,
        "schedules": { "run": total.run, "skipped": total.skipped, "undecided": total.undecided },
        "levels": checked.levels,
        "counterexample": counterexample,
    })
}
