//! Scenario files as tests: one test per file, named by its path.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use squall_reports::timeline::{self, Extent, Style};
use squall_sim::check::Verdict;
use squall_sim::text::visible;
use squall_sim::{Outcome, Settings};

use crate::Registry;
use crate::cli::scenarios_below;

/// Makes every scenario file below `folder` a test. Call it from the `main` of a test target with
/// `harness = false`:
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     squall::test_scenarios(squall::Registry::shipped(), "scenarios")
/// }
/// ```
///
/// `cargo test lost_ack` runs the files whose path has `lost_ack` in it; `SQUALL_SEED=7 cargo test`
/// runs all with another seed than the file's.
pub fn test_scenarios(registry: Registry, folder: impl AsRef<Path>) -> ExitCode {
    ScenarioTests::new(registry, folder).main()
}

/// As [`test_scenarios`], with checks of your own on each outcome.
pub struct ScenarioTests {
    registry: Registry,
    folder: PathBuf,
    check: Arc<Check>,
}

type Check = dyn Fn(&str, &Outcome) + Send + Sync;

/// Rows of the timeline around a failure.
const AROUND: usize = 40;

impl ScenarioTests {
    /// Tests for the scenario files below `folder`; a relative path starts at the package.
    pub fn new(registry: Registry, folder: impl AsRef<Path>) -> Self {
        ScenarioTests { registry, folder: folder.as_ref().to_owned(), check: Arc::new(|_, _| {}) }
    }

    /// Calls `check` after each scenario that passed, with its path below the folder, less
    /// `.toml`, and its outcome, trace included. Not called when `SQUALL_SEED` is set. If it
    /// panics, the test fails.
    #[must_use]
    pub fn check(mut self, check: impl Fn(&str, &Outcome) + Send + Sync + 'static) -> Self {
        self.check = Arc::new(check);
        self
    }

    /// Runs the tests that the command line asks for.
    pub fn main(self) -> ExitCode {
        let arguments = Arguments::from_args();
        let seed = match seed_from_environment() {
            Ok(seed) => seed,
            Err(message) => {
                eprintln!("{message}");
                return ExitCode::from(64);
            }
        };
        let mut files = Vec::new();
        if let Err(error) = scenarios_below(&self.folder, &mut files) {
            eprintln!("{error}");
            return ExitCode::from(64);
        }
        if files.is_empty() {
            eprintln!("{}: there is no scenario file (*.toml) here", self.folder.display());
            return ExitCode::from(64);
        }
        let registry = Arc::new(self.registry);
        let trials = files
            .into_iter()
            .map(|file| {
                let below = file.strip_prefix(&self.folder).unwrap_or(&file).with_extension("");
                let name = below.to_string_lossy().replace('\\', "/");
                let (registry, check) = (Arc::clone(&registry), Arc::clone(&self.check));
                Trial::test(name.clone(), move || test(&registry, &file, &name, seed, &*check))
            })
            .collect();
        libtest_mimic::run(&arguments, trials).exit_code()
    }
}

fn seed_from_environment() -> Result<Option<u64>, String> {
    match std::env::var("SQUALL_SEED") {
        Err(std::env::VarError::NotPresent) => Ok(None),
        Ok(text) => match text.trim().parse() {
            Ok(seed) => Ok(Some(seed)),
            Err(_) => Err(format!("SQUALL_SEED must be a whole number, not {text:?}")),
        },
        Err(error) => Err(format!("SQUALL_SEED: {error}")),
    }
}

fn test(
    registry: &Registry,
    file: &Path,
    name: &str,
    seed: Option<u64>,
    check: &Check,
) -> Result<(), Failed> {
    let scenario = registry.load(file).map_err(|error| error.to_string())?;
    let settings = Settings { seed, engine: None, keep_trace: true };
    let outcome = registry.run(&scenario, settings).map_err(|error| error.to_string())?;
    if outcome.verdict() != Verdict::Pass {
        return Err(describe_failure(registry, &outcome).into());
    }
    let settings = Settings { keep_trace: false, ..settings };
    let again = registry.run(&scenario, settings).map_err(|error| error.to_string())?;
    if again.run.trace_hash != outcome.run.trace_hash {
        let arguments = outcome.replay_arguments();
        return Err(format!(
            "not deterministic: a second run was another one. To see where they part, record one with \
             `{arguments} --trace OUT` and `replay OUT`. The usual suspects: the order of a HashMap, \
             random numbers that are not squall's, real clocks, threads"
        )
        .into());
    }
    if seed.is_none() {
        check(name, &outcome);
    }
    Ok(())
}

/// The verdict, its reasons, the timeline around the failure, and how to repeat it.
fn describe_failure(registry: &Registry, outcome: &Outcome) -> String {
    let mut text = format!("{}: {}\n", outcome.verdict().name(), outcome.plan.title);
    for failure in &outcome.report.failures {
        let _ = writeln!(text, "  {}", visible(failure));
    }
    if let Some(trace) = &outcome.trace {
        let dissect = registry.dissect(&outcome.plan.protocol);
        let extent = match outcome.report.failed_at {
            Some(at) => Extent::Around(at, AROUND),
            None => Extent::Ends(AROUND),
        };
        let mut drawn = Vec::new();
        let style = Style { width: 100, color: false, extent };
        if timeline::write(trace, dissect, style, &mut drawn).is_ok() {
            let _ = write!(text, "\n{}", String::from_utf8_lossy(&drawn));
        }
    }
    // Tests run in their package's folder, which need not be where the reader is.
    let folder = std::env::current_dir().unwrap_or_default();
    let (folder, arguments) = (folder.display(), outcome.replay_arguments());
    let _ = write!(text, "\nrepeat with: cd {folder} && cargo run -- {arguments}");
    text
}
