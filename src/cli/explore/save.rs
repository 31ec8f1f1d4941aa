//! Shrinks the failures of a sweep and keeps them as scenario files.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use squall_sim::text::visible;

use super::{Args, Shared};
use crate::cli::exit::Exit;
use crate::cli::{complain, interrupt, stdout};

/// Writes a shrunk scenario for each failing seed that the sweep names; of those that shrink to the same
/// one, the first.
pub(super) fn save(folder: &Path, args: &Args, shared: &Shared) -> io::Result<Exit> {
    if let Err(error) = std::fs::create_dir_all(folder) {
        complain(&format!("{}: {error}", folder.display()));
        return Ok(Exit::Usage);
    }
    let stem = args.file.file_stem().map_or("scenario".into(), |stem| stem.to_string_lossy());
    let mut known = BTreeSet::new();
    let mut worst = Exit::Passed;
    for failure in shared.sweep.failures.iter().take_while(|_| !interrupt::asked()) {
        let seed = failure.seed;
        let target = folder.join(format!("{stem}_seed_{seed}.toml"));
        if let Ok(content) = content(&target) {
            // Saved before.
            known.insert(content);
            continue;
        }
        let shrunk = match shared.lost.contains(&seed) {
            // It would end the process that shrinks it.
            true => Err(failure.failure.clone()),
            false => shrink(&args.file, seed, &target),
        };
        match shrunk {
            Ok(content) => match known.insert(content) {
                true => writeln!(stdout(), "{}", target.display())?,
                false => std::fs::remove_file(&target)?,
            },
            Err(why) => {
                complain(&format!("seed {seed} is not saved: {}", visible(why.trim())));
                worst = Exit::Failed;
            }
        }
    }
    Ok(worst)
}

/// Shrinks in a process of its own, since what fails might end it, and gives what the file says besides
/// where it comes from.
fn shrink(file: &PathBuf, seed: u64, target: &Path) -> Result<String, String> {
    let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
    command.arg("shrink").arg(file).args(["--seed", &seed.to_string(), "--output"]).arg(target);
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    content(target).map_err(|error| error.to_string())
}

/// What a file says besides where it comes from.
fn content(path: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    let said = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("seed ="));
    Ok(said.collect())
}
