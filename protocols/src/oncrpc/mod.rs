//! The messages of ONC RPC version 2 (RFC 5531): what libtirpc, and with it the RPC programs of every
//! Linux machine, send and understand.

mod auth;
mod message;

pub use auth::{Auth, AuthSys, MAX_AUTH, flavor};
pub use message::{Accepted, AuthStatus, Body, CallHeader, Denied, Message, RPC_VERSION, Reply};
