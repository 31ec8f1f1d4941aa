//! The world of the running simulation, in a thread-local, so that `squall::net` and the like find
//! it as tokio's find their runtime.
//!
//! Rule: inside a borrow of the world no waker is woken or dropped, no future or socket is dropped,
//! and no user code runs. What has to be dropped or woken is handed out and done afterwards.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use super::World;
use crate::network::HostId;
use crate::plan::Engine;

thread_local! {
    static WORLD: RefCell<Option<Box<World>>> = const { RefCell::new(None) };
    static WORLD_ID: Cell<u64> = const { Cell::new(0) };
}

/// Worlds so far in this process. The number only tells worlds apart; it reaches no trace.
static WORLDS: AtomicU64 = AtomicU64::new(1);

/// A world for the present thread; it is taken away when this is dropped, even by a panic.
pub(crate) struct Installed(());

impl Installed {
    /// Makes `world` this thread's. `None` if it has one already.
    pub fn new(mut world: Box<World>) -> Option<Self> {
        if WORLD_ID.get() != 0 {
            return None;
        }
        world.id = WORLDS.fetch_add(1, Ordering::Relaxed);
        WORLD_ID.set(world.id);
        WORLD.set(Some(world));
        Some(Installed(()))
    }

    /// Takes the world away and returns it.
    pub fn take(self) -> Option<Box<World>> {
        WORLD.take()
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // Dropping what the world holds may run user code, so the world is out of reach by then.
        let world = WORLD.take();
        WORLD_ID.set(0);
        drop(world);
    }
}

/// The number of this thread's world; 0 without one.
#[inline]
pub(crate) fn world_id() -> u64 {
    WORLD_ID.try_with(Cell::get).unwrap_or(0)
}

/// Runs `f` on this thread's world.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&mut World) -> R) -> Option<R> {
    // There is none while the thread ends.
    let found = WORLD.try_with(|world| world.borrow_mut().as_deref_mut().map(f));
    found.ok().flatten()
}

/// Runs `f` on this thread's world and the host whose software is running. `None` outside.
#[inline]
pub(crate) fn with_host<R>(f: impl FnOnce(&mut World, HostId) -> R) -> Option<R> {
    with(|world| {
        let host = world.running.or_else(|| host_of_turmoil(world));
        world.count_call();
        host.map(|host| f(world, host))
    })
    .flatten()
}

/// As [`with_host`]; `None` also on a host that has just crashed: what its software still does has
/// no effect.
#[inline]
pub(crate) fn with_live_host<R>(f: impl FnOnce(&mut World, HostId) -> R) -> Option<R> {
    with_host(|world, host| world.hosts[host as usize].up.then(|| f(world, host))).flatten()
}

/// Polls `f` on the world and the running host. On a host that has just crashed it is never ready,
/// so that its software stops where it is; on one that was just paused, when it resumes. `None`
/// outside a simulation.
#[inline]
pub(crate) fn poll_host<R>(
    cx: &Context<'_>,
    f: impl FnOnce(&mut World, HostId) -> Poll<R>,
) -> Poll<Option<R>> {
    let mut paused = false;
    let polled = with_host(|world, host| {
        let state = &world.hosts[host as usize];
        if state.runs() {
            return f(world, host).map(Some);
        }
        paused = state.up;
        Poll::Pending
    });
    if paused {
        // The engine puts the task aside until the host resumes.
        cx.waker().wake_by_ref();
    }
    polled.unwrap_or(Poll::Ready(None))
}

/// Runs `f` once on the world and the running host, when [`poll_host`] lets it; `None` outside a
/// simulation.
pub(crate) async fn once<R>(f: impl FnOnce(&mut World, HostId) -> R) -> Option<R> {
    let mut f = Some(f);
    let done =
        poll_fn(|cx| poll_host(cx, |world, host| Poll::Ready(f.take().map(|f| f(world, host)))));
    done.await.flatten()
}

/// Which host is running, on the engine that does not say so itself.
#[cold]
fn host_of_turmoil(world: &mut World) -> Option<HostId> {
    if world.plan.engine == Engine::Event {
        return None;
    }
    // Each host has a clock of its own there.
    let now = crate::engine::turmoil::now(world);
    world.set_now(now);
    crate::engine::turmoil::current_host()
}
