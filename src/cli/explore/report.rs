//! The pages of `--report`: one about the sweep, and one about each failing run that is named.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use squall_reports::{page, sweep as sweep_page};
use squall_sim::Settings;
use squall_sim::plan::Engine;
use squall_sim::scenario::Scenario;
use squall_sim::sweep::Sweep;
use squall_sim::text::visible;

use super::pool::Shared;
use crate::Registry;
use crate::cli::exit::Exit;
use crate::cli::run::Format;
use crate::cli::{complain, files, interrupt, stdout};

/// The page about the sweep.
const INDEX: &str = "index.html";

/// The file about the run with this seed.
fn page_of(seed: u64) -> String {
    format!("seed-{seed}.html")
}

/// Makes the folder for the pages of a sweep, and complains if they can not be written there: better before
/// long work than after it.
pub(super) fn may_write(folder: &Path, force: bool) -> Result<(), Exit> {
    may_merge(folder, force)?;
    // Which runs will fail is not known yet.
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut taken: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    taken.sort();
    let is_page = |name: &&OsString| {
        let name = name.to_string_lossy();
        let seed = name.strip_prefix("seed-").and_then(|rest| rest.strip_suffix(".html"));
        seed.is_some_and(|seed| seed.parse::<u64>().is_ok())
    };
    match taken.iter().find(is_page) {
        Some(name) if !force => {
            let path = folder.join(name);
            complain(&format!("{} exists; --force overwrites such files", path.display()));
            Err(Exit::Usage)
        }
        _ => files::create_folder(folder),
    }
}

/// Complains if the page of a merged sweep can not be written into a folder.
pub(in crate::cli) fn may_merge(folder: &Path, force: bool) -> Result<(), Exit> {
    if !folder.exists() {
        return Ok(());
    }
    if !folder.is_dir() {
        complain(&format!("{} is no folder to write into", folder.display()));
        return Err(Exit::Usage);
    }
    files::may_write(&folder.join(INDEX), force)
}

/// Where pages go.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Place<'a> {
    pub folder: &'a Path,
    /// Whether existing files are overwritten.
    pub force: bool,
    /// What standard output is for.
    pub format: Format,
}

/// Writes the pages of a sweep.
pub(super) fn write(
    place: Place<'_>,
    registry: &Registry,
    scenario: &Scenario,
    engine: Engine,
    shared: &Shared,
) -> io::Result<Exit> {
    let mut worst = Exit::Passed;
    let mut written = BTreeSet::new();
    for failure in shared.sweep.failures.iter().take_while(|_| !interrupt::asked()) {
        // What ended a worker would end this process, too.
        if shared.lost.contains(&failure.seed) {
            continue;
        }
        match write_run(place, registry, scenario, engine, failure.seed) {
            Ok(()) => drop(written.insert(failure.seed)),
            Err(exit) => worst = worst.max(exit),
        }
    }
    Ok(worst.max(index(place, &shared.sweep, |seed| written.contains(&seed))?))
}

/// Writes the page of a sweep whose parts were merged. It links to the pages of failing runs that lie in the
/// folder already, such as those of the parts.
pub(in crate::cli) fn merged(place: Place<'_>, sweep: &Sweep) -> io::Result<Exit> {
    match files::create_folder(place.folder) {
        Ok(()) => index(place, sweep, |seed| place.folder.join(page_of(seed)).is_file()),
        Err(exit) => Ok(exit),
    }
}

/// Runs a failing seed again, and writes what happened.
fn write_run(
    place: Place<'_>,
    registry: &Registry,
    scenario: &Scenario,
    engine: Engine,
    seed: u64,
) -> Result<(), Exit> {
    let settings = Settings { seed: Some(seed), engine: Some(engine), keep_trace: true };
    let ran = registry.run(scenario, settings).map_err(|error| {
        complain(&format!("seed {seed} has no page: {}", visible(&error.to_string())));
        Exit::Usage
    })?;
    let Some(trace) = &ran.trace else { return Ok(()) };
    let dissect = registry.dissect(&trace.header.protocol);
    files::write(&place.folder.join(page_of(seed)), place.force, |out| {
        page::write(trace, dissect, out)
    })
}

/// Writes the page about the sweep, with links to the pages of those runs that have one.
fn index(place: Place<'_>, sweep: &Sweep, has_page: impl Fn(u64) -> bool) -> io::Result<Exit> {
    let page_of = |seed| has_page(seed).then(|| page_of(seed));
    let path = place.folder.join(INDEX);
    if let Err(exit) =
        files::write(&path, place.force, |out| sweep_page::write(sweep, &page_of, out))
    {
        return Ok(exit);
    }
    if place.format == Format::Text {
        writeln!(stdout(), "{}", path.display())?;
    }
    Ok(Exit::Passed)
}
