//! The parts of a page. Whatever text is put into a template is escaped there.

use maud::{Markup, PreEscaped, html};
use squall_sim::text::{millis, visible};
use squall_sim::trace::{Conclusion, Trace};

use super::data;
use crate::document::{Document, verdict_badge};
use crate::story::Story;
use crate::svg;

/// Its style, besides that of all pages.
const STYLES: [&str; 2] = [include_str!("assets/page.css"), svg::STYLE];

/// Its scripts, in the order in which they need each other.
const SCRIPTS: [&str; 8] = [
    include_str!("assets/story.js"),
    include_str!("assets/layout.js"),
    include_str!("assets/draw.js"),
    include_str!("assets/details.js"),
    include_str!("assets/filters.js"),
    include_str!("assets/drag.js"),
    include_str!("assets/diagram.js"),
    include_str!("assets/main.js"),
];

/// Operations in the table of a page.
const OPERATIONS: usize = 500;

/// A whole page.
pub(super) fn document(title: &str, body: Markup) -> String {
    Document { title, styles: &STYLES, scripts: &SCRIPTS, body }.html()
}

/// What was run, what was expected, and what came of it.
pub(super) fn head(trace: &Trace) -> Markup {
    let header = &trace.header;
    html! {
        header class="run" {
            h1 { (visible(&header.title)) }
            p class="about" {
                @match &trace.conclusion {
                    Some(conclusion) => (verdict_badge(&conclusion.verdict)),
                    None => (verdict_badge("unknown")),
                }
                span { code { (visible(&header.scenario)) } }
                span { "protocol " b { (visible(&header.protocol)) } }
                span { "seed " b { (header.seed) } }
                span { (visible(&header.engine)) " engine" }
                @if let Some(conclusion) = &trace.conclusion {
                    span { (millis(conclusion.sim_time)) " ms simulated" }
                }
            }
            @match &trace.conclusion {
                Some(conclusion) => (came_to(conclusion)),
                None => p class="note" {
                    "This trace is of an earlier version, which did not write down the verdict."
                },
            }
        }
    }
}

fn came_to(conclusion: &Conclusion) -> Markup {
    html! {
        p class="expected" {
            "Expected: "
            @if conclusion.expected.is_empty() { "nothing but integrity" }
            (visible(&conclusion.expected.join("; ")))
        }
        @if !conclusion.failures.is_empty() {
            ul class="failures" {
                @for failure in &conclusion.failures { li { (visible(failure)) } }
            }
        }
        p class="replay" {
            "Repeat with " code { (visible(&conclusion.replay)) }
            button type="button" data-copy=(visible(&conclusion.replay)) { "Copy" }
        }
    }
}

/// A story and where it stands on the page.
pub(super) struct Diagram<'a> {
    /// A word that no other diagram of the page has.
    pub name: &'static str,
    /// What it shows.
    pub story: &'a Story<'a>,
    /// The row to mark.
    pub difference: Option<usize>,
}

/// Diagrams beside each other, with what drives them.
pub(super) fn diagrams(all: &[Diagram<'_>]) -> Markup {
    html! {
        main class={ "diagrams" @if all.len() > 1 { " pair" } } {
            @for diagram in all { (self::diagram(diagram)) }
        }
        svg class="squall-diagram definitions" aria-hidden="true" width="0" height="0" {
            (svg::definitions())
        }
        (keys())
    }
}

fn diagram(diagram: &Diagram<'_>) -> Markup {
    let name = diagram.name;
    let id = |part: &str| format!("{name}-{part}");
    html! {
        section class="diagram" data-diagram=(name) aria-label={ "Space-time diagram, " (name) } {
            div class="tools" role="group" aria-label="Tools" {
                button type="button" data-do="look" { "Go to the violation" }
                button type="button" data-do="difference" hidden { "Go to the difference" }
                span class="zoom" role="group" aria-label="Zoom" {
                    button type="button" data-do="out" aria-label="Zoom out" { "−" }
                    button type="button" data-do="reset" { "100%" }
                    button type="button" data-do="in" aria-label="Zoom in" { "+" }
                }
                label for=(id("host")) { "Host" }
                select id=(id("host")) data-filter="host" { option value="" { "all" } }
                label for=(id("kind")) { "Kind" }
                select id=(id("kind")) data-filter="kind" { option value="" { "all" } }
                label for=(id("op")) { "Operation" }
                input id=(id("op")) data-filter="op" type="search" list=(id("ops"))
                    placeholder="client-1#3" autocomplete="off" spellcheck="false";
                datalist id=(id("ops")) {}
                button type="button" data-do="clear" hidden { "Clear filters" }
                output class="count" {}
            }
            @if diagram.story.left_out > 0 {
                p class="note" {
                    "Only the first " (diagram.story.events) " events are here; "
                    (diagram.story.left_out) " more are left out."
                    @if diagram.story.look_at.is_none() {
                        " If there is a violation, it is among those: squall report --format svg draws the \
                         rows around it."
                    }
                }
            }
            div class="stage" {
                div class="view" tabindex="0" role="listbox" aria-label="Events, in order of time" {
                    noscript { p class="note" {
                        "This diagram is drawn by a script of this page, and scripts are off. `squall \
                         report --format svg` draws it without."
                    } }
                }
                aside class="details" aria-label="Details" {
                    p class="note" { "Select a datagram or an event to see what belongs to it." }
                }
            }
            script type="application/json" class="story" {
                (PreEscaped(data::json(diagram.story, diagram.difference)))
            }
        }
    }
}

fn keys() -> Markup {
    let keys = [
        ("↑ ↓", "the event before and after"),
        ("Page Up, Page Down", "ten events"),
        ("Home, End", "the first and the last event"),
        ("← →", "to the sides, if there are many hosts"),
        ("n, p", "the next and the previous event of the same operation or datagram"),
        ("v", "the violation (in two traces side by side, that of the one in use)"),
        ("d", "the difference, in two traces side by side"),
        ("+ − 0", "zoom"),
        ("/", "filter by operation"),
        ("Escape", "nothing selected"),
    ];
    html! {
        details class="keys" {
            summary { "Keys" }
            dl { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
        }
    }
}

/// What is known of the guarantees, the faults, the operations, and the scenario itself.
pub(super) fn facts(story: &Story<'_>) -> Markup {
    let trace = story.trace;
    html! {
        div class="facts" {
            @if let Some(conclusion) = &trace.conclusion {
                section { h2 { "Guarantees" } (guarantees(conclusion)) }
                @if !conclusion.faults.is_empty() {
                    section { h2 { "Faults" } (faults(conclusion)) }
                }
            }
            section { h2 { "Operations" } (operations(story)) }
        }
        details class="scenario" {
            summary { "The scenario" }
            pre { (visible_lines(&trace.header.source)) }
        }
        p class="note" { "Trace hash " code { (format!("{:032x}", trace.hash())) } }
    }
}

/// Lines stay lines; whatever else a terminal or a browser might obey is replaced.
fn visible_lines(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| visible(&line.replace('\t', "    "))).collect();
    lines.join("\n")
}

fn guarantees(conclusion: &Conclusion) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Guarantee" } th scope="col" { "Found" } th scope="col" { "Because" } } }
            tbody {
                @for found in &conclusion.guarantees {
                    tr {
                        th scope="row" { (visible(&found.guarantee)) }
                        td class={ "finding " (finding_class(&found.finding)) } { (visible(&found.finding)) }
                        td { @if let Some(because) = &found.because { (visible(because)) } }
                    }
                }
            }
        }
    }
}

fn finding_class(finding: &str) -> &'static str {
    match finding {
        "held" => "held",
        "violated" => "violated",
        _ => "undecided",
    }
}

fn faults(conclusion: &Conclusion) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Fault" } th scope="col" { "Does" } th scope="col" { "Hit" } th scope="col" { "Of" } } }
            tbody {
                @for fault in &conclusion.faults {
                    tr {
                        th scope="row" { (visible(&fault.name)) }
                        td { (visible(&fault.action)) }
                        td class="number" { (fault.hits) }
                        td class="number" { (fault.opportunities) }
                    }
                }
            }
        }
    }
}

fn operations(story: &Story<'_>) -> Markup {
    let left_out = story.operations.len().saturating_sub(OPERATIONS);
    html! {
        div class="scroll long" tabindex="0" role="region" aria-label="Operations" {
            table {
                thead { tr {
                    th scope="col" { "Operation" } th scope="col" { "Executed" } th scope="col" { "Ended" }
                    th scope="col" { "Took, ms" }
                } }
                tbody {
                    @for (id, op) in story.operations.iter().take(OPERATIONS) {
                        tr {
                            th scope="row" { (visible(&story.trace.operation(*id))) }
                            td class={ "number" @if op.executions > 1 { " violated" } } { (op.executions) "x" }
                            td { (op.last.map_or("", |step| step.name())) }
                            td class="number" {
                                @if let (Some(start), Some(end)) = (op.invoked_at, op.ended_at) {
                                    (millis(end.saturating_sub(start)))
                                }
                            }
                        }
                    }
                }
            }
            @if left_out > 0 { p class="note" { (left_out) " more operations are left out here." } }
        }
    }
}
