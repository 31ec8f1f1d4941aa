//! Timers: a slot each, with a generation so that an old key cannot touch a new timer.

use std::task::{Context, Poll, Waker};

use super::World;
use super::queue::Due;
use crate::network::HostId;

/// A timer that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerKey {
    world: u64,
    slot: u32,
    generation: u32,
}

struct Timer {
    generation: u32,
    state: State,
}

enum State {
    Free,
    Waiting(Waker),
    Fired,
}

/// All timers of a world.
#[derive(Default)]
pub(crate) struct Timers {
    slots: Vec<Timer>,
    free: Vec<u32>,
}

impl Timers {
    fn set(&mut self, waker: Waker) -> (u32, u32) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Timer { generation: 0, state: State::Free });
            self.slots.len() as u32 - 1
        });
        let timer = &mut self.slots[slot as usize];
        timer.state = State::Waiting(waker);
        (slot, timer.generation)
    }

    fn get(&mut self, slot: u32, generation: u32) -> Option<&mut Timer> {
        self.slots.get_mut(slot as usize).filter(|timer| timer.generation == generation)
    }

    fn release(&mut self, slot: u32) -> Option<Waker> {
        let timer = &mut self.slots[slot as usize];
        timer.generation = timer.generation.wrapping_add(1);
        self.free.push(slot);
        match std::mem::replace(&mut timer.state, State::Free) {
            State::Waiting(waker) => Some(waker),
            State::Free | State::Fired => None,
        }
    }

    /// True if some timer waits.
    pub fn wait(&self) -> bool {
        self.slots.iter().any(|timer| matches!(timer.state, State::Waiting(_)))
    }

    /// True if an entry of the queue is about a timer that still waits.
    pub fn is_waiting(&self, slot: u32, generation: u32) -> bool {
        self.slots.get(slot as usize).is_some_and(|timer| {
            timer.generation == generation && matches!(timer.state, State::Waiting(_))
        })
    }

    /// Fires a timer and hands out whom to wake.
    pub fn fire(&mut self, slot: u32, generation: u32) -> Option<Waker> {
        let timer = self.get(slot, generation)?;
        match std::mem::replace(&mut timer.state, State::Fired) {
            State::Waiting(waker) => Some(waker),
            other => {
                timer.state = other;
                None
            }
        }
    }
}

impl World {
    /// Sets a timer of `host` for when its running clock shows `deadline`; `None` if it does already.
    pub(crate) fn set_timer(
        &mut self,
        host: HostId,
        deadline: u64,
        cx: &Context<'_>,
    ) -> Option<TimerKey> {
        let at = self.hosts[host as usize].clock.when(deadline);
        if at <= self.now {
            return None;
        }
        let (slot, generation) = self.timers.set(cx.waker().clone());
        self.queue.push(at, Due::Timer { slot, generation });
        Some(TimerKey { world: self.id, slot, generation })
    }

    /// Ready once the timer fired, which also forgets it. The waker in the answer replaces the one
    /// that is to be dropped outside the borrow.
    pub(crate) fn poll_timer(
        &mut self,
        key: TimerKey,
        cx: &Context<'_>,
    ) -> (Poll<()>, Option<Waker>) {
        let same = key.world == self.id;
        let known = self.timers.get(key.slot, key.generation).filter(|_| same);
        let Some(timer) = known else {
            return (Poll::Ready(()), None);
        };
        match &mut timer.state {
            State::Waiting(waker) if waker.will_wake(cx.waker()) => (Poll::Pending, None),
            State::Waiting(waker) => {
                let old = std::mem::replace(waker, cx.waker().clone());
                (Poll::Pending, Some(old))
            }
            State::Fired | State::Free => (Poll::Ready(()), self.timers.release(key.slot)),
        }
    }

    /// Forgets a timer, and hands out its waker to be dropped outside the borrow.
    pub(crate) fn cancel_timer(&mut self, key: TimerKey) -> Option<Waker> {
        if key.world != self.id {
            return None;
        }
        self.timers.get(key.slot, key.generation)?;
        self.timers.release(key.slot)
    }
}
