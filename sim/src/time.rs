//! Time that looks like tokio's: simulated on a simulated host, tokio's own elsewhere.

use std::fmt;
use std::future::Future;
use std::ops::{Add, AddAssign, Sub};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

pub use std::time::Duration;

use crate::engine::turmoil::Sleeper;
use crate::plan::Engine;
use crate::task::{Either, select};
use crate::world::{self, TimerKey};

/// A reading of the host's running clock, which is never set and, if the scenario says so, drifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The present reading.
    pub fn now() -> Instant {
        let simulated =
            world::with_host(|world, host| world.hosts[host as usize].clock.monotonic(world.now));
        Instant(simulated.unwrap_or_else(|| nanos(start().elapsed())))
    }

    /// How long ago this was; zero if it lies ahead.
    pub fn elapsed(&self) -> Duration {
        Instant::now() - *self
    }

    /// How much later this is than `earlier`; zero if it is not.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        *self - earlier
    }
}

/// Nanoseconds, at most some 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What real instants are counted from.
fn start() -> tokio::time::Instant {
    static START: OnceLock<tokio::time::Instant> = OnceLock::new();
    *START.get_or_init(tokio::time::Instant::now)
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(nanos(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A reading of the host's clock on the wall, which a scenario may set ahead, back, or wrong from
/// the start. Timeouts that are measured with it break when it is stepped: use [`Instant`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTime(u64);

impl SystemTime {
    /// The present reading. Every simulation starts at 2000-01-01T00:00:00Z.
    pub fn now() -> SystemTime {
        let simulated =
            world::with_host(|world, host| world.hosts[host as usize].clock.wall(world.now));
        SystemTime(simulated.unwrap_or_else(|| {
            let epoch = std::time::SystemTime::UNIX_EPOCH;
            std::time::SystemTime::now().duration_since(epoch).map_or(0, nanos)
        }))
    }

    /// Time since 1970-01-01T00:00:00Z.
    pub fn since_epoch(&self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

/// Waits for `duration`.
pub fn sleep(duration: Duration) -> Sleep {
    sleep_until(Instant::now() + duration)
}

/// Waits until the running clock shows `deadline`.
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { deadline, state: State::Idle }
}

/// The future of [`sleep`] and [`sleep_until`].
pub struct Sleep {
    deadline: Instant,
    state: State,
}

enum State {
    Idle,
    Event(TimerKey),
    Tokio { sleep: Pin<Box<tokio::time::Sleep>>, _counted: Option<Sleeper> },
    Done,
}

impl Sleep {
    /// When it ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    fn begin(&mut self, cx: &Context<'_>) -> Poll<()> {
        let deadline = self.deadline.0;
        let set = world::poll_host(cx, |world, host| {
            Poll::Ready(match world.plan.engine {
                Engine::Event => Begun::Set(world.set_timer(host, deadline, cx)),
                Engine::Turmoil => Begun::Tokio,
            })
        });
        match set {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Begun::Set(None))) => Poll::Ready(()),
            Poll::Ready(Some(Begun::Set(Some(key)))) => {
                self.state = State::Event(key);
                Poll::Pending
            }
            Poll::Ready(Some(Begun::Tokio) | None) => {
                let counted = Sleeper::new();
                let rest = self.deadline - Instant::now();
                let mut sleep = Box::pin(tokio::time::sleep(rest));
                let poll = sleep.as_mut().poll(&mut Context::from_waker(cx.waker()));
                self.state = State::Tokio { sleep, _counted: counted };
                poll
            }
        }
    }
}

/// How a sleep begins.
enum Begun {
    /// With a timer of the world, or not at all if the deadline is past.
    Set(Option<TimerKey>),
    /// With a timer of tokio's.
    Tokio,
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let poll = match &mut self.state {
            State::Idle => self.begin(cx),
            State::Event(key) => {
                let mut replaced = None;
                let polled = world::poll_host(cx, |world, _| {
                    let (poll, old) = world.poll_timer(*key, cx);
                    replaced = old;
                    poll
                });
                // The replaced waker is dropped here, outside the borrow.
                drop(replaced);
                polled.map(|_| ())
            }
            State::Tokio { sleep, .. } => sleep.as_mut().poll(cx),
            State::Done => Poll::Ready(()),
        };
        if poll.is_ready() {
            self.state = State::Done;
        }
        poll
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let State::Event(key) = self.state {
            // The waker is dropped here, outside the borrow.
            drop(world::with(|world| world.cancel_timer(key)));
        }
    }
}

/// The time allowed ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("deadline has elapsed")]
pub struct Elapsed(());

/// Waits for `future`, but not longer than `duration`. If both are ready at one time, the future
/// wins.
///
/// # Errors
/// If the time ran out; the future is dropped then.
pub async fn timeout<F: Future>(duration: Duration, future: F) -> Result<F::Output, Elapsed> {
    timeout_at(Instant::now() + duration, future).await
}

/// Waits for `future`, but not beyond `deadline`.
///
/// # Errors
/// If the time ran out; the future is dropped then.
pub async fn timeout_at<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    match select(future, sleep_until(deadline)).await {
        Either::First(output) => Ok(output),
        Either::Second(()) => Err(Elapsed(())),
    }
}

/// Ticks at once and then every `period`.
///
/// # Panics
/// If `period` is zero.
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "the period of an interval must not be zero");
    Interval { period, next: Instant::now() }
}

/// The ticks of [`interval`]. A tick that comes late does not delay the next ones.
#[derive(Debug)]
pub struct Interval {
    period: Duration,
    next: Instant,
}

impl Interval {
    /// Waits for the next tick and gives the time for which it was due.
    pub async fn tick(&mut self) -> Instant {
        let due = self.next;
        sleep_until(due).await;
        self.next = due + self.period;
        due
    }

    /// The time between ticks.
    pub fn period(&self) -> Duration {
        self.period
    }
}
