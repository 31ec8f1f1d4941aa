//! The lines of a file that an error is about, and the marks in them.

use annotate_snippets::{Annotation, AnnotationKind};

use crate::Span;
use crate::text::{same_length, visible};

/// How much of a very long line is handed to the renderer, in bytes on either side of the error.
const LONGEST_SIDE: usize = 2000;

/// Two places at most so many lines apart are drawn together.
const NEAR: usize = 100;

/// A marked place within one line.
pub(crate) struct Mark {
    /// Counted from 0.
    pub line: usize,
    /// Bytes from the start of the line, or of the excerpt once it is in one.
    span: Span,
    label: String,
    kind: AnnotationKind,
    /// The line is too long to be drawn whole.
    pub cut: bool,
}

impl Mark {
    /// True if both are drawn together.
    pub fn is_near(&self, other: &Mark) -> bool {
        self.line.abs_diff(other.line) <= NEAR && !self.cut && !other.cut
    }

    pub fn annotation(&self) -> Annotation<'_> {
        let annotation = self.kind.span(self.span.clone());
        match self.label.as_str() {
            "" => annotation,
            label => annotation.label(label),
        }
    }
}

/// Some lines of the file, and the marks in them.
pub(crate) struct Excerpt {
    /// The first line, counted from 0.
    pub first: usize,
    pub text: String,
    pub marks: Vec<Mark>,
    /// Line and column of the first mark, if the start of its line was cut off.
    pub column: Option<(usize, usize)>,
}

/// Where the lines of a file begin.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// The lines of `text`.
    pub fn new(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(i, _)| i + 1)).collect();
        Lines { text, starts }
    }

    /// The line, counted from 0, in which a place is.
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// A line without its end.
    fn line(&self, index: usize) -> &'a str {
        let end = self.starts.get(index + 1).map_or(self.text.len(), |next| next - 1);
        let line = &self.text[self.starts[index]..end];
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// Marks as much of `span` as lies in its first line.
    pub(crate) fn mark(&self, span: &Span, label: &str, kind: AnnotationKind) -> Mark {
        let mut start = floor(self.text, span.start);
        // A place at the end of a file belongs to its last line that says something.
        if start == self.text.len() {
            start = self.text.trim_end().len();
        }
        let index = self.line_of(start);
        let (line, from) = (self.line(index), self.starts[index]);
        let start = (start - from).min(line.len());
        let end = ceil(line, span.end.saturating_sub(from).clamp(start, line.len()));
        let cut = line.len() > 2 * LONGEST_SIDE;
        Mark { line: index, span: start..end, label: visible(label), kind, cut }
    }

    /// The lines from the first mark to the last; very long ones are cut around their mark.
    pub(crate) fn excerpt(&self, mut marks: Vec<Mark>) -> Excerpt {
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
