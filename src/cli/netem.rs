//! `squall netem`: a scenario's links as commands for a real network.

use std::io::{self, Write};
use std::path::PathBuf;

use super::exit::Exit;
use super::{files, stdout};
use crate::Registry;

/// Arguments of `squall netem`.
#[derive(clap::Args)]
#[command(after_help = "\
The script takes the name of a host and sets, on a real one that runs Linux, what the links of that host do to
what it sends: delay, jitter, loss, duplication, reordering, corruption, rate. Comments in it say what
netem does in another way, and what it can not do (faults, above all). It needs root, and tc (iproute2).

Examples:
  squall netem lossy.toml > netem.sh           then, on the host that is the server:
  sudo sh netem.sh server                      and to end it: sudo sh netem.sh --off
  squall netem lossy.toml --seed 7 --dev wlan0 ranges drawn for seed 7; another interface")]
pub(super) struct Args {
    /// The scenario file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The seed for which ranges are drawn, instead of the file's
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// The network interface
    #[arg(long, value_name = "NAME", default_value = "eth0")]
    dev: String,
}

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let scenario = match files::load(&args.file, registry) {
        Ok(scenario) => scenario,
        Err(exit) => return Ok(exit),
    };
    let script = squall_reports::netem::script(&scenario.plan(args.seed), &args.dev);
    let mut out = stdout();
    out.write_all(script.as_bytes())?;
    out.flush()?;
    Ok(Exit::Passed)
}
