//! Pages: one file each, which loads nothing and opens from disk.

mod data;
mod template;

use std::io::{self, Write};

use maud::html;
use squall_sim::protocol::Dissect;
use squall_sim::text::visible;
use squall_sim::trace::Trace;

use crate::story::Story;
use template::{Diagram, document};

/// Events that a page has, at the most: an endless loop has millions.
pub const MOST: usize = 200_000;

/// Writes the page of a run. `dissect` names the datagrams.
///
/// # Errors
/// Those of `out`.
pub fn write(trace: &Trace, dissect: Option<Dissect>, out: &mut dyn Write) -> io::Result<()> {
    write_story(&Story::beginning(trace, dissect, MOST), out)
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

/// Writes a page of two traces side by side, down to and from their first difference. `dissects` name the
/// datagrams of each.
///
/// # Errors
/// Those of `out`.
pub fn write_comparison(
    traces: [&Trace; 2],
    dissects: [Option<Dissect>; 2],
    out: &mut dyn Write,
) -> io::Result<()> {
    let stories = [0, 1].map(|side| Story::beginning(traces[side], dissects[side], MOST));
    let differences = first_difference(&stories);
    let title = traces.map(|trace| {
        let header = &trace.header;
        format!("{} (seed {})", visible(&header.scenario), header.seed)
    });
    let [left, right] = &stories;
    let body = html! {
        div class="pair" { @for trace in traces { div { (template::head(trace)) } } }
        (template::difference(differences))
        (template::diagrams(&[
            Diagram { name: "left", story: left, difference: differences[0] },
            Diagram { name: "right", story: right, difference: differences[1] },
        ]))
    };
    let title = format!("{} against {}", title[0], title[1]);
    write!(out, "{}", document(&title, body))
}

/// The first row of each that the other does not have; none if it has no more of them.
fn first_difference(stories: &[Story<'_>; 2]) -> [Option<usize>; 2] {
    let [left, right] = stories;
    let events = left.trace.events().zip(right.trace.events());
    let is_same = |(a, b): &(squall_sim::trace::Event, squall_sim::trace::Event)| {
        // By names: the numbers of hosts and faults may differ.
        left.trace.line(a) == right.trace.line(b) && payload(a) == payload(b)
    };
    let same = events.take_while(is_same).count();
    stories.each_ref().map(|story| story.row_of_event(same))
}

fn payload(event: &squall_sim::trace::Event) -> &[u8] {
    match &event.what {
        squall_sim::trace::What::Sent { payload, .. } => payload,
        _ => &[],
    }
}
