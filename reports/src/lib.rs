//! Draws what runs and sweeps recorded. Reads traces and sums, runs nothing.
#![forbid(unsafe_code)]

mod document;
pub mod gallery;
pub mod junit;
pub mod mermaid;
pub mod netem;
pub mod page;
pub mod pcapng;
pub mod story;
pub mod svg;
pub mod sweep;
pub mod timeline;
mod words;
