//! The clock that a sender waits by.

use squall_sim::protocol::{OptionKind, OptionSpec, OptionValue, Options};
use squall_sim::time::{Duration, Instant, SystemTime};

/// A clock of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The one that is never set.
    #[default]
    Monotonic,
    /// The one on the wall. A step of it makes timeouts too short or too long: a classic mistake,
    /// here to be shown.
    Wall,
}

impl Clock {
    /// The option that chooses one.
    pub fn option() -> OptionSpec {
        OptionSpec::new(
            "clock",
            OptionKind::Choice(vec!["monotonic", "wall"]),
            OptionValue::Word("monotonic".into()),
            "the clock that measures the timeout; a step of the wall clock breaks it",
        )
    }

    /// The one that the options choose.
    pub fn from_options(options: &Options) -> Self {
        if options.word("clock") == "wall" { Clock::Wall } else { Clock::Monotonic }
    }
}

/// A wait that has begun.
pub(crate) enum Wait {
    Monotonic(Instant),
    Wall { deadline: Duration, look_every: Duration },
}

impl Wait {
    pub fn begin(clock: Clock, timeout: Duration) -> Self {
        match clock {
            Clock::Monotonic => Wait::Monotonic(Instant::now() + timeout),
            Clock::Wall => Wait::Wall {
                deadline: SystemTime::now().since_epoch() + timeout,
                look_every: (timeout / 10).max(Duration::from_millis(1)),
            },
        }
    }

    /// Until when to wait next; `None` once the timeout is over.
    pub fn next(&mut self) -> Option<Instant> {
        let now = Instant::now();
        match self {
            Wait::Monotonic(deadline) => (*deadline > now).then_some(*deadline),
            Wait::Wall { deadline, look_every } => {
                let rest = deadline.checked_sub(SystemTime::now().since_epoch())?;
                (!rest.is_zero()).then(|| now + rest.min(*look_every))
            }
        }
    }
}
