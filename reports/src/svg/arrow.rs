//! Arrows: a datagram from its sending to each of its ends.

use maud::{Markup, html};

use super::Geometry;
use super::glyphs::{glyph, mark};
use crate::story::{Datagram, End};

/// How far what is lost on the way gets, in hundredths of the way.
const LOST: i64 = 55;

/// How far down an arrow gets that ends on the row on which it begins, pixels.
const SLOPE: i64 = 14;

/// The datagram's arrows with their label, on the row on which it is sent.
pub(super) fn sent(geometry: &Geometry<'_>, place: usize) -> Markup {
    let datagram = &geometry.story.datagrams[place];
    let (x, y) = start(geometry, datagram);
    let away = direction(geometry, datagram);
    let anchor = if away > 0 { "start" } else { "end" };
    html! {
        @for end in &datagram.ends { (arrow(geometry, datagram, end)) }
        @if datagram.ends.is_empty() { (on_its_way(geometry, datagram)) }
        @for (nth, one) in (0..).zip(&datagram.marks) {
            (mark(one.kind, x + away * (150 + 18 * nth), y + 5))
        }
        text class="label" x=(x + away * 10) y=(y - 4) text-anchor=(anchor) {
            (datagram.short)
            @for one in &datagram.marks {
                tspan class=(one.kind.name()) { " " (one.text) }
            }
        }
    }
}

/// What ends on a row of its own, of a datagram whose sending is not drawn.
pub(super) fn late(geometry: &Geometry<'_>, place: usize, end: usize) -> Markup {
    let datagram = &geometry.story.datagrams[place];
    match datagram.ends.get(end).filter(|_| datagram.row < geometry.rows.start) {
        Some(end) => arrow(geometry, datagram, end),
        None => html! {},
    }
}

fn start(geometry: &Geometry<'_>, datagram: &Datagram) -> (i64, i64) {
    (geometry.x(datagram.from.host), geometry.y(datagram.row))
}

/// 1 to the right, -1 to the left.
fn direction(geometry: &Geometry<'_>, datagram: &Datagram) -> i64 {
    if geometry.x(datagram.to.host) >= geometry.x(datagram.from.host) { 1 } else { -1 }
}

fn arrow(geometry: &Geometry<'_>, datagram: &Datagram, end: &End) -> Markup {
    let (x, y) = start(geometry, datagram);
    let to = geometry.x(datagram.to.host);
    let down = match end.row == datagram.row {
        true => y + SLOPE,
        false => geometry.y(end.row),
    };
    let copy = if end.copy > 0 { " copy" } else { "" };
    let away = direction(geometry, datagram);
    match &end.dropped {
        None if to == x => html! {
            path class={ "arrow" (copy) } marker-end="url(#head)"
                d=(format!("M{x} {y} h40 V{down} h-36")) {}
        },
        None => html! {
            line class={ "arrow" (copy) } x1=(x) y1=(y) x2=(to - away * 3) y2=(down)
                marker-end="url(#head)" {}
        },
        Some(dropped) => {
            let lost = if dropped.on_the_way { x + (to - x) * LOST / 100 } else { to - away * 8 };
            let text = lost + away * 12;
            let anchor = if away > 0 { "start" } else { "end" };
            // What reaches its host has no room behind it: the text stands before and below it.
            let (text, anchor, below) = match dropped.on_the_way {
                true => (text, anchor, 4),
                false => (lost - away * 8, if away > 0 { "end" } else { "start" }, 16),
            };
            html! {
                line class={ "arrow lost" (copy) } x1=(x) y1=(y) x2=(lost) y2=(down) {}
                (glyph("dropped", lost, down))
                text class="reason" x=(text) y=(down + below) text-anchor=(anchor) { (dropped.reason) }
            }
        }
    }
}

/// What has not ended when the trace ends.
fn on_its_way(geometry: &Geometry<'_>, datagram: &Datagram) -> Markup {
    let (x, y) = start(geometry, datagram);
    let to = geometry.x(datagram.to.host);
    html! {
        line class="arrow open" x1=(x) y1=(y) x2=(x + (to - x) * LOST / 100) y2=(y + SLOPE) {}
    }
}
