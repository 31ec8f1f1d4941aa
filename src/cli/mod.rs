//! The command line. The parser lives here alone.

mod check;
mod describe;
mod determinism;
mod exit;
mod explore;
mod files;
mod interrupt;
mod matrix;
mod merge;
mod netem;
mod progress;
mod replay;
mod report;
mod rpcgen;
mod run;
mod shrink;
mod values;

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::Registry;
use exit::Exit;
pub(crate) use files::scenarios_below;

/// A deterministic testbed for network faults.
#[derive(Parser)]
#[command(name = "squall", version, about, long_about = None, after_help = AFTER, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "\
Examples:
  squall run scenarios/ladder/lost_ack_stop_and_wait.toml
  squall run scenarios --format json
  squall run my.toml --seed 7 --trace my.trace && squall replay my.trace

Exit status:
  0 all passed   1 an expectation failed   2 inconclusive or invalid   3 not deterministic
  64 wrong usage   65 a file is wrong   70 a bug in squall";

#[derive(Subcommand)]
enum Command {
    /// Run scenario files and say which guarantees held
    Run(run::Args),
    /// Repeat a run and compare it with its record or with itself, event by event
    Replay(replay::Args),
    /// Draw recorded runs
    Report(report::Args),
    /// Run a scenario under many seeds
    Explore(explore::Args),
    /// Add up the parts of a sweep that were run apart
    Merge(merge::Args),
    /// Run seeds for another process, as that says
    #[command(name = explore::WORKER, hide = true)]
    ExploreWorker,
    /// Try every placement of a few faults, and give the smallest that breaks the scenario
    Check(check::Args),
    /// Shrink a failing run to the smallest scenario that fails in the same way
    Shrink(shrink::Args),
    /// Run every protocol under every family of faults and say what was observed
    Matrix(matrix::Args),
    /// Print a scenario's links as commands of tc for netem, for a real network
    Netem(netem::Args),
    /// Compile an interface file of ONC RPC (.x) into Rust
    Rpcgen(rpcgen::Args),
    /// List the protocols with their options
    Protocols(describe::Args),
    /// Print the JSON Schema of scenario files, for editors
    Schema,
}

/// Runs the command line of the process, with the protocols of `registry`.
///
/// Call it from `main`: protocols of your own then have every command that the shipped ones have.
pub fn cli(registry: Registry) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked_for = !error.use_stderr();
            let printed = error.print();
            let exit = if asked_for && printed.is_ok() { Exit::Passed } else { Exit::Usage };
            return exit.into();
        }
    };
    // A bug of ours ends in a sentence, not in a backtrace.
    std::panic::set_hook(Box::new(|info| {
        let _ = writeln!(
            anstream::stderr(),
            "squall: this is a bug in squall, please report it with the command you gave: {info}"
        );
    }));
    let done = catch_unwind(AssertUnwindSafe(|| match cli.command {
        Command::Run(args) => run::run(&args, &registry),
        Command::Replay(args) => replay::run(&args, &registry),
        Command::Report(args) => report::run(&args, &registry),
        Command::Explore(args) => explore::run(&args, &registry),
        Command::Merge(args) => merge::run(&args),
        Command::ExploreWorker => explore::run_worker(&registry),
        Command::Check(args) => check::run(&args, &registry),
        Command::Shrink(args) => shrink::run(&args, &registry),
        Command::Matrix(args) => matrix::run(&args, &registry),
        Command::Netem(args) => netem::run(&args, &registry),
        Command::Rpcgen(args) => rpcgen::run(&args),
        Command::Protocols(args) => describe::protocols(&args, &registry),
        Command::Schema => describe::schema(&registry),
    }));
    match done {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(error)) => {
            complain(&format!("cannot write the output: {error}"));
            Exit::Usage.into()
        }
        Err(_) => Exit::Bug.into(),
    }
}

/// Standard output, without colours unless it is a terminal. When its reader goes, as in
/// `squall run ... | head`, what is written is lost, but the exit status stays right.
fn stdout() -> impl Write {
    UntilClosed::new(anstream::stdout().lock())
}

/// Loses what is written after its reader has gone.
struct UntilClosed<W>(Option<W>);

impl<W: Write> UntilClosed<W> {
    fn new(out: W) -> Self {
        UntilClosed(Some(out))
    }

    fn attempt<R>(
        &mut self,
        lost: R,
        write: impl FnOnce(&mut W) -> io::Result<R>,
    ) -> io::Result<R> {
        let Some(out) = &mut self.0 else { return Ok(lost) };
        match write(out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.0 = None;
                Ok(lost)
            }
            written => written,
        }
    }
}

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), Write::flush)
    }
}

/// Says on standard error what is wrong.
fn complain(message: &str) {
    // If standard error is closed, there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "squall: {message}");
}

/// How wide the output may be, in columns.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns.or_else(terminal).unwrap_or(100)
}
