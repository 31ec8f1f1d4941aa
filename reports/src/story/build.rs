//! From events to the story.

use std::collections::BTreeMap;

use squall_sim::network::{HostId, Mark};
use squall_sim::protocol::Dissect;
use squall_sim::text::visible;
use squall_sim::trace::{Event, HostChange, OpId, Step, Trace, What};

use super::attribution::Attribution;
use super::{Band, BandKind, Datagram, Dropped, End, MarkKind, Marked, Row, Shown, Story, Tone};
use crate::words;

pub(super) fn story<'a>(trace: &'a Trace, dissect: Option<Dissect>, most: usize) -> Story<'a> {
    let columns = words::columns(trace.header.hosts.len());
    let story = Story {
        trace,
        columns: columns.into_iter().map(|host| host as HostId).collect(),
        rows: Vec::new(),
        datagrams: Vec::new(),
        operations: BTreeMap::new(),
        bands: Vec::new(),
        events: 0,
        left_out: 0,
        height: 0,
        look_at: None,
    };
    let mut builder = Builder {
        story,
        dissect,
        numbers: BTreeMap::new(),
        attribution: Attribution::default(),
        open: Vec::new(),
        event: 0,
    };
    for (place, event) in trace.events().enumerate() {
        if place >= most {
            builder.story.left_out += 1;
            continue;
        }
        builder.event = place;
        builder.event(event);
        builder.story.events = place + 1;
    }
    builder.finish()
}

struct Builder<'a> {
    story: Story<'a>,
    dissect: Option<Dissect>,
    /// The place of each datagram by its number.
    numbers: BTreeMap<u64, usize>,
    attribution: Attribution,
    /// The place in the trace of the event at hand.
    event: usize,
    /// Places of the bands that have not ended.
    open: Vec<usize>,
}

/// The action that ends all others.
const CALM: &str = "calm";

/// How it is told that software broke.
const BROKE: &str = "broke: ";

/// Tenths of a row between one row and the next.
const ROW: u32 = 10;

/// How much further down the next row is, if time passes in between: the logarithm, so that a timeout
/// is seen to be longer than a round trip, and a minute does not take a mile.
fn gap(nanos: u64) -> u32 {
    ROW + (nanos / 1000).checked_ilog2().map_or(0, |digits| 2 * (digits + 1))
}

impl<'a> Builder<'a> {
    fn event(&mut self, event: Event) {
        let at = event.at;
        match event.what {
            What::Sent { id, from, to, payload } => {
                let dissection = words::dissected(self.dissect, &payload);
                let label = words::label(dissection.as_ref(), &payload);
                let op =
                    self.attribution.operation(from.host, to.host, &payload, dissection.as_ref());
                let place = self.story.datagrams.len();
                self.numbers.insert(id, place);
                let row = self.row(at, Shown::Sent(place), op);
                self.story.datagrams.push(Datagram {
                    id,
                    at,
                    from,
                    to,
                    short: words::short(&label),
                    label,
                    dissection,
                    payload,
                    row,
                    marks: Vec::new(),
                    ends: Vec::new(),
                });
            }
            What::Marked { id, mark } => {
                let text = words::mark(self.story.trace, mark);
                let kind = match mark {
                    Mark::Duplicated { .. } => MarkKind::Duplicated,
                    Mark::Corrupted { .. } => MarkKind::Corrupted,
                    Mark::Delayed { .. } => MarkKind::Delayed,
                    Mark::Reordered => MarkKind::Reordered,
                };
                if let Some(place) = self.numbers.get(&id) {
                    self.story.datagrams[*place].marks.push(Marked { kind, text });
                }
            }
            What::Dropped { id, copy, reason } => {
                let dropped = Dropped {
                    reason: visible(&self.story.trace.reason(reason)),
                    on_the_way: words::is_on_the_way(reason),
                };
                self.ended(at, id, copy, Some(dropped));
            }
            What::Delivered { id, copy } => self.ended(at, id, copy, None),
            What::Refused { at: socket } => {
                self.point(at, socket.host, "connection refused".to_owned(), Tone::Bad);
            }
            What::Operation { host, op, step, .. } => self.operation(at, host, op, step),
            What::Damaged { host, op } => {
                let text = op.map_or("a message that nobody sent".to_owned(), |op| {
                    format!("{}, but damaged", visible(&self.story.trace.operation(op)))
                });
                let row = self.point(at, host, text, Tone::Bad);
                if let Some(op) = op {
                    self.belongs(row, op);
                }
            }
            What::Reported { host, name } => {
                self.point(at, host, visible(&name), Tone::Plain);
            }
            What::Host { host, change } => self.change(at, host, change),
            What::FaultBegan { fault } => self.fault_begins(at, fault),
            What::FaultEnded { fault } => {
                let name = visible(self.story.trace.fault(fault));
                let row = self.row(at, Shown::Across(format!("{name} ends")), None);
                self.end(row, |kind| matches!(kind, BandKind::Fault(one, _) if *one == fault));
            }
            What::Broke { host, message } => {
                self.point(at, host, format!("{BROKE}{}", visible(&message)), Tone::Bad);
            }
        }
    }

    fn row(&mut self, at: u64, what: Shown, op: Option<OpId>) -> usize {
        let place = self.story.rows.len();
        let above = self.story.rows.last().map_or((at, 0), |row| (row.at, row.y));
        let y = above.1.saturating_add(gap(at.saturating_sub(above.0)));
        self.story.rows.push(Row { at, event: self.event, y, what, op: None });
        if let Some(op) = op {
            self.belongs(place, op);
        }
        place
    }

    fn belongs(&mut self, row: usize, op: OpId) {
        self.story.rows[row].op = Some(op);
        self.story.operations.entry(op).or_default().rows.push(row);
    }

    fn point(&mut self, at: u64, host: HostId, text: String, tone: Tone) -> usize {
        self.row(at, Shown::Point { host, text, tone, step: None }, None)
    }

    fn ended(&mut self, at: u64, id: u64, copy: u32, dropped: Option<Dropped>) {
        let Some(&place) = self.numbers.get(&id) else { return };
        let datagram = &self.story.datagrams[place];
        // What goes nowhere at once is a cross on its arrow, not a row of its own.
        let is_last = datagram.row + 1 == self.story.rows.len();
        let at_once = at == datagram.at && copy == 0 && dropped.is_some() && is_last;
        let row = match at_once {
            true => datagram.row,
            false => {
                let op = self.story.rows[datagram.row].op;
                let shown = Shown::Ended { datagram: place, end: datagram.ends.len() };
                self.row(at, shown, op)
            }
        };
        self.story.datagrams[place].ends.push(End { at, copy, row, dropped });
    }

    fn operation(&mut self, at: u64, host: HostId, op: OpId, step: Step) {
        let name = visible(&self.story.trace.operation(op));
        if step == Step::Invoked {
            self.attribution.invoked(op);
        }
        let known = self.story.operations.entry(op).or_default();
        let mut text = format!("{} {name}", step.name());
        let mut tone = Tone::Good;
        match step {
            Step::Invoked => known.invoked_at = Some(at),
            Step::Delivered | Step::Executed => {
                known.executions += 1;
                if known.executions > 1 {
                    text.push_str(&format!(" ({}x)", known.executions));
                    tone = Tone::Bad;
                }
            }
            Step::Completed | Step::Failed | Step::Unknown => {
                known.ended_at = Some(at);
                self.attribution.ended(op);
                if step != Step::Completed {
                    tone = Tone::Warning;
                }
            }
        }
        if !matches!(step, Step::Delivered | Step::Executed) {
            known.last = Some(step);
        }
        self.row(at, Shown::Point { host, text, tone, step: Some(step) }, Some(op));
    }

    fn change(&mut self, at: u64, host: HostId, change: HostChange) {
        let row = self.point(at, host, words::change(change), Tone::Warning);
        let name = visible(self.story.trace.host(host));
        match change {
            HostChange::Crashed => {
                self.end(row, |kind| of_host(kind, host));
                self.begin(row, BandKind::Down(host), format!("{name} is down"));
            }
            HostChange::Restarted(incarnation) => {
                self.end(row, |kind| of_host(kind, host));
                let text = format!("{name}, incarnation {incarnation}");
                self.begin(row, BandKind::Incarnation(host), text);
            }
            HostChange::Paused => {
                self.begin(row, BandKind::Paused(host), format!("{name} is paused"));
            }
            HostChange::Resumed => self.end(row, |kind| *kind == BandKind::Paused(host)),
            HostChange::ClockStepped(_)
            | HostChange::MemoryCorrupted(_)
            | HostChange::DiskCorrupted(_) => {}
        }
    }

    fn fault_begins(&mut self, at: u64, fault: u32) {
        let name = visible(self.story.trace.fault(fault));
        let conclusion = self.story.trace.conclusion.as_ref();
        let known = conclusion.and_then(|all| all.faults.get(fault as usize));
        let action = known.map_or("fault".to_owned(), |fault| visible(&fault.action));
        let text = format!("{action}: {name}");
        let hosts = known.map(|fault| fault.hosts.clone()).unwrap_or_default();
        let row = self.row(at, Shown::Across(format!("{name} begins")), None);
        // From then on there is nothing wrong with the network.
        if known.is_none_or(|fault| fault.action != CALM) {
            self.begin(row, BandKind::Fault(fault, hosts), text);
        }
    }

    fn begin(&mut self, first: usize, kind: BandKind, text: String) {
        self.open.push(self.story.bands.len());
        self.story.bands.push(Band { first, end: usize::MAX, kind, text });
    }

    /// Ends the open bands that `which` picks.
    fn end(&mut self, row: usize, which: impl Fn(&BandKind) -> bool) {
        let bands = &mut self.story.bands;
        self.open.retain(|place| {
            let ends = which(&bands[*place].kind);
            if ends {
                bands[*place].end = row;
            }
            !ends
        });
    }

    /// The row that shows best what the conclusion points at.
    fn look_at(&self) -> Option<usize> {
        let (story, conclusion) = (&self.story, self.story.trace.conclusion.as_ref()?);
        let is_bad = |row: &Row| matches!(&row.what, Shown::Point { tone: Tone::Bad, .. });
        let Some(place) = conclusion.look_at else {
            // Software that broke says so itself.
            let broke = |row: &Row| matches!(&row.what, Shown::Point { text, .. } if text.starts_with(BROKE));
            return story.rows.iter().position(broke).filter(|_| conclusion.verdict == "fail");
        };
        // What the page does not have can not be looked at.
        if story.left_out > 0 && story.rows.last().is_none_or(|last| last.at < place.at) {
            return None;
        }
        let op = place.operation.map(|(client, number)| OpId { client, number });
        let rows: Vec<usize> = match op.and_then(|op| story.operations.get(&op)) {
            Some(operation) => operation.rows.clone(),
            None => (0..story.rows.len()).collect(),
        };
        let is_there = |row: &&usize| story.rows[**row].at == place.at;
        let is_point = |row: &&usize| matches!(&story.rows[**row].what, Shown::Point { .. });
        let there = || rows.iter().filter(is_there);
        there()
            .find(|row| is_bad(&story.rows[**row]))
            .or_else(|| there().rfind(is_point))
            .or_else(|| rows.iter().rfind(|row| story.rows[**row].at <= place.at))
            .copied()
    }

    fn finish(mut self) -> Story<'a> {
        let rows = self.story.rows.len();
        for place in std::mem::take(&mut self.open) {
            self.story.bands[place].end = rows;
        }
        self.story.height = self.story.rows.last().map_or(0, |row| row.y) + 2 * ROW;
        self.story.look_at = self.look_at();
        self.story
    }
}

/// True for what ends when the host crashes or restarts.
fn of_host(kind: &BandKind, host: HostId) -> bool {
    match kind {
        BandKind::Down(one) | BandKind::Paused(one) | BandKind::Incarnation(one) => *one == host,
        BandKind::Fault(..) => false,
    }
}
