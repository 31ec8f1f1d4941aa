//! `squall report`: draws recorded runs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use squall_reports::story::Story;
use squall_reports::timeline::{self, Extent, Style};
use squall_reports::{page, svg};
use squall_sim::trace::Trace;

use super::exit::Exit;
use super::{complain, files, replay, stdout, width};
use crate::Registry;

/// Arguments of `squall report`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  squall report my.trace                     the whole timeline, on standard output
  squall report my.trace --format svg > my.svg
  squall report *.trace -o pages             one file per trace, in the folder `pages`")]
pub(super) struct Args {
    /// Traces that `squall run --trace` wrote
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,
    /// Write one file per trace into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What to draw [default: text]
    #[arg(long, value_enum, default_value = "text", hide_default_value = true)]
    format: Format,
    /// Draw at most so many rows of a picture, around the violation
    #[arg(long, value_name = "N", default_value_t = 200)]
    rows: usize,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

/// What a report can be.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// The timeline
    Text,
    /// A page with the space-time diagram, for a browser
    Html,
    /// The space-time diagram as a picture
    Svg,
}

impl Format {
    /// How the names of its files end.
    fn extension(self) -> &'static str {
        match self {
            Format::Text => "txt",
            Format::Html => "html",
            Format::Svg => "svg",
        }
    }
}

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let mut names: Vec<_> = args.traces.iter().map(|path| path.file_stem()).collect();
    names.sort_unstable();
    if args.output.is_some() && names.windows(2).any(|pair| pair[0] == pair[1]) {
        complain("two of the traces have the same name, so their files would be one");
        return Ok(Exit::Usage);
    }
    let mut worst = Exit::Passed;
    for path in &args.traces {
        let trace = match replay::read(path) {
            Ok(trace) => trace,
            Err(exit) => {
                worst = worst.max(exit);
                continue;
            }
        };
        match &args.output {
            None => draw(args, &trace, registry, width(), true, &mut stdout())?,
            Some(folder) => worst = worst.max(save(args, &trace, registry, path, folder)?),
        }
    }
    Ok(worst)
}

/// Draws a trace into a file of its own.
fn save(
    args: &Args,
    trace: &Trace,
    registry: &Registry,
    path: &Path,
    folder: &Path,
) -> io::Result<Exit> {
    if let Err(error) = std::fs::create_dir_all(folder) {
        complain(&format!("{}: {error}", folder.display()));
        return Ok(Exit::Usage);
    }
    let name = path.file_stem().unwrap_or(path.as_os_str());
    let target = folder.join(name).with_extension(args.format.extension());
    let content = |out: &mut dyn Write| draw(args, trace, registry, 120, false, out);
    match files::write(&target, args.force, content) {
        Ok(()) => writeln!(stdout(), "{}", target.display()).map(|()| Exit::Passed),
        Err(exit) => Ok(exit),
    }
}

fn draw(
    args: &Args,
    trace: &Trace,
    registry: &Registry,
    width: usize,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let dissect = registry.dissect(&trace.header.protocol);
    match args.format {
        Format::Text => {
            let style = Style { width, color, extent: Extent::Full };
            timeline::write(trace, dissect, style, out)
        }
        Format::Html => page::write(trace, dissect, out),
        Format::Svg => {
            let story = Story::new(trace, dissect);
            writeln!(out, "{}", svg::picture(&story, args.rows))
        }
    }
}
