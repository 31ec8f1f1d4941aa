//! Sweeps: one scenario under many seeds.
//!
//! A [`Sweep`] is what a range of seeds came to, as sums and as lists in the order of the seeds: adjacent
//! ranges add up to exactly what one run over both would give, so that threads, processes and machines
//! can share the work.

mod charts;
mod run;
mod seeds;
mod sums;
mod tally;

pub use charts::{ATTEMPTS, PARTS};
pub use charts::{Attempts, Axis, Bin, Charts, Counted, Histogram, Operations};
pub use run::{Explore, explore, run_seeds};
pub use seeds::Seeds;
pub use sums::{ByGuarantee, Costs, Datagrams, Findings, Verdicts};
pub use tally::{Condition, FaultTally, Fingerprint, LostRun, MergeError, Sweep, SweepFailure};
