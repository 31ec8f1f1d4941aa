//! The network model: pure, given the time, without I/O.

mod config;

pub use config::{
    Action, Distribution, FaultSpec, HostId, HostSet, Impairments, LinkRule, Loss, PacketMatch,
    Pick, Trigger,
};
