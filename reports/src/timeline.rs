//! The timeline in text: a column per host, time downwards, an arrow per datagram.

mod row;

use std::collections::BTreeMap;
use std::io::{self, Write};

use squall_sim::network::{Alteration, Cause, DropReason, HostId, Mark};
use squall_sim::protocol::Dissect;
use squall_sim::trace::{Endpoint, Event, HostChange, OpId, Step, Trace, What};

use squall_sim::text::{millis, visible};

use row::{Canvas, Row, Tone};

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns of the terminal; no line has more characters, if it is at least 40.
    pub width: usize,
    /// Whether to use colours.
    pub color: bool,
    /// Which rows to draw.
    pub extent: Extent,
}

/// Which rows of a timeline to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    Full,
    /// The first and the last ones, this many in all.
    Ends(usize),
    /// This many around a time, nanoseconds since the start.
    Around(u64, usize),
}

/// Draws the timeline of a trace. `dissect` names the datagrams.
///
/// # Errors
/// Those of `out`.
pub fn write(
    trace: &Trace,
    dissect: Option<Dissect>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut drawing = Drawing { trace, dissect, labels: BTreeMap::new(), runs: BTreeMap::new() };
    let mut rows: Vec<(u64, Row)> = Vec::new();
    for event in trace.events() {
        if !drawing.ends_arrow(&event, &mut rows) {
            rows.extend(drawing.row(&event).map(|row| (event.at, row)));
        }
    }
    let hosts: Vec<String> = trace.header.hosts.iter().map(|name| visible(name)).collect();
    let canvas = Canvas::new(&hosts, style.width, style.color);
    canvas.head(out)?;
    let mut next = 0;
    for (start, end) in extent(&rows, style.extent) {
        canvas.gap(start - next, out)?;
        for (at, row) in &rows[start..end] {
            canvas.row(*at, row, out)?;
        }
        next = end;
    }
    canvas.gap(rows.len() - next, out)
}

/// The rows to draw: pairs of first and past the last.
fn extent(rows: &[(u64, Row)], extent: Extent) -> Vec<(usize, usize)> {
    let all = rows.len();
    match extent {
        Extent::Ends(most) if all > most => {
            let tail = most / 3;
            vec![(0, most - tail), (all - tail, all)]
        }
        Extent::Around(at, most) if all > most => {
            let middle = rows.partition_point(|(time, _)| *time <= at);
            let start = middle.saturating_sub(most * 2 / 3).min(all - most);
            vec![(start, start + most)]
        }
        _ => vec![(0, all)],
    }
}

struct Drawing<'a> {
    trace: &'a Trace,
    dissect: Option<Dissect>,
    /// Datagrams so far: between which hosts, and what they are.
    labels: BTreeMap<u64, (Endpoint, Endpoint, String)>,
    /// How often each operation was executed so far.
    runs: BTreeMap<OpId, u32>,
}

impl Drawing<'_> {
    /// Ends the arrow drawn last in a cross, if the event is that its datagram is dropped there.
    fn ends_arrow(&self, event: &Event, rows: &mut [(u64, Row)]) -> bool {
        let What::Dropped { id, copy: 0, reason } = &event.what else { return false };
        match rows.last_mut() {
            Some((at, Row::Arrow { id: sent, dropped, .. })) if sent == id && *at == event.at => {
                *dropped = Some(visible(&self.trace.reason(*reason)));
                true
            }
            _ => false,
        }
    }

    fn row(&mut self, event: &Event) -> Option<Row> {
        Some(match &event.what {
            What::Sent { id, from, to, payload } => {
                let label = self.label(payload);
                self.labels.insert(*id, (*from, *to, label.clone()));
                Row::arrow(*id, from.host, to.host, label)
            }
            What::Marked { id, mark } => {
                let (from, _, label) = self.labels.get(id)?;
                let did = self.mark(*mark);
                Row::cell(from.host, format!("~ {label}: {did}"), Tone::Warning)
            }
            What::Dropped { id, copy, reason } => {
                let (from, to, label) = self.labels.get(id)?;
                let at = if is_on_the_way(*reason) { from.host } else { to.host };
                let reason = visible(&self.trace.reason(*reason));
                Row::cell(at, format!("x {label}{} dropped: {reason}", nth(*copy)), Tone::Bad)
            }
            What::Delivered { id, copy } => {
                let (from, to, label) = self.labels.get(id)?;
                let label = format!("{label}{}", nth(*copy));
                Row::Arrival { from: from.host, to: to.host, label }
            }
            What::Refused { at } => Row::cell(at.host, "connection refused".to_owned(), Tone::Bad),
            What::Operation { host, op, step, .. } => self.operation(*host, *op, *step),
            What::Damaged { host, op } => {
                let what = op.map_or("a message that nobody sent".to_owned(), |op| {
                    format!("{}, but damaged", visible(&self.trace.operation(op)))
                });
                Row::cell(*host, format!("! {what}"), Tone::Bad)
            }
            What::Reported { host, name } => {
                Row::cell(*host, format!("- {}", visible(name)), Tone::Plain)
            }
            What::Host { host, change } => Row::cell(*host, change_text(*change), Tone::Warning),
            What::FaultBegan { fault } => {
                Row::across(format!("{} begins", visible(self.trace.fault(*fault))))
            }
            What::FaultEnded { fault } => {
                Row::across(format!("{} ends", visible(self.trace.fault(*fault))))
            }
            What::Broke { host, message } => {
                Row::cell(*host, format!("broke: {}", visible(message)), Tone::Bad)
            }
        })
    }

    fn mark(&self, mark: Mark) -> String {
        let by = |cause| match cause {
            Cause::Link => "link".to_owned(),
            Cause::Fault(fault) => visible(self.trace.fault(fault)),
        };
        match mark {
            Mark::Duplicated { by: cause, copies: 1 } => format!("doubled ({})", by(cause)),
            Mark::Duplicated { by: cause, copies } => format!("+{copies} copies ({})", by(cause)),
            Mark::Corrupted { by: cause, how } => format!("{} ({})", altered(how), by(cause)),
            Mark::Delayed { by: cause, length } => {
                format!("+{} ms ({})", millis(length), by(cause))
            }
            Mark::Reordered => "skips the delay".to_owned(),
        }
    }

    fn label(&self, payload: &[u8]) -> String {
        match self.dissect.and_then(|dissect| dissect(payload)) {
            Some(dissection) => visible(&dissection.to_string()),
            None => format!("{} bytes", payload.len()),
        }
    }

    fn operation(&mut self, host: HostId, op: OpId, step: Step) -> Row {
        let (name, mut tone) = (visible(&self.trace.operation(op)), Tone::Good);
        let mut text = format!("= {} {name}", step.name());
        if matches!(step, Step::Delivered | Step::Executed) {
            let runs = self.runs.entry(op).or_insert(0);
            *runs += 1;
            if *runs > 1 {
                text.push_str(&format!(" ({runs}x)"));
                tone = Tone::Bad;
            }
        }
        if matches!(step, Step::Failed | Step::Unknown) {
            tone = Tone::Warning;
        }
        Row::cell(host, text, tone)
    }
}

fn altered(how: Alteration) -> String {
    match how {
        Alteration::Bits(1) => "1 bit flipped".to_owned(),
        Alteration::Bits(bits) => format!("{bits} bits flipped"),
        Alteration::Burst(bits) => format!("a burst over {bits} bits"),
        Alteration::SwapBytes(apart) => format!("2 bytes swapped, {apart} apart"),
        Alteration::Truncate(1) => "1 byte cut off".to_owned(),
        Alteration::Truncate(bytes) => format!("{bytes} bytes cut off"),
    }
}

/// True for drops that happen before the datagram reaches its host.
fn is_on_the_way(reason: DropReason) -> bool {
    match reason {
        DropReason::Loss
        | DropReason::Fault(_)
        | DropReason::Partition
        | DropReason::QueueFull
        | DropReason::TooBig => true,
        DropReason::BufferFull
        | DropReason::Checksum
        | DropReason::HostDown
        | DropReason::NoSocket => false,
    }
}

fn nth(copy: u32) -> String {
    if copy == 0 { String::new() } else { format!(" (copy {copy})") }
}

fn change_text(change: HostChange) -> String {
    match change {
        HostChange::Crashed => "### crashes ###".to_owned(),
        HostChange::Restarted(incarnation) => format!("### restarts ### incarnation {incarnation}"),
        HostChange::Paused => "||| pauses |||".to_owned(),
        HostChange::Resumed => "||| resumes |||".to_owned(),
        HostChange::ClockStepped(by) => {
            let sign = if by < 0 { '-' } else { '+' };
            format!("clock stepped by {sign}{} ms", millis(by.unsigned_abs()))
        }
        HostChange::MemoryCorrupted(bit) => format!("bit {bit} flipped in memory"),
        HostChange::DiskCorrupted(bit) => format!("bit {bit} flipped on disk"),
    }
}
