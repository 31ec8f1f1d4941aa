//! Exit statuses: a contract. 64, 65 and 70 are those of sysexits.h.

use std::process::ExitCode;

use squall_sim::check::Verdict;

/// How the command ends. Later ones outweigh earlier ones when several runs disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// All passed.
    Passed,
    /// A run was inconclusive or invalid.
    Undecided,
    /// An expectation failed.
    Failed,
    /// A repeated run differed.
    NotDeterministic,
    /// Wrong usage: arguments, or a file that cannot be read or written.
    Usage,
    /// A scenario or trace file is wrong.
    Data,
    /// A bug in squall.
    Bug,
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Exit::Passed,
            Verdict::Fail => Exit::Failed,
            Verdict::Inconclusive | Verdict::Invalid => Exit::Undecided,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Passed => 0,
            Exit::Failed => 1,
            Exit::Undecided => 2,
            Exit::NotDeterministic => 3,
            Exit::Usage => 64,
            Exit::Data => 65,
            Exit::Bug => 70,
        })
    }
}
