//! Values of arguments that several commands take.

use std::num::NonZero;
use std::time::Duration;

use squall_sim::scenario;

/// A time that is not 0, as scenario files have it.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = scenario::duration(text)?;
    if time.is_zero() { Err("give a time other than 0".to_owned()) } else { Ok(time) }
}

/// More threads or processes than any machine has use for, and that some would not survive.
const MOST_JOBS: usize = 1024;

/// A number of threads or processes.
pub(super) fn some_jobs(text: &str) -> Result<NonZero<usize>, String> {
    let jobs = text.parse().ok().filter(|jobs: &NonZero<usize>| jobs.get() <= MOST_JOBS);
    jobs.ok_or_else(|| format!("give a number from 1 to {MOST_JOBS}"))
}

/// How many threads or processes: as many as asked for, or one for each core.
pub(super) fn jobs(asked: Option<NonZero<usize>>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    asked.map_or_else(cores, NonZero::get)
}
