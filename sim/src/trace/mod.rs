//! The trace of a run: a header and ordered events, in a stable text form, as JSON lines, and as a
//! 128-bit hash.

mod conclusion;
mod event;
mod json;
mod record;
mod text;

pub use conclusion::{Conclusion, FaultFound, Found, Place};
pub use event::{Endpoint, Event, HostChange, OpId, Step, What};
pub use json::ReadError;
pub(crate) use record::{Recorder, decode};

use crate::network::{DropReason, HostId};

/// What is said once about a run.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of the trace format.
    pub version: u32,
    /// The scenario's name: its path, or `-`.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// The protocol's name.
    pub protocol: String,
    /// `event` or `turmoil`.
    pub engine: String,
    /// The seed.
    pub seed: u64,
    /// The xxh3-128 of the scenario's text, as 32 hexadecimal digits.
    pub scenario_hash: String,
    /// The scenario's text, from which the run can be repeated.
    pub source: String,
    /// Host names; a host's number is its place here.
    pub hosts: Vec<String>,
    /// Fault names in file order.
    pub faults: Vec<String>,
}

/// The version of the trace format that this library writes.
pub const VERSION: u32 = 1;

/// A recorded run.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// What is said once.
    pub header: Header,
    /// What the run came to; traces of earlier versions do not say.
    pub conclusion: Option<Conclusion>,
    bytes: Vec<u8>,
    hash: u128,
}

impl Trace {
    pub(crate) fn new(
        header: Header,
        bytes: Vec<u8>,
        hash: u128,
        conclusion: Option<Conclusion>,
    ) -> Self {
        Trace { header, conclusion, bytes, hash }
    }

    /// The events in the order in which they happened.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        record::decode(&self.bytes)
    }

    /// The hash over all events, payloads included.
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// The name of a host.
    pub fn host(&self, host: HostId) -> &str {
        self.header.hosts.get(host as usize).map_or("?", String::as_str)
    }

    /// The name of a fault.
    pub fn fault(&self, fault: u32) -> &str {
        self.header.faults.get(fault as usize).map_or("?", String::as_str)
    }

    /// A drop reason as it is written: `loss`, `fault:lose-first-ack`, ...
    pub fn reason(&self, reason: DropReason) -> String {
        match reason {
            DropReason::Fault(fault) => format!("fault:{}", self.fault(fault)),
            other => other.name().to_owned(),
        }
    }

    /// An operation as it is written: `client-1#3`.
    pub fn operation(&self, op: OpId) -> String {
        format!("{}#{}", self.host(op.client), op.number)
    }
}
