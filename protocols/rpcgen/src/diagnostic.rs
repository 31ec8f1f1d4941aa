//! What is wrong with an interface file, and where.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::source::{Sources, Span};
use crate::text::{same_length, visible};

/// How many errors are drawn; the rest are counted.
pub(crate) const DRAWN: usize = 100;

/// How much of a very long line is handed to the renderer, in bytes on either side of the error.
const LONGEST_SIDE: usize = 2000;

/// Two places at most so many lines apart are drawn together.
const NEAR: usize = 30;

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    /// What is wrong, in one sentence without a full stop.
    message: String,
    span: Span,
    /// What stands beside the place; may be empty.
    label: String,
    /// Another place that matters, and why.
    other: Option<(Span, String)>,
    /// How to mend it.
    help: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Diagnostic { message: message.into(), span, label: String::new(), other: None, help: None }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn other(mut self, span: Span, label: impl Into<String>) -> Self {
        self.other = Some((span, label.into()));
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the nearest known name, if there is one.
    pub(crate) fn meant(self, nearest: Option<&str>) -> Self {
        match nearest {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// All errors of an interface file and those it includes, in file order.
#[derive(Clone)]
pub struct Diagnostics {
    sources: Sources,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(crate) fn new(sources: Sources, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|one| one.span.start);
        list.dedup();
        Diagnostics { sources, list }
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
        let mut drawn: Vec<String> =
            self.list.iter().take(DRAWN).map(|one| self.draw(&renderer, one)).collect();
        match self.list.len().saturating_sub(DRAWN) {
            0 => {}
            1 => drawn.push("... and 1 more error".to_owned()),
            more => drawn.push(format!("... and {more} more errors")),
        }
        drawn.join("\n\n")
    }

    fn draw(&self, renderer: &Renderer, one: &Diagnostic) -> String {
        let mut places = vec![Place::new(&self.sources, &one.span, &one.label, true)];
        if let Some((span, label)) = &one.other {
            places.push(Place::new(&self.sources, span, label, false));
        }
        let excerpts = match &places[..] {
            [a, b] if a.file == b.file && a.line.abs_diff(b.line) <= NEAR && !a.cut && !b.cut => {
                vec![Excerpt::new(places)]
            }
            _ => places.into_iter().map(|place| Excerpt::new(vec![place])).collect(),
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(visible(&one.message)));
        for excerpt in &excerpts {
            let snippet = Snippet::source(excerpt.text.as_str())
                .line_start(excerpt.first + 1)
                .annotations(excerpt.marks.iter().map(Mark::annotation));
            group = match excerpt.column {
                None => group.element(snippet.path(excerpt.path.as_str())),
                // The renderer would count columns from the cut.
                Some((line, column)) => {
                    let origin = Origin::path(excerpt.path.as_str()).line(line + 1);
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

/// A place within one line of a file.
struct Place<'a> {
    name: &'a str,
    /// Where the file begins: tells files apart that have one name.
    file: usize,
    text: &'a str,
    /// Counted from 0.
    line: usize,
    /// Bytes from the start of the line.
    span: Range<usize>,
    label: String,
    primary: bool,
    /// The line is too long to be drawn whole.
    cut: bool,
}

impl<'a> Place<'a> {
    /// Marks as much of `span` as lies in its first line.
    fn new(sources: &'a Sources, span: &Span, label: &str, primary: bool) -> Self {
        let (name, file, text) = sources.file_of(span.start);
        let mut start = (span.start - file).min(text.len());
        // A place at the end of a file belongs to its last line that says something.
        if start == text.len() {
            start = text.trim_end().len();
        }
        let start = floor(text, start);
        let begin = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[..begin].matches('\n').count();
        let content = line_at(text, begin);
        let from = (start - begin).min(content.len());
        let until = span.end.saturating_sub(file + begin).clamp(from, content.len());
        let span = from..ceil(content, until);
        let cut = content.len() > 2 * LONGEST_SIDE;
        Place { name, file, text, line, span, label: visible(label), primary, cut }
    }
}

struct Mark {
    span: Range<usize>,
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

/// Some lines of a file, and the marks in them.
struct Excerpt {
    path: String,
    /// The first line, counted from 0.
    first: usize,
    text: String,
    marks: Vec<Mark>,
    /// Line and column of the first place, if the start of its line was cut off.
    column: Option<(usize, usize)>,
}

impl Excerpt {
    /// The lines from the first place to the last, which are in one file; very long lines are cut around
    /// their place.
    fn new(places: Vec<Place<'_>>) -> Self {
        let first = places.iter().map(|place| place.line).min().unwrap_or(0);
        let last = places.iter().map(|place| place.line).max().unwrap_or(0);
        let path = places.first().map_or(String::new(), |place| visible(place.name));
        let whole = places.first().map_or("", |place| place.text);
        let mut excerpt = Excerpt { path, first, text: String::new(), marks: vec![], column: None };
        let lines = whole.split('\n').enumerate().skip(first).take(last - first + 1);
        for (index, line) in lines {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if index > first {
                excerpt.text.push('\n');
            }
            let here = || places.iter().filter(|place| place.line == index);
            let window = window(line, here().next().map_or(0, |place| place.span.start));
            for place in here() {
                if window.start > 0 {
                    let column = line[..place.span.start].chars().count();
                    excerpt.column = Some((index, column));
                }
                let shift = |at: usize| {
                    at.clamp(window.start, window.end) - window.start + excerpt.text.len()
                };
                let span = shift(place.span.start)..shift(place.span.end);
                let kind = match place.primary {
                    true => AnnotationKind::Primary,
                    false => AnnotationKind::Context,
                };
                excerpt.marks.push(Mark { span, label: place.label.clone(), kind });
            }
            excerpt.text.push_str(&same_length(&line[window]));
        }
        excerpt
    }
}

/// The line that begins at `begin`, without its end.
fn line_at(text: &str, begin: usize) -> &str {
    let line = text[begin..].split('\n').next().unwrap_or("");
    line.strip_suffix('\r').unwrap_or(line)
}

/// The part of a line that is handed to the renderer, which itself cuts it to the terminal's width.
fn window(line: &str, around: usize) -> Range<usize> {
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

    fn render(text: &str, one: Diagnostic) -> String {
        let mut sources = Sources::default();
        sources.add("a.x", text);
        Diagnostics::new(sources, vec![one]).render(false)
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
            "\t\tint \tx\n",
            "é 日本語\n",
            "\u{feff}a",
            "a\u{1b}[31mb",
            &long,
            "a\n\n\n",
        ];
        for text in texts {
            let step = (text.len() / 50).max(1);
            for start in (0..text.len() + 3).step_by(step) {
                for length in [0, 1, 2, 7, 500_000] {
                    let one = Diagnostic::new(start..start + length, "wrong").label("here");
                    let drawn = render(text, one.other(0..1, "there"));
                    assert!(drawn.contains("here"), "{drawn}");
                    assert!(drawn.contains("there"), "{drawn}");
                    assert!(!drawn.contains(|c: char| c.is_control() && c != '\n'), "{drawn:?}");
                }
            }
        }
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let one = Diagnostic::new(0..1, "bad \u{1b}[2J").label("\u{9b}31m").help("\u{202e}\n");
        let drawn = render("\u{1b}[31m\u{9b}31m\u{202e}\u{7f}", one);
        for bad in ["\u{1b}", "\u{9b}", "\u{202e}", "\u{7f}"] {
            assert!(!drawn.contains(bad), "{drawn:?}");
        }
    }

    #[test]
    fn many_errors_are_counted() {
        let list = (0..150).rev().map(|i| Diagnostic::new(i..i, format!("e{i}"))).collect();
        let mut sources = Sources::default();
        sources.add("a.x", &" ".repeat(200));
        let drawn = Diagnostics::new(sources, list).render(false);
        assert!(drawn.starts_with("error: e0\n"), "{drawn}");
        assert!(drawn.ends_with("... and 50 more errors"), "{drawn}");
    }
}
