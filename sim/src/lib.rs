//! Squall's simulation.

pub mod network;
pub mod plan;
pub mod protocol;
pub mod scenario;
pub mod stream;
