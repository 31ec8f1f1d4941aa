//! Lines that begin with `#` or `%`. The original rpcgen hands the first to C's preprocessor and the second
//! to its output. Of the first we obey conditions, `#include "..."` and `#define` of numbers; of the second
//! we remember `%#define` of numbers, since real files take bounds from there; the rest is skipped.

use super::Scanner;
use crate::ast::{Expression, Name};
use crate::source::read;
use squall_diagnostic::text::quote;
use squall_diagnostic::{Diagnostic, Span};

/// How deep files may include one another.
const MAX_DEPTH: u32 = 16;

/// An `#if` and what follows up to its `#endif`.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) span: Span,
    /// What stands here counts.
    pub(super) active: bool,
    /// Whether the whole condition lies where text counts.
    outside: bool,
    /// An earlier branch counted.
    taken: bool,
}

impl Scanner<'_> {
    pub(super) fn directive(&mut self, sign: char) {
        let start = self.at;
        self.at += self.line_length();
        if sign == '#' {
            // A comment that begins here may go on in the next line.
            if let Some(comment) = self.text[start..self.at].find("/*") {
                self.at = start + comment;
            }
        }
        self.line_start = false;
        let text = self.text;
        let line = &text[start + 1..self.at];
        let span = self.base + start..self.base + start + 1 + line.trim_end().len();
        match sign {
            '#' => self.preprocess(line.trim(), span),
            _ => {
                let line = line.trim_start();
                if let Some(line) = line.strip_prefix('#') {
                    self.define(line.trim(), span);
                }
            }
        }
    }

    /// The length of the line, with those that it goes on in.
    fn line_length(&self) -> usize {
        let rest = &self.text[self.at..];
        let ends = rest.match_indices('\n').map(|(end, _)| end);
        let last = |end: &usize| !rest[..*end].trim_end_matches('\r').ends_with('\\');
        ends.into_iter().find(last).unwrap_or(rest.len())
    }

    fn preprocess(&mut self, line: &str, span: Span) {
        let (word, rest) = split_word(line);
        match word {
            "ifdef" | "ifndef" => {
                let known = self.lexer.defined.contains_key(split_word(rest).0);
                self.begin(known == (word == "ifdef"), span);
            }
            "if" => {
                let holds = self.lexer.active() && self.holds(rest, &span);
                self.begin(holds, span);
            }
            "elif" | "else" => {
                let Some(mut open) = self.lexer.conditions.pop() else {
                    return self.without_if(word, span);
                };
                let may = open.outside && !open.taken;
                open.active = may && (word == "else" || self.holds(rest, &span));
                open.taken |= open.active;
                self.lexer.conditions.push(open);
            }
            "endif" if self.lexer.conditions.pop().is_none() => self.without_if(word, span),
            "include" if self.lexer.active() => self.include(rest, span),
            "define" => self.define(line, span),
            _ => {}
        }
    }

    fn begin(&mut self, holds: bool, span: Span) {
        let outside = self.lexer.active();
        let active = outside && holds;
        self.lexer.conditions.push(Condition { span, active, outside, taken: active });
    }

    fn without_if(&mut self, word: &str, span: Span) {
        self.error(Diagnostic::new(span, format!("`#{word}` without an `#if`")));
    }

    /// Whether a condition holds, of those that we understand.
    fn holds(&mut self, condition: &str, span: &Span) -> bool {
        let (not, plain) = match condition.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, condition),
        };
        let name =
            plain.strip_prefix("defined").map(|rest| rest.trim_matches([' ', '\t', '(', ')']));
        let holds = if let Some(name) = name.filter(|name| is_name(name)) {
            Some(self.lexer.defined.contains_key(name))
        } else if is_name(plain) {
            let zero = |value: &Expression| value.base.is_none() && value.add == 0;
            let value = self.lexer.defined.get(plain);
            Some(value.is_some_and(|value| value.as_ref().is_none_or(|(_, value)| !zero(value))))
        } else {
            super::parse_number(plain).map(|number| number != 0)
        };
        if holds.is_none() {
            let message = "this condition is not understood";
            self.error(Diagnostic::new(span.clone(), message).help(
                "write `#ifdef NAME`, `#ifndef NAME`, `#if NAME`, `#if defined(NAME)`, `#if 0` or `#if 1`",
            ));
        }
        holds.is_some_and(|holds| holds != not)
    }

    /// `define NAME`, with a number, a name, or the sum of both behind it.
    fn define(&mut self, line: &str, span: Span) {
        let (word, rest) = split_word(line);
        let (name, value) = split_word(rest);
        if word != "define" || !self.lexer.active() || !is_name(name) {
            return;
        }
        let value = value.split("/*").next().unwrap_or("").trim();
        let value = value.strip_prefix('(').and_then(|v| v.strip_suffix(')')).unwrap_or(value);
        let (first, second) = value.split_once('+').unwrap_or((value, "0"));
        let (first, add) = (first.trim(), super::parse_number(second.trim()));
        let expression = match (super::parse_number(first), add) {
            (Some(number), Some(add)) => {
                Some(Expression { base: None, add: number + add, span: span.clone() })
            }
            (None, Some(add)) if is_name(first) => {
                let base = Name { text: first.to_owned(), span: span.clone() };
                Some(Expression { base: Some(base), add, span: span.clone() })
            }
            _ => None,
        };
        let defined = Name { text: name.to_owned(), span };
        self.lexer.defined.insert(name.to_owned(), expression.map(|value| (defined, value)));
    }

    fn include(&mut self, what: &str, span: Span) {
        // What stands in <> is C's.
        let Some(name) = what.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return;
        };
        if !name.ends_with(".x") {
            return;
        }
        let label = "is included here";
        let Some(folder) = self.folder else {
            let message =
                format!("{} can not be included: no folder to look in is known", quote(name));
            return self.error(Diagnostic::new(span, message));
        };
        if self.lexer.depth == MAX_DEPTH {
            let message = format!("files include one another more than {MAX_DEPTH} deep");
            return self.error(Diagnostic::new(span, message));
        }
        let path = folder.join(name);
        if self.lexer.included.contains(&path) {
            return;
        }
        self.lexer.included.push(path.clone());
        match read(&path) {
            Ok(text) => {
                self.lexer.depth += 1;
                self.lexer.file(&path.display().to_string(), &text, path.parent());
                self.lexer.depth -= 1;
            }
            Err(error) => {
                self.error(
                    Diagnostic::new(span, format!("{}: {error}", path.display())).label(label),
                );
            }
        }
    }
}

/// The first word of a line, and what follows it.
fn split_word(line: &str) -> (&str, &str) {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (first, rest) = line.split_at(line.find(|c| !word(c)).unwrap_or(line.len()));
    (first, rest.trim())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && split_word(text).1.is_empty()
}
