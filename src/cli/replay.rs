//! `squall replay`: repeats a recorded run and compares it with the record.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use squall_sim::plan::Engine;
use squall_sim::scenario::Scenario;
use squall_sim::text::visible;
use squall_sim::trace::{Event, Trace};
use squall_sim::{Outcome, Settings};

use super::exit::Exit;
use super::{complain, run, stdout};
use crate::Registry;

/// Arguments of `squall replay`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  squall run my.toml --seed 7 --trace my.trace
  squall replay my.trace

The trace holds the scenario's text; only a payload file that it names is read again.")]
pub(super) struct Args {
    /// A trace that `squall run --trace` wrote
    trace: PathBuf,
}

/// Events before the first difference that are shown.
const BEFORE: usize = 8;

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let recorded = match read(&args.trace) {
        Ok(trace) => trace,
        Err(exit) => return Ok(exit),
    };
    let outcome = match repeat(&recorded, registry) {
        Ok(outcome) => outcome,
        Err(exit) => return Ok(exit),
    };
    let mut out = stdout();
    let Some(trace) = &outcome.trace else { unreachable!("the trace was asked for") };
    if trace.hash() == recorded.hash() {
        let events = recorded.events().count();
        let hash = recorded.hash();
        writeln!(out, "The run is the recorded one: {events} events, trace hash {hash:032x}\n")?;
        run::summary(&mut out, &outcome, false)?;
        out.flush()?;
        return Ok(outcome.verdict().into());
    }
    let expected: Vec<Event> = recorded.events().collect();
    let found: Vec<Event> = trace.events().collect();
    let same = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
    writeln!(out, "The run is not the recorded one: it differs from event {} on.\n", same + 1)?;
    for event in &expected[same.saturating_sub(BEFORE)..same] {
        writeln!(out, "    {}", visible(&trace.line(event)))?;
    }
    let same_text = expected
        .get(same)
        .zip(found.get(same))
        .is_some_and(|(a, b)| recorded.line(a) == trace.line(b));
    let line = |trace: &Trace, event: Option<&Event>| match event {
        Some(event) => visible(&trace.line(event)),
        None => "(the end)".to_owned(),
    };
    writeln!(out, "  - {}", line(&recorded, expected.get(same)))?;
    writeln!(out, "  + {}", line(trace, found.get(same)))?;
    if same_text {
        writeln!(out, "    (the payloads differ)")?;
    }
    if outcome.plan.workload.payload.is_some() {
        writeln!(
            out,
            "\nThe scenario sends a file, which the trace does not hold: has it changed?"
        )?;
    }
    writeln!(
        out,
        "\nIf neither squall nor the protocol's code has changed since, the code is not deterministic. \
         The usual suspects: the order of a HashMap, std's or rand's own random numbers, a real clock, \
         threads, and tokio::select! without `biased;`."
    )?;
    out.flush()?;
    Ok(Exit::NotDeterministic)
}

/// Reads a trace file.
///
/// # Errors
/// If it cannot be read or is no trace; it was complained about.
pub(super) fn read(path: &Path) -> Result<Trace, Exit> {
    let text = std::fs::read(path).map_err(|error| {
        complain(&format!("{}: {error}", path.display()));
        Exit::Usage
    })?;
    Trace::read_jsonl(&String::from_utf8_lossy(&text)).map_err(|error| {
        complain(&format!("{}: {error}", path.display()));
        Exit::Data
    })
}

fn repeat(recorded: &Trace, registry: &Registry) -> Result<Outcome, Exit> {
    let header = &recorded.header;
    let hash = format!("{:032x}", squall_sim::scenario::hash(&header.source));
    if hash != header.scenario_hash {
        complain("the scenario in the trace is not the one that was recorded: its hash differs");
        return Err(Exit::Data);
    }
    let base = Path::new(&header.scenario).parent().unwrap_or(Path::new("."));
    let specs = registry.specs();
    let scenario = Scenario::parse(&header.scenario, &header.source, base, specs);
    let scenario = scenario.map_err(|diagnostics| {
        let _ = writeln!(anstream::stderr(), "{}\n", diagnostics.render(true));
        Exit::Data
    })?;
    let Some(engine) = Engine::named(&header.engine) else {
        complain(&format!("the trace names an unknown engine, {:?}", header.engine));
        return Err(Exit::Data);
    };
    let settings = Settings { seed: Some(header.seed), engine: Some(engine), keep_trace: true };
    registry.run(&scenario, settings).map_err(|error| run::refuse(&error))
}
