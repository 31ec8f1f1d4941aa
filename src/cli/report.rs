//! `squall report`: draws recorded runs.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use squall_reports::story::Story;
use squall_reports::timeline::{self, Extent, Style};
use squall_reports::{mermaid, page, pcapng, svg};
use squall_sim::trace::Trace;

use super::exit::Exit;
use super::{UntilClosed, complain, files, interrupt, replay, stdout, width};
use crate::Registry;

/// Arguments of `squall report`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  squall report my.trace                     the whole timeline, on standard output
  squall report my.trace --format svg > my.svg
  squall report my.trace --format mermaid    a sequence diagram for a document
  squall report my.trace --format pcapng | wireshark -k -i -
  squall report *.trace -o pages             a page for each trace, in the folder `pages`
  squall report failing.trace passing.trace --side-by-side -o pages")]
pub(super) struct Args {
    /// Traces that `squall run --trace` wrote
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,
    /// Write one file per trace into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What to draw [default: html into a folder, text else]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// One page of two traces, with the row from which on they differ
    #[arg(long)]
    side_by_side: bool,
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
    /// A sequence diagram in the language of Mermaid, for documents
    Mermaid,
    /// A capture file for Wireshark: every datagram sent, with its fate as a comment
    Pcapng,
}

impl Format {
    /// How the names of its files end.
    fn extension(self) -> &'static str {
        match self {
            Format::Text => "txt",
            Format::Html => "html",
            Format::Svg => "svg",
            Format::Mermaid => "mmd",
            Format::Pcapng => "pcapng",
        }
    }
}

impl Args {
    fn format(&self) -> Format {
        self.format.unwrap_or(match &self.output {
            Some(_) => Format::Html,
            None => Format::Text,
        })
    }
}

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    interrupt::tidy_up();
    if args.side_by_side {
        return side_by_side(args, registry);
    }
    // To some file systems, names that differ in case alone are one.
    let folded = |path: &PathBuf| file_name(path, args.format()).to_string_lossy().to_lowercase();
    let mut names: Vec<_> = args.traces.iter().map(folded).collect();
    names.sort_unstable();
    let mut pairs = names.windows(2).filter(|_| args.output.is_some());
    if let Some(pair) = pairs.find(|pair| pair[0] == pair[1]) {
        complain(&format!(
            "two of the traces would both be {}; draw them into two folders",
            pair[0]
        ));
        return Ok(Exit::Usage);
    }
    if args.output.is_none()
        && let Err(message) = fits_standard_output(args)
    {
        complain(message);
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
            // What strips colours from text would damage this.
            None if args.format() == Format::Pcapng => {
                let mut out = UntilClosed::new(io::stdout().lock());
                draw(args, &trace, registry, 0, false, &mut out)?;
                out.flush()?;
            }
            None => draw(args, &trace, registry, width(), true, &mut stdout())?,
            Some(folder) => {
                let target = folder.join(file_name(path, args.format()));
                let content = |out: &mut dyn Write| draw(args, &trace, registry, 120, false, out);
                worst = worst.max(save(&target, folder, args.force, content)?);
            }
        }
    }
    Ok(worst)
}

/// The name of the file about a trace: `run.1.trace` becomes `run.1.html`.
fn file_name(trace: &Path, format: Format) -> OsString {
    let mut name = trace.file_stem().unwrap_or(trace.as_os_str()).to_owned();
    name.push(".");
    name.push(format.extension());
    name
}

/// Whether what is asked for can be written to standard output; if not, what to do.
fn fits_standard_output(args: &Args) -> Result<(), &'static str> {
    match args.format() {
        Format::Text => Ok(()),
        _ if args.traces.len() > 1 => {
            Err("several traces are several documents; -o DIR writes a file for each")
        }
        Format::Pcapng if io::stdout().is_terminal() => {
            Err("a capture file is nothing for a terminal; write it with -o DIR, or into a pipe: \
                 squall report my.trace --format pcapng | wireshark -k -i -")
        }
        _ => Ok(()),
    }
}

/// One page of two traces.
fn side_by_side(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let [left, right] = args.traces.as_slice() else {
        complain(
            "--side-by-side takes two traces, such as that of a failing and of a passing seed",
        );
        return Ok(Exit::Usage);
    };
    if args.format.is_some_and(|format| format != Format::Html) {
        complain("--side-by-side makes a page: leave --format out, or give --format html");
        return Ok(Exit::Usage);
    }
    let traces = match (replay::read(left), replay::read(right)) {
        (Ok(left), Ok(right)) => [left, right],
        (Err(exit), _) | (_, Err(exit)) => return Ok(exit),
    };
    let both = traces.each_ref();
    let dissects = both.map(|trace| registry.dissect(&trace.header.protocol));
    let Some(folder) = &args.output else {
        return page::write_comparison(both, dissects, &mut stdout()).map(|()| Exit::Passed);
    };
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let target = folder.join(format!("{}-against-{}.html", name(left), name(right)));
    let content = |out: &mut dyn Write| page::write_comparison(both, dissects, out);
    save(&target, folder, args.force, content)
}

/// Writes a file into a folder that need not be there, and says where it is.
fn save(
    target: &Path,
    folder: &Path,
    force: bool,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<Exit> {
    match files::create_folder(folder).and_then(|()| files::write(target, force, content)) {
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
    match args.format() {
        Format::Text => {
            let style = Style { width, color, extent: Extent::Full };
            timeline::write(trace, dissect, style, out)
        }
        Format::Html => page::write(trace, dissect, out),
        Format::Svg => {
            let story = Story::new(trace, dissect);
            writeln!(out, "{}", svg::picture(&story, args.rows))
        }
        Format::Mermaid => mermaid::write(&Story::new(trace, dissect), args.rows, out),
        Format::Pcapng => pcapng::write(&Story::new(trace, dissect), out),
    }
}
