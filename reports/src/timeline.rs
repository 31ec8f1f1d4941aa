//! The timeline in text: a column per host, time downwards, an arrow per datagram.

mod row;

use std::collections::BTreeMap;
use std::io::{self, Write};

use squall_sim::network::HostId;
use squall_sim::protocol::Dissect;
use squall_sim::trace::{Endpoint, Event, HostChange, OpId, Step, Trace, What};

use squall_sim::text::visible;

use crate::words;
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

/// Draws the timeline of a trace, each row as soon as it is known. `dissect` names the datagrams.
///
/// # Errors
/// Those of `out`.
pub fn write(
    trace: &Trace,
    dissect: Option<Dissect>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let hosts: Vec<String> = trace.header.hosts.iter().map(|name| visible(name)).collect();
    let canvas = Canvas::new(&hosts, style.width, style.color);
    canvas.head(out)?;
    let parts = extent(trace, dissect, style.extent);
    let (mut next, mut left_out) = (parts.into_iter().peekable(), 0);
    for (index, (at, row)) in rows(trace, dissect).enumerate() {
        next.next_if(|(_, end)| index >= *end);
        match next.peek().is_some_and(|(start, _)| index >= *start) {
            true => {
                canvas.gap(left_out, out)?;
                left_out = 0;
                canvas.row(at, &row, out)?;
            }
            false => left_out += 1,
        }
    }
    canvas.gap(left_out, out)
}

/// The rows to draw: pairs of first and past the last. What is drawn whole need not be counted first.
fn extent(trace: &Trace, dissect: Option<Dissect>, extent: Extent) -> Vec<(usize, usize)> {
    match extent {
        Extent::Full => vec![(0, usize::MAX)],
        Extent::Ends(most) => {
            let (all, tail) = (rows(trace, dissect).count(), most / 3);
            match all > most {
                true => vec![(0, most - tail), (all - tail, all)],
                false => vec![(0, all)],
            }
        }
        Extent::Around(at, most) => {
            let (mut all, mut before): (usize, usize) = (0, 0);
            for (time, _) in rows(trace, dissect) {
                all += 1;
                before += usize::from(time <= at);
            }
            let start = before.saturating_sub(most / 3 * 2).min(all.saturating_sub(most));
            vec![(start, start.saturating_add(most))]
        }
    }
}

/// All rows, with the time of each, in order.
fn rows(trace: &Trace, dissect: Option<Dissect>) -> impl Iterator<Item = (u64, Row)> + '_ {
    let mut drawing = Drawing { trace, dissect, labels: BTreeMap::new(), runs: BTreeMap::new() };
    let mut events = trace.events().peekable();
    std::iter::from_fn(move || {
        loop {
            let event = events.next()?;
            let Some(mut row) = drawing.row(&event) else { continue };
            // If its datagram is dropped at once, the arrow ends in a cross.
            if let Row::Arrow { id: sent, dropped, .. } = &mut row {
                let drop = events.next_if(|next| {
                    next.at == event.at
                        && matches!(next.what, What::Dropped { id, copy: 0, .. } if id == *sent)
                });
                if let Some(What::Dropped { reason, .. }) = drop.map(|event| event.what) {
                    *dropped = Some(visible(&trace.reason(reason)));
                }
            }
            return Some((event.at, row));
        }
    })
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
    fn row(&mut self, event: &Event) -> Option<Row> {
        Some(match &event.what {
            What::Sent { id, from, to, payload } => {
                let label = self.label(payload);
                self.labels.insert(*id, (*from, *to, label.clone()));
                Row::arrow(*id, from.host, to.host, label)
            }
            What::Marked { id, mark } => {
                let (from, _, label) = self.labels.get(id)?;
                let did = words::mark(self.trace, *mark);
                Row::cell(from.host, format!("~ {label}: {did}"), Tone::Warning)
            }
            What::Dropped { id, copy, reason } => {
                let (from, to, label) = self.labels.get(id)?;
                let at = if words::is_on_the_way(*reason) { from.host } else { to.host };
                let reason = visible(&self.trace.reason(*reason));
                Row::cell(
                    at,
                    format!("x {label}{} dropped: {reason}", words::nth(*copy)),
                    Tone::Bad,
                )
            }
            What::Delivered { id, copy } => {
                let (from, to, label) = self.labels.get(id)?;
                let label = format!("{label}{}", words::nth(*copy));
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
            What::Host { host, change } => Row::cell(*host, self::change(*change), Tone::Warning),
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

    fn label(&self, payload: &[u8]) -> String {
        words::label(words::dissected(self.dissect, payload).as_ref(), payload)
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

fn change(change: HostChange) -> String {
    match change {
        HostChange::Crashed => "### crashes ###".to_owned(),
        HostChange::Restarted(incarnation) => format!("### restarts ### incarnation {incarnation}"),
        HostChange::Paused => "||| pauses |||".to_owned(),
        HostChange::Resumed => "||| resumes |||".to_owned(),
        other => words::change(other),
    }
}
