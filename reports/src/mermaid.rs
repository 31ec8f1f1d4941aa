//! A trace as a `sequenceDiagram` of Mermaid, for documents.
//!
//! An arrow ends where its message arrives. If something happens between sending and arrival, there is an
//! open arrow for the one and a full arrow for the other, since Mermaid has no slanted ones.

use std::collections::BTreeSet;
use std::io::{self, Write};

use squall_sim::network::HostId;
use squall_sim::text::{millis, visible};

use crate::story::{Datagram, End, Row, Shown, Story, Tone};
use crate::words::nth;

/// The longest label, in characters. Mermaid wraps none.
const LONGEST_LABEL: usize = 120;

/// Writes at most `most` rows: those around the violation, or the first ones.
///
/// # Errors
/// Those of `out`.
pub fn write(story: &Story<'_>, most: usize, out: &mut dyn Write) -> io::Result<()> {
    let rows = story.rows_to_look_at(most);
    let header = &story.trace.header;
    writeln!(out, "sequenceDiagram")?;
    let title = format!("{} (seed {})", visible(&header.title), header.seed);
    writeln!(out, "    title: {}", escaped(&title))?;
    let shown = hosts(story, &story.rows[rows.clone()]);
    for host in &shown {
        writeln!(out, "    participant h{host} as {}", escaped(&visible(story.trace.host(*host))))?;
    }
    let drawing = Drawing { story, first: shown.first().copied(), last: shown.last().copied() };
    drawing.left_out(rows.start, out)?;
    let mut row = rows.start;
    while row < rows.end {
        row += drawing.row(row, rows.end, out)?;
    }
    drawing.left_out(story.rows.len() - rows.end, out)
}

/// The hosts to which something happens in these rows, from left to right; all, if there are no rows.
fn hosts(story: &Story<'_>, rows: &[Row]) -> Vec<HostId> {
    let mut named = BTreeSet::new();
    for row in rows {
        match &row.what {
            Shown::Sent(datagram) | Shown::Ended { datagram, .. } => {
                let Datagram { from, to, .. } = &story.datagrams[*datagram];
                named.extend([from.host, to.host]);
            }
            Shown::Point { host, .. } => {
                named.insert(*host);
            }
            Shown::Across(_) => {}
        }
    }
    let in_order = story.columns.iter().copied();
    in_order.filter(|host| named.is_empty() || named.contains(host)).collect()
}

struct Drawing<'a> {
    story: &'a Story<'a>,
    /// The outermost hosts.
    first: Option<HostId>,
    last: Option<HostId>,
}

impl Drawing<'_> {
    /// Draws a row, and the next one if both are one arrow; says how many.
    fn row(&self, row: usize, end: usize, out: &mut dyn Write) -> io::Result<usize> {
        let Row { at, what, .. } = &self.story.rows[row];
        match what {
            Shown::Sent(place) => {
                let datagram = &self.story.datagrams[*place];
                let label = &datagram.label;
                let marks: String =
                    datagram.marks.iter().map(|mark| format!(" ~ {}", mark.text)).collect();
                let text = format!("{label}{marks}");
                if let Some(lost) = datagram.ends.iter().find(|end| end.row == row) {
                    self.end(datagram, lost, &format!("{text}, {} ms", millis(*at)), out)?;
                    return Ok(1);
                }
                let next = self.story.rows[..end].get(row + 1).map(|row| &row.what);
                if let Some(Shown::Ended { datagram: ended, end }) = next
                    && ended == place
                {
                    let end = &datagram.ends[*end];
                    let times = format!("{} to {} ms", millis(*at), millis(end.at));
                    self.end(datagram, end, &format!("{text}{}, {times}", nth(end.copy)), out)?;
                    return Ok(2);
                }
                let sent = format!("{text} is sent, {} ms", millis(*at));
                self.arrow(datagram, "-)", &sent, out)?;
            }
            Shown::Ended { datagram, end } => {
                let datagram = &self.story.datagrams[*datagram];
                let end = &datagram.ends[*end];
                let arrives = if end.dropped.is_some() { "" } else { " arrives" };
                let text = format!("{}{}{arrives}", datagram.label, nth(end.copy));
                let times = format!("{} ms, sent at {} ms", millis(*at), millis(datagram.at));
                self.end(datagram, end, &format!("{text}, {times}"), out)?;
            }
            Shown::Point { host, text, tone, .. } => {
                let mark = if *tone == Tone::Bad { "! " } else { "" };
                let text = escaped(&format!("{mark}{text}, {} ms", millis(*at)));
                writeln!(out, "    Note over h{host}: {text}")?;
            }
            Shown::Across(text) => self.across(&format!("{text}, {} ms", millis(*at)), out)?,
        }
        Ok(1)
    }

    /// The arrow of a datagram that arrives or is dropped.
    fn end(
        &self,
        datagram: &Datagram,
        end: &End,
        text: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match &end.dropped {
            None => self.arrow(datagram, "->>", text, out),
            Some(drop) => {
                self.arrow(datagram, "--x", &format!("{text}, dropped: {}", drop.reason), out)
            }
        }
    }

    fn arrow(
        &self,
        datagram: &Datagram,
        arrow: &str,
        text: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let (from, to) = (datagram.from.host, datagram.to.host);
        writeln!(out, "    h{from}{arrow}h{to}: {}", escaped(text))
    }

    fn across(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Ok(()) };
        let over = if first == last { format!("h{first}") } else { format!("h{first},h{last}") };
        writeln!(out, "    Note over {over}: {}", escaped(text))
    }

    fn left_out(&self, rows: usize, out: &mut dyn Write) -> io::Result<()> {
        match rows {
            0 => Ok(()),
            rows => self.across(&format!("({rows} rows left out)"), out),
        }
    }
}

/// Text of which Mermaid interprets nothing: what is not plain becomes an entity code, and so does the
/// word `end`, which would close a block.
fn escaped(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " .,()=/_-!~".contains(c);
    let short: String = match text.char_indices().nth(LONGEST_LABEL) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    };
    let mut out = String::new();
    for (number, word) in short.split(' ').enumerate() {
        if number > 0 {
            out.push(' ');
        }
        let rest = word.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        let ends = word[..word.len() - rest.len()].eq_ignore_ascii_case("end");
        for (place, c) in word.chars().enumerate() {
            match plain(c) && !(ends && place == 0) {
                true => out.push(c),
                false => out.push_str(&format!("#{};", u32::from(c))),
            }
        }
    }
    out
}
