//! The errors of one file, while it is read.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use squall_diagnostic::{Diagnostic, Lines};

/// How many errors are kept of one file; a guard, far above what anybody reads.
const MAX_ERRORS: usize = 1000;

/// The errors found so far.
pub(super) struct Errors<'a> {
    lines: Lines<'a>,
    list: RefCell<Vec<Diagnostic>>,
    /// How many errors were not kept.
    left_out: Cell<usize>,
    /// The lines with syntax errors.
    broken: HashSet<usize>,
}

impl<'a> Errors<'a> {
    /// The errors that the TOML parser found in `text`.
    pub(super) fn new(text: &'a str, syntax: impl Iterator<Item = Diagnostic>) -> Self {
        let mut errors = Errors {
            lines: Lines::new(text),
            list: RefCell::default(),
            left_out: Cell::default(),
            broken: HashSet::default(),
        };
        let mut broken = HashSet::new();
        for one in syntax {
            broken.insert(errors.lines.line_of(one.span.start));
            errors.add(one);
        }
        errors.broken = broken;
        errors
    }

    /// Notes an error, unless it may be only what a syntax error in the same line leads to.
    pub(super) fn add(&self, one: Diagnostic) {
        if self.broken.contains(&self.lines.line_of(one.span.start)) {
            return;
        }
        let mut list = self.list.borrow_mut();
        if list.len() < MAX_ERRORS {
            list.push(one);
        } else {
            self.left_out.set(self.left_out.get() + 1);
        }
    }

    /// Notes that something is missing, unless a syntax error may have hidden it.
    pub(super) fn add_missing(&self, one: Diagnostic) {
        if self.broken.is_empty() {
            self.add(one);
        }
    }

    /// Counts an error that nobody would read; false if there is still room for it.
    pub(super) fn skip(&self) -> bool {
        let full = self.list.borrow().len() >= MAX_ERRORS;
        if full {
            self.left_out.set(self.left_out.get() + 1);
        }
        full
    }

    /// How many errors there were so far.
    pub(super) fn count(&self) -> usize {
        self.list.borrow().len() + self.left_out.get()
    }

    /// True if nothing was wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// All errors that were kept, and how many were not.
    pub(super) fn into_list(self) -> (Vec<Diagnostic>, usize) {
        (self.list.into_inner(), self.left_out.get())
    }
}
