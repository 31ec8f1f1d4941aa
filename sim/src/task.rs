//! Tasks that look like tokio's: run by the world on a simulated host, tokio's own elsewhere.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::engine;
use crate::engine::event::TaskKey;
use crate::network::HostId;
use crate::plan::Engine;
use crate::world;

/// Runs `future` beside its spawner, on the same host. It ends with its host: a crash drops it.
///
/// # Panics
/// Outside a simulated host and outside a tokio runtime.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let place = world::with_host(|world, host| (world.plan.engine, host));
    match place {
        Some((Engine::Event, host)) => spawn_simulated(host, future),
        Some((Engine::Turmoil, _)) => {
            JoinHandle(Handle::Tokio(tokio::spawn(engine::turmoil::guard(future))))
        }
        // Software that is dropped with its host may spawn, but nothing runs there any more.
        None if world::world_id() != 0 => JoinHandle(Handle::Event(Slot::ended())),
        None => JoinHandle(Handle::Real(tokio::spawn(future))),
    }
}

fn spawn_simulated<F>(host: HostId, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let slot = Arc::new(Slot(Mutex::new(Join { end: None, waker: None, task: None })));
    let end = EndOnDrop(Arc::clone(&slot));
    let future = Box::pin(async move {
        // Declared first, so dropped last: whoever waits for the task finds all of it gone.
        let end = end;
        let output = future.await;
        end.0.end(Some(output));
    });
    if let Some(task) = engine::event::spawn(host, future) {
        slot.lock(|join| join.task = Some(task));
    }
    JoinHandle(Handle::Event(slot))
}

/// Ends a slot when the task's future is dropped, which changes nothing if it has ended.
struct EndOnDrop<T>(Arc<Slot<T>>);

impl<T> Drop for EndOnDrop<T> {
    fn drop(&mut self) {
        self.0.end(None);
    }
}

/// Lets other tasks that are ready run first.
pub async fn yield_now() {
    if world::with_host(|world, _| world.plan.engine) != Some(Engine::Event) {
        return tokio::task::yield_now().await;
    }
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Which of two futures was ready first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

/// Waits for one of two futures and drops the other. If both are ready, the first wins: unlike
/// `tokio::select!` without `biased;`, which picks at random, this does the same in every run.
///
/// ```
/// # use squall_sim as squall;
/// use squall::task::{Either, select};
/// # async fn example() {
/// let ready = select(std::future::ready(1), std::future::ready("two")).await;
/// assert_eq!(ready, Either::First(1));
/// # }
/// ```
pub async fn select<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| match first.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Either::First(output)),
        Poll::Pending => second.as_mut().poll(cx).map(Either::Second),
    })
    .await
}

/// Why a task gives no output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// It was aborted.
    #[error("the task was aborted")]
    Aborted,
    /// It panicked. On a simulated host a panic ends the run instead.
    #[error("the task panicked")]
    Panicked,
}

/// Waits for a spawned task. Dropping it lets the task run on.
pub struct JoinHandle<T>(Handle<T>);

enum Handle<T> {
    Event(Arc<Slot<T>>),
    /// A task on the turmoil engine, which catches its own panics.
    Tokio(tokio::task::JoinHandle<Option<T>>),
    Real(tokio::task::JoinHandle<T>),
}

impl<T> JoinHandle<T> {
    /// Stops the task where it waits. It may have ended before.
    pub fn abort(&self) {
        match &self.0 {
            Handle::Event(slot) => {
                if let Some(task) = slot.lock(|join| join.task.take()) {
                    engine::event::abort(task);
                }
            }
            Handle::Tokio(handle) => handle.abort(),
            Handle::Real(handle) => handle.abort(),
        }
    }

    /// True once the task has ended or was aborted.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Handle::Event(slot) => slot.lock(|join| join.end.is_some()),
            Handle::Tokio(handle) => handle.is_finished(),
            Handle::Real(handle) => handle.is_finished(),
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let failed = |error: tokio::task::JoinError| {
            if error.is_cancelled() { JoinError::Aborted } else { JoinError::Panicked }
        };
        match &mut self.0 {
            Handle::Event(slot) => match world::poll_host(cx, |_, _| Poll::Ready(())) {
                Poll::Ready(_) => slot.poll(cx),
                Poll::Pending => Poll::Pending,
            },
            Handle::Tokio(handle) => Pin::new(handle).poll(cx).map(|ended| match ended {
                Ok(Some(output)) => Ok(output),
                Ok(None) => Err(JoinError::Panicked),
                Err(error) => Err(failed(error)),
            }),
            Handle::Real(handle) => Pin::new(handle).poll(cx).map_err(failed),
        }
    }
}

/// Where a task of the event engine leaves its output.
struct Slot<T>(Mutex<Join<T>>);

struct Join<T> {
    /// `Some(None)` is aborted or already taken.
    end: Option<Option<T>>,
    waker: Option<Waker>,
    task: Option<TaskKey>,
}

impl<T> Slot<T> {
    /// The slot of a task that never ran.
    fn ended() -> Arc<Self> {
        Arc::new(Slot(Mutex::new(Join { end: Some(None), waker: None, task: None })))
    }

    fn lock<R>(&self, f: impl FnOnce(&mut Join<T>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn end(&self, output: Option<T>) {
        let waker = self.lock(|join| {
            join.task = None;
            if join.end.is_none() {
                join.end = Some(output);
            }
            join.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Result<T, JoinError>> {
        self.lock(|join| match &mut join.end {
            Some(output) => Poll::Ready(output.take().ok_or(JoinError::Aborted)),
            None => {
                join.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        })
    }
}
