//! One simulation: clock, event queue, hosts, sockets, timers, and the network between them.

mod clock;
mod current;
mod disk;
mod faults;
mod flight;
mod host;
mod queue;
mod socket;
mod timer;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use async_task::{Runnable, Task};

pub(crate) use current::{Installed, once, poll_host, with, with_host, with_live_host, world_id};
pub(crate) use disk::Disk;
pub use disk::MAX_FILE;
pub(crate) use host::{Host, Tag};
pub use socket::MAX_PAYLOAD;
pub(crate) use socket::SocketKey;
pub(crate) use timer::TimerKey;

use crate::engine::panic::Described;
use crate::history::{Execution, History, Outcome};
use crate::network::{DropReason, Fate, HostId, Network, Packet, Plain, Trigger, address};
use crate::plan::Plan;
use crate::protocol::{ORPHAN, Protocol, RETRANSMISSION};
use crate::trace::{Endpoint, OpId, Recorder, Step};
use crate::workload;

use faults::Exposed;
use flight::{Flight, Flights, State};
use queue::{Due, Queue};
use socket::{Arrival, Sockets};
use timer::Timers;

/// What a run adds up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams handed to the network.
    pub sent: u64,
    /// Payload bytes handed to the network.
    pub bytes: u64,
    /// Datagrams, copies included, put into a receive buffer.
    pub delivered: u64,
    /// Datagrams, copies included, that went no further.
    pub dropped: u64,
    /// Copies that the network added.
    pub duplicated: u64,
    /// Datagrams that the network altered.
    pub corrupted: u64,
    /// Drops by reason.
    pub drops: BTreeMap<DropReason, u64>,
    /// Times a task of a host was polled.
    pub wakeups: u64,
    /// Reports of host software, by name.
    pub reports: BTreeMap<String, u64>,
    /// The most entries of memory that all hosts together reported to hold at one time.
    pub peak_memory_entries: u64,
}

/// What an engine must do for the world, outside its borrow.
pub(crate) enum Chore {
    /// Drop a crashed host's tasks.
    Kill { host: HostId, tasks: Vec<Task<(), Tag>>, parked: Vec<Runnable<Tag>> },
    /// Let a host start its next incarnation.
    Restart(HostId),
    /// Let tasks run that waited for their host to resume.
    Ready(Vec<Runnable<Tag>>),
}

/// Calls that a task may make in one poll.
const CALLS_PER_POLL: u64 = 1_000_000;

/// One simulation.
pub(crate) struct World {
    pub id: u64,
    pub plan: Arc<Plan>,
    /// True time, nanoseconds since the start.
    pub now: u64,
    pub queue: Queue,
    pub network: Network,
    pub hosts: Vec<Host>,
    pub sockets: Sockets,
    pub timers: Timers,
    pub recorder: Recorder,
    pub history: History,
    pub counts: Counts,
    /// Calls of host software since its task was polled.
    pub calls: u64,
    /// The host whose software is running (event engine).
    pub running: Option<HostId>,
    /// To be done outside the borrow, in this order.
    pub chores: Vec<Chore>,
    /// To be dropped outside the borrow.
    pub garbage: Vec<Waker>,
    /// To be woken outside the borrow.
    pub wakes: Vec<Waker>,
    /// Messages of host software that ended with an error.
    pub errors: Vec<String>,
    /// The events that the protocol declares; if it declares none, it may report any.
    events: Vec<&'static str>,
    /// Whether executions are reported whose caller's incarnation has ended.
    reports_orphans: bool,
    /// Whether retransmissions are counted for the operations that they are of.
    pub counts_attempts: bool,
    flights: Flights,
    /// Until when each fault is in force, nanoseconds; 0 if it has not begun.
    fault_ends: Vec<u64>,
    /// Faults that wait for those before them to begin.
    triggered: VecDeque<u32>,
    begins_faults: bool,
    listens: bool,
    memory_entries: u64,
}

impl World {
    pub fn new(plan: Arc<Plan>, protocol: &Protocol, keep_trace: bool) -> Box<Self> {
        let names = plan.hosts.iter().map(|host| host.name.clone()).collect();
        let links = plan.links.clone().into();
        let dissect = protocol.dissect();
        let network = Network::new(plan.seed, names, links, &plan.faults, dissect);
        let mut queue = Queue::default();
        for (fault, index) in plan.faults.iter().zip(0..) {
            if let Trigger::At(at) = fault.trigger {
                queue.push(at, Due::FaultBegins(index));
            }
        }
        Box::new(World {
            id: 0,
            now: 0,
            queue,
            listens: network.listens(),
            network,
            hosts: plan.hosts.iter().map(Host::new).collect(),
            sockets: Sockets::default(),
            timers: Timers::default(),
            recorder: Recorder::new(keep_trace),
            history: History::new(plan.clients, plan.workload.operations),
            counts: Counts::default(),
            calls: 0,
            running: None,
            chores: Vec::new(),
            garbage: Vec::new(),
            wakes: Vec::new(),
            errors: Vec::new(),
            reports_orphans: protocol.spec().events.contains(&ORPHAN),
            counts_attempts: false,
            events: protocol.spec().events.clone(),
            flights: Flights::default(),
            fault_ends: vec![0; plan.faults.len()],
            triggered: VecDeque::new(),
            begins_faults: false,
            memory_entries: 0,
            plan,
        })
    }

    /// Sets the clock.
    #[inline]
    pub fn set_now(&mut self, now: u64) {
        self.now = now;
        self.recorder.at = now;
    }

    /// Counts a call of host software, which must let go of the thread now and then.
    #[inline]
    pub fn count_call(&mut self) {
        self.calls += 1;
        assert!(
            self.calls <= CALLS_PER_POLL,
            "an endless loop: {CALLS_PER_POLL} calls into the simulation without ever waiting"
        );
    }

    /// True if something is to be done outside the borrow.
    #[inline]
    pub fn has_chores(&self) -> bool {
        !self.chores.is_empty() || !self.garbage.is_empty() || !self.wakes.is_empty()
    }

    /// The time of the next event that matters, after forgetting those that no longer do.
    #[inline]
    pub fn next_event(&mut self) -> Option<u64> {
        loop {
            let (at, due) = self.queue.peek()?;
            let matters = match due {
                Due::Timer { slot, generation } => self.timers.is_waiting(slot, generation),
                Due::Refusal { socket, generation } => {
                    self.sockets.get(socket, generation).is_some()
                }
                Due::Arrival(flight) => self.flights.get(flight).state == State::Flying,
                Due::FaultBegins(_) | Due::FaultEnds(_) => !self.network.is_calm(),
            };
            if matters {
                return Some(at);
            }
            if let Some(Due::Arrival(flight)) = self.queue.pop() {
                self.flights.release(flight);
            }
        }
    }

    /// Begins the faults that act at the very start.
    pub fn begin_first_faults(&mut self) {
        while let Some((0, Due::FaultBegins(fault))) = self.queue.peek() {
            self.queue.pop();
            self.begin_faults([fault], None);
        }
    }

    /// Handles the next event. Hands out a socket's waker, to be woken outside and put back.
    #[inline]
    pub fn handle_event(&mut self) -> Option<(u32, Waker)> {
        match self.queue.pop()? {
            Due::Arrival(flight) => self.arrive(flight),
            Due::Timer { slot, generation } => {
                if let Some(waker) = self.timers.fire(slot, generation) {
                    self.wakes.push(waker);
                }
                None
            }
            Due::Refusal { socket, generation } => self.learn_refusal(socket, generation),
            Due::FaultBegins(fault) => {
                self.begin_faults([fault], None);
                None
            }
            Due::FaultEnds(fault) => {
                self.end_fault(fault);
                None
            }
        }
    }

    /// The address of a host by name.
    pub fn lookup(&self, name: &str) -> Option<std::net::IpAddr> {
        let host = self.plan.hosts.iter().position(|host| host.name == name)?;
        Some(address(host as HostId).into())
    }

    /// Hands a datagram to the network.
    #[inline]
    fn transmit(&mut self, from: Endpoint, to: Endpoint, payload: &[u8]) {
        self.counts.sent += 1;
        self.counts.bytes += payload.len() as u64;
        let id = self.counts.sent;
        self.recorder.sent(id, from, to, payload);
        match self.network.transmit_plainly(self.now, from.host, to.host) {
            Plain::Arrives(at) => drop(self.launch(at, id, 0, from, to, payload)),
            Plain::Lost => self.dropped(id, 0, DropReason::Loss),
            Plain::No => self.transmit_slowly(id, from, to, payload),
        }
    }

    fn transmit_slowly(&mut self, id: u64, from: Endpoint, to: Endpoint, payload: &[u8]) {
        let packet = Packet { from: from.host, to: to.host, payload };
        let mut fate = Fate::default();
        self.network.transmit_slowly(self.now, &packet, &mut fate);
        for mark in &fate.marks {
            self.recorder.marked(id, *mark);
        }
        if let Some(reason) = fate.dropped {
            self.dropped(id, 0, reason);
        }
        self.counts.corrupted += u64::from(fate.altered.is_some());
        let arriving = fate.altered.as_deref().unwrap_or(payload);
        let mut copies = 0;
        for (at, copy) in fate.arrivals.iter().zip(0..) {
            let flight = self.launch(at, id, copy, from, to, arriving);
            flight.checksum_fails = fate.checksum_fails;
            copies = copy + 1;
        }
        for overflow in 0..fate.overflowed {
            self.dropped(id, copies + overflow, DropReason::QueueFull);
        }
        let made = u64::from(copies + fate.overflowed);
        self.counts.duplicated += made.saturating_sub(1);
        if !fate.triggered.is_empty() {
            self.begin_faults(fate.triggered, None);
        }
    }

    /// Sends a datagram, or a copy, on its way.
    #[inline]
    fn launch(
        &mut self,
        at: u64,
        id: u64,
        copy: u32,
        from: Endpoint,
        to: Endpoint,
        payload: &[u8],
    ) -> &mut Flight {
        let (slot, flight) = self.flights.launch(id, copy, from, to, payload);
        self.queue.push(at, Due::Arrival(slot));
        flight
    }

    #[inline]
    fn arrive(&mut self, slot: u32) -> Option<(u32, Waker)> {
        let flight = self.flights.get(slot);
        let (id, copy) = (flight.id, flight.copy);
        let arrival = match flight.checksum_fails {
            true => Arrival::Dropped(DropReason::Checksum),
            false => self.receive(slot),
        };
        // The order of the record matters: delivery comes before what it causes.
        match arrival {
            Arrival::Buffered(waker) => {
                self.counts.delivered += 1;
                self.recorder.delivered(id, copy);
                waker
            }
            Arrival::Dropped(reason) => {
                self.flights.release(slot);
                self.dropped(id, copy, reason);
                None
            }
        }
    }

    fn dropped(&mut self, id: u64, copy: u32, reason: DropReason) {
        self.counts.dropped += 1;
        *self.counts.drops.entry(reason).or_insert(0) += 1;
        self.recorder.dropped(id, copy, reason);
    }

    /// A host's disk.
    pub fn disk(&mut self, host: HostId) -> &mut Disk {
        self.hosts[host as usize].disk.get_or_insert_default()
    }

    /// True if datagrams are on the way or wait to be received, or timers wait to go off.
    pub fn is_unsettled(&self) -> bool {
        self.flights.flying().next().is_some()
            || self.sockets.holds_datagrams()
            || self.timers.wait()
    }

    /// Host software reports an event, and exposes bytes in its memory to faults that wait for it.
    pub fn report(&mut self, host: HostId, name: &str, bytes: &mut [u8]) {
        self.note_report(host, name);
        if self.counts_attempts && name == RETRANSMISSION {
            self.history.retransmit(host);
        }
        self.trigger(name, Exposed { host, bytes });
    }

    fn note_report(&mut self, host: HostId, name: &str) {
        match self.counts.reports.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                self.counts.reports.insert(name.to_owned(), 1);
                self.check_declared(host, name);
            }
        }
        self.recorder.reported(host, name);
    }

    /// A slip in a name would go unnoticed: the fault that waits for the right one never hits.
    fn check_declared(&mut self, host: HostId, name: &str) {
        if !self.events.is_empty() && !self.events.contains(&name) {
            let (host, name) = (self.plan.host_name(host), crate::text::quote(name));
            let declared = crate::text::listed(self.events.iter().copied());
            self.errors.push(format!(
                "{host} reported {name}, which its protocol does not declare; it declares {declared}"
            ));
        }
    }

    #[inline]
    fn trigger(&mut self, event: &str, exposed: Exposed<'_>) {
        if self.listens {
            let triggered = self.network.report(exposed.host, event);
            self.begin_faults(triggered, Some(exposed));
        }
    }

    /// True if a client has operations left to issue.
    pub fn has_operations_left(&self, host: HostId) -> bool {
        self.history.issued_by(host) < self.plan.workload.operations
    }

    /// A client issues its next operation; `None` once it has issued all.
    pub fn invoke(&mut self, host: HostId) -> Option<OpId> {
        if !self.has_operations_left(host) {
            return None;
        }
        let incarnation = self.hosts[host as usize].incarnation;
        let op = self.history.invoke(host, incarnation, self.now)?;
        self.operation(host, op, Step::Invoked);
        Some(op)
    }

    #[inline]
    fn operation(&mut self, host: HostId, op: OpId, step: Step) {
        let incarnation = self.hosts[host as usize].incarnation;
        self.recorder.operation(host, incarnation, op, step);
        self.trigger(step.name(), Exposed { host, bytes: &mut [] });
    }

    /// The server was given a message, or ran the call in it.
    pub fn execute(&mut self, host: HostId, bytes: &[u8], step: Step) -> Option<OpId> {
        let op = workload::identify(bytes);
        let issued =
            op.filter(|op| op.number >= 1 && op.number <= self.history.issued_by(op.client));
        let intact = issued.is_some_and(|op| workload::is_message(&self.plan.workload, op, bytes));
        if !intact {
            self.history.damage(issued, self.now);
            self.recorder.damaged(host, issued);
        }
        let op = issued?;
        let incarnation = self.hosts[host as usize].incarnation;
        let execution = Execution { at: self.now, host, incarnation, step };
        self.history.execute(op, execution);
        if step == Step::Executed && self.reports_orphans && self.is_orphan(op) {
            // Both happen at once: what the first triggers must not come between them.
            self.recorder.operation(host, incarnation, op, step);
            self.note_report(host, ORPHAN);
            for event in [step.name(), ORPHAN] {
                self.trigger(event, Exposed { host, bytes: &mut [] });
            }
        } else {
            self.operation(host, op, step);
        }
        Some(op)
    }

    /// True if the incarnation of the client that issued an operation has ended.
    fn is_orphan(&self, op: OpId) -> bool {
        let caller = &self.hosts[op.client as usize];
        !caller.up || self.history.issued_in(op) != Some(caller.incarnation)
    }

    /// A client's operation ends.
    pub fn end_operation(&mut self, host: HostId, op: OpId, outcome: Outcome) {
        if op.client == host {
            self.settle_operation(host, op, outcome);
        }
    }

    fn settle_operation(&mut self, host: HostId, op: OpId, outcome: Outcome) {
        if let Some(step) = outcome.step().filter(|_| self.history.end(op, outcome, self.now)) {
            self.operation(host, op, step);
        }
    }

    /// A host says how many entries of memory it holds.
    pub fn set_memory_entries(&mut self, host: HostId, entries: u64) {
        let state = &mut self.hosts[host as usize];
        self.memory_entries = self.memory_entries.saturating_sub(state.memory_entries);
        self.memory_entries = self.memory_entries.saturating_add(entries);
        state.memory_entries = entries;
        self.counts.peak_memory_entries = self.counts.peak_memory_entries.max(self.memory_entries);
    }

    /// A host's main task has ended. Of a host that has just crashed, the result has no effect.
    pub fn finish(&mut self, host: HostId, result: Result<(), String>) {
        if !self.hosts[host as usize].up {
            return;
        }
        self.hosts[host as usize].finished = true;
        if let Err(message) = result {
            self.recorder.broke(host, &message);
            let name = self.plan.host_name(host);
            self.errors.push(format!("{name} ended with an error: {message}"));
        }
    }

    /// A host's software panicked. Says why the run has to stop, unless the host has just crashed.
    pub fn panicked(&mut self, host: HostId, described: &Described) -> Option<String> {
        if !self.hosts[host as usize].up {
            return None;
        }
        self.recorder.broke(host, &described.message);
        Some(format!("host software of {} panicked: {described}", self.plan.host_name(host)))
    }
}
