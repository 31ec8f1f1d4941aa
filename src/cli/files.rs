//! Finding, reading and writing files.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use squall_sim::protocol::Protocol;
use squall_sim::scenario::Scenario;

use super::exit::Exit;
use super::{complain, interrupt};
use crate::registry;
use crate::{LoadError, Registry};

/// The scenario files that the arguments name: files as they are, folders with all they hold.
///
/// # Errors
/// If one does not exist or a folder has no scenario; it was complained about.
pub(super) fn find(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, Exit> {
    let mut found = Vec::new();
    for path in arguments {
        if path.as_os_str() == "-" || !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        if let Err(error) = scenarios_below(path, &mut found) {
            complain(&error.to_string());
            return Err(Exit::Usage);
        }
        if found.len() == before {
            complain(&format!(
                "{}: there is no scenario file (*.toml) below this folder",
                path.display()
            ));
            return Err(Exit::Usage);
        }
    }
    Ok(found)
}

/// Adds every `*.toml` below a folder, by path. Links to folders are not followed.
pub(crate) fn scenarios_below(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
    let read = fs::read_dir(folder).and_then(Iterator::collect);
    let mut entries: Vec<fs::DirEntry> = read.map_err(named)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            scenarios_below(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    Ok(())
}

/// Loads a scenario; `-` is standard input.
///
/// # Errors
/// If it cannot be read or is wrong; it was complained about.
pub(super) fn load(path: &Path, registry: &Registry) -> Result<Scenario, Exit> {
    load_quietly(path, registry).map_err(|error| refuse(&error))
}

/// Loads a scenario; `-` is standard input.
///
/// # Errors
/// If it cannot be read or is wrong.
pub(super) fn load_quietly(path: &Path, registry: &Registry) -> Result<Scenario, LoadError> {
    if path.as_os_str() != "-" {
        return registry.load(path);
    }
    let mut bytes = Vec::new();
    match io::stdin().lock().take(registry::MAX_FILE + 1).read_to_end(&mut bytes) {
        Ok(_) => Scenario::parse_bytes("-", &bytes, Path::new("."), registry.specs())
            .map_err(LoadError::Wrong),
        Err(error) => Err(LoadError::Unreadable { path: "standard input".into(), error }),
    }
}

/// Says why a scenario could not be loaded.
pub(super) fn refuse(error: &LoadError) -> Exit {
    match error {
        LoadError::Unreadable { .. } => {
            complain(&format!(
                "{error}; give a scenario file, a folder of them, or - for standard input"
            ));
            Exit::Usage
        }
        LoadError::Wrong(diagnostics) => {
            let _ = writeln!(anstream::stderr(), "{}\n", diagnostics.render(true));
            Exit::Data
        }
    }
}

/// Where a scenario file that was made from another one goes.
pub(super) struct Destination {
    /// The folder at which its paths begin.
    pub base: PathBuf,
    /// The path of the file that the clients send, seen from there.
    pub payload: Option<String>,
}

impl Destination {
    /// The place of `output`, or of standard output, for what was made from the scenario in `file`.
    pub fn of(scenario: &Scenario, file: &Path, output: Option<&Path>) -> Self {
        let (source, base) = (folder(file), output.map_or(PathBuf::from("."), folder));
        let payload = scenario.payload_path().map(|path| {
            let there = source.join(path);
            match (fs::canonicalize(&base), fs::canonicalize(&source)) {
                (Ok(base), Ok(source)) if base == source => path.to_owned(),
                // From another folder only the whole path is sure to lead there.
                _ => fs::canonicalize(&there).unwrap_or(there).to_string_lossy().into_owned(),
            }
        });
        Destination { base, payload }
    }
}

/// A scenario that becomes another one.
pub(super) struct Opened<'a> {
    pub scenario: Scenario,
    pub protocol: &'a Protocol,
    /// Where the other one goes.
    pub place: Destination,
}

impl<'a> Opened<'a> {
    /// Loads the scenario in `file`, if what becomes of it can be written to `output`.
    ///
    /// # Errors
    /// If it can not be written, or `file` can not be read or is wrong; it was complained about.
    pub fn new(
        file: &Path,
        output: Option<&Path>,
        force: bool,
        registry: &'a Registry,
    ) -> Result<Self, Exit> {
        output.map_or(Ok(()), |path| may_write(path, force))?;
        let scenario = load(file, registry)?;
        let Some(protocol) = registry.protocol(scenario.protocol()) else {
            unreachable!("the scenario was read with the registry's protocols")
        };
        let place = Destination::of(&scenario, file, output);
        Ok(Opened { scenario, protocol, place })
    }
}

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// True if there is something, be it a link to nothing.
fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Complains if a file can not be written: better before long work than after it.
///
/// # Errors
/// If it exists and is not to be overwritten, or its folder does not.
pub(super) fn may_write(path: &Path, force: bool) -> Result<(), Exit> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        complain(&format!("{}: there is no such folder to write into", folder.display()));
        return Err(Exit::Usage);
    }
    if is_taken(path) && !force {
        complain(&format!("{} exists; --force overwrites it", path.display()));
        return Err(Exit::Usage);
    }
    Ok(())
}

/// Makes a folder, and those that it is in, if they are not there.
///
/// # Errors
/// If it can not be made; it was complained about.
pub(super) fn create_folder(folder: &Path) -> Result<(), Exit> {
    fs::create_dir_all(folder).map_err(|error| {
        complain(&format!("{} is no folder to write into: {error}", folder.display()));
        Exit::Usage
    })
}

/// Writes a file whole or not at all; an existing one only with `force`.
///
/// # Errors
/// If it exists, or cannot be written; it was complained about.
pub(super) fn write(
    path: &Path,
    force: bool,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Exit> {
    if is_taken(path) && !force {
        complain(&format!("{} exists; --force overwrites it", path.display()));
        return Err(Exit::Usage);
    }
    let (file, beside) = create_beside(path).map_err(|error| {
        complain(&format!("{}: {error}", path.display()));
        Exit::Usage
    })?;
    let written = (|| {
        let mut file = io::BufWriter::new(file);
        content(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        if force {
            return fs::rename(&beside, path);
        }
        // A rename would replace what has appeared in the meantime; a link does not.
        match fs::hard_link(&beside, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Not every file system has links.
            Err(_) => fs::rename(&beside, path),
            Ok(()) => fs::remove_file(&beside),
        }
    })();
    interrupt::is_whole(&beside);
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        complain(&format!("{}: {error}", path.display()));
        Exit::Usage
    })
}

/// A new file beside `path`, under a name that nothing has. If Ctrl-C ends the process, it is removed.
fn create_beside(path: &Path) -> io::Result<(fs::File, PathBuf)> {
    let mut number = 0;
    loop {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".part-{}-{number}", std::process::id()));
        let beside = PathBuf::from(beside);
        match fs::File::create_new(&beside) {
            // Another process may have had this number, and left it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {
                number += 1;
            }
            Err(error) => return Err(error),
            Ok(file) => {
                interrupt::is_part(&beside);
                return Ok((file, beside));
            }
        }
    }
}
