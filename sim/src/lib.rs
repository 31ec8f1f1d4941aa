//! Squall's simulation.

pub mod check;
mod conclude;
pub mod engine;
pub mod fs;
pub mod history;
pub mod net;
pub mod network;
mod outcome;
pub mod plan;
pub mod protocol;
pub mod random;
pub mod scenario;
pub mod search;
pub mod stream;
pub mod sweep;
pub mod task;
pub mod text;
pub mod time;
pub mod trace;
pub mod workload;
mod world;

pub use outcome::{Outcome, RunError, Settings, simulate};
pub use world::Counts;
