//! `[expect]`: what must hold in the end.

use super::reader::Reader;
use super::words::Vocabulary;
use crate::plan::{Bounds, Cost, Expect, Guarantee};
use crate::protocol::ORPHAN;
use crate::text::quote;
use squall_diagnostic::Diagnostic;

/// Reads the table.
pub(super) fn read(table: &Reader<'_>) -> Expect {
    let mut completes = table.flag("completes");
    let within = table.whole("within").map(|within| within.low());
    if table.has("within") {
        if completes == Some(false) {
            let one = Diagnostic::new(table.key_span("within"), "`within` needs completes = true");
            let one = one.label("when every operation must have ended");
            table.errors.add(one.other(table.value_span("completes"), "some must not end"));
        }
        completes = completes.or(Some(true));
    }
    let expect = Expect {
        guarantee: table.word("guarantee").and_then(guarantee),
        fifo: table.word("order").is_some(),
        completes,
        within,
        violates: violates(table),
        cost: cost(table),
        events: events(table),
        sometimes: table.names("sometimes"),
    };
    contradictions(table, &expect);
    expect
}

fn guarantee(name: &str) -> Option<Guarantee> {
    Guarantee::ALL.into_iter().find(|one| one.name() == name)
}

fn violates(table: &Reader<'_>) -> Vec<Guarantee> {
    let mut all = Vec::new();
    for (word, span) in table.words("violates").unwrap_or_default() {
        let Some(one) = guarantee(word) else { continue };
        if all.contains(&one) {
            table.errors.add(Diagnostic::new(span, format!("`{word}` is named twice")));
        } else {
            all.push(one);
        }
    }
    all
}

fn contradictions(table: &Reader<'_>, expect: &Expect) {
    let clash = |key: &str, message: &str| {
        let one = Diagnostic::new(table.key_span("violates"), message);
        let one = one.label("what must be violated").other(table.key_span(key), "what must hold");
        table
            .errors
            .add(one.help("a scenario shows either that a property holds or that it is violated"));
    };
    if table.has("violates") && table.has("guarantee") {
        clash("guarantee", "`violates` and `guarantee` exclude one another");
    }
    if expect.violates.contains(&Guarantee::Fifo) && expect.fifo {
        clash("order", "order = \"fifo\" can not both hold and be violated");
    }
}

fn cost(table: &Reader<'_>) -> Vec<(Cost, Bounds)> {
    let Some(table) = table.table("cost") else {
        return Vec::new();
    };
    let bounds = |cost: Cost| Some((cost, table.bounds(cost.name())?));
    Cost::ALL.into_iter().filter_map(bounds).collect()
}

fn events(table: &Reader<'_>) -> Vec<(String, Bounds)> {
    let Some(table) = table.table("events") else {
        return Vec::new();
    };
    // Where any name may stand, one that nothing ever counts would still make a bound of 0 hold.
    for (name, span, _) in table.entries().filter(|_| table.is_open()) {
        if Vocabulary::is_of_history(name) {
            let message = format!("{} is not an event that hosts report", quote(name));
            let one = Diagnostic::new(span, message).label("this is a step of an operation");
            table.errors.add(one.help("`guarantee` and `completes` judge the steps of operations"));
        } else if name == ORPHAN {
            let message = format!("nobody counts the event `{ORPHAN}`");
            let one = Diagnostic::new(span, message).label("the protocol does not declare it");
            table.errors.add(one.help("declare it in the protocol: `.events(&[ORPHAN])`"));
        }
    }
    table.all_bounds()
}
