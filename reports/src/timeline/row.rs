//! Rows of a timeline and how they become lines of text.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use squall_sim::network::HostId;
use squall_sim::text::millis;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::words;

/// What stands in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Text in a host's column.
    Cell { host: HostId, text: String, tone: Tone },
    /// A datagram arrives.
    Arrival { from: HostId, to: HostId, label: String },
    /// A datagram leaves one host for another; if it is dropped on the way, why.
    Arrow { id: u64, from: HostId, to: HostId, label: String, dropped: Option<String> },
    /// Text over all columns.
    Across(String),
}

/// How a row is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
}

impl Row {
    pub fn cell(host: HostId, text: String, tone: Tone) -> Self {
        Row::Cell { host, text, tone }
    }

    pub fn arrow(id: u64, from: HostId, to: HostId, label: String) -> Self {
        Row::Arrow { id, from, to, label, dropped: None }
    }

    pub fn across(text: String) -> Self {
        Row::Across(text)
    }
}

/// Columns for the time and the space after it.
const MARGIN: usize = 13;

/// The least width of a host's column; with less, hosts are named in each row instead.
const MIN_LANE: usize = 24;

/// The most hosts that get a column each.
const MAX_LANES: usize = 4;

/// Draws rows.
pub(super) struct Canvas<'a> {
    hosts: &'a [String],
    width: usize,
    color: bool,
    /// Width of a host's column; `None` without columns.
    lane: Option<usize>,
}

impl<'a> Canvas<'a> {
    pub fn new(hosts: &'a [String], width: usize, color: bool) -> Self {
        let width = width.max(40);
        let lane = (width - MARGIN) / hosts.len().max(1);
        let has_lanes = hosts.len() <= MAX_LANES && lane >= MIN_LANE;
        Canvas { hosts, width, color, lane: has_lanes.then_some(lane.min(44)) }
    }

    fn name(&self, host: HostId) -> &str {
        self.hosts.get(host as usize).map_or("?", String::as_str)
    }

    fn column(&self, host: HostId, lane: usize) -> usize {
        words::column(host, self.hosts.len()) * lane
    }

    /// The line with the hosts' names.
    pub fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut line = String::new();
        if let Some(lane) = self.lane {
            let mut columns: Vec<(usize, &str)> = (0..self.hosts.len() as HostId)
                .map(|host| (self.column(host, lane), self.name(host)))
                .collect();
            columns.sort_unstable();
            for (column, name) in columns {
                pad(&mut line, column);
                line.push_str(&cut(name, lane - 1));
            }
        }
        self.line(&format!("{:>10}   {line}", "ms"), Tone::Plain, out)
    }

    /// Says that rows were left out.
    pub fn gap(&self, rows: usize, out: &mut dyn Write) -> io::Result<()> {
        match rows {
            0 => Ok(()),
            rows => {
                let text =
                    format!("{:>10}   ({rows} rows left out; --timeline full shows all)", "...");
                self.line(&text, Tone::Plain, out)
            }
        }
    }

    /// One row.
    pub fn row(&self, at: u64, row: &Row, out: &mut dyn Write) -> io::Result<()> {
        let (body, tone) = match (row, self.lane) {
            (Row::Across(text), _) => (format!("~~~~ {text} ~~~~"), Tone::Warning),
            (Row::Cell { host, text, tone }, Some(lane)) => {
                let mut line = String::new();
                pad(&mut line, self.column(*host, lane));
                line.push_str(text);
                (line, *tone)
            }
            (Row::Arrival { to, label, .. }, Some(lane)) => {
                let mut line = String::new();
                pad(&mut line, self.column(*to, lane));
                (line + "* " + label, Tone::Plain)
            }
            // Without columns nothing else shows whose it is.
            (Row::Arrival { from, to, label }, None) => {
                (format!("{}: * {label} from {}", self.name(*to), self.name(*from)), Tone::Plain)
            }
            (Row::Cell { host, text, tone }, None) => {
                (format!("{}: {text}", self.name(*host)), *tone)
            }
            (Row::Arrow { from, to, label, dropped, .. }, Some(lane)) => {
                let (from, to) = (self.column(*from, lane), self.column(*to, lane));
                (
                    arrow(from, to, label, dropped.as_deref()),
                    if dropped.is_some() { Tone::Bad } else { Tone::Plain },
                )
            }
            (Row::Arrow { from, to, label, dropped, .. }, None) => {
                let dropped =
                    dropped.as_ref().map_or(String::new(), |why| format!(" (dropped: {why})"));
                let (from, to) = (self.name(*from), self.name(*to));
                let tone = if dropped.is_empty() { Tone::Plain } else { Tone::Bad };
                (format!("{from} -> {to}: {label}{dropped}"), tone)
            }
        };
        self.line(&format!("{:>10}   {body}", millis(at)), tone, out)
    }

    fn line(&self, text: &str, tone: Tone, out: &mut dyn Write) -> io::Result<()> {
        let text = cut(text.trim_end(), self.width);
        let style = match tone {
            Tone::Plain => Style::new(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Warning => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
        };
        if self.color { writeln!(out, "{style}{text}{style:#}") } else { writeln!(out, "{text}") }
    }
}

/// `data seq=1 ------->`, `<------- ack seq=1`, or `data seq=1 ---x loss` if it is dropped.
fn arrow(from: usize, to: usize, label: &str, dropped: Option<&str>) -> String {
    let mut line = String::new();
    pad(&mut line, from.min(to));
    let space = from.abs_diff(to).saturating_sub(1);
    let forth = from < to;
    let drawn = match dropped {
        None => {
            let label = cut(label, space.saturating_sub(3));
            let dashes = "-".repeat(space.saturating_sub(columns(&label) + 2));
            if forth { format!("{label} {dashes}>") } else { format!("<{dashes} {label}") }
        }
        Some(why) if forth => format!("{label} ---x {why}"),
        Some(why) => format!("{why} x--- {label}"),
    };
    if !forth {
        // What goes left begins at the right.
        let length = columns(&line) + space.saturating_sub(columns(&drawn));
        pad(&mut line, length);
    }
    line.push_str(&drawn);
    line
}

fn pad(line: &mut String, column: usize) {
    let length = columns(line);
    line.push_str(&" ".repeat(column.saturating_sub(length)));
}

/// How many columns of a terminal a text takes: some characters take two, some none.
fn columns(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// As much of `text` as has room in `width` columns.
fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let (mut kept, mut taken) = (String::new(), 1);
    for c in text.chars() {
        // Each alone: together they never take more.
        taken += UnicodeWidthChar::width(c).unwrap_or(0);
        if taken > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(cut("日本語のホスト", 14), "日本語のホスト");
        assert_eq!(cut("日本語のホスト", 13), "日本語のホス…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("e\u{301}te", 3), "e\u{301}te");
        for width in 1..12 {
            let cut = cut("a日b\u{301}本c🚀語", width);
            assert!(columns(&cut) <= width, "{cut:?} in {width}");
        }
    }
}
