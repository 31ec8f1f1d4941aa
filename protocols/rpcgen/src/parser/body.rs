//! What enums, structs and unions consist of.

use super::{MAX_NESTING, Parsed, Parser};
use crate::ast::{Arm, Body, Declaration, Expression, Name, Union};
use crate::lexer::Token;
use squall_diagnostic::Diagnostic;
use squall_diagnostic::Span;

impl Parser {
    /// What stands behind `enum`, `struct` or `union` and the name.
    pub(super) fn body(&mut self, tag: &str, outer: &str) -> Parsed<Body> {
        if self.outer.len() == MAX_NESTING {
            let message = format!("types lie in one another more than {MAX_NESTING} deep");
            return self.fail(Diagnostic::new(self.span(), message));
        }
        self.outer.push(outer.to_owned());
        let body = match tag {
            "enum" => self.enumerators().map(Body::Enum),
            "struct" => self.fields().map(Body::Struct),
            _ => self.union().map(|union| Body::Union(Box::new(union))),
        }?;
        self.outer.pop();
        Ok(body)
    }

    fn enumerators(&mut self) -> Parsed<Vec<(Name, Option<Expression>)>> {
        self.mark('{', "and the values of the enum")?;
        let mut list = Vec::new();
        loop {
            let name = self.name("the name of a value")?;
            let value = match self.accept('=') {
                true => Some(self.value("a number or a constant")?),
                false => None,
            };
            list.push((name, value));
            let comma = self.accept(',');
            if self.accept('}') {
                return Ok(list);
            }
            if !comma {
                return self.expected("`,` or `}` after a value");
            }
        }
    }

    fn fields(&mut self) -> Parsed<Vec<Declaration>> {
        self.mark('{', "and the fields of the struct")?;
        if self.at_mark('}') {
            return self.expected("a field, since a struct has at least one");
        }
        let mut fields = Vec::new();
        while !self.accept('}') {
            if *self.peek() == Token::End {
                return self.expected("a field or `}`");
            }
            fields.push(self.declaration("the name of the field")?);
            self.mark(';', "after the field")?;
        }
        Ok(fields)
    }

    fn union(&mut self) -> Parsed<Union> {
        if !self.accept_word("switch") {
            return self.expected("`switch`");
        }
        self.mark('(', "and what the union depends on")?;
        let discriminant = self.declaration("a name")?;
        self.mark(')', "after what the union depends on")?;
        self.mark('{', "and the cases of the union")?;
        let (mut arms, mut default) = (Vec::new(), None);
        while !self.accept('}') {
            let span = self.span();
            if self.at_word("case") {
                let mut labels = Vec::new();
                while self.accept_word("case") {
                    labels.push(self.value("a number or a constant")?);
                    self.mark(':', "after the case")?;
                }
                if self.at_word("default") {
                    let error =
                        Diagnostic::new(self.span(), "a case and `default` share their content");
                    return self.fail(error.help("give the `default` alone: it covers the case"));
                }
                let content = self.content()?;
                arms.push(Arm { labels, content });
            } else if self.accept_word("default") {
                self.mark(':', "after `default`")?;
                let content = self.content()?;
                if let Some((first, _)) = &default {
                    let error = Diagnostic::new(span, "a union has one `default`");
                    let first: Span = Span::clone(first);
                    self.file.errors.push(error.other(first, "the first one"));
                } else {
                    default = Some((span, content));
                }
            } else {
                return self.expected("`case`, `default` or `}`");
            }
        }
        if arms.is_empty() {
            let span = discriminant.name.span.clone();
            let error = Diagnostic::new(span, "a union has at least one `case`");
            self.file.errors.push(error);
        }
        Ok(Union { discriminant, arms, default })
    }

    /// What an arm has.
    fn content(&mut self) -> Parsed<Option<Declaration>> {
        let content = match self.accept_word("void") {
            true => None,
            false => Some(self.declaration("the name of the content")?),
        };
        self.mark(';', "after the content of the case")?;
        Ok(content)
    }
}
