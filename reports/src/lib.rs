//! Draws what a run recorded. Reads traces, runs nothing.
#![forbid(unsafe_code)]

pub mod timeline;
