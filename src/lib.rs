//! Squall: a deterministic testbed for network faults.
#![forbid(unsafe_code)]

mod registry;

pub use registry::{LoadError, Registry};
pub use squall_protocols as protocols;
pub use squall_reports as reports;
pub use squall_sim::{Counts, Outcome, RunError, Settings, simulate};
pub use squall_sim::{check, engine, history, net, network, plan, protocol, random, scenario};
pub use squall_sim::{stream, task, time, trace, workload};
