//! Pages: one file each, which loads nothing and opens from disk.

mod data;
mod template;

use std::io::{self, Write};

use maud::html;
use squall_sim::protocol::Dissect;
use squall_sim::text::visible;
use squall_sim::trace::{Event, Trace, What};

use crate::story::Story;
use template::{Diagram, document};

/// Events that a page has, at the most: an endless loop has millions.
pub const MAX_EVENTS: usize = 200_000;

/// Writes the page of a run. `dissect` names the datagrams.
///
/// # Errors
/// Those of `out`.
pub fn write(trace: &Trace, dissect: Option<Dissect>, out: &mut dyn Write) -> io::Result<()> {
    write_story(&Story::beginning(trace, dissect, MAX_EVENTS), out)
}

/// Writes the page of a run whose story is known.
///
/// # Errors
/// Those of `out`.
pub fn write_story(story: &Story<'_>, out: &mut dyn Write) -> io::Result<()> {
    let trace = story.trace;
    let title = visible(&trace.header.title);
    let body = html! {
        (template::head(trace))
        (template::diagrams(&[Diagram { name: "run", story, difference: None }]))
        (template::facts(story))
    };
    write!(out, "{}", document(&title, body))
}

/// Writes a page of two traces side by side, with the row marked from which on they differ. `dissects` name
/// the datagrams of each.
///
/// # Errors
/// Those of `out`.
pub fn write_comparison(
    traces: [&Trace; 2],
    dissects: [Option<Dissect>; 2],
    out: &mut dyn Write,
) -> io::Result<()> {
    let stories = [0, 1].map(|side| Story::beginning(traces[side], dissects[side], MAX_EVENTS));
    write_stories(&stories, out)
}

/// Writes a page of two runs whose stories are known side by side.
///
/// # Errors
/// Those of `out`.
pub fn write_stories(stories: &[Story<'_>; 2], out: &mut dyn Write) -> io::Result<()> {
    let traces = stories.each_ref().map(|story| story.trace);
    let difference = Difference::of(stories);
    let mark =
        |story: &Story<'_>| difference.row().map(|row| row.min(story.rows.len().saturating_sub(1)));
    let other = traces[0].header.scenario_hash != traces[1].header.scenario_hash;
    let title = traces.map(|trace| {
        let header = &trace.header;
        format!("{} (seed {})", visible(&header.scenario), header.seed)
    });
    let [left, right] = stories;
    let body = html! {
        div class="pair" { @for trace in traces { div { (template::head(trace)) } } }
        p class="note" {
            (difference.sentence())
            @if other { " They are of different scenarios." }
        }
        (template::diagrams(&[
            Diagram { name: "left", story: left, difference: mark(left) },
            Diagram { name: "right", story: right, difference: mark(right) },
        ]))
    };
    let title = format!("{} against {}", title[0], title[1]);
    write!(out, "{}", document(&title, body))
}

/// Where two traces part.
enum Difference {
    /// Nowhere.
    None,
    /// From this row on.
    Row(usize),
    /// At this event, counted from 1, which is behind those that the page has.
    Behind(usize),
}

impl Difference {
    fn of(stories: &[Story<'_>; 2]) -> Self {
        let [left, right] = stories.each_ref().map(|story| story.trace);
        // By names: the numbers of hosts and faults may differ.
        let is_same =
            |(a, b): &(Event, Event)| left.line(a) == right.line(b) && payload(a) == payload(b);
        let same = left.events().zip(right.events()).take_while(is_same).count();
        let rows = stories.each_ref().map(|story| story.row_of_event(same));
        let ends = [left, right].map(|trace| trace.events().nth(same).is_none());
        // What becomes of a datagram may be on the row of its sending on one side alone.
        let row = rows.into_iter().flatten().min();
        match (ends, row) {
            ([true, true], _) => Difference::None,
            (_, None) => Difference::Behind(same + 1),
            (_, Some(row)) => Difference::Row(row),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Difference::None => "The two traces are the same, event by event.".to_owned(),
            Difference::Row(_) => {
                "The traces are the same above the marked row; it, or its fate, is where they part."
                    .to_owned()
            }
            Difference::Behind(event) => format!(
                "The traces differ from event {event} on, which is behind those that are shown here."
            ),
        }
    }

    /// The row to mark on both sides.
    fn row(&self) -> Option<usize> {
        match self {
            Difference::Row(row) => Some(*row),
            Difference::None | Difference::Behind(_) => None,
        }
    }
}

fn payload(event: &Event) -> &[u8] {
    match &event.what {
        What::Sent { payload, .. } => payload,
        _ => &[],
    }
}
