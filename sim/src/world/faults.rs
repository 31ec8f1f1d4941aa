//! World-level faults: partitions, crashes, pauses, clock steps, link overrides and the great calm.

use super::flight::State;
use super::queue::Due;
use super::{Chore, World};
use crate::history::Outcome;
use crate::network::{Action, DropReason, HostId, HostSet, WorldAction, flip};
use crate::trace::HostChange;

/// What host software exposes with a report; nothing, with most.
pub(super) struct Exposed<'a> {
    /// The host that reports.
    pub host: HostId,
    /// Bytes in its memory.
    pub bytes: &'a mut [u8],
}

impl World {
    /// Begins faults, and those that their effects trigger, one after another. If a report triggered
    /// them, some may change the bytes exposed with it; those that their effects trigger do not.
    pub(super) fn begin_faults(
        &mut self,
        faults: impl IntoIterator<Item = u32>,
        mut exposed: Option<Exposed<'_>>,
    ) {
        self.triggered.extend(faults);
        // What a fault causes may trigger more: it joins the queue rather than the stack.
        if std::mem::replace(&mut self.begins_faults, true) {
            return;
        }
        let mut left = self.triggered.len();
        while let Some(fault) = self.triggered.pop_front() {
            if left == 0 {
                exposed = None;
            }
            left = left.saturating_sub(1);
            if !self.network.is_calm() {
                self.begin_fault(fault, exposed.as_mut());
            }
        }
        self.begins_faults = false;
    }

    /// Begins a fault, counts it, and plans its end.
    fn begin_fault(&mut self, fault: u32, exposed: Option<&mut Exposed<'_>>) {
        let spec = self.network.fault(fault);
        // The network applies faults about packets itself.
        let Action::World(action) = &spec.action else { return };
        if self.now < self.fault_ends[fault as usize] {
            // It is in force already.
            if matches!(action, WorldAction::Crash { .. } | WorldAction::Pause { .. }) {
                self.network.count(fault, false);
            }
            return;
        }
        let length = spec.length;
        match action.clone() {
            WorldAction::Partition { .. } => {
                self.recorder.fault_began(fault);
                self.network.begin(fault);
                self.stop_flights(fault);
            }
            WorldAction::Link { .. } => {
                self.recorder.fault_began(fault);
                self.network.begin(fault);
            }
            WorldAction::Crash { hosts } => {
                let hit = self.each_host(&hosts, |world, host| world.crash(host, fault));
                self.network.count(fault, hit);
            }
            WorldAction::Pause { hosts } => {
                let hit = self.each_host(&hosts, |world, host| world.pause(host, fault));
                self.network.count(fault, hit);
            }
            WorldAction::ClockStep { hosts, by } => {
                let hit = self.each_host(&hosts, |world, host| {
                    world.hosts[host as usize].clock.step(by);
                    world.recorder.host(host, HostChange::ClockStepped(by));
                    true
                });
                self.network.count(fault, hit);
                return;
            }
            WorldAction::CorruptMemory { hosts } => {
                let exposed = exposed.filter(|exposed| hosts.contains(exposed.host));
                let hit = exposed.is_some_and(|exposed| self.corrupt_memory(fault, exposed));
                self.network.count(fault, hit);
                return;
            }
            WorldAction::CorruptDisk { hosts } => {
                let hit = self.each_host(&hosts, |world, host| world.corrupt_disk(fault, host));
                self.network.count(fault, hit);
                return;
            }
            WorldAction::Calm => {
                self.recorder.fault_began(fault);
                self.network.count(fault, true);
                self.calm();
                return;
            }
        }
        if let Some(length) = length {
            let end = self.now.saturating_add(length);
            self.fault_ends[fault as usize] = end;
            self.queue.push(end, Due::FaultEnds(fault));
        } else {
            self.fault_ends[fault as usize] = u64::MAX;
        }
    }

    /// Ends a fault.
    pub(super) fn end_fault(&mut self, fault: u32) {
        if self.network.fault(fault).action.lies_on_links() {
            self.recorder.fault_ended(fault);
            self.network.end(fault);
            return;
        }
        for host in 0..self.hosts.len() as u32 {
            self.recover(host, |by| by == fault);
        }
    }

    /// Applies `f` to each host of a set; true if it had an effect on any.
    fn each_host(
        &mut self,
        hosts: &HostSet,
        mut f: impl FnMut(&mut World, HostId) -> bool,
    ) -> bool {
        let mut hit = false;
        for host in 0..self.hosts.len() as u32 {
            if hosts.contains(host) {
                hit |= f(self, host);
            }
        }
        hit
    }

    /// Drops everything a host has. Whatever its running task still does has no effect.
    fn crash(&mut self, host: HostId, fault: u32) -> bool {
        let state = &mut self.hosts[host as usize];
        if state.crashed_by.contains(&fault) {
            return false;
        }
        state.crashed_by.push(fault);
        if !state.up {
            // It stays down until this fault has ended, too.
            return true;
        }
        self.recorder.host(host, HostChange::Crashed);
        let state = &mut self.hosts[host as usize];
        state.up = false;
        if let Some(disk) = &mut state.disk {
            disk.crash();
        }
        self.memory_entries = self.memory_entries.saturating_sub(state.memory_entries);
        state.memory_entries = 0;
        let parked = std::mem::take(&mut state.parked);
        let tasks = state.tasks.drain().collect();
        while let Some(slot) = self.hosts[host as usize].first_socket {
            let wakers = self.close_socket(slot);
            self.garbage.extend(wakers);
        }
        self.chores.push(Chore::Kill { host, tasks, parked });
        // These may trigger further faults, so the host must be down for good by now.
        for op in self.history.pending_of(host) {
            self.settle_operation(host, op, Outcome::Unknown);
        }
        true
    }

    fn pause(&mut self, host: HostId, fault: u32) -> bool {
        let state = &mut self.hosts[host as usize];
        if state.paused_by.contains(&fault) {
            return false;
        }
        state.paused_by.push(fault);
        if state.paused_by.len() == 1 && state.up {
            self.recorder.host(host, HostChange::Paused);
        }
        true
    }

    /// Flips a bit of what a host exposes; false if there is none, or the host has just crashed.
    fn corrupt_memory(&mut self, fault: u32, exposed: &mut Exposed<'_>) -> bool {
        let host = exposed.host;
        let bit = self.network.bit(fault, host, exposed.bytes.len() as u64);
        let Some(bit) = bit.filter(|_| self.hosts[host as usize].up) else {
            return false;
        };
        flip(exposed.bytes, bit);
        self.recorder.host(host, HostChange::MemoryCorrupted(bit));
        true
    }

    /// Flips a bit of what a host has stored, up or down; false if that is nothing.
    fn corrupt_disk(&mut self, fault: u32, host: HostId) -> bool {
        let disk = self.hosts[host as usize].disk.as_mut();
        let stored = disk.as_ref().map_or(0, |disk| disk.stored());
        let (Some(bit), Some(disk)) = (self.network.bit(fault, host, stored), disk) else {
            return false;
        };
        disk.flip(bit);
        self.recorder.host(host, HostChange::DiskCorrupted(bit));
        true
    }

    /// Restarts or resumes a host if what keeps it down or paused is one of these faults.
    fn recover(&mut self, host: HostId, ended: impl Fn(u32) -> bool) {
        let state = &mut self.hosts[host as usize];
        let was_paused = !state.paused_by.is_empty();
        state.paused_by.retain(|fault| !ended(*fault));
        if was_paused && state.paused_by.is_empty() && state.up {
            self.recorder.host(host, HostChange::Resumed);
            let parked = std::mem::take(&mut self.hosts[host as usize].parked);
            self.chores.push(Chore::Ready(parked));
        }
        let state = &mut self.hosts[host as usize];
        state.crashed_by.retain(|fault| !ended(*fault));
        if !state.up && state.crashed_by.is_empty() {
            self.chores.push(Chore::Restart(host));
        }
    }

    /// Starts the next incarnation of a host, once what is left of the last one was dropped.
    pub fn restart(&mut self, host: HostId) {
        let state = &mut self.hosts[host as usize];
        state.restart();
        let (incarnation, paused) = (state.incarnation, !state.runs());
        self.recorder.host(host, HostChange::Restarted(incarnation));
        if paused {
            self.recorder.host(host, HostChange::Paused);
        }
    }

    fn calm(&mut self) {
        for fault in self.network.calm() {
            self.recorder.fault_ended(fault);
        }
        for host in 0..self.hosts.len() as u32 {
            self.recover(host, |_| true);
        }
    }

    /// A partition also stops what is on the way.
    fn stop_flights(&mut self, fault: u32) {
        let network = &mut self.network;
        let mut stopped: Vec<(u64, u32, u32)> = self
            .flights
            .flying()
            .filter(|(_, flight)| network.stops(fault, flight.from.host, flight.to.host))
            .map(|(slot, flight)| (flight.id, flight.copy, slot))
            .collect();
        stopped.sort_unstable();
        for (id, copy, slot) in stopped {
            self.flights.get_mut(slot).state = State::Stopped;
            self.dropped(id, copy, DropReason::Partition);
        }
    }
}
