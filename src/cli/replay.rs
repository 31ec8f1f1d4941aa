//! `squall replay`: repeats a run and compares it with a record, or with itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use squall_sim::plan::Engine;
use squall_sim::scenario::Scenario;
use squall_sim::text::visible;
use squall_sim::trace::{Event, Trace};
use squall_sim::{Outcome, Settings};

use super::exit::Exit;
use super::run::EngineArg;
use super::{complain, files, run, stdout};
use crate::Registry;

/// Arguments of `squall replay`.
#[derive(clap::Args)]
#[command(after_help = "\
A trace is run again and compared with itself; it holds the scenario's text, and only a payload file that
it names is read again. A scenario is run with the seed from a failure report: against a trace, or against
a second process.

Examples:
  squall run my.toml --seed 7 --trace my.trace
  squall replay my.trace
  squall replay my.toml --seed 7                       does the run come out the same each time?
  squall replay my.toml --seed 7 --against my.trace    from which event on is it another one?")]
pub(super) struct Args {
    /// A trace that `squall run --trace` wrote, or a scenario file
    #[arg(value_name = "TRACE|FILE")]
    file: PathBuf,
    /// The seed, for a scenario file
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// The engine, for a scenario file
    #[arg(long, value_enum)]
    engine: Option<EngineArg>,
    /// The trace to compare with, for a scenario file
    #[arg(long, value_name = "TRACE")]
    against: Option<PathBuf>,
}

/// Events before the first difference that are shown.
const BEFORE: usize = 8;

/// How the first line of a trace begins.
const TRACE: &[u8] = b"{\"squall_trace\"";

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let both = match is_trace(&args.file) {
        Ok(true) => trace(args, registry),
        Ok(false) => scenario(args, registry),
        Err(exit) => Err(exit),
    };
    match both {
        Ok(compared) => compare(&compared),
        Err(exit) => Ok(exit),
    }
}

fn is_trace(path: &Path) -> Result<bool, Exit> {
    use std::io::Read;
    let mut start = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(TRACE.len() as u64).read_to_end(&mut start));
    if let Err(error) = read {
        complain(&format!("{}: {error}", path.display()));
        return Err(Exit::Usage);
    }
    // What is neither shall be called a bad trace, unless it is named as a scenario.
    Ok(start == TRACE || path.extension().is_none_or(|extension| extension != "toml"))
}

/// A trace, and the run again.
fn trace(args: &Args, registry: &Registry) -> Result<Compared, Exit> {
    if args.seed.is_some() || args.engine.is_some() || args.against.is_some() {
        complain(
            "a trace says itself which run it is: --seed, --engine and --against go with a scenario file",
        );
        return Err(Exit::Usage);
    }
    let recorded = read(&args.file)?;
    let outcome = repeat(&recorded, registry)?;
    Ok(Compared { recorded, outcome, with: With::Record })
}

/// A run of a scenario, and the record to compare it with.
fn scenario(args: &Args, registry: &Registry) -> Result<Compared, Exit> {
    let scenario = files::load(&args.file, registry)?;
    let engine = args.engine.map(EngineArg::engine);
    let settings = Settings { seed: args.seed, engine, keep_trace: true };
    let outcome = registry.run(&scenario, settings).map_err(|error| run::refuse(&error))?;
    let recorded = match &args.against {
        Some(path) => read(path)?,
        None => in_another_process(&args.file, &outcome)?,
    };
    let header = &recorded.header;
    let (seed, engine) = (outcome.plan.seed, outcome.plan.engine.name());
    if (header.seed, header.engine.as_str()) != (seed, engine) {
        complain(&format!(
            "the trace is of seed {} on the {} engine, the run of seed {seed} on the {engine} engine",
            header.seed, header.engine
        ));
        return Err(Exit::Usage);
    }
    let same = header.scenario_hash == format!("{:032x}", scenario.hash());
    let with = match (&args.against, same) {
        (None, _) => With::SecondProcess,
        (Some(_), true) => With::Record,
        (Some(_), false) => With::OtherScenario,
    };
    Ok(Compared { recorded, outcome, with })
}

/// Two runs.
struct Compared {
    recorded: Trace,
    outcome: Outcome,
    with: With,
}

/// What a run is compared with.
#[derive(Clone, Copy, PartialEq)]
enum With {
    /// A record of it.
    Record,
    /// The same in a second process.
    SecondProcess,
    /// A record of a scenario that has changed since.
    OtherScenario,
}

impl With {
    fn name(self) -> &'static str {
        match self {
            With::Record | With::OtherScenario => "the recorded one",
            With::SecondProcess => "that of a second process",
        }
    }
}

/// The same run, recorded by a second process.
fn in_another_process(file: &Path, outcome: &Outcome) -> Result<Trace, Exit> {
    let name = format!("squall-replay-{}.trace", std::process::id());
    let path = std::env::temp_dir().join(name);
    let fail = |error: io::Error| {
        complain(&format!("a second process can not repeat the run: {error}"));
        Exit::Usage
    };
    // One that is there already is not of this run.
    let _ = std::fs::remove_file(&path);
    let program = std::env::current_exe().map_err(fail)?;
    let seed = outcome.plan.seed.to_string();
    let output = Command::new(program)
        .arg("run")
        .arg(file)
        .args(["--seed", &seed, "--engine", outcome.plan.engine.name(), "--timeline", "none"])
        .args(["--force", "--trace"])
        .arg(&path)
        .output()
        .map_err(fail)?;
    let trace = match path.exists() {
        true => read(&path),
        false => {
            Err(fail(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())))
        }
    };
    let _ = std::fs::remove_file(&path);
    trace
}

/// Says whether the run is the recorded one, and if not, from which event on it differs.
fn compare(Compared { recorded, outcome, with }: &Compared) -> io::Result<Exit> {
    let mut out = stdout();
    let other = with.name();
    let Some(trace) = &outcome.trace else { unreachable!("the trace was asked for") };
    if trace.hash() == recorded.hash() {
        let events = recorded.events().count();
        let hash = recorded.hash();
        writeln!(out, "The run is {other}: {events} events, trace hash {hash:032x}\n")?;
        run::summary(&mut out, outcome, false)?;
        out.flush()?;
        return Ok(outcome.verdict().into());
    }
    let expected: Vec<Event> = recorded.events().collect();
    let found: Vec<Event> = trace.events().collect();
    let same = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
    writeln!(out, "The run is not {other}: it differs from event {} on.\n", same + 1)?;
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
    writeln!(out, "  - {}", line(recorded, expected.get(same)))?;
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
    if *with == With::OtherScenario {
        writeln!(out, "\nThe scenario has changed since the trace was recorded.")?;
        out.flush()?;
        return Ok(Exit::Failed);
    }
    writeln!(
        out,
        "\nIf neither squall nor the protocol's code has changed since, the code is not deterministic. {SUSPECTS}"
    )?;
    out.flush()?;
    Ok(Exit::NotDeterministic)
}

/// What makes code differ from run to run.
pub(super) const SUSPECTS: &str = "The usual suspects: the order of a HashMap, std's or rand's own random \
    numbers, a real clock, threads, and tokio::select! without `biased;`.";

/// Reads a trace file.
///
/// # Errors
/// If it cannot be read or is no trace; it was complained about.
pub(super) fn read(path: &Path) -> Result<Trace, Exit> {
    let text = std::fs::read(path).map_err(|error| {
        complain(&format!(
            "{}: {error}; give a trace that `{} run --trace` wrote",
            path.display(),
            run::program()
        ));
        Exit::Usage
    })?;
    let wrong = |why: String| {
        complain(&format!("{}: {why}", path.display()));
        Exit::Data
    };
    let text = str::from_utf8(&text).map_err(|error| {
        let line = 1 + text[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        wrong(format!("line {line}: this is not text, and no trace that squall wrote"))
    })?;
    Trace::read_jsonl(text).map_err(|error| wrong(error.to_string()))
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
