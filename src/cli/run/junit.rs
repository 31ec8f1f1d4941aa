//! `squall run --junit`: what became of each file, for CI.

use std::path::Path;

use squall_reports::junit::{self, Case, Ending, Problem};
use squall_sim::check::Verdict;
use squall_sim::text::millis;
use squall_sim::{Outcome, RunError};

use crate::LoadError;
use crate::cli::exit::Exit;
use crate::cli::{files, run};

/// What became of the files so far.
#[derive(Default)]
pub(super) struct Cases(Vec<Case>);

impl Cases {
    /// A run came to an end.
    pub fn ended(&mut self, path: &Path, outcome: &Outcome) {
        let verdict = outcome.verdict();
        let failures = &outcome.report.failures;
        let repeat = format!("repeat with: {} {}", run::program(), outcome.replay_arguments());
        let problem = || Problem {
            kind: verdict.name(),
            message: failures.first().map_or(verdict.name(), String::as_str).to_owned(),
            details: format!("{}\n{repeat}", failures.join("\n")),
        };
        let ending = match verdict {
            Verdict::Pass => Ending::Passed,
            Verdict::Fail => Ending::Failed(problem()),
            Verdict::Inconclusive | Verdict::Invalid => Ending::Error(problem()),
        };
        let (plan, simulated) = (&outcome.plan, millis(outcome.run.sim_time));
        let output = format!(
            "{}\n{}, seed {}, {} engine; {simulated} ms simulated\n{repeat}",
            plan.title.replace(['\n', '\r'], " "),
            plan.protocol,
            plan.seed,
            plan.engine.name()
        );
        self.0.push(Case { path: path.display().to_string(), ending, output });
    }

    /// A file could not be read, or is wrong.
    pub fn not_loaded(&mut self, path: &Path, error: &LoadError) {
        let problem = match error {
            LoadError::Unreadable { .. } => Problem {
                kind: "unreadable-file",
                message: error.to_string(),
                details: String::new(),
            },
            LoadError::Wrong(diagnostics) => wrong(&diagnostics.render(false)),
        };
        self.error(path, problem);
    }

    /// There was no run.
    pub fn not_run(&mut self, path: &Path, error: &RunError) {
        let problem = match error {
            RunError::Engine(diagnostics) => wrong(&diagnostics.render(false)),
            RunError::Start(error) => {
                Problem { kind: "not-run", message: error.to_string(), details: String::new() }
            }
        };
        self.error(path, problem);
    }

    /// A second run was another one.
    pub fn not_deterministic(&mut self, scenario: &str, why: &str) {
        for case in self.0.iter_mut().filter(|case| case.path == scenario) {
            case.ending = Ending::Failed(Problem {
                kind: "not-deterministic",
                message: "a second process had another run".to_owned(),
                details: why.to_owned(),
            });
        }
    }

    fn error(&mut self, path: &Path, problem: Problem) {
        let path = path.display().to_string();
        self.0.push(Case { path, ending: Ending::Error(problem), output: String::new() });
    }

    /// Writes the file.
    pub fn write(&self, path: &Path, force: bool) -> Exit {
        match files::write(path, force, |out| junit::write(&self.0, out)) {
            Ok(()) => Exit::Passed,
            Err(exit) => exit,
        }
    }
}

/// A file that is wrong, from what a terminal would be shown: the first error with its place, and all of them.
fn wrong(drawn: &str) -> Problem {
    let mut lines = drawn.lines().map(str::trim);
    let message = lines.next().unwrap_or("wrong").trim_start_matches("error: ");
    let place = lines.next().and_then(|line| line.strip_prefix("--> "));
    let message = place.map_or(message.to_owned(), |place| format!("{place}: {message}"));
    Problem { kind: "wrong-file", message, details: drawn.to_owned() }
}
