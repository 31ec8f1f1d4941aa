//! Protocols as the simulation sees them.

mod spec;

pub use spec::{OptionKind, OptionSpec, OptionValue, Options, ProtocolSpec};
