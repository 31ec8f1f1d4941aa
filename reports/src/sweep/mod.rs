//! The page about a sweep: HTML in one file, with its charts in it. It has no script and needs no network.

mod chart;
mod figures;
mod scale;

use std::io::{self, Write};

use maud::{Markup, PreEscaped, html};
use squall_sim::plan::Guarantee;
use squall_sim::scenario::Varied;
use squall_sim::sweep::Sweep;
use squall_sim::text::visible;

use crate::document::{Document, verdict_badge};
use figures::Figure;

const STYLE: &str = include_str!("sweep.css");

/// Writes the page about a sweep. `page_of` gives the file about the run with a seed, as a relative link, if
/// there is one.
///
/// # Errors
/// Those of `out`, or if a chart can not be drawn.
pub fn write(
    sweep: &Sweep,
    page_of: &dyn Fn(u64) -> Option<String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let figures = match &sweep.charts {
        Some(charts) => figures::all(sweep, charts)?,
        None => Vec::new(),
    };
    let title = visible(&sweep.title);
    let body = html! {
        (heading(sweep, &title))
        main {
            (verdicts(sweep))
            (guarantees(sweep))
            (faults(sweep))
            (conditions(sweep))
            (failures(sweep, page_of))
            section aria-labelledby="charts" {
                h2 id="charts" { "Charts" }
                @for (figure, number) in figures.iter().zip(1..) { (draw(figure, number)) }
                @for line in missing(sweep) { p.note { (line) } }
                @if let Some(source) = sweep.charts.as_ref().and_then(|of| of.theory.as_ref()) {
                    p.note { "Theory: " (visible(source)) "." }
                }
            }
        }
        p.note {
            "Scenario " code { (visible(&sweep.scenario_hash)) } ", runs "
            code { (String::from(sweep.fingerprint)) }
        }
    };
    let document = Document { title: &title, styles: &[STYLE], scripts: &[], body };
    out.write_all(document.html().as_bytes())
}

fn heading(sweep: &Sweep, title: &str) -> Markup {
    let verdict = sweep.verdict().name();
    let (seeds, runs) = (sweep.seeds, sweep.runs);
    html! {
        header {
            h1 { (title) }
            p.about {
                (verdict_badge(verdict))
                span { code { (visible(&sweep.scenario)) } }
                span { "protocol " b { (visible(&sweep.protocol)) } }
                span { "seeds " b { (seeds) } }
                span { (visible(&sweep.engine)) " engine" }
                span { (runs) " runs" }
            }
            @if seeds != sweep.range { p.note { "A part of the sweep over the seeds " (sweep.range) "." } }
            @if sweep.is_over() && runs < seeds.count() {
                p.note { "The first failing seed ended the sweep; --keep-going runs the others, too." }
            }
            @if !sweep.complete { p.note { "Interrupted: this is what was known by then." } }
            @for name in sweep.never_reached() {
                p.note { "No run reached " code { (visible(name)) } ", which some must." }
            }
        }
    }
}

/// A table of which the first column names the rows.
fn table(head: &[&str], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for cell in head { th scope="col" { (cell) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (cell, column) in row.iter().zip(0..) {
                                @if column == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! { section aria-labelledby=(id) { h2 id=(id) { (title) } (content) } }
}

fn verdicts(sweep: &Sweep) -> Markup {
    let of = sweep.verdicts;
    let counts = [of.pass, of.fail, of.inconclusive, of.invalid, sweep.runs];
    let counts = counts.iter().map(u64::to_string);
    let rows = vec![["runs".to_owned()].into_iter().chain(counts).collect()];
    let head = ["", "passed", "failed", "inconclusive", "invalid", "all"];
    section("verdicts", "Verdicts", &table(&head, &rows))
}

fn guarantees(sweep: &Sweep) -> Markup {
    let row = |guarantee: Guarantee| {
        let found = sweep.guarantees.get(guarantee);
        let counts = [found.held, found.violated, found.undecided].map(|count| count.to_string());
        [vec![guarantee.name().to_owned()], counts.to_vec()].concat()
    };
    let rows: Vec<Vec<String>> = Guarantee::ALL.into_iter().map(row).collect();
    let head = ["guarantee", "held", "violated", "undecided"];
    section("guarantees", "Guarantees, in runs", &table(&head, &rows))
}

fn faults(sweep: &Sweep) -> Markup {
    let row = |fault: &squall_sim::sweep::FaultTally| {
        let counts = [fault.hits, fault.opportunities, fault.runs].map(|count| count.to_string());
        [vec![visible(&fault.name)], counts.to_vec()].concat()
    };
    let rows: Vec<Vec<String>> = sweep.faults.iter().map(row).collect();
    match rows.is_empty() {
        true => html! {},
        false => {
            let head = ["fault", "hits", "opportunities", "runs with a hit"];
            section("faults", "Faults", &table(&head, &rows))
        }
    }
}

fn conditions(sweep: &Sweep) -> Markup {
    let row = |condition: &squall_sim::sweep::Condition| {
        vec![visible(&condition.name), condition.runs.to_string(), condition.count.to_string()]
    };
    let rows: Vec<Vec<String>> = sweep.sometimes.iter().map(row).collect();
    match rows.is_empty() {
        true => html! {},
        false => {
            let head = ["condition", "runs", "times"];
            section("sometimes", "What some run must reach", &table(&head, &rows))
        }
    }
}

fn failures(sweep: &Sweep, page_of: &dyn Fn(u64) -> Option<String>) -> Markup {
    if sweep.failures.is_empty() {
        return html! {};
    }
    let list = html! {
        ol {
            @for failure in &sweep.failures {
                li {
                    @match page_of(failure.seed) {
                        Some(page) => a href=(page) { "Seed " (failure.seed) },
                        None => span { "Seed " (failure.seed) },
                    }
                    ": " (visible(&failure.failure))
                    pre { code { (visible(&failure.replay)) } }
                }
            }
        }
    };
    section("failures", "The first failing runs", &list)
}

fn draw(figure: &Figure, number: usize) -> Markup {
    html! {
        figure aria-labelledby={ "chart-" (number) } {
            h3 id={ "chart-" (number) } { (figure.title) }
            @if let Some(svg) = &figure.svg {
                div.chart role="img" aria-label={ (figure.title) ". " (figure.text) } { (PreEscaped(svg)) }
            }
            figcaption {
                p { (figure.text) }
                @for note in &figure.notes { p.note { (note) } }
                @if !figure.rows.is_empty() {
                    details { summary { "The numbers" } (table(&figure.head, &figure.rows)) }
                }
            }
        }
    }
}

/// Why charts that one may look for are not there.
fn missing(sweep: &Sweep) -> Vec<&'static str> {
    let Some(charts) = &sweep.charts else {
        return vec!["No charts: the parts were run without --charts."];
    };
    let is_loss = |varied| matches!(varied, Varied::Loss | Varied::RoundTripLoss);
    let mut all = Vec::new();
    if !charts.goodput.iter().any(|axis| is_loss(axis.varied)) {
        all.push(
            "No chart of goodput against loss: no [[link]] table draws an independent loss from a range, such \
             as loss = \"0%..20%\", for all clients alike.",
        );
    }
    if !charts.goodput.iter().any(|axis| !is_loss(axis.varied)) {
        all.push(
            "No chart of goodput against load: under [workload], none of `clients`, `messages`, `calls` and \
             `interval` is a range.",
        );
    }
    all
}
