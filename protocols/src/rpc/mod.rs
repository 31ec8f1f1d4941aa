//! Remote procedure calls (Birrell and Nelson, "Implementing Remote Procedure Calls", ACM TOCS 2(1), 1984)
//! in the messages of ONC RPC.
//!
//! | module | does |
//! |---|---|
//! | [`client`] | calls, sent again until they are answered |
//! | [`server`] | runs them as often as they may run, with [`cache`] and [`journal`] |
//! | [`program`] | what the stub compiler's dispatchers implement |
//! | [`endpoint`] | the socket of either; [`large`] cuts messages, [`reliable`] acknowledges each |
//! | [`packet`] | what travels besides calls and replies |
//! | [`programs`] | a bank, a counter, and the port mapper |
//! | `protocol` | the protocol `rpc` of scenario files: its options, and the hosts that call the bank or the counter |

pub mod cache;
pub mod client;
pub mod endpoint;
mod error;
pub mod journal;
pub mod large;
pub mod packet;
pub mod program;
pub mod programs;
mod protocol;
pub mod reliable;
pub mod server;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientSettings, Pending};
pub use endpoint::{Endpoint, EndpointSettings};
pub use error::{CallError, Refusal};
pub use program::{Call, Dispatched, Fault, Procedure, Program, arguments, results};
pub use protocol::protocol;
pub use server::{ServerSettings, serve};
