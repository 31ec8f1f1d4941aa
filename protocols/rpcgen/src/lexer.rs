//! Text into tokens (RFC 4506, section 6.2), and the lines of C's preprocessor that real files have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::ast::{Expression, Name};
use crate::source::MAX_LENGTH;
use squall_diagnostic::text::quote;
use squall_diagnostic::{Diagnostic, Sources, Span};

mod directive;

/// A piece of text that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A keyword or an identifier.
    Word(String),
    /// A number without its sign.
    Number(i128),
    /// What stands between quotes.
    Text(String),
    /// One of `{}()[]<>;:,=*-`.
    Mark(char),
    /// There is no more.
    End,
}

impl Token {
    /// What a message calls it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Token::Word(word) => quote(word),
            Token::Number(number) => format!("`{number}`"),
            Token::Text(_) => "a string".to_owned(),
            Token::Mark(mark) => format!("`{mark}`"),
            Token::End => "the end of the file".to_owned(),
        }
    }
}

/// What a preprocessor's name stands for: a number, or nothing that we know.
pub(crate) type Defined = Option<(Name, Expression)>;

/// Reads files into one row of tokens.
#[derive(Debug, Default)]
pub(crate) struct Lexer {
    pub(crate) sources: Sources,
    pub(crate) tokens: Vec<(Token, Span)>,
    pub(crate) errors: Vec<Diagnostic>,
    /// The names of `#define`.
    pub(crate) defined: BTreeMap<String, Defined>,
    /// The files that were included, once each.
    pub(crate) included: Vec<PathBuf>,
    /// `#if`s that are open in the current file.
    conditions: Vec<directive::Condition>,
    /// How many files include the current one.
    depth: u32,
}

impl Lexer {
    /// Reads a file; `folder` is where its includes are.
    pub(crate) fn file(&mut self, name: &str, bytes: &[u8], folder: Option<&Path>) {
        let too_long = self.sources.len() + bytes.len() > MAX_LENGTH;
        let bytes = if too_long { &[] } else { bytes };
        let text = String::from_utf8_lossy(bytes);
        let base = self.sources.add(name, &text);
        if too_long {
            let message = format!(
                "the file is too long: with all it includes it may have {MAX_LENGTH} bytes"
            );
            self.errors.push(Diagnostic::new(base..base, message));
            return;
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            let at = base + error.valid_up_to();
            let message = "the file is not UTF-8";
            self.errors
                .push(Diagnostic::new(at..at + 1, message).label("the first byte that is not"));
            return;
        }
        let text = &*text;
        // As where rpcgen writes the header, which has the types.
        self.defined.entry("RPC_HDR".to_owned()).or_insert(None);
        let outer = std::mem::take(&mut self.conditions);
        Scanner { lexer: self, text, base, at: 0, line_start: true, folder }.run();
        for open in std::mem::replace(&mut self.conditions, outer) {
            let message = "this condition has no `#endif`";
            self.errors.push(Diagnostic::new(open.span, message).label("begins here"));
        }
    }

    /// Adds the end, and hands the tokens out.
    pub(crate) fn finish(&mut self) -> Vec<(Token, Span)> {
        let end = self.sources.first_end();
        self.tokens.push((Token::End, end..end));
        std::mem::take(&mut self.tokens)
    }

    fn active(&self) -> bool {
        self.conditions.last().is_none_or(|condition| condition.active)
    }
}

/// One file on its way.
struct Scanner<'a> {
    lexer: &'a mut Lexer,
    text: &'a str,
    /// Where the file begins among all.
    base: usize,
    at: usize,
    /// Nothing but blanks since the line began.
    line_start: bool,
    folder: Option<&'a Path>,
}

impl Scanner<'_> {
    fn run(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
        while let Some(c) = self.text[self.at..].chars().next() {
            let line_start = std::mem::replace(&mut self.line_start, c == '\n');
            match c {
                ' ' | '\t' | '\r' | '\u{c}' => {
                    self.at += 1;
                    self.line_start = line_start;
                }
                '\n' => self.at += 1,
                '#' | '%' if line_start => self.directive(c),
                '/' if self.text[self.at..].starts_with("/*") => self.comment(),
                '/' if self.text[self.at..].starts_with("//") => {
                    self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at);
                }
                _ if !self.lexer.active() => self.at += c.len_utf8(),
                _ if c.is_ascii_alphabetic() || c == '_' => {
                    let word = self.take_word().to_owned();
                    self.push(Token::Word(word.clone()), word.len());
                }
                _ if c.is_ascii_digit() => self.number(),
                '"' => self.string(),
                '{' | '}' | '(' | ')' | '[' | ']' | '<' | '>' | ';' | ':' | ',' | '=' | '*'
                | '-' => {
                    self.at += 1;
                    self.push(Token::Mark(c), 1);
                }
                _ => self.unknown(),
            }
        }
    }

    /// The place of what lies `length` bytes back to here.
    fn back(&self, length: usize) -> Span {
        self.base + self.at - length..self.base + self.at
    }

    fn push(&mut self, token: Token, length: usize) {
        let span = self.back(length);
        self.lexer.tokens.push((token, span));
    }

    fn error(&mut self, error: Diagnostic) {
        self.lexer.errors.push(error);
    }

    fn take_word(&mut self) -> &str {
        let rest = &self.text[self.at..];
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn comment(&mut self) {
        match self.text[self.at + 2..].find("*/") {
            Some(length) => self.at += length + 4,
            None => {
                self.at += 2;
                let span = self.back(2);
                self.at = self.text.len();
                let error = Diagnostic::new(span, "this comment has no end").label("begins here");
                self.error(error.help("end it with `*/`"));
            }
        }
    }

    fn string(&mut self) {
        let rest = &self.text[self.at + 1..];
        let length = rest.find(['"', '\n']).unwrap_or(rest.len());
        let closed = rest[length..].starts_with('"');
        self.at += 1 + length + usize::from(closed);
        self.push(Token::Text(rest[..length].to_owned()), length + 1 + usize::from(closed));
        if !closed {
            let span = self.back(length + 1);
            let error = Diagnostic::new(span, "this string has no end in its line");
            self.error(error.help("end it with `\"`"));
        }
    }

    fn number(&mut self) {
        let word = self.take_word().to_owned();
        let span = self.back(word.len());
        let value = parse_number(&word);
        if value.is_none() {
            let digits = word.trim_start_matches("0x").trim_start_matches("0X");
            let all = |base| digits.chars().all(|c: char| c.is_digit(base)) && !digits.is_empty();
            let long = all(if digits.len() < word.len() { 16 } else { 10 }) && digits.len() > 19;
            let error = match long {
                true => Diagnostic::new(span, "this number takes more than 96 bits"),
                false => Diagnostic::new(span, format!("{} is no number", quote(&word))).help(
                    "numbers are decimal (`10`), hexadecimal (`0xa`) or octal (`012`); names begin with a letter",
                ),
            };
            self.error(error);
        }
        self.push(Token::Number(value.unwrap_or(1)), word.len());
    }

    /// Says once what a row of characters that mean nothing is.
    fn unknown(&mut self) {
        let rest = &self.text[self.at..];
        let known = |c: char| {
            c.is_ascii_alphanumeric() || c.is_whitespace() || "_{}()[]<>;:,=*-\"/".contains(c)
        };
        let length = rest.char_indices().find(|(i, c)| *i > 0 && known(*c));
        let length = length.map_or(rest.len(), |(i, _)| i);
        self.at += length;
        let message = format!("{} means nothing here", quote(&rest[..length]));
        let error = Diagnostic::new(self.back(length), message);
        let ascii =
            "outside comments and strings a file has ASCII letters, digits and punctuation alone";
        self.error(if rest[..length].is_ascii() { error } else { error.help(ascii) });
    }
}

/// A number as C writes it, without its sign, if it takes no more than 96 bits.
fn parse_number(word: &str) -> Option<i128> {
    let hex = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let number = match hex {
        Some(hex) => u128::from_str_radix(hex, 16),
        None if word.len() > 1 && word.starts_with('0') => u128::from_str_radix(word, 8),
        None => word.parse(),
    };
    // What a number is for decides how large it may be; here it must only leave room for sums.
    number.ok().filter(|number| *number < 1 << 96).and_then(|number| i128::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        let mut lexer = Lexer::default();
        lexer.file("a.x", text.as_bytes(), None);
        assert!(lexer.errors.is_empty(), "{:?}", lexer.errors);
        lexer.tokens.into_iter().map(|(token, _)| token).collect()
    }

    fn words(text: &str) -> Vec<String> {
        let word = |token| match token {
            Token::Word(word) => word,
            other => panic!("{other:?}"),
        };
        tokens(text).into_iter().map(word).collect()
    }

    #[test]
    fn numbers_are_those_of_c() {
        let numbers = tokens("0 10 0xfF 010 18446744073709551615");
        let expected = [0, 10, 255, 8, u64::MAX.into()].map(Token::Number);
        assert_eq!(numbers, expected);
        assert_eq!(parse_number("08"), None);
        assert_eq!(parse_number("0x"), None);
        assert_eq!(parse_number("79228162514264337593543950335"), Some((1 << 96) - 1));
        assert_eq!(parse_number("79228162514264337593543950336"), None);
    }

    #[test]
    fn comments_and_lines_for_c_are_skipped() {
        assert_eq!(words("a /* b\n%c */ d // e\nf"), ["a", "d", "f"]);
        assert_eq!(words("%int x;\na\n  %b \\\nc\n#pragma x\n# 1 \"f.x\"\nd"), ["a", "d"]);
        assert_eq!(words("#define A /* a\nb */ c"), ["c"]);
        assert_eq!(words("\u{feff}a\r\nb"), ["a", "b"]);
    }

    #[test]
    fn conditions_of_the_preprocessor_hold() {
        assert_eq!(words("#ifdef A\na ' \" @\n#else\nb\n#endif\nc"), ["b", "c"]);
        assert_eq!(words("#define A\n#ifdef A\na\n#else\nb\n#endif\nc"), ["a", "c"]);
        assert_eq!(words("#ifndef A\n#if 0\na\n#elif 1\nb\n#else\nc\n#endif\n#endif"), ["b"]);
        assert_eq!(words("#if defined(A) \n#if ???\n#endif\na\n#endif\nb"), ["b"]);
        assert_eq!(words("#define A 2\n#if A\na\n#endif\n#if !defined A\nb\n#endif"), ["a"]);
    }
}
