//! Draws what runs and sweeps recorded. Reads traces and sums, runs nothing.
#![forbid(unsafe_code)]

pub mod sweep;
pub mod timeline;
