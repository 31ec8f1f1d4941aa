//! The event engine: hosts as tasks on one run queue, and a clock that jumps to the next event.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use async_task::Runnable;

use super::{Ending, panic, software};
use crate::network::HostId;
use crate::plan::{Plan, Schedule};
use crate::protocol::Protocol;
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

/// Spawns a task on a host and gives its key; `None` if the host is down.
pub(crate) fn spawn(host: HostId, future: impl Future<Output = ()> + 'static) -> Option<usize> {
    let place = world::with(|world| {
        let id = world.id;
        let state = &world.hosts[host as usize];
        let tag = Tag { world: id, host, incarnation: state.incarnation };
        state.up.then(|| (tag, state.tasks.vacant_key()))
    });
    let (tag, key) = place.flatten()?;
    let future = panic::Contained::new(future);
    let future = async move {
        future.await;
        // The handle would cancel the task if it were dropped while the task runs.
        let task = world::with(|world| world.hosts[host as usize].tasks.try_remove(key));
        if let Some(task) = task.flatten() {
            task.detach();
        }
    };
    let builder = async_task::Builder::new().metadata(tag);
    let (runnable, task) = builder.spawn_local(|_| future, schedule);
    world::with(|world| world.hosts[host as usize].tasks.insert(task));
    runnable.schedule();
    Some(key)
}

/// Cancels a task of a host.
pub(crate) fn abort(host: HostId, key: usize) {
    // The task is dropped here, outside the borrow.
    drop(world::with(|world| world.hosts[host as usize].tasks.try_remove(key)));
}

/// Runs the installed world to its end.
pub(super) fn run(plan: &Arc<Plan>, protocol: &Protocol) -> Ending {
    drop(READY.take());
    let mut engine = Loop {
        plan,
        protocol,
        order: (plan.schedule == Schedule::Random).then(|| Stream::new(plan.seed, &["schedule"])),
        draws: 0,
        steps: 0,
        steps_now: 0,
        woken: Vec::new(),
        timers: Vec::new(),
    };
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
    plan: &'a Arc<Plan>,
    protocol: &'a Protocol,
    /// The stream that picks the next ready task, unless they run first in, first out.
    order: Option<Stream>,
    draws: u64,
    /// Events and polls so far.
    steps: u64,
    /// Polls at the present instant.
    steps_now: u64,
    woken: Vec<(u32, Waker)>,
    timers: Vec<Waker>,
}

/// What to do with a task that is ready.
enum Turn {
    Run,
    Park,
    Drop,
}

impl Loop<'_> {
    /// Calls a host's start function in a task of its own.
    fn start(&mut self, host: HostId) {
        let (plan, protocol) = (Arc::clone(self.plan), self.protocol.clone());
        spawn(host, async move {
            let result = software(plan, protocol, host).await;
            world::with(|world| {
                world.hosts[host as usize].finished = true;
                if let Err(error) = &result {
                    world.broke(host, &error.to_string());
                }
            });
        });
    }

    fn run(&mut self) -> Ending {
        loop {
            if let Err(broken) = self.run_ready() {
                return Ending::Broken(broken);
            }
            if let Some(ending) = self.advance() {
                return ending;
            }
        }
    }

    fn next_ready(&mut self) -> Option<Runnable<Tag>> {
        READY.with_borrow_mut(|ready| match self.order {
            Some(order) if ready.len() > 1 => {
                self.draws += 1;
                ready.remove(order.draw(self.draws).below(ready.len() as u64) as usize)
            }
            _ => ready.pop_front(),
        })
    }

    /// Runs tasks until none is ready.
    fn run_ready(&mut self) -> Result<(), String> {
        self.do_chores()?;
        while let Some(runnable) = self.next_ready() {
            let Tag { host, incarnation, .. } = *runnable.metadata();
            let turn = world::with(|world| world.enter(host, incarnation));
            match turn {
                Some(Turn::Run) => {}
                Some(Turn::Park) => {
                    world::with(|world| world.hosts[host as usize].parked.push(runnable));
                    continue;
                }
                Some(Turn::Drop) | None => {
                    drop(runnable);
                    continue;
                }
            }
            let ran = catch_unwind(AssertUnwindSafe(|| runnable.run()));
            let chores = world::with(World::leave);
            if let Err(payload) = ran {
                let described = panic::describe(&*payload);
                world::with(|world| world.recorder.broke(host, &described.message));
                let name = self.plan.host_name(host);
                return Err(format!("host software of {name} panicked: {described}"));
            }
            self.count_step(host)?;
            if chores == Some(true) {
                self.do_chores()?;
            }
        }
        Ok(())
    }

    fn count_step(&mut self, host: HostId) -> Result<(), String> {
        self.steps += 1;
        self.steps_now += 1;
        let budget = STEPS_PER_INSTANT + STEPS_PER_HOST * self.plan.hosts.len() as u64;
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

    /// Lets time jump to the next event. Says how the run ends, if it does.
    fn advance(&mut self) -> Option<Ending> {
        let advanced = world::with(|world| {
            let before = world.now;
            let Some(at) = world.next_event() else {
                return Err(Ending::Quiet);
            };
            if at > self.plan.duration {
                world.set_now(self.plan.duration);
                return Err(Ending::CutOff { unsettled: world.is_unsettled() });
            }
            world.set_now(at);
            loop {
                self.woken.extend(world.handle_event());
                self.steps += 1;
                // What a fault asks for is done before anything else happens.
                if !world.chores.is_empty() || world.next_event() != Some(at) {
                    break;
                }
            }
            std::mem::swap(&mut world.wakes, &mut self.timers);
            Ok(at > before)
        });
        match advanced? {
            Err(ending) => return Some(ending),
            Ok(true) => self.steps_now = 0,
            Ok(false) => {}
        }
        self.wake();
        self.check_budget().err().map(Ending::Broken)
    }

    /// Wakes whom the events woke: receivers first, then timers.
    #[inline]
    fn wake(&mut self) {
        for (_, waker) in &self.woken {
            waker.wake_by_ref();
        }
        if !self.woken.is_empty() {
            let woken = &mut self.woken;
            let unwanted: Option<Vec<Waker>> = world::with(|world| {
                let back = woken.drain(..);
                back.filter_map(|(slot, waker)| world.sockets.put_back(slot, waker)).collect()
            });
            drop(unwanted);
        }
        self.timers.drain(..).for_each(Waker::wake);
    }

    /// Does what the world wants done outside its borrow, until it wants nothing more.
    fn do_chores(&mut self) -> Result<(), String> {
        loop {
            let taken = world::with(|world| {
                let chores = std::mem::take(&mut world.chores);
                (chores, std::mem::take(&mut world.garbage), std::mem::take(&mut world.wakes))
            });
            let Some((chores, garbage, wakes)) = taken else {
                return Ok(());
            };
            if chores.is_empty() && garbage.is_empty() && wakes.is_empty() {
                return Ok(());
            }
            wakes.into_iter().for_each(Waker::wake);
            for chore in chores {
                match chore {
                    Chore::Start(host) => self.start(host),
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

impl World {
    /// Makes a task's host the running one, if the task may run.
    #[inline]
    fn enter(&mut self, host: HostId, incarnation: u32) -> Turn {
        let state = &self.hosts[host as usize];
        if !state.up || state.incarnation != incarnation {
            return Turn::Drop;
        }
        if !state.runs() {
            return Turn::Park;
        }
        self.running = Some(host);
        self.calls = 0;
        self.counts.wakeups += 1;
        Turn::Run
    }

    /// After a poll. True if there is something to be done outside the borrow.
    #[inline]
    fn leave(&mut self) -> bool {
        self.running = None;
        self.has_chores()
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
                Chore::Start(_) => {}
            }
        }
        (tasks, parked)
    });
    drop(tasks);
    purge(|_| true);
}
