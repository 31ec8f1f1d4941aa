//! The turmoil engine: the world's sockets, network and faults, with `turmoil::Sim` running the
//! hosts, one tokio runtime each. The only file that names turmoil.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;

use super::panic::Contained;
use super::{Ending, Software, Start, panic};
use crate::network::HostId;
use crate::plan::{Engine, Plan};
use crate::world::{self, Chore, World};

/// How far each step lets time go on; turmoil rounds times up to it.
const TICK: Duration = Duration::from_millis(1);

/// How long nothing must happen, after all clients have finished, for a run to be over.
const QUIET: u64 = 1_000_000_000;

/// Polls of all hosts in one tick, beyond which time would never pass.
const POLLS_PER_TICK: u64 = 1_000_000;

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::new(Local::default());
}

#[derive(Default)]
struct Local {
    /// Which host a runtime belongs to, at its present boot.
    hosts: BTreeMap<String, HostId>,
    /// Why the run has to stop.
    broken: Option<String>,
    /// Timers of `squall::time` that wait.
    sleepers: u64,
    /// When a host's task was last polled.
    active_at: u64,
    /// Polls in the present step.
    polls: u64,
}

/// Lets the run end with this message.
fn stop(message: String) {
    LOCAL.with_borrow_mut(|local| {
        local.broken.get_or_insert(message);
    });
}

fn is_stopped() -> bool {
    LOCAL.with_borrow(|local| local.broken.is_some())
}

fn runtime() -> Option<String> {
    Handle::try_current().ok().map(|handle| handle.id().to_string())
}

/// The host whose runtime is entered.
pub(crate) fn current_host() -> Option<HostId> {
    let runtime = runtime()?;
    LOCAL.with_borrow(|local| local.hosts.get(&runtime).copied())
}

/// The time on the running host; between hosts, the world's.
pub(crate) fn now(world: &World) -> u64 {
    turmoil::sim_elapsed().map_or(world.now, nanos)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Counts a timer of `squall::time` while it waits on this engine.
pub(crate) struct Sleeper {
    world: u64,
}

impl Sleeper {
    pub fn new() -> Option<Self> {
        let here = world::with(|world| world.plan.engine == Engine::Turmoil) == Some(true);
        here.then(|| {
            LOCAL.with_borrow_mut(|local| local.sleepers += 1);
            Sleeper { world: world::world_id() }
        })
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        if self.world != world::world_id() {
            return;
        }
        let _ = LOCAL.try_with(|local| {
            if let Ok(mut local) = local.try_borrow_mut() {
                local.sleepers = local.sleepers.saturating_sub(1);
            }
        });
    }
}

/// Wraps a task: tokio would swallow its panic, and polls are counted as on the event engine.
pub(crate) fn guard<F: Future>(future: F) -> Guard<F> {
    Guard(Contained::new(Box::pin(future)))
}

/// See [`guard`].
pub(crate) struct Guard<F>(Contained<Pin<Box<F>>>);

impl<F: Future> Future for Guard<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if is_stopped() {
            return Poll::Pending;
        }
        let entered = world::with_host(|world, host| {
            world.counts.wakeups += 1;
            world.calls = 0;
            let polls = LOCAL.with_borrow_mut(|local| {
                local.active_at = world.now;
                local.polls += 1;
                local.polls
            });
            (host, polls)
        });
        let (entered, polls) = entered.unzip();
        if polls.is_some_and(|polls| polls > POLLS_PER_TICK) {
            stop(format!(
                "an endless loop in zero time: more than {POLLS_PER_TICK} polls in one tick; \
                 something keeps waking itself without waiting for time to pass"
            ));
            return Poll::Pending;
        }
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
            Ok(poll) => poll.map(Some),
            Err(payload) => {
                let described = panic::describe(&*payload);
                let broken = world::with(|world| world.panicked(entered?, &described));
                if let Some(broken) = broken.flatten() {
                    stop(broken);
                }
                Poll::Ready(None)
            }
        }
    }
}

/// Runs the installed world to its end.
pub(super) fn run(plan: &Plan, start: &Start) -> Ending {
    LOCAL.set(Local::default());
    let mut builder = turmoil::Builder::new();
    builder
        .tick_duration(TICK)
        .simulation_duration(Duration::from_nanos(plan.duration).saturating_add(TICK * 2))
        .epoch(std::time::SystemTime::UNIX_EPOCH)
        .rng_seed(plan.seed);
    let mut sim = builder.build();
    for host in 0..plan.hosts.len() as HostId {
        let start = Arc::clone(start);
        sim.host(name(host), move || {
            if let Some(runtime) = runtime() {
                LOCAL.with_borrow_mut(|local| local.hosts.insert(runtime, host));
            }
            let software = Software::new(&start, host);
            async move {
                if let Some(result) = guard(software).await {
                    let result = result.map_err(|error| error.to_string());
                    world::with(|world| world.finish(host, result));
                }
                // turmoil stops a host whose main task has ended, with all that it spawned.
                std::future::pending().await
            }
        });
    }
    let ending = steps(plan, &mut sim);
    world::with(|world| world.hosts.iter_mut().for_each(|host| host.up = false));
    drop(sim);
    panic::in_drop().map_or(ending, Ending::Broken)
}

/// turmoil's name for a host: names of scenarios could look like addresses.
fn name(host: HostId) -> String {
    format!("host-{host}")
}

fn steps(plan: &Plan, sim: &mut turmoil::Sim<'_>) -> Ending {
    loop {
        let now = nanos(sim.elapsed());
        if let Some(ending) = deliver_due(plan, sim, now) {
            return ending;
        }
        world::with(|world| world.calls = 0);
        LOCAL.with_borrow_mut(|local| local.polls = 0);
        if let Err(error) = sim.step() {
            return Ending::Broken(format!("turmoil stopped: {error}"));
        }
        do_chores(sim);
        if let Some(unseen) = panic::unseen() {
            stop(format!("a task of host software panicked: {unseen}"));
        }
        if let Some(broken) = LOCAL.with_borrow_mut(|local| local.broken.take()) {
            return Ending::Broken(broken);
        }
        if world::with(|world| world.counts.wakeups > plan.max_events) == Some(true) {
            let budget = plan.max_events;
            return Ending::Broken(format!(
                "the run takes more than {budget} polls: if that is meant, raise `max_events` or \
                 shorten `duration`"
            ));
        }
    }
}

/// Handles everything that is due, then says how the run ends, if it does.
fn deliver_due(plan: &Plan, sim: &mut turmoil::Sim<'_>, now: u64) -> Option<Ending> {
    loop {
        let woken = world::with(|world| {
            let at = world.next_event().filter(|at| *at <= now.min(plan.duration))?;
            let at = at.max(world.now);
            world.set_now(at);
            Some(world.handle_event())
        });
        let Some(woken) = woken.flatten() else { break };
        if let Some((slot, waker)) = woken {
            waker.wake_by_ref();
            drop(world::with(|world| world.sockets.put_back(slot, waker)));
        }
        do_chores(sim);
    }
    let (sleepers, active_at) = LOCAL.with_borrow(|local| (local.sleepers, local.active_at));
    world::with(|world| {
        world.set_now(now.min(plan.duration));
        let waits = world.next_event().is_some() || sleepers > 0;
        let quiet = !waits && now >= active_at.saturating_add(QUIET);
        let clients = &world.hosts[1..=plan.clients as usize];
        let finished = clients.iter().all(|host| host.finished || !host.up);
        if quiet && finished {
            world.set_now(active_at);
            return Some(Ending::Quiet);
        }
        if now < plan.duration {
            return None;
        }
        // Clients that wait for what cannot come have reached their end too.
        if quiet {
            return Some(Ending::Quiet);
        }
        Some(Ending::CutOff { unsettled: world.is_unsettled() || sleepers > 0 })
    })
    .flatten()
}

fn do_chores(sim: &mut turmoil::Sim<'_>) {
    loop {
        let taken = world::with(|world| {
            let chores = std::mem::take(&mut world.chores);
            (chores, std::mem::take(&mut world.garbage), std::mem::take(&mut world.wakes))
        });
        let Some((chores, garbage, wakes)) = taken else {
            return;
        };
        if chores.is_empty() && garbage.is_empty() && wakes.is_empty() {
            return;
        }
        wakes.into_iter().for_each(Waker::wake);
        for chore in chores {
            match chore {
                Chore::Kill { host, .. } => {
                    sim.crash(name(host));
                    if let Some(broken) = panic::in_drop() {
                        stop(broken);
                    }
                }
                Chore::Restart(host) => {
                    world::with(|world| world.restart(host));
                    sim.bounce(name(host));
                }
                // Pausing is refused when the scenario is loaded.
                Chore::Ready(_) => {}
            }
        }
        drop(garbage);
    }
}
