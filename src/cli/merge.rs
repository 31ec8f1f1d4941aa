//! `squall merge`: adds up the parts of a sweep.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use squall_sim::sweep::Sweep;
use squall_sim::text::visible;

use super::exit::Exit;
use super::explore::Place;
use super::run::Format;
use super::{complain, explore, stdout};

/// Arguments of `squall merge`.
#[derive(clap::Args)]
#[command(after_help = "\
With --format json, what comes out is, to the byte, what the whole sweep would have printed without
--shard; the text lacks the timeline of the first failing seed. The exit status is the one that it would
have had.

Examples:
  squall explore my.toml --seeds 0..1000 --shard 1/2 --format json > 1.json
  squall explore my.toml --seeds 0..1000 --shard 2/2 --format json > 2.json
  squall merge 1.json 2.json --format json
  squall merge 1.json 2.json --report out     out/index.html, with charts if they were run with --charts")]
pub(super) struct Args {
    /// What `squall explore --shard I/N --format json` printed, of all parts, in any order
    #[arg(required = true, value_name = "PART.json")]
    parts: Vec<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Write a page about the sweep with charts into this folder, index.html. The charts need parts that were
    /// run with --charts or --report
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Overwrite the page if it exists
    #[arg(long, requires = "report")]
    force: bool,
}

/// The largest part that is read, bytes.
const MAX_FILE: u64 = 16 << 20;

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    if let Some(Err(exit)) =
        args.report.as_ref().map(|folder| explore::may_merge(folder, args.force))
    {
        return Ok(exit);
    }
    let mut parts = Vec::new();
    for path in &args.parts {
        match read(path) {
            Ok(part) => parts.push(part),
            Err(exit) => return Ok(exit),
        }
    }
    let whole = match Sweep::merge(parts) {
        Ok(whole) => whole,
        Err(error) => {
            complain(&visible(&error.to_string()));
            return Ok(Exit::Data);
        }
    };
    let mut out = stdout();
    match args.format {
        Format::Json => writeln!(out, "{}", whole.to_json())?,
        Format::Text => explore::print(&mut out, &whole)?,
    }
    out.flush()?;
    let reported = match &args.report {
        Some(folder) => {
            let place = Place { folder, force: args.force, format: args.format };
            explore::merged(place, &whole)?
        }
        None => Exit::Passed,
    };
    Ok(reported.max(whole.verdict().into()))
}

fn read(path: &Path) -> Result<Sweep, Exit> {
    let complain = |what: &str| complain(&format!("{}: {}", path.display(), visible(what)));
    let mut text = String::new();
    let file = std::fs::File::open(path);
    if let Err(error) = file.and_then(|file| file.take(MAX_FILE).read_to_string(&mut text)) {
        complain(&error.to_string());
        return Err(Exit::Usage);
    }
    Sweep::from_json(text.trim()).map_err(|error| {
        complain(&format!("this is no part of a sweep: {error}"));
        Exit::Data
    })
}
