//! Names that may not be the same once they are Rust's.

use std::collections::BTreeMap;

use super::Errors;
use crate::ast::Name;
use squall_diagnostic::Diagnostic;
use squall_diagnostic::Span;

/// Rust names, and what they come from.
pub(super) struct Scope {
    what: &'static str,
    known: BTreeMap<String, (String, Span)>,
}

impl Scope {
    pub(super) fn new(what: &'static str) -> Self {
        Scope { what, known: BTreeMap::new() }
    }

    /// Takes a Rust name for `name`, if it is free. That one name is there twice is said elsewhere. False
    /// after an error.
    pub(super) fn claim(&mut self, rust: &str, name: &Name, errors: &mut Errors) -> bool {
        let Some((first, span)) = self.known.get(rust) else {
            self.known.insert(rust.to_owned(), (name.text.clone(), name.span.clone()));
            return true;
        };
        if *first != name.text {
            let message = format!(
                "`{first}` and `{}` are {} of one name in Rust: `{rust}`",
                name.text, self.what
            );
            let error = Diagnostic::new(name.span.clone(), message);
            errors.push(error.other(span.clone(), "the other one").help("rename one of them"));
        }
        *first == name.text
    }
}
