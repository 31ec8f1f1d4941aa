//! The verdicts of runs as JUnit's XML, which CI services read.
//!
//! A scenario file is a test case. What was seen to break an expectation is a failure; what can not be
//! judged, be it that the run is inconclusive or invalid or that there was none, is an error, since the
//! expectation was not seen to be broken. There are no times: those of the simulation would be taken for
//! what CI waited, and real ones differ from run to run.

use std::io::{self, Write};
use std::path::Path;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use squall_sim::text::visible;

/// What became of one scenario file.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file's path, or `-`.
    pub path: String,
    /// How it ended.
    pub ending: Ending,
    /// What else there is to say: lines of text.
    pub output: String,
}

/// How a test case ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// As expected.
    Passed,
    /// An expectation was broken.
    Failed(Problem),
    /// It could not be judged.
    Error(Problem),
}

/// What is wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    /// A word for programs: `fail`, `inconclusive`, `wrong-file`, ...
    pub kind: &'static str,
    /// In one line.
    pub message: String,
    /// In full: lines of text.
    pub details: String,
}

/// Writes the cases as one suite, in their order.
///
/// # Errors
/// Those of `out`.
pub fn write(cases: &[Case], out: &mut dyn Write) -> io::Result<()> {
    let mut suite = TestSuite::new("squall");
    suite.add_test_cases(cases.iter().map(test_case));
    let mut report = Report::new("squall");
    report.add_test_suite(suite);
    report.serialize(out).map_err(io::Error::other)
}

fn test_case(case: &Case) -> TestCase {
    let status = match &case.ending {
        Ending::Passed => TestCaseStatus::success(),
        Ending::Failed(problem) => status(NonSuccessKind::Failure, problem),
        Ending::Error(problem) => status(NonSuccessKind::Error, problem),
    };
    let mut written = TestCase::new(line(&case.path), status);
    let folder = Path::new(&case.path).parent().filter(|folder| !folder.as_os_str().is_empty());
    written.set_classname(line(&folder.unwrap_or(Path::new(".")).to_string_lossy()));
    if !case.output.is_empty() {
        written.set_system_out(lines(&case.output));
    }
    written
}

fn status(kind: NonSuccessKind, problem: &Problem) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(problem.kind).set_message(line(&problem.message));
    if !problem.details.is_empty() {
        status.set_description(lines(&problem.details));
    }
    status
}

/// Text that XML can hold and that looks like one line.
fn line(text: &str) -> String {
    // XML has no way to write these two, not even as numbers.
    visible(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// The same for several lines.
fn lines(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
