//! Squall: a deterministic testbed for network faults.
//!
//! Hosts in a simulation run message and RPC protocols, scenario files say what goes wrong, and
//! checkers say which delivery guarantee held. The same file and seed give the same run, down to the
//! last event, on every machine.
//!
//! - Write host software against [`net`], [`time`], [`task`], [`fs`] and [`random`], which look like
//!   tokio's and are tokio's outside a simulation. [`report`] tells the trace, and faults that wait for
//!   it, that something happened; [`expose`] also shows them bytes that lie in memory. tokio's `sync`
//!   may be used as it is.
//!   What is not deterministic on a simulated host: `tokio::select!` without `biased;` (use
//!   [`task::select`]), the order of `HashMap`, std's and rand's own generators, real clocks, threads.
//! - Declare a [`Protocol`]: its options, how its datagrams are read, what server and clients run.
//! - Put it into a [`Registry`]. [`test_scenarios`] turns a folder of scenario files into tests, and
//!   [`cli`] gives the whole command line.
//!
//! ```
//! use squall::net::UdpSocket;
//! use squall::{Client, Protocol, Registry, Server, Settings, check::Verdict};
//!
//! let shout = Protocol::new("shout", "Sends each message once and hopes.")
//!     .server(async |server: Server| {
//!         let socket = UdpSocket::bind(server.address()).await?;
//!         let mut buffer = [0; 2048];
//!         loop {
//!             let (length, _) = socket.recv_from(&mut buffer).await?;
//!             server.deliver(&buffer[..length]);
//!         }
//!     })
//!     .client(async |mut client: Client| {
//!         let socket = UdpSocket::bind("0.0.0.0:0").await?;
//!         while let Some(message) = client.next().await {
//!             socket.send_to(&message.payload, client.server()).await?;
//!             client.unknown(message.id);
//!         }
//!         Ok(())
//!     });
//!
//! let registry = Registry::new().with(shout);
//! let scenario = registry.parse(
//!     "half-lost",
//!     r#"
//!     title    = "Half of the messages are lost, and nobody notices"
//!     protocol = "shout"
//!     workload = { messages = 100 }
//!     link     = [{ from = "*", to = "*", loss = "50%" }]
//!     expect   = { guarantee = "at-most-once" }
//!     "#,
//! )?;
//! let outcome = registry.run(&scenario, Settings { seed: Some(7), ..Settings::default() })?;
//! assert_eq!(outcome.verdict(), Verdict::Pass);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod cli;
pub mod matrix;
mod registry;
#[cfg(feature = "proptest")]
pub mod strategies;
mod testing;

pub use cli::cli;
pub use registry::{LoadError, Registry};
pub use testing::{ScenarioTests, test_scenarios};

pub use squall_protocols as protocols;
pub use squall_reports as reports;
pub use squall_sim::protocol::{Client, Dissection, HostResult, Message, OptionKind, OptionValue};
pub use squall_sim::protocol::{Protocol, Server, expose, memory_entries, report};
pub use squall_sim::{Counts, Outcome, RunError, Settings, simulate};
pub use squall_sim::{check, engine, fs, history, net, network, plan, protocol, random, scenario};
pub use squall_sim::{search, stream, sweep, task, time, trace, workload};
