//! The event engine: hosts as tasks on one run queue, and a clock that jumps to the next event.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker, ready};

use async_task::Runnable;

use super::{Ending, Software, Start, panic};
use crate::network::HostId;
use crate::plan::{Plan, Schedule};
use crate::stream::Stream;
use crate::world::{self, Chore, Tag, World};

thread_local! {
    /// Tasks that are ready. Not part of the world, so that a waker may be called at any time.
    static READY: RefCell<VecDeque<Runnable<Tag>>> = const { RefCell::new(VecDeque::new()) };
}

/// The worlds that had a task woken from a foreign thread.
static FOREIGN_WAKES: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

/// Polls that may happen at one instant, and how many more for every host.
const STEPS_PER_INSTANT: u64 = 1_000_000;
const STEPS_PER_HOST: u64 = 100;

fn schedule(runnable: Runnable<Tag>) {
    let world = runnable.metadata().world;
    if world::world_id() != world {
        // Neither running nor dropping the task is possible here: it belongs to another thread.
        FOREIGN_WAKES.lock().unwrap_or_else(PoisonError::into_inner).insert(world);
        std::mem::forget(runnable);
        return;
    }
    READY.with_borrow_mut(|ready| ready.push_back(runnable));
}

/// A task of a host's incarnation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskKey {
    tag: Tag,
    key: usize,
}

/// Spawns a task on a host and gives its key; `None` if the host is down.
pub(crate) fn spawn(
    host: HostId,
    future: impl Future<Output = ()> + Unpin + 'static,
) -> Option<TaskKey> {
    let place = world::with(|world| {
        let id = world.id;
        let state = &world.hosts[host as usize];
        let tag = Tag { world: id, host, incarnation: state.incarnation };
        state.up.then(|| (tag, state.tasks.vacant_key()))
    });
    let (tag, key) = place.flatten()?;
    let mut future = panic::Contained::new(future);
    let future = poll_fn(move |cx| {
        ready!(Pin::new(&mut future).poll(cx));
        // The handle would cancel the task if it were dropped while the task runs.
        let task = world::with(|world| world.hosts[host as usize].tasks.try_remove(key));
        if let Some(task) = task.flatten() {
            task.detach();
        }
        Poll::Ready(())
    });
    let builder = async_task::Builder::new().metadata(tag);
    let (runnable, task) = builder.spawn_local(|_| future, schedule);
    world::with(|world| world.hosts[host as usize].tasks.insert(task));
    runnable.schedule();
    Some(TaskKey { tag, key })
}

/// Cancels a task, if its host is still the one that spawned it.
pub(crate) fn abort(TaskKey { tag, key }: TaskKey) {
    if tag.world != world::world_id() {
        return;
    }
    let task = world::with(|world| {
        let host = &mut world.hosts[tag.host as usize];
        let same = host.incarnation == tag.incarnation;
        if same { host.tasks.try_remove(key) } else { None }
    });
    // The task is dropped here, outside the borrow.
    drop(task);
}

/// Runs the installed world to its end.
pub(super) fn run(plan: &Plan, start: &Start) -> Ending {
    drop(READY.take());
    let mut engine = Loop {
        plan,
        start,
        order: (plan.schedule == Schedule::Random).then(|| Stream::new(plan.seed, &["schedule"])),
        draws: 0,
        steps_allowed: STEPS_PER_INSTANT + STEPS_PER_HOST * plan.hosts.len() as u64,
        steps: 0,
        steps_now: 0,
        woken: Vec::new(),
        timers: Vec::new(),
    };
    // What is to go wrong from the start does so before any software runs.
    world::with(World::begin_first_faults);
    for host in 0..plan.hosts.len() as u32 {
        engine.start(host);
    }
    let ending = engine.run();
    tear_down();
    let mut foreign = FOREIGN_WAKES.lock().unwrap_or_else(PoisonError::into_inner);
    if foreign.remove(&world::world_id()) {
        return Ending::Broken(FOREIGN.to_owned());
    }
    panic::in_drop().map_or(ending, Ending::Broken)
}

struct Loop<'a> {
    plan: &'a Plan,
    start: &'a Start,
    /// The stream that picks the next ready task, unless they run first in, first out.
    order: Option<Stream>,
    draws: u64,
    /// Polls that may happen at one instant.
    steps_allowed: u64,
    /// Events and polls so far.
    steps: u64,
    /// Polls at the present instant.
    steps_now: u64,
    woken: Vec<(u32, Waker)>,
    timers: Vec<Waker>,
}

/// What comes next. It is found out in one borrow of the world: these are the most frequent ones.
enum Next {
    /// Something is to be done outside the borrow.
    Chores,
    /// This task is ready, and its host is the running one now.
    Run(Runnable<Tag>, HostId),
    /// This task is ready, but was put aside.
    Parked,
    /// This task is ready, but its host is not there any more.
    Drop(Runnable<Tag>),
    /// Time has gone on, and there may be somebody to wake.
    Wake,
    End(Ending),
}

impl Loop<'_> {
    /// Calls a host's start function in a task of its own.
    fn start(&mut self, host: HostId) {
        let mut software = Software::new(self.start, host);
        let main = poll_fn(move |cx| {
            let result = ready!(Pin::new(&mut software).poll(cx));
            let result = result.map_err(|error| error.to_string());
            world::with(|world| world.finish(host, result));
            Poll::Ready(())
        });
        spawn(host, main);
    }

    fn run(&mut self) -> Ending {
        loop {
            let done = match world::with(|world| self.next(world)) {
                Some(Next::Run(task, host)) => self.poll(task, host),
                Some(Next::Wake) => self.wake(),
                Some(Next::Chores) => self.do_chores(),
                Some(Next::Parked) => Ok(()),
                Some(Next::Drop(task)) => {
                    drop(task);
                    Ok(())
                }
                Some(Next::End(ending)) => return ending,
                None => return Ending::Quiet,
            };
            if let Err(broken) = done {
                return Ending::Broken(broken);
            }
        }
    }

    /// Chores come first, then tasks that are ready, then the next events.
    #[inline]
    fn next(&mut self, world: &mut World) -> Next {
        world.running = None;
        while let Some((slot, waker)) = self.woken.pop() {
            if let Some(unwanted) = world.sockets.put_back(slot, waker) {
                world.garbage.push(unwanted);
            }
        }
        if world.has_chores() {
            return Next::Chores;
        }
        let Some(task) = self.next_ready() else {
            return self.advance(world);
        };
        let Tag { host, incarnation, .. } = *task.metadata();
        let state = &mut world.hosts[host as usize];
        if !state.up || state.incarnation != incarnation {
            return Next::Drop(task);
        }
        if !state.runs() {
            state.parked.push(task);
            return Next::Parked;
        }
        world.running = Some(host);
        world.calls = 0;
        world.counts.wakeups += 1;
        Next::Run(task, host)
    }

    #[inline]
    fn next_ready(&mut self) -> Option<Runnable<Tag>> {
        READY.with_borrow_mut(|ready| match self.order {
            Some(order) if ready.len() > 1 => {
                self.draws += 1;
                ready.remove(order.draw(self.draws).below(ready.len() as u64) as usize)
            }
            _ => ready.pop_front(),
        })
    }

    fn poll(&mut self, task: Runnable<Tag>, host: HostId) -> Result<(), String> {
        let ran = catch_unwind(AssertUnwindSafe(|| task.run()));
        if let Err(payload) = ran {
            let described = panic::describe(&*payload);
            let broken = world::with(|world| world.panicked(host, &described));
            broken.flatten().map_or(Ok(()), Err)?;
        }
        self.count_step(host)
    }

    fn count_step(&mut self, host: HostId) -> Result<(), String> {
        self.steps += 1;
        self.steps_now += 1;
        let budget = self.steps_allowed;
        if self.steps_now > budget {
            let name = self.plan.host_name(host);
            return Err(format!(
                "an endless loop in zero time: {name} was the last of {budget} polls at one \
                 instant; something keeps waking itself without waiting for time to pass"
            ));
        }
        self.check_budget()
    }

    fn check_budget(&self) -> Result<(), String> {
        let budget = self.plan.max_events;
        if self.steps > budget {
            return Err(format!(
                "the run takes more than {budget} events: if that is meant, raise `max_events` or \
                 shorten `duration`"
            ));
        }
        Ok(())
    }

    /// Lets time jump to the next events.
    #[inline]
    fn advance(&mut self, world: &mut World) -> Next {
        let Some(at) = world.next_event() else {
            return Next::End(Ending::Quiet);
        };
        if at > self.plan.duration {
            world.set_now(self.plan.duration);
            return Next::End(Ending::CutOff { unsettled: world.is_unsettled() });
        }
        if at > world.now {
            self.steps_now = 0;
        }
        world.set_now(at);
        loop {
            if let Some(woken) = world.handle_event() {
                self.woken.push(woken);
            }
            self.steps += 1;
            // What a fault asks for is done before anything else happens.
            let more = world.queue.next_at() == Some(at) && world.next_event() == Some(at);
            if !more || !world.chores.is_empty() {
                break;
            }
        }
        if !world.wakes.is_empty() {
            std::mem::swap(&mut world.wakes, &mut self.timers);
        }
        Next::Wake
    }

    /// Wakes whom the events woke: receivers first, then timers.
    #[inline]
    fn wake(&mut self) -> Result<(), String> {
        for (_, waker) in &self.woken {
            waker.wake_by_ref();
        }
        if !self.timers.is_empty() {
            self.timers.drain(..).for_each(Waker::wake);
        }
        self.check_budget()
    }

    /// Does what the world wants done outside its borrow, until it wants nothing more.
    fn do_chores(&mut self) -> Result<(), String> {
        loop {
            let taken = world::with(|world| {
                world.has_chores().then(|| {
                    let chores = std::mem::take(&mut world.chores);
                    let garbage = std::mem::take(&mut world.garbage);
                    (chores, garbage, std::mem::take(&mut world.wakes))
                })
            });
            let Some((chores, garbage, wakes)) = taken.flatten() else {
                return Ok(());
            };
            wakes.into_iter().for_each(Waker::wake);
            for chore in chores {
                match chore {
                    Chore::Restart(host) => {
                        world::with(|world| world.restart(host));
                        self.start(host);
                    }
                    Chore::Ready(parked) => {
                        READY.with_borrow_mut(|ready| ready.extend(parked));
                    }
                    Chore::Kill { host, tasks, parked } => {
                        drop(parked);
                        drop(tasks);
                        purge(|tag| tag.host == host);
                        panic::in_drop().map_or(Ok(()), Err)?;
                    }
                }
            }
            drop(garbage);
        }
    }
}

const FOREIGN: &str = "a task was woken from another thread, which no seed can reproduce: on a \
    simulated host use squall::task::spawn instead of threads, and no library that starts its own";

/// Drops the ready tasks that `is_dead`, and those that become ready by that, until none is left.
fn purge(is_dead: impl Fn(&Tag) -> bool) {
    loop {
        let dead: Vec<_> = READY.with_borrow_mut(|ready| {
            let (dead, alive): (Vec<_>, Vec<_>) =
                ready.drain(..).partition(|task| is_dead(task.metadata()));
            ready.extend(alive);
            dead
        });
        if dead.is_empty() {
            return;
        }
    }
}

/// Drops all host software; nothing that it does then has an effect.
fn tear_down() {
    let tasks = world::with(|world| {
        world.running = None;
        let mut tasks = Vec::new();
        let mut parked = Vec::new();
        for host in &mut world.hosts {
            host.up = false;
            tasks.extend(host.tasks.drain());
            parked.append(&mut host.parked);
        }
        for chore in std::mem::take(&mut world.chores) {
            match chore {
                Chore::Kill { tasks: dead, parked: waiting, .. } => {
                    tasks.extend(dead);
                    parked.extend(waiting);
                }
                Chore::Ready(waiting) => parked.extend(waiting),
                Chore::Restart(_) => {}
            }
        }
        (tasks, parked)
    });
    drop(tasks);
    purge(|_| true);
}
