//! Draws what a run recorded. Reads traces, runs nothing.
#![forbid(unsafe_code)]

pub mod gallery;
pub mod junit;
pub mod mermaid;
pub mod netem;
pub mod page;
pub mod pcapng;
pub mod story;
pub mod svg;
pub mod timeline;
mod words;
