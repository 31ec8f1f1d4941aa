//! What a sweep came to, for people.

use std::io::{self, Write};

use squall_sim::plan::Guarantee;
use squall_sim::sweep::Sweep;
use squall_sim::text::visible;

use crate::cli::run;

/// Prints the sums and the failing seeds.
pub(in crate::cli) fn print(out: &mut dyn Write, sweep: &Sweep) -> io::Result<()> {
    let verdict = sweep.verdict();
    let style = run::verdict_style(verdict);
    let word = verdict.name().to_uppercase();
    let (scenario, title) = (visible(&sweep.scenario), visible(&sweep.title));
    writeln!(out, "{style}{word:<12}{style:#} {scenario}: {title}")?;
    let pad = " ".repeat(12);
    let verdicts = sweep.verdicts;
    let (seeds, runs, engine) = (sweep.seeds, sweep.runs, &sweep.engine);
    writeln!(out, "{pad} {}, {engine} engine, seeds {seeds}: {runs} runs", sweep.protocol)?;
    if sweep.is_over() && runs < seeds.count() {
        writeln!(
            out,
            "{pad} the first failing seed ended the sweep; --keep-going runs the others, too"
        )?;
    }
    if !sweep.complete {
        writeln!(out, "{pad} interrupted: this is what is known so far")?;
    }
    writeln!(
        out,
        "{pad} passed {}, failed {}, inconclusive {}, invalid {}",
        verdicts.pass, verdicts.fail, verdicts.inconclusive, verdicts.invalid
    )?;
    for guarantee in Guarantee::ALL {
        let found = sweep.guarantees.get(guarantee);
        writeln!(
            out,
            "{pad} {:<13} held {}, violated {}, undecided {}",
            guarantee.name(),
            found.held,
            found.violated,
            found.undecided
        )?;
    }
    for fault in &sweep.faults {
        let (name, hits, of, runs) =
            (visible(&fault.name), fault.hits, fault.opportunities, fault.runs);
        writeln!(out, "{pad} fault {name}: hit {hits} of {of}, in {runs} runs")?;
    }
    for condition in &sweep.sometimes {
        let (name, runs, count) = (visible(&condition.name), condition.runs, condition.count);
        writeln!(out, "{pad} sometimes {name}: in {runs} runs, {count} times")?;
    }
    for name in sweep.never_reached() {
        writeln!(out, "{pad} no run reached {}, which some must", visible(name))?;
    }
    if !sweep.failures.is_empty() {
        writeln!(out, "{pad} the first failing seeds:")?;
    }
    for failure in &sweep.failures {
        writeln!(out, "{pad}   seed {}: {}", failure.seed, visible(&failure.failure))?;
        let arguments = failure.replay.strip_prefix("squall ").unwrap_or(&failure.replay);
        writeln!(out, "{pad}     repeat with: {} {}", run::program(), visible(arguments))?;
    }
    Ok(())
}
