//! Scenario files as tests: one test per file, named by its path.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use squall_reports::timeline::{self, Extent, Style};
use squall_sim::check::Verdict;
use squall_sim::scenario::{self, Scenario};
use squall_sim::search::{self, Shrink, Shrunk};
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
///
/// A test that fails shows the timeline around the failure, and shrinks itself: to the smallest scenario
/// that fails in the same way. `SQUALL_SHRINK=20s` gives that more time than 5 seconds, `0` none. Put
/// such a scenario into the folder (its place is `found/`), and it is a test from then on.
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
        let environment = Environment::read();
        let Environment { seed, shrink } = match environment {
            Ok(environment) => environment,
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
                Trial::test(name.clone(), move || {
                    test(&registry, &file, &name, Environment { seed, shrink }, &*check)
                })
            })
            .collect();
        libtest_mimic::run(&arguments, trials).exit_code()
    }
}

/// What environment variables say.
#[derive(Clone, Copy)]
struct Environment {
    /// The seed, instead of the files'.
    seed: Option<u64>,
    /// How long a failing test may shrink itself.
    shrink: Duration,
}

/// How long a failing test may shrink itself if nothing is said.
const SHRINK: Duration = Duration::from_secs(5);

impl Environment {
    fn read() -> Result<Self, String> {
        let variable = |name: &str| match std::env::var(name) {
            Err(std::env::VarError::NotPresent) => Ok(None),
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) => Err(format!("{name}: {error}")),
        };
        let seed = variable("SQUALL_SEED")?.map(|text| match text.parse() {
            Ok(seed) => Ok(seed),
            Err(_) => Err(format!("SQUALL_SEED must be a whole number, not {text:?}")),
        });
        let shrink = variable("SQUALL_SHRINK")?.map(|text| match text.as_str() {
            "0" => Ok(Duration::ZERO),
            _ => scenario::duration(&text)
                .map_err(|why| format!("SQUALL_SHRINK must be a duration such as 5s, or 0: {why}")),
        });
        Ok(Environment { seed: seed.transpose()?, shrink: shrink.transpose()?.unwrap_or(SHRINK) })
    }
}

fn test(
    registry: &Registry,
    file: &Path,
    name: &str,
    Environment { seed, shrink }: Environment,
    check: &Check,
) -> Result<(), Failed> {
    let scenario = registry.load(file).map_err(|error| error.to_string())?;
    let settings = Settings { seed, engine: None, keep_trace: true };
    let outcome = registry.run(&scenario, settings).map_err(|error| error.to_string())?;
    if outcome.verdict() != Verdict::Pass {
        let mut text = describe_failure(registry, &outcome);
        if !shrink.is_zero() {
            text += &describe_shrunk(registry, &scenario, file, &outcome, shrink);
        }
        return Err(text.into());
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
    let _ = write!(text, "\n{}", draw(registry, outcome));
    // Tests run in their package's folder, which need not be where the reader is.
    let folder = std::env::current_dir().unwrap_or_default();
    let (folder, arguments) = (folder.display(), outcome.replay_arguments());
    let _ = write!(text, "\nrepeat with: cd {folder} && cargo run -- {arguments}");
    text
}

/// The timeline around the failure.
fn draw(registry: &Registry, outcome: &Outcome) -> String {
    let Some(trace) = &outcome.trace else { return String::new() };
    let dissect = registry.dissect(&outcome.plan.protocol);
    let extent = match outcome.report.failed_at {
        Some(at) => Extent::Around(at, AROUND),
        None => Extent::Ends(AROUND),
    };
    let mut drawn = Vec::new();
    let style = Style { width: 100, color: false, extent };
    match timeline::write(trace, dissect, style, &mut drawn) {
        Ok(()) => String::from_utf8_lossy(&drawn).into_owned(),
        Err(_) => String::new(),
    }
}

/// The smallest scenario that fails in the same way, as far as the time suffices, and its timeline.
fn describe_shrunk(
    registry: &Registry,
    scenario: &Scenario,
    file: &Path,
    outcome: &Outcome,
    budget: Duration,
) -> String {
    let Some(protocol) = registry.protocol(scenario.protocol()) else { return String::new() };
    let begun = Instant::now();
    let how = Shrink {
        seed: Some(outcome.plan.seed),
        unless: None,
        payload: scenario.payload_path(),
        base: file.parent().unwrap_or(Path::new(".")),
        stop: &|| begun.elapsed() > budget,
    };
    // What does not fail by a violation, or not on the event engine, has nothing to show here.
    let Ok(shrunk) = search::shrink(scenario, protocol, how) else { return String::new() };
    let Shrunk { text: file, scenario, before, after, .. } = shrunk;
    let mut text = format!(
        "\n\nshrunk, faults: {} before, {} after (SQUALL_SHRINK=0 leaves this out):\n\n{file}\n",
        before.faults, after.faults
    );
    let settings = Settings { keep_trace: true, ..Settings::default() };
    if let Ok(outcome) = registry.run(&scenario, settings) {
        text += &draw(registry, &outcome);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a test says of a file that fails.
    fn message(shrink: Duration) -> String {
        let text = "title = 'fails'\nprotocol = 'retry'\nworkload = { messages = 30 }\n\
                    link = [{ delay = '10ms', loss = '20%' }]\nexpect = { guarantee = 'at-most-once' }";
        let name = format!("squall-{}-{}.toml", std::process::id(), shrink.as_nanos());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, text).unwrap();
        let environment = Environment { seed: Some(3), shrink };
        let failed = test(&Registry::shipped(), &file, "fails", environment, &|_, _| {});
        std::fs::remove_file(&file).unwrap();
        failed.unwrap_err().message().unwrap().to_owned()
    }

    #[test]
    fn a_failing_test_shrinks_itself_unless_told_not_to() {
        let whole = message(Duration::from_secs(600));
        let (before, shrunk) = whole.split_once("shrunk, faults: ").unwrap();
        assert!(before.contains("at-most-once is violated: client-1#"), "{whole}");
        assert!(before.contains(" --seed 3"), "{whole}");
        assert!(shrunk.contains(" before, 1 after"), "{whole}");
        assert!(shrunk.contains("[[fault]]\nname = \"drop-1\""), "{whole}");
        assert!(shrunk.contains("fault:drop-1"), "its timeline\n{whole}");
        assert!(!message(Duration::ZERO).contains("shrunk"));
    }
}
