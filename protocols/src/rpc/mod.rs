//! Remote procedure calls (Birrell and Nelson, "Implementing Remote Procedure Calls", ACM TOCS 2(1), 1984)
//! in the messages of ONC RPC.

mod error;
mod program;

pub use error::{CallError, Refusal};
pub use program::{Call, Dispatched, Fault, Procedure, Program, arguments, results};
