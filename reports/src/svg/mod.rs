//! The space-time diagram as one SVG picture: a column per host, time downwards, an arrow per datagram.
//! L. Lamport, "Time, clocks, and the ordering of events in a distributed system" (CACM 21(7), 1978).

mod arrow;
mod glyphs;

use std::ops::Range;

use maud::{Markup, PreEscaped, html};
use squall_sim::network::HostId;
use squall_sim::text::{millis, visible};

use crate::story::{Band, BandKind, Shown, Story, Tone};
pub(crate) use glyphs::definitions;

/// The style of diagrams, here and in pages.
pub(crate) const STYLE: &str = include_str!("diagram.css");

/// Pixels for a tenth of a row.
const SCALE: i64 = 2;
/// Above the first row: the hosts' names.
const TOP: i64 = 40;

/// Where things are, in pixels.
struct Geometry<'a> {
    story: &'a Story<'a>,
    rows: Range<usize>,
    /// Between columns.
    lane: i64,
    /// Left of the first column: the time, and what happens on its host.
    left: i64,
    /// Right of the last column: what happens on its host.
    right: i64,
    /// Where the time ends; none is shown at 0.
    time: i64,
    /// The height in the story at which the picture begins, in tenths of a row.
    top: i64,
}

impl<'a> Geometry<'a> {
    fn new(story: &'a Story<'a>, rows: Range<usize>) -> Self {
        let lane = match story.columns.len() {
            0..=2 => 400,
            3 => 300,
            _ => 220,
        };
        let top = i64::from(story.y(rows.start)) - 10;
        Geometry { story, rows, lane, left: 270, right: 230, time: 78, top }
    }

    /// Narrower, so that letters can be read when the picture is small.
    fn small(self) -> Self {
        Geometry { lane: self.lane / 2, left: 150, right: 190, time: 0, ..self }
    }

    fn x(&self, host: HostId) -> i64 {
        self.column(self.story.column(host))
    }

    fn column(&self, place: usize) -> i64 {
        self.left + place as i64 * self.lane
    }

    /// Above or below the picture for rows that are not in it.
    fn y(&self, row: usize) -> i64 {
        TOP + (i64::from(self.story.y(row)) - self.top) * SCALE
    }

    fn width(&self) -> i64 {
        self.column(self.story.columns.len().saturating_sub(1)) + self.right
    }

    fn bottom(&self) -> i64 {
        self.y(self.rows.end.saturating_sub(1)).max(TOP) + 20
    }
}

/// Draws at most `most` rows of a story: all of them, or those around the row to look at.
pub fn picture(story: &Story<'_>, most: usize) -> String {
    let rows = story.rows_to_look_at(most);
    let geometry = Geometry::new(story, rows.clone());
    let (width, height) = (geometry.width(), geometry.bottom() + 20);
    let (title, left_out) = (title(story), story.rows.len() - rows.len());
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {height}"))
            width=(width) height=(height) role="img" aria-label=(title) class="squall-diagram" {
            title { (title) }
            style { (PreEscaped(STYLE)) }
            (definitions())
            rect class="paper" width=(width) height=(height) {}
            (drawing(&geometry))
            @if left_out > 0 {
                text class="note" x=(width / 2) y=(height - 6) text-anchor="middle" {
                    (left_out) " of " (story.rows.len()) " rows are left out"
                }
            }
        }
    };
    markup.into_string()
}

/// A small picture of at most `most` rows, for a page that has the style and the definitions already. It
/// says nothing that the text beside it does not.
pub(crate) fn thumbnail(story: &Story<'_>, most: usize) -> Markup {
    let geometry = Geometry::new(story, story.rows_to_look_at(most)).small();
    let (width, height) = (geometry.width(), geometry.bottom() + 10);
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) class="squall-diagram" aria-hidden="true" {
            (drawing(&geometry))
        }
    }
}

fn drawing(geometry: &Geometry<'_>) -> Markup {
    let height = geometry.bottom() - TOP;
    html! {
        (bands(geometry))
        (lanes(geometry))
        // What begins above or ends below is cut off at the edge.
        svg x="0" y=(TOP) width=(geometry.width()) height=(height)
            viewBox=(format!("0 {TOP} {} {height}", geometry.width())) {
            @for row in geometry.rows.clone() { (self::row(geometry, row)) }
        }
    }
}

fn title(story: &Story<'_>) -> String {
    let header = &story.trace.header;
    format!("{}, seed {}", visible(&header.title), header.seed)
}

fn lanes(geometry: &Geometry<'_>) -> Markup {
    let bottom = geometry.bottom();
    html! {
        @if geometry.time > 0 { text class="time" x=(geometry.time) y="18" text-anchor="end" { "ms" } }
        @for host in &geometry.story.columns {
            @let x = geometry.x(*host);
            text class="host" x=(x) y="18" text-anchor="middle" {
                (visible(geometry.story.trace.host(*host)))
            }
            line class="lane" x1=(x) x2=(x) y1="26" y2=(bottom) {}
        }
    }
}

fn bands(geometry: &Geometry<'_>) -> Markup {
    let seen = |band: &&Band| band.first < geometry.rows.end && band.end >= geometry.rows.start;
    let around = |host: HostId, half: i64| vec![(geometry.x(host) - half, 2 * half)];
    html! {
        @for band in geometry.story.bands.iter().filter(seen) {
            @let y = geometry.y(band.first).max(TOP);
            @let height = (geometry.y(band.end).min(geometry.bottom()) - y).max(0);
            @let (class, parts) = match &band.kind {
                BandKind::Fault(_, hosts) => ("band fault", spans(geometry, hosts)),
                BandKind::Down(host) => ("band down", around(*host, 9)),
                BandKind::Paused(host) => ("band paused", around(*host, 9)),
                BandKind::Incarnation(host) => ("band incarnation", around(*host, 4)),
            };
            @for (x, width) in parts {
                rect class=(class) x=(x) y=(y) width=(width) height=(height) { title { (band.text) } }
            }
        }
    }
}

/// Where a fault on the network lies: from some pixel on, and how wide.
fn spans(geometry: &Geometry<'_>, hosts: &[HostId]) -> Vec<(i64, i64)> {
    let spans = geometry.story.spans(hosts).into_iter();
    let part = |(first, last)| {
        (geometry.column(first) - 30, geometry.column(last) - geometry.column(first) + 60)
    };
    spans.map(part).collect()
}

fn row(geometry: &Geometry<'_>, place: usize) -> Markup {
    let Some(row) = geometry.story.rows.get(place) else { return html! {} };
    let y = geometry.y(place);
    let before = place.checked_sub(1).filter(|before| *before >= geometry.rows.start);
    let is_new = before.is_none_or(|before| geometry.story.rows[before].at != row.at);
    html! {
        @if is_new && geometry.time > 0 { text class="time" x=(geometry.time) y=(y + 4) text-anchor="end" { (millis(row.at)) } }
        @match &row.what {
            Shown::Sent(datagram) => (arrow::sent(geometry, *datagram)),
            Shown::Ended { datagram, end } => (arrow::late(geometry, *datagram, *end)),
            Shown::Point { host, text, tone, .. } => (point(geometry, *host, text, *tone, y)),
            Shown::Across(text) => {
                @let middle = geometry.width() - geometry.right + 20;
                line class="across" x1=(geometry.left - 30) x2=(geometry.width() - geometry.right + 30) y1=(y) y2=(y) {}
                text class="across" x=(middle) y=(y - 4) { (text) }
            }
        }
    }
}

fn point(geometry: &Geometry<'_>, host: HostId, text: &str, tone: Tone, y: i64) -> Markup {
    let x = geometry.x(host);
    // The first host's events stand to the left of it, away from the arrows.
    let (at, anchor) = match geometry.story.column(host) {
        0 => (x - 12, "end"),
        _ => (x + 12, "start"),
    };
    html! {
        circle class={ "dot " (tone.name()) } cx=(x) cy=(y) r="4" {}
        text class={ "event " (tone.name()) } x=(at) y=(y + 4) text-anchor=(anchor) { (text) }
    }
}
