//! What the application saw: the life of every operation.

use crate::network::HostId;
use crate::trace::{OpId, Step};

/// How an operation ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has not ended.
    Pending,
    /// The client was told that it succeeded.
    Completed,
    /// The client was told that it did not and will not happen.
    Failed,
    /// The client gave up, or died, without knowing.
    Unknown,
}

/// One execution or delivery of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Nanoseconds since the start.
    pub at: u64,
    /// Where.
    pub host: HostId,
    /// That host's incarnation, from 1.
    pub incarnation: u32,
    /// [`Step::Delivered`] or [`Step::Executed`].
    pub step: Step,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// When it was issued, nanoseconds since the start.
    pub invoked_at: u64,
    /// The client's incarnation that issued it, from 1.
    pub incarnation: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended; 0 while it is pending.
    pub ended_at: u64,
    /// How often its client reported a retransmission while it was the only one under way, if a sweep's
    /// charts ask for it.
    pub(crate) retransmissions: u32,
    /// How often it was delivered or executed, over all incarnations.
    pub executions: u32,
    /// The first execution.
    pub first: Option<Execution>,
    /// The second one, which proves a violation of at-most-once.
    pub second: Option<Execution>,
}

/// A delivery that was out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disorder {
    /// What was delivered.
    pub op: OpId,
    /// The number of the same client that was due, or for the subsequence rule, the one before.
    pub other: u32,
    /// When, nanoseconds since the start.
    pub at: u64,
}

/// A delivery of something other than what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The operation whose identity it carried; `None` if that names no operation issued.
    pub op: Option<OpId>,
    /// When, nanoseconds since the start.
    pub at: u64,
}

/// One client's operations, and the order in which they were delivered.
#[derive(Clone, Debug, Default, PartialEq)]
struct Client {
    ops: Vec<Op>,
    delivered: u32,
    last: u32,
    gap: Option<Disorder>,
    inversion: Option<Disorder>,
    /// As many operations, from the first on, are known to have ended.
    settled: usize,
}

/// Operations for which a client gets room at once.
const RESERVE: u32 = 64;

/// The lives of all operations of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    clients: Vec<Client>,
    /// Per client.
    operations: u32,
    expected: u64,
    executions: u64,
    damage: Option<Damage>,
    unattributed: u64,
}

impl History {
    /// A history of `clients` clients, each of which should issue `operations`.
    pub(crate) fn new(clients: u32, operations: u32) -> Self {
        History {
            clients: vec![Client::default(); clients as usize],
            operations,
            expected: u64::from(clients) * u64::from(operations),
            ..History::default()
        }
    }

    fn client(&mut self, client: HostId) -> Option<&mut Client> {
        self.clients.get_mut((client as usize).checked_sub(1)?)
    }

    /// Issues the client's next operation.
    pub(crate) fn invoke(&mut self, client: HostId, incarnation: u32, at: u64) -> Option<OpId> {
        let most = self.operations.min(RESERVE) as usize;
        let ops = &mut self.client(client)?.ops;
        if ops.capacity() == 0 {
            ops.reserve_exact(most);
        }
        ops.push(Op {
            invoked_at: at,
            incarnation,
            outcome: Outcome::Pending,
            ended_at: 0,
            retransmissions: 0,
            executions: 0,
            first: None,
            second: None,
        });
        Some(OpId { client, number: ops.len() as u32 })
    }

    /// Records an execution. False if no such operation was issued.
    pub(crate) fn execute(&mut self, op: OpId, execution: Execution) -> bool {
        let at = execution.at;
        let Some(client) = self.client(op.client) else {
            return false;
        };
        let Some(index) = (op.number as usize).checked_sub(1) else {
            return false;
        };
        let Some(known) = client.ops.get_mut(index) else {
            return false;
        };
        known.executions += 1;
        match known.executions {
            1 => known.first = Some(execution),
            2 => known.second = Some(execution),
            _ => {}
        }
        client.delivered += 1;
        if op.number != client.delivered && client.gap.is_none() {
            client.gap = Some(Disorder { op, other: client.delivered, at });
        }
        if op.number <= client.last && client.inversion.is_none() {
            client.inversion = Some(Disorder { op, other: client.last, at });
        }
        client.last = op.number;
        self.executions += 1;
        true
    }

    /// Records a delivery that is not what was sent.
    pub(crate) fn damage(&mut self, op: Option<OpId>, at: u64) {
        self.damage.get_or_insert(Damage { op, at });
    }

    /// Ends an operation. False if it was not issued or had ended for good.
    pub(crate) fn end(&mut self, op: OpId, outcome: Outcome, at: u64) -> bool {
        let Some(index) = (op.number as usize).checked_sub(1) else {
            return false;
        };
        let Some(known) = self.client(op.client).and_then(|client| client.ops.get_mut(index))
        else {
            return false;
        };
        let open = matches!(known.outcome, Outcome::Pending)
            || (known.outcome == Outcome::Unknown && outcome != Outcome::Unknown);
        if open {
            known.outcome = outcome;
            known.ended_at = at;
        }
        open
    }

    /// Counts a retransmission of a client: of the operation that is under way, if it is the only one.
    pub(crate) fn retransmit(&mut self, client: HostId) {
        let Some(known) = self.client(client) else { return };
        let ended = |op: &Op| op.outcome != Outcome::Pending;
        while known.ops.get(known.settled).is_some_and(ended) {
            known.settled += 1;
        }
        match known.ops.get_mut(known.settled..) {
            Some([only]) => only.retransmissions = only.retransmissions.saturating_add(1),
            _ => self.unattributed += 1,
        }
    }

    /// Retransmissions of clients that had several operations under way, or none, if a sweep's charts ask for
    /// it.
    pub fn unattributed(&self) -> u64 {
        self.unattributed
    }

    /// The operations of a client that have not ended.
    pub(crate) fn pending_of(&self, client: HostId) -> Vec<OpId> {
        let Some(index) = (client as usize).checked_sub(1) else {
            return Vec::new();
        };
        let Some(known) = self.clients.get(index) else {
            return Vec::new();
        };
        let pending = known.ops.iter().zip(1..).filter(|(op, _)| op.outcome == Outcome::Pending);
        pending.map(|(_, number)| OpId { client, number }).collect()
    }

    /// The client's incarnation that issued an operation; `None` if none did.
    pub(crate) fn issued_in(&self, op: OpId) -> Option<u32> {
        let client = self.clients.get((op.client as usize).checked_sub(1)?)?;
        Some(client.ops.get((op.number as usize).checked_sub(1)?)?.incarnation)
    }

    /// How many operations a client has issued.
    pub(crate) fn issued_by(&self, client: HostId) -> u32 {
        let index = (client as usize).wrapping_sub(1);
        self.clients.get(index).map_or(0, |client| client.ops.len() as u32)
    }

    /// Every operation issued, by client and number.
    pub fn operations(&self) -> impl Iterator<Item = (OpId, &Op)> {
        self.clients.iter().zip(1..).flat_map(|(known, client)| {
            known.ops.iter().zip(1..).map(move |(op, number)| (OpId { client, number }, op))
        })
    }

    /// How many operations should be issued in all.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// How many executions there were in all.
    pub fn executions(&self) -> u64 {
        self.executions
    }

    /// The first delivery that was not what was sent.
    pub fn first_damage(&self) -> Option<Damage> {
        self.damage
    }

    /// The first delivery that was not the next of its sender: a gap, repetition or inversion.
    pub fn first_gap(&self) -> Option<Disorder> {
        self.clients.iter().filter_map(|client| client.gap).min_by_key(|gap| gap.at)
    }

    /// The first delivery that did not come after the one before it of its sender.
    pub fn first_inversion(&self) -> Option<Disorder> {
        self.clients.iter().filter_map(|client| client.inversion).min_by_key(|found| found.at)
    }

    /// True if every operation that should be issued was, and has ended.
    pub fn all_ended(&self) -> bool {
        let mut issued = 0;
        let ended = self.operations().all(|(_, op)| {
            issued += 1;
            op.outcome != Outcome::Pending
        });
        ended && issued >= self.expected
    }
}

impl Outcome {
    /// The step that ends an operation in this way.
    pub(crate) fn step(self) -> Option<Step> {
        match self {
            Outcome::Pending => None,
            Outcome::Completed => Some(Step::Completed),
            Outcome::Failed => Some(Step::Failed),
            Outcome::Unknown => Some(Step::Unknown),
        }
    }
}
