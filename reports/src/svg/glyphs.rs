//! The small signs on arrows: each has a shape of its own, so that colour is not needed to tell them apart.

use maud::{Markup, html};

use crate::story::MarkKind;

/// The definitions, for `<use href="#glyph-...">`: each about a point, 12 wide and high.
pub(crate) fn definitions() -> Markup {
    html! {
        defs {
            marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"
                orient="auto-start-reverse" {
                path class="head" d="M0 0 L10 5 L0 10 z" {}
            }
            pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" {
                path class="hatch" d="M-1 1 l2 -2 M0 6 l6 -6 M5 7 l2 -2" {}
            }
            g id="glyph-dropped" { path d="M-6 -6 L6 6 M-6 6 L6 -6" {} }
            g id="glyph-duplicated" {
                rect x="-6" y="-6" width="8" height="8" {}
                rect x="-2" y="-2" width="8" height="8" {}
            }
            g id="glyph-corrupted" { path d="M1 -7 L-4 1 L0 1 L-1 7 L4 -1 L0 -1 z" {} }
            g id="glyph-delayed" {
                circle r="6" {}
                path d="M0 -4 L0 0 L3 2" {}
            }
            g id="glyph-reordered" { path d="M-6 -3 L6 3 M2 4 L6 3 L5 -1 M-6 3 L6 -3 M2 -4 L6 -3 L5 1" {} }
        }
    }
}

/// A sign about a point.
pub(super) fn glyph(name: &str, x: i64, y: i64) -> Markup {
    html! {
        use class={ "glyph " (name) } href={ "#glyph-" (name) } x=(x) y=(y) {}
    }
}

/// The sign of what was done to a datagram.
pub(super) fn mark(kind: MarkKind, x: i64, y: i64) -> Markup {
    glyph(kind.name(), x, y)
}
