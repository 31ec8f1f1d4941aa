//! Every protocol under every family of faults: what was observed, over many seeds.

mod families;

use serde_json::{Value, json};
use squall_sim::check::Finding;
use squall_sim::engine::Ending;
use squall_sim::history::Outcome as Ended;
use squall_sim::plan::Guarantee;
use squall_sim::scenario::Diagnostics;
use squall_sim::{Outcome, RunError, Settings};

use crate::Registry;
use families::{FAMILIES, Family};

/// Operations of each of the two clients.
const OPERATIONS: u32 = 20;

/// Why there is no cell.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    /// The protocol does not take the options, or is not known.
    #[error("{0}")]
    Options(Diagnostics),
    /// The scenario could not be run.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// What a protocol showed under one family of faults.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The protocol's name.
    pub protocol: String,
    /// Its options, if they are not the defaults.
    pub options: String,
    /// The family's name.
    pub family: &'static str,
    runs: u64,
    operations: u64,
    completed: u64,
    lost: u64,
    duplicated: u64,
    reordered: u64,
    damaged_runs: u64,
    /// The first error of host software, or of the simulation, with the seed.
    error: Option<(u64, String)>,
    /// The fewest and the most executions of one operation.
    executions: (u32, u32),
    /// In how many runs each guarantee held, and was violated, in the order of [`Guarantee::ALL`].
    held: [u64; 6],
    violated: [u64; 6],
}

/// A protocol, and options of it as lines of TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant<'a> {
    /// The protocol's name.
    pub protocol: &'a str,
    /// Lines such as `wait = false`; empty for the defaults.
    pub options: &'a str,
}

/// The scenario of a variant under a family of faults, ready to be kept in a file; `None` if there is
/// no such family.
pub fn scenario(variant: Variant<'_>, family: &str) -> Option<String> {
    let Family { summary, faults, .. } = FAMILIES.iter().find(|known| known.name == family)?;
    let Variant { protocol, options } = variant;
    let options =
        if options.is_empty() { String::new() } else { format!("[options]\n{options}\n\n") };
    Some(format!(
        "title = \"{protocol}: {summary}\"\nprotocol = '{protocol}'\nduration = '10m'\n\n{options}\
         [workload]\nclients = 2\nmessages = {OPERATIONS}\n\n[[link]]\ndelay = '10ms'\n\n{faults}"
    ))
}

/// The names of the families.
pub fn families() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().map(|family| family.name)
}

/// Runs a protocol under a family of faults, with the seeds from 1 to `seeds`.
///
/// # Errors
/// If the options are wrong, or no simulation can start here.
///
/// # Panics
/// If there is no such family.
pub fn cell(
    registry: &Registry,
    variant: Variant<'_>,
    family: &'static str,
    seeds: u64,
) -> Result<Cell, CellError> {
    let text = scenario(variant, family).unwrap_or_else(|| panic!("no family `{family}`"));
    let scenario = registry.parse("matrix", &text).map_err(CellError::Options)?;
    let mut cell = Cell {
        protocol: variant.protocol.to_owned(),
        options: variant.options.replace('\n', ", "),
        family,
        runs: 0,
        operations: 0,
        completed: 0,
        lost: 0,
        duplicated: 0,
        reordered: 0,
        damaged_runs: 0,
        error: None,
        executions: (u32::MAX, 0),
        held: [0; 6],
        violated: [0; 6],
    };
    for seed in 1..=seeds {
        cell.count(&registry.run(&scenario, Settings { seed: Some(seed), ..Settings::default() })?);
    }
    Ok(cell)
}

impl Cell {
    fn count(&mut self, outcome: &Outcome) {
        self.runs += 1;
        let mut latest = (0, 0);
        for (id, op) in outcome.run.history.operations() {
            self.operations += 1;
            self.completed += u64::from(op.outcome == Ended::Completed);
            self.lost += u64::from(op.executions == 0);
            self.duplicated += u64::from(op.executions > 1);
            let (fewest, most) = self.executions;
            self.executions = (fewest.min(op.executions), most.max(op.executions));
            // By first deliveries: a late copy of an earlier one is a duplicate, no disorder.
            let Some(first) = op.first else { continue };
            if latest.0 != id.client {
                latest = (id.client, 0);
            }
            self.reordered += u64::from(first.at < latest.1);
            latest.1 = latest.1.max(first.at);
        }
        let broken = match &outcome.run.ending {
            Ending::Broken(message) => Some(message),
            _ => outcome.run.errors.first(),
        };
        if let (Some(message), None) = (broken, &self.error) {
            self.error = Some((outcome.plan.seed, message.clone()));
        }
        self.damaged_runs += u64::from(outcome.run.history.first_damage().is_some());
        for (index, guarantee) in Guarantee::ALL.into_iter().enumerate() {
            match outcome.report.finding(guarantee) {
                Finding::Held => self.held[index] += 1,
                Finding::Violated { .. } => self.violated[index] += 1,
                Finding::Undecided(_) => {}
            }
        }
    }

    /// The first error of host software, or of the simulation, in words.
    pub fn error(&self) -> Option<String> {
        let (seed, message) = self.error.as_ref()?;
        Some(format!("{}, {}, seed {seed}: {message}", self.protocol, self.family))
    }

    /// The fewest and the most executions of one operation; without operations, none.
    fn executions(&self) -> (u32, u32) {
        let (fewest, most) = self.executions;
        (fewest.min(most), most)
    }

    fn always(&self, guarantee: Guarantee) -> bool {
        let mut all = Guarantee::ALL.into_iter().zip(self.held);
        self.runs > 0 && all.any(|(one, held)| one == guarantee && held == self.runs)
    }

    fn was_violated(&self, guarantee: Guarantee) -> bool {
        let mut all = Guarantee::ALL.into_iter().zip(self.violated);
        all.any(|(one, violated)| one == guarantee && violated > 0)
    }

    /// The strongest guarantees that held in every run, in words.
    pub fn guarantee(&self) -> String {
        use Guarantee::{AtLeastOnce, AtMostOnce, ExactlyOnce, Fifo, Maybe};
        let mut words = Vec::new();
        if self.always(ExactlyOnce) {
            words.push(ExactlyOnce);
        } else {
            words.extend([AtLeastOnce, AtMostOnce].into_iter().filter(|one| self.always(*one)));
            if words.is_empty() && self.always(Maybe) {
                words.push(Maybe);
            }
        }
        if self.always(Fifo) {
            words.push(Fifo);
        }
        let words: Vec<&str> = words.into_iter().map(Guarantee::name).collect();
        let broken = [AtLeastOnce, AtMostOnce].iter().all(|one| self.was_violated(*one));
        match (words.is_empty(), broken) {
            (false, _) => words.join(", "),
            (true, true) => "none".to_owned(),
            (true, false) => "undecided".to_owned(),
        }
    }

    /// One row of a table: what is in [`COLUMNS`].
    fn row(&self) -> [String; 8] {
        let (fewest, most) = self.executions();
        let some = |count: u64| if count == 0 { "-".to_owned() } else { count.to_string() };
        [
            self.family.to_owned(),
            some(self.lost),
            some(self.duplicated),
            some(self.reordered),
            some(self.damaged_runs),
            format!("{fewest}..{most}"),
            format!("{:.0}%", 100.0 * self.completed as f64 / self.operations.max(1) as f64),
            self.guarantee(),
        ]
    }

    /// The cell as a JSON object.
    pub fn to_json(&self) -> Value {
        let names = |of: &dyn Fn(Guarantee) -> bool| -> Vec<&str> {
            Guarantee::ALL.into_iter().filter(|one| of(*one)).map(Guarantee::name).collect()
        };
        json!({
            "protocol": self.protocol,
            "options": self.options,
            "family": self.family,
            "runs": self.runs,
            "operations": { "issued": self.operations, "completed": self.completed },
            "lost": self.lost,
            "duplicated": self.duplicated,
            "reordered": self.reordered,
            "damaged_runs": self.damaged_runs,
            "executions": { "min": self.executions().0, "max": self.executions().1 },
            "held": names(&|one| self.always(one)),
            "violated": names(&|one| self.was_violated(one)),
            "guarantee": self.guarantee(),
            "error": self.error(),
        })
    }
}

const COLUMNS: [&str; 8] = [
    "faults",
    "lost",
    "twice",
    "reordered",
    "damaged",
    "executions",
    "completed",
    "held in every run",
];

/// The tables of all cells, protocol by protocol, as Markdown that is also readable as it is.
pub fn tables(cells: &[Cell]) -> String {
    let mut out = String::new();
    let variant = |cell: &Cell| (cell.protocol.clone(), cell.options.clone());
    for cells in cells.chunk_by(|one, next| variant(one) == variant(next)) {
        let Cell { protocol, options, .. } = &cells[0];
        out += &match options.as_str() {
            "" => format!("## {protocol}\n\n"),
            options => format!("## {protocol} with {options}\n\n"),
        };
        out += &table(&COLUMNS, &cells.iter().map(Cell::row).collect::<Vec<_>>());
        out += "\n";
    }
    out
}

/// What each family does, as Markdown.
pub fn legend() -> String {
    let rows: Vec<[String; 2]> =
        FAMILIES.iter().map(|family| [family.name.to_owned(), family.summary.to_owned()]).collect();
    table(&["faults", "what happens"], &rows)
}

/// A Markdown table with columns of equal width.
fn table<const N: usize>(head: &[&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len()).chain([head[column].len()]);
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut out = line(head.to_vec()) + &line(dashes.iter().map(String::as_str).collect());
    for row in rows {
        out += &line(row.iter().map(String::as_str).collect());
    }
    out
}
