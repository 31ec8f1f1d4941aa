//! How calls fail, and whether they may have run all the same.

use std::io;

use crate::oncrpc::{Accepted, AuthStatus, Denied};
use crate::xdr::{DecodeError, EncodeError};

/// Why a call gave no results.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The arguments have no XDR form: nothing was sent.
    #[error("the arguments can not be sent: {0}")]
    Arguments(#[from] EncodeError),
    /// Nothing could be sent.
    #[error("the call can not be sent: {0}")]
    NotSent(io::Error),
    /// The server refused the call.
    #[error("the server refused the call: {why}{}", if *certain { "" } else { "; an earlier copy of it may have run" })]
    Refused {
        /// Its reason.
        why: Refusal,
        /// True if nothing was sent that could have run before.
        certain: bool,
    },
    /// No answer came until the attempts were used up.
    #[error("no answer came, so the call may have run or may run yet")]
    NoAnswer,
    /// The server has begun a new life since the call was first sent.
    #[error("the server restarted, so the call may have run before")]
    Restarted,
    /// The server took the call and failed.
    #[error("the server failed while it ran the call")]
    ServerFailed,
    /// The call ran, but its results are not of the type that was expected.
    #[error("the results can not be read: {0}")]
    Results(DecodeError),
    /// The client was closed, or its socket failed, while the call was under way.
    #[error("the client is closed: {0}")]
    Closed(String),
}

impl CallError {
    /// True if the call did not run and will not: a definite failure. Otherwise nobody knows.
    pub fn is_definite(&self) -> bool {
        match self {
            CallError::Arguments(_) | CallError::NotSent(_) => true,
            CallError::Refused { certain, .. } => *certain,
            CallError::NoAnswer
            | CallError::Restarted
            | CallError::ServerFailed
            | CallError::Results(_)
            | CallError::Closed(_) => false,
        }
    }
}

/// Why a server did not run a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has no such program.
    #[error("no such program")]
    NoProgram,
    /// It has no such version of the program.
    #[error("no such version of the program, but those from {low} to {high}")]
    NoVersion {
        /// The lowest version that it has.
        low: u32,
        /// The highest one.
        high: u32,
    },
    /// The program has no such procedure.
    #[error("no such procedure")]
    NoProcedure,
    /// It could not decode the arguments.
    #[error("the arguments can not be decoded")]
    Arguments,
    /// It speaks other versions of the RPC protocol.
    #[error("another version of the RPC protocol, those from {low} to {high}")]
    NoProtocol {
        /// The lowest version that it speaks.
        low: u32,
        /// The highest one.
        high: u32,
    },
    /// It does not believe the caller.
    #[error("the caller is not believed ({0:?})")]
    Auth(AuthStatus),
}

impl Refusal {
    /// Why a call with this status did not run; `None` if it did, or may have.
    pub fn from_status(status: Accepted) -> Option<Self> {
        match status {
            Accepted::Success | Accepted::SystemError => None,
            Accepted::ProgramUnavailable => Some(Refusal::NoProgram),
            Accepted::ProgramMismatch { low, high } => Some(Refusal::NoVersion { low, high }),
            Accepted::ProcedureUnavailable => Some(Refusal::NoProcedure),
            Accepted::GarbageArguments => Some(Refusal::Arguments),
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::RpcMismatch { low, high } => Refusal::NoProtocol { low, high },
            Denied::Auth(status) => Refusal::Auth(status),
        }
    }
}
