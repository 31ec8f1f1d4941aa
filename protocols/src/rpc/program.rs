//! What a server offers: programs, whose dispatchers the stub compiler writes.

use std::pin::Pin;

use super::cache::CallKey;
use crate::oncrpc::{Accepted, Auth};
use crate::xdr::{self, EncodeError, Xdr};

/// One call, as its procedure sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What tells it from other calls: where it came from, its transaction id, and the like.
    pub key: CallKey,
    /// Who calls.
    pub credential: Auth,
}

/// A procedure's number, and those of its program and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Procedure {
    /// The program.
    pub program: u32,
    /// Its version.
    pub version: u32,
    /// The procedure; 0 is the one that does nothing.
    pub number: u32,
}

/// Why a procedure gives no results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The program has no such procedure.
    #[error("no such procedure")]
    NoProcedure,
    /// The arguments are not those that the procedure takes: it did not run.
    #[error("the arguments can not be decoded")]
    Arguments,
    /// It could not finish, or its results have no XDR form. It may have run.
    #[error("the server failed")]
    Failed,
}

impl Fault {
    /// As a reply says it.
    pub fn status(self) -> Accepted {
        match self {
            Fault::NoProcedure => Accepted::ProcedureUnavailable,
            Fault::Arguments => Accepted::GarbageArguments,
            Fault::Failed => Accepted::SystemError,
        }
    }
}

impl From<EncodeError> for Fault {
    fn from(_: EncodeError) -> Self {
        Fault::Failed
    }
}

/// The encoded results of a call, once it has run.
pub type Dispatched<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, Fault>> + Send + 'a>>;

/// One version of a program.
pub trait Program: Send + Sync {
    /// The program's number.
    fn program(&self) -> u32;

    /// The version's number.
    fn version(&self) -> u32;

    /// Runs a procedure.
    fn dispatch<'a>(
        &'a self,
        call: &'a Call,
        procedure: u32,
        arguments: &'a [u8],
    ) -> Dispatched<'a>;
}

/// Decodes the arguments of a call, which take all of its bytes.
///
/// # Errors
/// If they are not of this type.
pub fn arguments<T: Xdr>(bytes: &[u8]) -> Result<T, Fault> {
    xdr::from_bytes(bytes).map_err(|_| Fault::Arguments)
}

/// Encodes the results of a call.
///
/// # Errors
/// If they have no XDR form.
pub fn results(value: &impl Xdr) -> Result<Vec<u8>, Fault> {
    Ok(xdr::to_bytes(value)?)
}
