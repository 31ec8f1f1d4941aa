//! `squall report`: draws recorded runs.

use std::io::{self, Write};
use std::path::PathBuf;

use squall_reports::timeline::{self, Extent, Style};

use super::exit::Exit;
use super::{complain, files, replay, stdout, width};
use crate::Registry;

/// Arguments of `squall report`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  squall report my.trace               the whole timeline, on standard output
  squall report *.trace -o pages       one text file per trace, in the folder `pages`")]
pub(super) struct Args {
    /// Traces that `squall run --trace` wrote
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,
    /// Write one file per trace into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let mut worst = Exit::Passed;
    let mut names: Vec<_> = args.traces.iter().map(|path| path.file_stem()).collect();
    names.sort_unstable();
    if args.output.is_some() && names.windows(2).any(|pair| pair[0] == pair[1]) {
        complain("two of the traces have the same name, so their files would be one");
        return Ok(Exit::Usage);
    }
    for path in &args.traces {
        let trace = match replay::read(path) {
            Ok(trace) => trace,
            Err(exit) => {
                worst = worst.max(exit);
                continue;
            }
        };
        let dissect = registry.dissect(&trace.header.protocol);
        let style = Style { width: width(), color: true, extent: Extent::Full };
        let Some(folder) = &args.output else {
            timeline::write(&trace, dissect, style, &mut stdout())?;
            continue;
        };
        if let Err(error) = std::fs::create_dir_all(folder) {
            complain(&format!("{}: {error}", folder.display()));
            return Ok(Exit::Usage);
        }
        let name = path.file_stem().unwrap_or(path.as_os_str());
        let target = folder.join(name).with_extension("txt");
        let style = Style { width: 120, color: false, ..style };
        let draw = |out: &mut dyn Write| timeline::write(&trace, dissect, style, out);
        match files::write(&target, args.force, draw) {
            Ok(()) => writeln!(stdout(), "{}", target.display())?,
            Err(exit) => worst = worst.max(exit),
        }
    }
    Ok(worst)
}
