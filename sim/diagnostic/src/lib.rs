//! What is wrong with a file, drawn at its place as a compiler does: for scenario files and for the
//! interface files of the stub compiler.
#![forbid(unsafe_code)]

mod excerpt;
mod source;
pub mod text;

use std::fmt;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::excerpt::{Excerpt, Mark};
use crate::text::visible;

pub use crate::excerpt::Lines;
pub use crate::source::{Sources, Span};

/// How many errors are drawn; the rest are counted.
pub const DRAWN: usize = 100;

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where.
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
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Diagnostic { message: message.into(), span, label: String::new(), other: None, help: None }
    }

    /// Adds what stands beside the place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds another place that matters.
    pub fn other(mut self, span: Span, label: impl Into<String>) -> Self {
        self.other = Some((span, label.into()));
        self
    }

    /// Adds how to mend it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the nearest known name, if there is one.
    pub fn meant(self, nearest: Option<&str>) -> Self {
        match nearest {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// All errors of a file and those it includes, in file order.
#[derive(Clone, PartialEq, Eq)]
pub struct Diagnostics {
    sources: Sources,
    list: Vec<Diagnostic>,
    /// How many more there are.
    left_out: usize,
}

impl Diagnostics {
    /// These errors in these files, and `left_out` more.
    pub fn new(sources: Sources, mut list: Vec<Diagnostic>, left_out: usize) -> Self {
        list.sort_by_key(|one| one.span.start);
        // Recovery may report one thing twice.
        list.dedup();
        Diagnostics { sources, list, left_out }
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
        let files: Vec<File<'_>> = self.sources.files().map(File::new).collect();
        let mut drawn: Vec<String> =
            self.list.iter().take(DRAWN).map(|one| self.draw(&renderer, &files, one)).collect();
        match self.list.len().saturating_sub(DRAWN) + self.left_out {
            0 => {}
            1 => drawn.push("... and 1 more error".to_owned()),
            more => drawn.push(format!("... and {more} more errors")),
        }
        drawn.join("\n\n")
    }

    /// Draws one error. Only the lines it is about are handed to the renderer, which would otherwise
    /// split whole files into lines again for each.
    fn draw(&self, renderer: &Renderer, files: &[File<'_>], one: &Diagnostic) -> String {
        let place = |span: &Span, label: &str, kind| {
            let file = &files[self.sources.file_of(span.start)];
            (file, file.mark(span, label, kind))
        };
        let (file, primary) = place(&one.span, &one.label, AnnotationKind::Primary);
        let other = one.other.as_ref();
        let other = other.map(|(span, label)| place(span, label, AnnotationKind::Context));
        let excerpts = match other {
            Some((here, other)) if here.is(file) && primary.is_near(&other) => {
                vec![file.excerpt(vec![primary, other])]
            }
            Some((there, other)) => {
                vec![file.excerpt(vec![primary]), there.excerpt(vec![other])]
            }
            None => vec![file.excerpt(vec![primary])],
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(visible(&one.message)));
        for (path, excerpt) in &excerpts {
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

/// A file and its lines.
struct File<'a> {
    name: &'a str,
    start: usize,
    lines: Lines<'a>,
}

impl<'a> File<'a> {
    fn new((name, start, text): (&'a str, usize, &'a str)) -> Self {
        File { name, start, lines: Lines::new(text) }
    }

    /// True if it is the same file; two may have one name.
    fn is(&self, other: &File<'_>) -> bool {
        self.start == other.start
    }

    fn mark(&self, span: &Span, label: &str, kind: AnnotationKind) -> Mark {
        let here = span.start - self.start..span.end.saturating_sub(self.start);
        self.lines.mark(&here, label, kind)
    }

    /// Its name, and the lines from the first mark to the last.
    fn excerpt(&self, marks: Vec<Mark>) -> (String, Excerpt) {
        (visible(self.name), self.lines.excerpt(marks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, span: Span) -> String {
        let one = Diagnostic::new(span, "wrong").label("here");
        Diagnostics::new(Sources::one("a.toml", text), vec![one], 0).render(false)
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
            let all = Diagnostics::new(Sources::one("\u{1b}[1m.toml", text), vec![one.clone()], 0);
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
        let all = Diagnostics::new(Sources::one("a", &" ".repeat(200)), list.collect(), 0);
        let drawn = all.render(false);
        assert!(drawn.starts_with("error: e0\n"), "{drawn}");
        assert!(drawn.ends_with("... and 50 more errors"), "{drawn}");
    }
}
