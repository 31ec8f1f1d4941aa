//! `squall shrink`: from a failing run to the smallest scenario that fails alike.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use squall_sim::Settings;
use squall_sim::search::{Shrink, ShrinkError, Shrunk, Size, shrink};
use squall_sim::text::visible;

use super::exit::Exit;
use super::files::{self, Opened};
use super::run;
use super::{complain, interrupt, stdout};
use crate::Registry;

/// Arguments of `squall shrink`.
#[derive(clap::Args)]
#[command(after_help = "\
What chance decided in the failing run is written down as faults. Then faults, clients, operations and
options are taken away as long as the run fails in the same way: the same guarantee is violated for
the same reason. The result is a scenario file that fails by itself; comments say what each fault that
is left does, and whether the failure needs it. Ctrl-C ends the search with what it has.

Exit status: 0 it is shrunk; 2 there is no failure that can be; 3 the run does not fail each time.

Examples:
  squall shrink chaos.toml --seed 17 -o small.toml     and then: squall run small.toml
  squall shrink chaos.toml --seed 17 | squall run -    without a file")]
pub(super) struct Args {
    /// The scenario file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The seed of the failing run, instead of the file's
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Write the scenario here [default: on standard output]
    #[arg(short, long, value_name = "OUT.toml")]
    output: Option<PathBuf>,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let opened = Opened::new(&args.file, args.output.as_deref(), args.force, registry);
    let Opened { scenario, protocol, place } = match opened {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    // Ctrl-C ends the search with what it has.
    interrupt::listen();
    let how = Shrink {
        seed: args.seed,
        unless: None,
        payload: place.payload.as_deref(),
        base: &place.base,
        stop: &interrupt::asked,
    };
    let shrunk = match shrink(&scenario, protocol, how) {
        Ok(shrunk) => shrunk,
        Err(error) => {
            complain(&visible(&error.to_string()));
            return Ok(match error {
                ShrinkError::NotDeterministic => Exit::NotDeterministic,
                ShrinkError::Unreadable(_) => Exit::Bug,
                ShrinkError::NoFailure { .. } | ShrinkError::ShowsNothing { .. } => Exit::Undecided,
                ShrinkError::NoSimulation => Exit::Usage,
            });
        }
    };
    let mut out = stdout();
    let Some(path) = &args.output else {
        write!(out, "{}", shrunk.text)?;
        out.flush()?;
        return Ok(Exit::Passed);
    };
    if let Err(exit) = files::write(path, args.force, |out| out.write_all(shrunk.text.as_bytes())) {
        return Ok(exit);
    }
    describe(&mut out, &shrunk, path, registry)?;
    out.flush()?;
    Ok(Exit::Passed)
}

fn describe(
    out: &mut dyn Write,
    shrunk: &Shrunk,
    path: &Path,
    registry: &Registry,
) -> io::Result<()> {
    run::draw(out, registry, &shrunk.scenario, Settings::default())?;
    let size = |Size { faults, clients, operations }| {
        format!("faults: {faults}, clients: {clients}, operations of each: {operations}")
    };
    writeln!(out, "It fails in this way: {}", visible(&shrunk.breach.to_string()))?;
    writeln!(out, "before: {}", size(shrunk.before))?;
    writeln!(out, "after:  {}; runs it took: {}", size(shrunk.after), shrunk.runs)?;
    for (sentence, needed) in &shrunk.faults {
        let needed = if *needed { "necessary" } else { "not necessary" };
        writeln!(out, "    {} ({needed})", visible(sentence))?;
    }
    writeln!(out, "repeat with: {} run {}", run::program(), visible(&path.display().to_string()))
}
