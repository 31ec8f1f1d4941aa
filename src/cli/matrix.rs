//! `squall matrix`: every protocol under every family of faults.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;

use squall_sim::text::{listed, visible};

use super::exit::Exit;
use super::{complain, stdout};
use crate::Registry;
use crate::matrix::{self, CellError, Variant};

/// Arguments of `squall matrix`.
#[derive(clap::Args)]
#[command(after_help = "\
Counts are over all seeds: operations never delivered, delivered more than once, or delivered after
a later one; and runs in which something was delivered that was not sent. The last column has what
held in every run; \"undecided\" means that some run did not come to an end.

Examples:
  squall matrix                                        all protocols
  squall matrix --protocol retry --protocol stream     two of them
  squall matrix --seeds 1000 --format json             one object per protocol and family
  squall matrix --protocol udp --set wait=false        with another option
  squall matrix --protocol retry --scenario loss       the scenario behind a row")]
pub(super) struct Args {
    /// Only this protocol (may be repeated)
    #[arg(long, value_name = "NAME")]
    protocol: Vec<String>,
    /// An option of the protocols, as in [options] of a scenario file (may be repeated)
    #[arg(long, value_name = "KEY=VALUE", value_parser = option)]
    set: Vec<String>,
    /// Runs of each protocol under each family of faults
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Print the scenario of this family of faults instead of running it
    #[arg(long, value_name = "FAULTS")]
    scenario: Option<String>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// Tables in Markdown
    Text,
    /// One object per line
    Json,
}

/// One option, and nothing else of a scenario file.
fn option(text: &str) -> Result<String, String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, as in wait=false")?;
    let is_key = |c: char| c.is_ascii_alphanumeric() || "_-. ".contains(c);
    if text.contains(['\n', '\r']) || value.trim().is_empty() || !key.chars().all(is_key) {
        return Err("write one option, as in wait=false".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let names: Vec<&str> = registry.specs().iter().map(|spec| spec.name.as_str()).collect();
    if let Some(unknown) = args.protocol.iter().find(|name| !names.contains(&name.as_str())) {
        complain(&format!("no protocol `{unknown}`; there are {}", names.join(", ")));
        return Ok(Exit::Usage);
    }
    let is_chosen =
        |name: &&str| args.protocol.is_empty() || args.protocol.iter().any(|one| one == name);
    let options = args.set.join("\n");
    let chosen = names.into_iter().filter(is_chosen);
    let chosen = chosen.map(|protocol| Variant { protocol, options: &options });
    let chosen: Vec<Variant<'_>> = chosen.collect();
    let mut out = stdout();
    if let Some(family) = &args.scenario {
        return print_scenarios(&mut out, &chosen, family);
    }
    let total = chosen.len() * matrix::families().count();
    let (mut done, mut worst) = (0, Exit::Passed);
    for variant in chosen {
        let mut cells = Vec::new();
        for family in matrix::families() {
            progress(done, total, variant.protocol, family);
            let cell = matrix::cell(registry, variant, family, args.seeds);
            clear_progress();
            done += 1;
            let cell = match cell {
                Ok(cell) => cell,
                Err(CellError::Run(error)) => return Ok(super::run::refuse(&error)),
                Err(CellError::Options(errors)) => {
                    let _ = writeln!(anstream::stderr(), "{}\n", errors.render(true));
                    return Ok(Exit::Data);
                }
            };
            if let Some(error) = cell.error() {
                complain(&visible(&error));
                worst = Exit::Failed;
            }
            match args.format {
                Format::Json => writeln!(out, "{}", cell.to_json())?,
                Format::Text => cells.push(cell),
            }
        }
        // What is known stays known if the rest is interrupted.
        write!(out, "{}", matrix::tables(&cells))?;
        out.flush()?;
    }
    if args.format == Format::Text {
        write!(out, "{}", matrix::legend())?;
    }
    out.flush()?;
    Ok(worst)
}

fn print_scenarios(
    out: &mut dyn Write,
    variants: &[Variant<'_>],
    family: &str,
) -> io::Result<Exit> {
    for variant in variants {
        let Some(text) = matrix::scenario(*variant, family) else {
            let known = listed(matrix::families());
            complain(&format!("no family of faults `{family}`; there are {known}"));
            return Ok(Exit::Usage);
        };
        writeln!(out, "{text}")?;
    }
    Ok(Exit::Passed)
}

/// Says on a terminal how far it is.
fn progress(done: usize, total: usize, protocol: &str, family: &str) {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "\r\x1b[K{done} of {total}: {protocol}, {family}");
    }
}

fn clear_progress() {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
}
