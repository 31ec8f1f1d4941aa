//! What is wrong with a scenario file, and where.

use crate::text::{same_length, visible};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// A place in a file: a range of byte offsets.
pub type Span = Range<usize>;

/// How many errors of one file are drawn; the rest are counted.
const DRAWN: usize = 100;

/// How much of a very long line is handed to the renderer, in bytes on either side of the error.
const LONGEST_SIDE: usize = 2000;

/// Two places at most so many lines apart are drawn together.
const NEAR: usize = 100;

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where, in bytes from the start of the file.
    pub span: Span,
    /// What stands beside the place; may be empty.
    pub label: String,
    /// Another place that matters, and why.
    pub other: Option<(Span, String)>,
    /// How to mend it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Diagnostic { message: message.into(), span, label: String::new(), other: None, help: None }
    }

    /// Adds what stands beside the place.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds another place that matters.
    pub(super) fn other(mut self, span: Span, label: impl Into<String>) -> Self {
        self.other = Some((span, label.into()));
        self
    }

    /// Adds how to mend it.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// All errors of one scenario file, in file order.
#[derive(Clone, PartialEq, Eq)]
pub struct Diagnostics {
    name: String,
    text: Arc<str>,
    list: Vec<Diagnostic>,
    /// How many more there are.
    left_out: usize,
}

impl Diagnostics {
    /// The errors of the file `name`, whose content is `text`.
    pub(super) fn new(
        name: &str,
        text: Arc<str>,
        mut list: Vec<Diagnostic>,
        left_out: usize,
    ) -> Self {
        list.sort_by_key(|one| one.span.start);
        // Recovery may report one thing twice.
        list.dedup();
        Diagnostics { name: name.to_owned(), text, list, left_out }
    }

    /// The errors, in file order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// How many errors there are; never 0.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Draws the errors with the lines they are in, as a compiler does, with ANSI colours if `color`.
    ///
    /// Control characters of the file are replaced by visible ones. The text ends without a newline.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(120);
        let lines = Lines::new(&self.text);
        let mut drawn: Vec<String> =
            self.list.iter().take(DRAWN).map(|one| self.draw(&renderer, &lines, one)).collect();
        match self.list.len().saturating_sub(DRAWN) + self.left_out {
            0 => {}
            1 => drawn.push("... and 1 more error".to_owned()),
            more => drawn.push(format!("... and {more} more errors")),
        }
        drawn.join("\n\n")
    }

    /// Draws one error. Only the lines it is about are handed to the renderer, which would otherwise
    /// split the whole file into lines again for each.
    fn draw(&self, renderer: &Renderer, lines: &Lines<'_>, one: &Diagnostic) -> String {
        let path = visible(&self.name);
        let primary = lines.mark(&one.span, &one.label, AnnotationKind::Primary);
        let other = one.other.as_ref();
        let other = other.map(|(span, label)| lines.mark(span, label, AnnotationKind::Context));
        let excerpts = match other {
            Some(other) if other.line.abs_diff(primary.line) <= NEAR => {
                vec![lines.excerpt(vec![primary, other])]
            }
            Some(other) => vec![lines.excerpt(vec![primary]), lines.excerpt(vec![other])],
            None => vec![lines.excerpt(vec![primary])],
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(visible(&one.message)));
        for excerpt in &excerpts {
            let snippet = Snippet::source(excerpt.text.as_str())
                .line_start(excerpt.first + 1)
                .annotations(excerpt.marks.iter().map(Mark::annotation));
            group = match excerpt.column {
                None => group.element(snippet.path(path.as_str())),
                // The renderer would count columns from the cut.
                Some((line, column)) => {
                    let origin = Origin::path(path.as_str()).line(line + 1);
                    group.element(origin.char_column(column + 1)).element(snippet)
                }
            };
        }
        if let Some(help) = &one.help {
            group = group.element(Level::HELP.message(visible(help)));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for Diagnostics {
    /// The rendered text, so that a test that unwraps shows something readable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} error(s)\n{self}", self.list.len())
    }
}

impl std::error::Error for Diagnostics {}

/// A marked place within one line.
struct Mark {
    /// Counted from 0.
    line: usize,
    /// Bytes from the start of the line, or of the excerpt once it is in one.
    span: Span,
    label: String,
    kind: AnnotationKind,
}

impl Mark {
    fn annotation(&self) -> Annotation<'_> {
        let annotation = self.kind.span(self.span.clone());
        match self.label.as_str() {
            "" => annotation,
            label => annotation.label(label),
        }
    }
}

/// Some lines of the file, and the marks in them.
struct Excerpt {
    /// The first line, counted from 0.
    first: usize,
    text: String,
    marks: Vec<Mark>,
    /// Line and column of the first mark, if the start of its line was cut off.
    column: Option<(usize, usize)>,
}

/// Where the lines of a file begin.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(i, _)| i + 1)).collect();
        Lines { text, starts }
    }

    /// The line, counted from 0, in which a place is.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// A line without its end.
    fn line(&self, index: usize) -> &'a str {
        let end = self.starts.get(index + 1).map_or(self.text.len(), |next| next - 1);
        let line = &self.text[self.starts[index]..end];
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// Marks as much of `span` as lies in its first line.
    fn mark(&self, span: &Span, label: &str, kind: AnnotationKind) -> Mark {
        let mut start = floor(self.text, span.start);
        // A place at the end of a file that ends with a newline belongs to its last line.
        if start == self.text.len() && self.text.ends_with('\n') {
            start = self.text.trim_end_matches(['\n', '\r']).len();
        }
        let index = self.line_of(start);
        let (line, from) = (self.line(index), self.starts[index]);
        let start = (start - from).min(line.len());
        let end = ceil(line, span.end.saturating_sub(from).clamp(start, line.len()));
        Mark { line: index, span: start..end, label: visible(label), kind }
    }

    /// The lines from the first mark to the last; very long ones are cut around their mark.
    fn excerpt(&self, mut marks: Vec<Mark>) -> Excerpt {
        let first = marks.iter().map(|mark| mark.line).min().unwrap_or(0);
        let last = marks.iter().map(|mark| mark.line).max().unwrap_or(0);
        let (mut text, mut column) = (String::new(), None);
        for index in first..=last {
            if index > first {
                text.push('\n');
            }
            let line = self.line(index);
            let here = marks.iter().find(|mark| mark.line == index);
            let window = window(line, here.map_or(0, |mark| mark.span.start));
            if window.start > 0 && marks[0].line == index {
                column = Some((index, line[..marks[0].span.start].chars().count()));
            }
            for mark in marks.iter_mut().filter(|mark| mark.line == index) {
                let shift = |place: usize| {
                    place.clamp(window.start, window.end) - window.start + text.len()
                };
                mark.span = shift(mark.span.start)..shift(mark.span.end);
            }
            text.push_str(&same_length(&line[window]));
        }
        Excerpt { first, text, marks, column }
    }
}

/// The part of a line that is handed to the renderer, which itself cuts it to the terminal's width.
fn window(line: &str, around: usize) -> Span {
    if line.len() <= 2 * LONGEST_SIDE {
        return 0..line.len();
    }
    floor(line, around.saturating_sub(LONGEST_SIDE))..floor(line, around + LONGEST_SIDE)
}

/// The end of the last whole character before `index`, or `index` itself.
fn floor(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

/// The start of the first whole character from `index` on.
fn ceil(text: &str, index: usize) -> usize {
    (index..text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, span: Span) -> String {
        let one = Diagnostic::new(span, "wrong").label("here");
        Diagnostics::new("a.toml", text.into(), vec![one], 0).render(false)
    }

    #[test]
    fn any_span_in_any_text_is_drawn() {
        let long = "x".repeat(100_000);
        let texts = [
            "",
            "\n",
            "\r\n",
            "a",
            "a\n",
            "a\r\nb\r\n",
            "\t\ta = \t1\n",
            "é = \"日本語\"\n",
            "\u{feff}a",
            "a\u{1b}[31mb",
            &long,
            "a\n\n\n",
        ];
        for text in texts {
            let step = (text.len() / 50).max(1);
            for start in (0..text.len() + 3).step_by(step) {
                for length in [0, 1, 2, 7, 500_000] {
                    let drawn = render(text, start..start + length);
                    assert!(drawn.contains("here"), "{drawn}");
                    assert!(!drawn.contains(|c: char| c.is_control() && c != '\n'), "{drawn:?}");
                }
            }
        }
    }

    #[test]
    fn escape_sequences_of_the_file_do_not_reach_the_terminal() {
        let one = Diagnostic::new(0..1, "bad \u{1b}[2J")
            .label("\u{9b}31m")
            .other(5..6, "\u{1b}]0;x\u{7}")
            .help("\u{202e}\n");
        let text = "\u{1b}[31m\u{9b}31m\u{202e}\u{7f}";
        for color in [false, true] {
            let all = Diagnostics::new("\u{1b}[1m.toml", text.into(), vec![one.clone()], 0);
            let drawn = all.render(color);
            for bad in
                ["\u{1b}[2J", "\u{1b}[31m", "\u{9b}", "\u{7}", "\u{202e}", "\u{7f}", "\u{1b}[1m."]
            {
                assert!(!drawn.contains(bad), "{drawn:?}");
            }
        }
    }

    #[test]
    fn errors_come_in_file_order_and_the_rest_is_counted() {
        let list = (0..150).rev().map(|i| Diagnostic::new(i..i, format!("e{i}")));
        let all = Diagnostics::new("a", " ".repeat(200).into(), list.collect(), 0);
        let drawn = all.render(false);
        assert!(drawn.starts_with("error: e0\n"), "{drawn}");
        assert!(drawn.ends_with("... and 50 more errors"), "{drawn}");
    }
}
