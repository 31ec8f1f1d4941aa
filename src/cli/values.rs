//! Values of arguments that several commands take.

use std::num::NonZero;
use std::time::Duration;

use squall_sim::scenario;

/// A time that is not 0, as scenario files have it.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = scenario::duration(text)?;
    if time.is_zero() { Err("give a time other than 0".to_owned()) } else { Ok(time) }
}

/// How many threads or processes: as many as asked for, or one for each core.
pub(super) fn jobs(asked: Option<NonZero<usize>>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    asked.map_or_else(cores, NonZero::get)
}
