//! Protocols as the simulation sees them.

mod dissect;
mod spec;

pub use dissect::{Dissect, Dissection};
pub use spec::{OptionKind, OptionSpec, OptionValue, Options, ProtocolSpec};
