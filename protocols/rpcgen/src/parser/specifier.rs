//! Types, as they stand before a name.

use super::{Failed, KEYWORDS, Parsed, Parser};
use crate::ast::{Declaration, Definition, Kind, Name, Scalar, Specifier};
use crate::lexer::Token;
use squall_diagnostic::Diagnostic;
use squall_diagnostic::text::{nearest, quote};

impl Parser {
    pub(super) fn specifier(&mut self) -> Parsed<Specifier> {
        let Token::Word(word) = self.peek() else { return self.expected("a type") };
        let (word, span) = (word.clone(), self.span());
        let plain = |kind| Specifier { kind, span: span.clone() };
        let specifier = match word.as_str() {
            "unsigned" => return self.unsigned(),
            // C's smaller and longer integers are what rpcgen makes of them: an int on the wire.
            "int" | "long" | "short" | "char" => plain(Kind::Scalar(Scalar::I32)),
            "hyper" => plain(Kind::Scalar(Scalar::I64)),
            "float" => plain(Kind::Scalar(Scalar::F32)),
            "double" => plain(Kind::Scalar(Scalar::F64)),
            "bool" => plain(Kind::Scalar(Scalar::Bool)),
            "opaque" => plain(Kind::Opaque),
            "string" => plain(Kind::Text),
            "void" => plain(Kind::Void),
            "quadruple" => {
                self.file.used.insert(word.clone());
                plain(Kind::Named { name: word, tag: None })
            }
            "enum" | "struct" | "union" => return self.tagged(),
            keyword if KEYWORDS.contains(&keyword) => {
                let error = Diagnostic::new(span, format!("expected a type, found `{keyword}`"));
                return self.fail(error.label("expected a type"));
            }
            _ => {
                self.file.used.insert(word.clone());
                plain(Kind::Named { name: word, tag: None })
            }
        };
        self.advance();
        Ok(specifier)
    }

    fn unsigned(&mut self) -> Parsed<Specifier> {
        let mut span = self.span();
        self.advance();
        let Token::Word(word) = self.peek() else {
            return Ok(Specifier { kind: Kind::Scalar(Scalar::U32), span });
        };
        let scalar = match word.as_str() {
            "hyper" => Scalar::U64,
            "int" | "long" | "short" | "char" => Scalar::U32,
            "float" | "double" | "quadruple" | "bool" => {
                let message = format!("there is no unsigned {word}");
                return self.fail(Diagnostic::new(self.span(), message));
            }
            // A bare `unsigned`; its name follows.
            _ => return Ok(Specifier { kind: Kind::Scalar(Scalar::U32), span }),
        };
        span.end = self.span().end;
        self.advance();
        Ok(Specifier { kind: Kind::Scalar(scalar), span })
    }

    /// `struct foo`, where RFC 4506 has `foo`.
    fn tagged(&mut self) -> Parsed<Specifier> {
        let mut span = self.span();
        let tag = if self.at_word("enum") {
            "enum"
        } else if self.at_word("struct") {
            "struct"
        } else {
            "union"
        };
        self.advance();
        let name = self.name(&format!("the name of the {tag}"))?;
        span.end = name.span.end;
        if self.at_mark('{') || self.at_word("switch") {
            let message = format!("the {tag} inside has a name");
            let help = format!("define `{tag} {}` by itself, before this", name.text);
            return self.fail(Diagnostic::new(name.span, message).help(help));
        }
        self.file.used.insert(name.text.clone());
        Ok(Specifier { kind: Kind::Named { name: name.text, tag: Some(tag) }, span })
    }

    /// The word, if a type without a name begins here.
    pub(super) fn inline(&self) -> Option<&'static str> {
        let tag = ["enum", "struct", "union"].into_iter().find(|tag| self.at_word(tag))?;
        let after = &self.tokens.get(self.at + 1)?.0;
        let begins = match tag {
            "union" => matches!(after, Token::Word(word) if word == "switch"),
            _ => *after == Token::Mark('{'),
        };
        begins.then_some(tag)
    }

    /// A type without a name gets that of what it stands in, and its field's.
    pub(super) fn inline_declaration(
        &mut self,
        tag: &'static str,
        what: &str,
    ) -> Parsed<Declaration> {
        let start = self.span();
        self.advance();
        let field = self.name_behind_body();
        let outer = self.outer.last().cloned().unwrap_or_default();
        let text = format!("{outer}_{field}");
        let body = self.body(tag, &text)?;
        let specifier =
            Specifier { kind: Kind::Named { name: text.clone(), tag: None }, span: start.clone() };
        let declaration = self.declarator(specifier, what)?;
        let name = Name { text, span: declaration.name.span.clone() };
        self.file.definitions.push(Definition::Type { name, body });
        Ok(declaration)
    }

    /// The type of an argument or a result.
    pub(super) fn passed(&mut self) -> Parsed<Specifier> {
        if let Some(tag) = self.inline() {
            let error = Diagnostic::new(self.span(), format!("this {tag} has no name"));
            return self.fail(error.help("define it before the program, and use its name here"));
        }
        let specifier = self.specifier()?;
        if specifier.kind == Kind::Opaque {
            let error = Diagnostic::new(specifier.span, "bare opaque data has no length");
            return self.fail(error.help("name its type: `typedef opaque bytes<1024>;`"));
        }
        Ok(specifier)
    }

    /// Refuses what would make a type of `specifier` here.
    pub(super) fn no_bounds(&mut self, specifier: &Specifier) -> Parsed<()> {
        if ['*', '<', '['].into_iter().any(|mark| self.at_mark(mark)) {
            let message = "an argument or a result is a type alone";
            let _ = self.fail::<()>(Diagnostic::new(self.span(), message).help(
                "name what has bounds or is optional with a typedef, and use that name here",
            ));
            return Err(Failed);
        }
        // Of two words in a row the first was meant as a type.
        if let (Kind::Named { name, .. }, Token::Word(next)) = (&specifier.kind, self.peek())
            && KEYWORDS.contains(&next.as_str())
        {
            let message = format!("expected a type, found {}", quote(name));
            let near = nearest(name, ["unsigned", "struct", "enum", "union"]).map(str::to_owned);
            let error = Diagnostic::new(specifier.span.clone(), message);
            return self.fail(error.meant(near.as_deref()));
        }
        Ok(())
    }
}
