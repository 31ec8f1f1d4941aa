//! The stable text form of a trace: a line per event.

use std::fmt;

use super::event::{Event, HostChange, What};
use super::{Endpoint, Trace};
use crate::network::{Cause, Mark};

impl Trace {
    /// One event as a line of text, without a line break.
    pub fn line(&self, event: &Event) -> String {
        let at = event.at;
        let time = format!("{}.{:09}", at / 1_000_000_000, at % 1_000_000_000);
        let endpoint =
            |endpoint: &Endpoint| format!("{}:{}", self.host(endpoint.host), endpoint.port);
        let what = match &event.what {
            What::Sent { id, from, to, payload } => {
                format!("send #{id} {} -> {} {}B", endpoint(from), endpoint(to), payload.len())
            }
            What::Marked { id, mark } => format!("mark #{id} {}", self.mark(*mark)),
            What::Dropped { id, copy, reason } => {
                format!("drop #{id}.{copy} {}", self.reason(*reason))
            }
            What::Delivered { id, copy } => format!("recv #{id}.{copy}"),
            What::Refused { at } => format!("refused {}", endpoint(at)),
            What::Operation { host, incarnation, op, step } => format!(
                "{} {} on {}/{incarnation}",
                step.name(),
                self.operation(*op),
                self.host(*host)
            ),
            What::Damaged { host, op: None } => {
                format!("delivered bytes nobody sent on {}", self.host(*host))
            }
            What::Damaged { host, op: Some(op) } => {
                format!("damaged {} on {}", self.operation(*op), self.host(*host))
            }
            What::Reported { host, name } => {
                format!("report {} {}", self.host(*host), name.escape_debug())
            }
            What::Host { host, change } => format!("{} {}", self.host(*host), change),
            What::FaultBegan { fault } => format!("fault {} begins", self.fault(*fault)),
            What::FaultEnded { fault } => format!("fault {} ends", self.fault(*fault)),
            What::Broke { host, message } => {
                format!("{} broke: {}", self.host(*host), message.escape_debug())
            }
        };
        format!("{time} {what}")
    }

    /// A mark in words.
    pub fn mark(&self, mark: Mark) -> String {
        let by = |cause| match cause {
            Cause::Link => "the link".to_owned(),
            Cause::Fault(fault) => self.fault(fault).to_owned(),
        };
        match mark {
            Mark::Duplicated { by: cause, copies } => {
                format!("duplicated (copies={copies}) by {}", by(cause))
            }
            Mark::Corrupted { by: cause, how } => {
                let (mode, amount) = how.parts();
                format!("corrupted ({mode}={amount}) by {}", by(cause))
            }
            Mark::Delayed { by: cause, length } => {
                format!("delayed (by={length}ns) by {}", by(cause))
            }
            Mark::Reordered => "reordered by the link".to_owned(),
        }
    }
}

impl fmt::Display for HostChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostChange::Crashed => f.write_str("crashes"),
            HostChange::Restarted(incarnation) => write!(f, "restarts (incarnation {incarnation})"),
            HostChange::Paused => f.write_str("pauses"),
            HostChange::Resumed => f.write_str("resumes"),
            HostChange::ClockStepped(by) => write!(f, "steps its clock by {by}ns"),
            HostChange::MemoryCorrupted(bit) => write!(f, "has bit {bit} flipped in memory"),
            HostChange::DiskCorrupted(bit) => write!(f, "has bit {bit} flipped on disk"),
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = &self.header;
        let (scenario, engine, seed) = (&header.scenario, &header.engine, header.seed);
        writeln!(f, "# {scenario} engine={engine} seed={seed}")?;
        self.events().try_for_each(|event| writeln!(f, "{}", self.line(&event)))
    }
}
