//! Tokens into definitions, by recursive descent (RFC 4506, section 6.3; RFC 5531, section 12.2).

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{Body, Declaration, Definition, Expression, Kind, Name, Shape, Specifier};
use crate::lexer::Token;
use squall_diagnostic::Diagnostic;
use squall_diagnostic::Span;
use squall_diagnostic::text::{nearest, quote};

mod body;
mod program;
mod specifier;

/// How deep types may lie in one another.
const MAX_NESTING: usize = 16;

/// The words that begin a definition.
const DEFINITIONS: [&str; 6] = ["const", "enum", "struct", "union", "typedef", "program"];

/// The words that can not be names (RFC 4506, section 6.2; RFC 5531, section 12.3; C's, of rpcgen).
const KEYWORDS: [&str; 23] = [
    "bool",
    "case",
    "char",
    "const",
    "default",
    "double",
    "enum",
    "float",
    "hyper",
    "int",
    "long",
    "opaque",
    "program",
    "quadruple",
    "short",
    "string",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "version",
    "void",
];

/// An error was noted, and this definition can not be read any further.
struct Failed;

type Parsed<T> = Result<T, Failed>;

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) definitions: Vec<Definition>,
    /// Every name that something refers to.
    pub(crate) used: BTreeSet<String>,
    pub(crate) errors: Vec<Diagnostic>,
}

/// Reads what the tokens say; after an error it goes on with the next definition.
pub(crate) fn parse(tokens: Vec<(Token, Span)>) -> File {
    let closing = closing(&tokens);
    let mut parser = Parser { tokens, closing, at: 0, file: File::default(), outer: Vec::new() };
    while *parser.peek() != Token::End {
        let start = parser.at;
        if parser.definition().is_err() {
            parser.outer.clear();
            parser.recover(start);
        }
    }
    parser.file
}

struct Parser {
    /// Never empty: the end is one.
    tokens: Vec<(Token, Span)>,
    /// For each `{` where its `}` is.
    closing: BTreeMap<usize, usize>,
    at: usize,
    file: File,
    /// The names of the types that lie around what is being read.
    outer: Vec<String>,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Span {
        self.tokens[self.at].1.clone()
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn fail<T>(&mut self, error: Diagnostic) -> Parsed<T> {
        self.file.errors.push(error);
        Err(Failed)
    }

    /// The place that is blamed when something is missing before the next token.
    fn gap(&self) -> Span {
        match self.at.checked_sub(1) {
            Some(before) => {
                let end = self.tokens[before].1.end;
                end - 1..end
            }
            None => self.span(),
        }
    }

    /// Notes that something else should stand here.
    fn expected<T>(&mut self, what: &str) -> Parsed<T> {
        let message = format!("expected {what}, found {}", self.peek().describe());
        let error = Diagnostic::new(self.span(), message);
        let word = match self.peek() {
            Token::Word(word) => {
                nearest(word, ["case", "default", "switch", "version", "unsigned"])
            }
            _ => None,
        };
        let word = word.filter(|word| what.contains(word)).map(str::to_owned);
        self.fail(error.meant(word.as_deref()))
    }

    fn at_mark(&self, mark: char) -> bool {
        *self.peek() == Token::Mark(mark)
    }

    fn accept(&mut self, mark: char) -> bool {
        let here = self.at_mark(mark);
        if here {
            self.advance();
        }
        here
    }

    fn mark(&mut self, mark: char, after: &str) -> Parsed<()> {
        if self.accept(mark) {
            return Ok(());
        }
        if mark == '=' {
            let message = format!("expected `=` {after}, found {}", self.peek().describe());
            return self.fail(
                Diagnostic::new(self.gap(), message)
                    .label("`= 1` or the like is missing behind this"),
            );
        }
        if mark != ';' {
            return self.expected(&format!("`{mark}` {after}"));
        }
        let message = format!("expected `;` {after}, found {}", self.peek().describe());
        let error = Diagnostic::new(self.gap(), message).label("`;` is missing behind this");
        let error = match self.peek() {
            Token::Mark(',') => {
                error.help("give each name a declaration of its own: `int a; int b;`")
            }
            Token::Mark('[') => error.help("an array of arrays needs a typedef for the inner one"),
            _ => error,
        };
        self.fail(error)
    }

    fn at_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(here) if here == word)
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let here = self.at_word(word);
        if here {
            self.advance();
        }
        here
    }

    /// An identifier.
    fn name(&mut self, what: &str) -> Parsed<Name> {
        let Token::Word(word) = self.peek() else { return self.expected(what) };
        let (text, span) = (word.clone(), self.span());
        if KEYWORDS.contains(&text.as_str()) {
            let message = format!("{} is a keyword, so it can not be a name", quote(&text));
            return self.fail(Diagnostic::new(span, message).label(format!("expected {what}")));
        }
        self.advance();
        Ok(Name { text, span })
    }

    /// A number, or the name of a constant.
    fn value(&mut self, what: &str) -> Parsed<Expression> {
        let start = self.span().start;
        let negative = self.accept('-');
        match self.peek() {
            Token::Number(number) => {
                let add = if negative { -number } else { *number };
                let span = start..self.span().end;
                self.advance();
                Ok(Expression { base: None, add, span })
            }
            Token::Word(_) if !negative => {
                let name = self.name(what)?;
                let span = name.span.clone();
                self.file.used.insert(name.text.clone());
                Ok(Expression { base: Some(name), add: 0, span })
            }
            _ => self.expected(what),
        }
    }

    /// Skips the rest of a definition that can not be read: up to its `;`, unless the next one begins
    /// in between.
    fn recover(&mut self, start: usize) {
        // Where no definition began, nothing is known about braces.
        let mut depth = 0_i64;
        for (token, _) in &self.tokens[start..self.at] {
            depth += depth_change(token);
        }
        // A definition right behind one that lacks its `;` is not a part of it.
        let next = matches!(self.peek(), Token::Word(word) if DEFINITIONS.contains(&word.as_str()));
        if self.at > start && depth <= 0 && next {
            return;
        }
        self.at = self.at.max(start + 1).min(self.tokens.len() - 1);
        loop {
            let next = match self.peek() {
                Token::End => return,
                Token::Word(word) => DEFINITIONS.contains(&word.as_str()),
                _ => false,
            };
            let ended = self.tokens[self.at - 1].0 == Token::Mark(';');
            let brace = self.at >= 2 && self.tokens[self.at - 2].0 == Token::Mark('}');
            if ended && (depth <= 0 || (next && brace)) {
                return;
            }
            depth += depth_change(self.peek());
            self.advance();
        }
    }

    fn definition(&mut self) -> Parsed<()> {
        let (span, word) = match self.peek() {
            Token::Word(word) => (self.span(), word.clone()),
            _ => return self.expected("a definition"),
        };
        match word.as_str() {
            "const" => self.constant()?,
            "typedef" => {
                self.advance();
                self.typedef()?;
            }
            "enum" | "struct" | "union" => {
                self.advance();
                let name = self.name(&format!("the name of the {word}"))?;
                let body = self.body(&word, &name.text)?;
                self.file.definitions.push(Definition::Type { name, body });
            }
            "program" => {
                self.advance();
                let program = self.program()?;
                self.file.definitions.push(Definition::Program(program));
            }
            _ => {
                let message = format!("expected a definition, found {}", quote(&word));
                let error = Diagnostic::new(span, message)
                    .label("expected `const`, `enum`, `struct`, `union`, `typedef` or `program`");
                let error = error.meant(nearest(&word, DEFINITIONS));
                return self.fail(match word.as_str() {
                    "version" => error.help("a version stands in a `program`"),
                    _ => error,
                });
            }
        }
        self.mark(';', "at the end of the definition")
    }

    fn constant(&mut self) -> Parsed<()> {
        self.advance();
        let name = self.name("the constant's name")?;
        self.mark('=', "and a value")?;
        let definition = match self.peek() {
            Token::Text(text) => {
                let value = text.clone();
                self.advance();
                Definition::Text { name, value }
            }
            _ => Definition::Constant { name, value: self.value("a number or a constant")? },
        };
        self.file.definitions.push(definition);
        Ok(())
    }

    fn typedef(&mut self) -> Parsed<()> {
        // `typedef struct { ... } name;` is `struct name { ... };`.
        let tags = ["enum", "struct", "union"];
        let tag = tags.into_iter().find(|tag| self.at_word(tag));
        if let Some(tag) = tag {
            let after = &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].0;
            let anonymous = match tag {
                "union" => matches!(after, Token::Word(word) if word == "switch"),
                _ => *after == Token::Mark('{'),
            };
            if anonymous {
                self.advance();
                // What lies inside is named after the typedef, which stands at the end.
                let outer = self.name_behind_body();
                let body = self.body(tag, &outer)?;
                let name = self.name("the name of the type")?;
                self.file.definitions.push(Definition::Type { name, body });
                return Ok(());
            }
        }
        let declaration = self.declaration("the name of the type")?;
        let name = declaration.name.clone();
        let body = Body::Declared(Box::new(declaration));
        self.file.definitions.push(Definition::Type { name, body });
        Ok(())
    }

    /// The name behind the braces that come next.
    fn name_behind_body(&self) -> String {
        let Some((open, close)) = self.closing.range(self.at..).next() else {
            return String::new();
        };
        // `switch (type name)` is all that may stand before them.
        let behind = match open - self.at {
            0..=8 => &self.tokens[close + 1..],
            _ => &[],
        };
        let name = behind.iter().find_map(|(token, _)| match token {
            Token::Mark('*') => None,
            Token::Word(word) => Some(word.clone()),
            _ => Some(String::new()),
        });
        name.unwrap_or_default()
    }

    fn declaration(&mut self, what: &str) -> Parsed<Declaration> {
        if let Some(tag) = self.inline() {
            return self.inline_declaration(tag, what);
        }
        let specifier = self.specifier()?;
        self.declarator(specifier, what)
    }

    /// What follows a type: a name and its shape.
    fn declarator(&mut self, specifier: Specifier, what: &str) -> Parsed<Declaration> {
        let pointer = self.span();
        let optional = self.accept('*');
        if specifier.kind == Kind::Void && self.at_mark(';') {
            let error = Diagnostic::new(specifier.span, "`void` is nothing, so it is no field");
            return self.fail(error.help("leave it out; only a case of a union can be `void`"));
        }
        let name = self.name(what)?;
        let bounds = self.span();
        let shape = if self.accept('[') {
            if self.at_mark(']') {
                let error =
                    Diagnostic::new(self.span(), "expected the length of the array, found `]`");
                return self.fail(error.help("write `name<>` for an array of any length"));
            }
            let shape = Shape::Fixed(self.value("the length of the array")?);
            self.mark(']', "after the length")?;
            shape
        } else if self.accept('<') {
            let bound = match self.at_mark('>') {
                true => None,
                false => Some(self.value("the largest length, or nothing,")?),
            };
            self.mark('>', "after the largest length")?;
            Shape::Variable(bound)
        } else if optional {
            Shape::Optional
        } else {
            Shape::Plain
        };
        if optional && !matches!(shape, Shape::Optional) {
            let error = Diagnostic::new(bounds, "optional data can not be an array as well");
            self.file.errors.push(
                error
                    .other(pointer.clone(), "makes it optional")
                    .help("give the array a name with a typedef, and make that optional"),
            );
        }
        let wrong = match (&specifier.kind, &shape) {
            (Kind::Void, _) => Some("`void` is nothing, so it has no name"),
            (Kind::Opaque, Shape::Plain | Shape::Optional) => Some("opaque data has a length"),
            (Kind::Text, Shape::Fixed(_)) => Some("a string has no fixed length"),
            (Kind::Text, Shape::Optional) => Some("a string can not be optional"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            let help = match specifier.kind {
                Kind::Void => "leave it out",
                Kind::Opaque => {
                    "write `opaque name[3]` for three bytes, `opaque name<3>` for up to three"
                }
                _ => "write `string name<80>` for up to 80 bytes, `string name<>` without a bound",
            };
            self.file.errors.push(Diagnostic::new(specifier.span.clone(), wrong).help(help));
        }
        Ok(Declaration { name, specifier, shape })
    }
}

/// Which brace ends what another one begins.
fn closing(tokens: &[(Token, Span)]) -> BTreeMap<usize, usize> {
    let (mut open, mut pairs) = (Vec::new(), BTreeMap::new());
    for (index, (token, _)) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{') => open.push(index),
            Token::Mark('}') => pairs.extend(open.pop().map(|begin| (begin, index))),
            _ => {}
        }
    }
    pairs
}

/// How a token changes the number of braces around it.
fn depth_change(token: &Token) -> i64 {
    match token {
        Token::Mark('{') => 1,
        Token::Mark('}') => -1,
        _ => 0,
    }
}
