//! `squall run --check-determinism`: the same runs in a second process.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// A run by what must be the same each time: its scenario, and its trace hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub scenario: String,
    pub trace_hash: String,
}

impl Fact {
    /// What an outcome says as JSON.
    pub fn of(json: &Value) -> Option<Self> {
        let text = |key: &str| json.get(key)?.as_str().map(str::to_owned);
        Some(Fact { scenario: text("scenario")?, trace_hash: text("trace_hash")? })
    }
}

/// Runs the files again, in a second process, with the same seed and engine. `input` is what the one from
/// standard input said.
///
/// # Errors
/// If there can be no second process, or it says something else than runs.
pub(super) fn run_again(
    files: &[PathBuf],
    seed: Option<u64>,
    engine: Option<&str>,
    input: &str,
) -> io::Result<Vec<Fact>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["run", "--format", "json"]);
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if let Some(engine) = engine {
        command.args(["--engine", engine]);
    }
    let mut child = command
        .arg("--")
        .args(files)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // What there is to complain about was complained about by this process.
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // It need not read it.
        stdin.as_mut().map(|stdin| stdin.write_all(input.as_bytes()))
    });
    let output = child.wait_with_output()?;
    let _ = writer.join();
    let said = String::from_utf8_lossy(&output.stdout);
    let fact = |line: &str| Fact::of(&serde_json::from_str(line).ok()?);
    let facts: Option<Vec<Fact>> = said.lines().map(fact).collect();
    facts.ok_or_else(|| io::Error::other("the second process says something else than runs"))
}
