//! A trace as the diagrams see it: what became of each datagram and operation, on rows from top to bottom.

mod attribution;
mod build;

use std::collections::BTreeMap;

use squall_sim::network::HostId;
use squall_sim::protocol::{Dissect, Dissection};
use squall_sim::trace::{Endpoint, OpId, Step, Trace};

use crate::words;

/// All that a diagram shows of a trace.
#[derive(Debug)]
pub struct Story<'a> {
    /// The trace.
    pub trace: &'a Trace,
    /// Hosts from left to right.
    pub columns: Vec<HostId>,
    /// What happens, in order: a row each.
    pub rows: Vec<Row>,
    /// Datagrams, in the order in which they were sent.
    pub datagrams: Vec<Datagram>,
    /// Operations of the workload.
    pub operations: BTreeMap<OpId, Operation>,
    /// What lasts: partitions, crashes, pauses, incarnations.
    pub bands: Vec<Band>,
    /// How many events were read: not all have a row of their own.
    pub events: usize,
    /// Events behind those, which are left out.
    pub left_out: usize,
    /// The height of all rows, in tenths of a row.
    pub height: u32,
    /// The row at which to look first: where the violation is proven.
    pub look_at: Option<usize>,
}

/// One thing that happens.
#[derive(Debug)]
pub struct Row {
    /// Nanoseconds since the start.
    pub at: u64,
    /// The place of its event in the trace.
    pub event: usize,
    /// From the top, in tenths of a row.
    pub y: u32,
    /// What.
    pub what: Shown,
    /// The operation that it belongs to, as far as that shows.
    pub op: Option<OpId>,
}

/// What a row shows.
#[derive(Debug)]
pub enum Shown {
    /// The datagram at this place of the list leaves its host.
    Sent(usize),
    /// A datagram, or a copy, ends: it arrives or is dropped. Places in the lists.
    Ended {
        /// The datagram.
        datagram: usize,
        /// Which of its ends.
        end: usize,
    },
    /// Something on a host.
    Point {
        /// The host.
        host: HostId,
        /// What, in words.
        text: String,
        /// How it is meant.
        tone: Tone,
        /// The step of an operation, if it is one.
        step: Option<Step>,
    },
    /// Something that concerns all hosts.
    Across(String),
}

/// How a row is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// As it should be.
    Good,
    /// Out of the ordinary.
    Warning,
    /// Wrong.
    Bad,
}

impl Tone {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Tone::Plain => "plain",
            Tone::Good => "good",
            Tone::Warning => "warning",
            Tone::Bad => "bad",
        }
    }
}

/// A datagram and what became of it.
#[derive(Debug)]
pub struct Datagram {
    /// Its number, from 1.
    pub id: u64,
    /// When it was sent, nanoseconds since the start.
    pub at: u64,
    /// Where from.
    pub from: Endpoint,
    /// Where to.
    pub to: Endpoint,
    /// What it is, in a line.
    pub label: String,
    /// As much of that as has room beside an arrow.
    pub short: String,
    /// What its protocol says of it.
    pub dissection: Option<Dissection>,
    /// The UDP payload, as sent.
    pub payload: Vec<u8>,
    /// The row on which it is sent.
    pub row: usize,
    /// What was done to it on its way.
    pub marks: Vec<Marked>,
    /// How it and its copies ended. None: still on its way at the end.
    pub ends: Vec<End>,
}

/// Something done to a datagram.
#[derive(Debug)]
pub struct Marked {
    /// What.
    pub kind: MarkKind,
    /// In words, with the name of the fault that did it.
    pub text: String,
}

/// What can be done to a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// Copies were added.
    Duplicated,
    /// Its payload was altered.
    Corrupted,
    /// It was made to wait.
    Delayed,
    /// It skipped the link's delay.
    Reordered,
}

impl MarkKind {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            MarkKind::Duplicated => "duplicated",
            MarkKind::Corrupted => "corrupted",
            MarkKind::Delayed => "delayed",
            MarkKind::Reordered => "reordered",
        }
    }
}

/// How a datagram or a copy of it ended.
#[derive(Debug)]
pub struct End {
    /// Nanoseconds since the start.
    pub at: u64,
    /// Which copy: 0 is the original.
    pub copy: u32,
    /// The row: that of the sending, if it never got anywhere.
    pub row: usize,
    /// Why it was dropped, if it was.
    pub dropped: Option<Dropped>,
}

/// Why a datagram was dropped.
#[derive(Debug)]
pub struct Dropped {
    /// As it is written: `loss`, `fault:lose-first-ack`, ...
    pub reason: String,
    /// True if it did not reach its host.
    pub on_the_way: bool,
}

/// An operation and what became of it.
#[derive(Debug, Default)]
pub struct Operation {
    /// Its rows.
    pub rows: Vec<usize>,
    /// How often it was delivered or executed.
    pub executions: u32,
    /// The last step that its client saw.
    pub last: Option<Step>,
    /// When it was invoked, nanoseconds since the start.
    pub invoked_at: Option<u64>,
    /// When its client knew, or gave up.
    pub ended_at: Option<u64>,
}

/// Something that lasts.
#[derive(Debug)]
pub struct Band {
    /// The row on which it begins.
    pub first: usize,
    /// The row on which it ends; past the last one if it lasts.
    pub end: usize,
    /// What it is.
    pub kind: BandKind,
    /// In words.
    pub text: String,
}

/// What can last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BandKind {
    /// A fault on the network: its place in the file, and the hosts that it concerns; none if it
    /// concerns all.
    Fault(u32, Vec<HostId>),
    /// A host is down.
    Down(HostId),
    /// A host does not run.
    Paused(HostId),
    /// A life of a host behind its first one.
    Incarnation(HostId),
}

impl<'a> Story<'a> {
    /// Reads a trace. `dissect` names its datagrams.
    pub fn new(trace: &'a Trace, dissect: Option<Dissect>) -> Self {
        build::story(trace, dissect, usize::MAX)
    }

    /// Reads at most the first `most` events of a trace.
    pub fn beginning(trace: &'a Trace, dissect: Option<Dissect>, most: usize) -> Self {
        build::story(trace, dissect, most)
    }

    /// The y of a row's middle, in tenths of a row; of a row past the last one, the end.
    pub fn y(&self, row: usize) -> u32 {
        self.rows.get(row).map_or(self.height, |row| row.y)
    }

    /// At most `most` rows: all, the first ones, or those around the row to look at.
    pub fn rows_to_look_at(&self, most: usize) -> std::ops::Range<usize> {
        let all = self.rows.len();
        let before = self.look_at.map_or(0, |row| row.saturating_sub(most / 3 * 2));
        let first = before.min(all.saturating_sub(most));
        first..first.saturating_add(most).min(all)
    }

    /// The row that shows the event at this place of the trace: its own, or that of what it happened to.
    pub fn row_of_event(&self, event: usize) -> Option<usize> {
        let behind = self.rows.partition_point(|row| row.event <= event);
        behind.checked_sub(1).filter(|_| event < self.events)
    }

    /// Places from the left of neighbours that a band on the network is drawn over, first and last.
    pub(crate) fn spans(&self, hosts: &[HostId]) -> Vec<(usize, usize)> {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for (place, host) in self.columns.iter().enumerate() {
            if !hosts.is_empty() && !hosts.contains(host) {
                continue;
            }
            match spans.last_mut() {
                Some((_, last)) if *last + 1 == place => *last = place,
                _ => spans.push((place, place)),
            }
        }
        spans
    }

    /// The place of a host from the left.
    pub fn column(&self, host: HostId) -> usize {
        words::column(host, self.columns.len())
    }
}
