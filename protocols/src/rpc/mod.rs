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
//!
//! # Where to start
//!
//! Write an interface file, and let the crate `squall-rpcgen` make Rust of it in the build script. For
//! each version of a program there are a client, a trait for the server, and what makes a [`Program`] of
//! whatever implements the trait; here they are those of [`programs::counter`]. The same code runs over
//! real sockets, as here, and on simulated hosts.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use squall_protocols::rpc::programs::counter::{CounterV1, CounterV1Client, CounterV1Server};
//! use squall_protocols::rpc::{Call, Client, ClientSettings, Endpoint, EndpointSettings};
//! use squall_protocols::rpc::{Fault, ServerSettings, serve};
//! use squall_protocols::timer::Timer;
//! use squall_sim::{task, time::Duration};
//!
//! #[derive(Default)]
//! struct Counter(AtomicU64);
//!
//! impl CounterV1 for Counter {
//!     async fn increment(&self, _: &Call) -> Result<(), Fault> {
//!         self.0.fetch_add(1, Ordering::Relaxed);
//!         Ok(())
//!     }
//!
//!     async fn read(&self, _: &Call) -> Result<u64, Fault> {
//!         Ok(self.0.load(Ordering::Relaxed))
//!     }
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // A server: at most once, as long as it does not restart.
//!     let endpoint = Endpoint::bind("127.0.0.1:0", EndpointSettings::default()).await?;
//!     let server = endpoint.local_addr()?;
//!     let counter = Arc::new(CounterV1Server(Counter::default()));
//!     task::spawn(serve(endpoint, vec![counter], ServerSettings::default()));
//!
//!     // A client: sends a call three times at the most, with 200 ms for an answer to each.
//!     let endpoint = Endpoint::bind("127.0.0.1:0", EndpointSettings::default()).await?;
//!     let timer = Timer { max_attempts: Some(3), ..Timer::fixed(Duration::from_millis(200)) };
//!     let settings = ClientSettings { timer, ..ClientSettings::default() };
//!     let counter = CounterV1Client(Client::new(endpoint, server, settings));
//!     match counter.increment().await {
//!         Ok(()) => assert_eq!(counter.read().await?, 1),
//!         Err(error) if error.is_definite() => println!("it did not run: {error}"),
//!         Err(error) => println!("nobody knows whether it ran: {error}"),
//!     }
//!     Ok(())
//! }
//! ```
//!
//! [`with_words`] lets scenario files wait for what such clients and servers do.
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
pub use protocol::{protocol, with_words};
pub use server::{BootEpoch, CacheSettings, Organization, ServerSettings, serve};
