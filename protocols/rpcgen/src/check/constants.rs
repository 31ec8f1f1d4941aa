//! What every name of a number stands for.

use std::collections::BTreeMap;

use super::{Errors, meant};
use crate::ast::{Expression, Name};
use squall_diagnostic::{Diagnostic, Span};

/// The value of a constant, as far as it is known.
#[derive(Clone, Debug)]
enum State {
    Unknown(Expression),
    /// Its value is being looked for.
    Open,
    Known(i128),
    /// An error was reported.
    Wrong,
}

/// Every name that stands for a number. They may refer to one another in any order, as in C.
#[derive(Debug, Default)]
pub(super) struct Constants {
    table: BTreeMap<String, (Span, State)>,
}

impl Constants {
    /// Adds one, unless there is one of that name.
    pub(super) fn add(&mut self, name: &Name, value: Expression) {
        let entry = self.table.entry(name.text.clone());
        entry.or_insert((name.span.clone(), State::Unknown(value)));
    }

    /// The number that an expression stands for; `None` after an error.
    pub(super) fn value(&mut self, expression: &Expression, errors: &mut Errors) -> Option<i128> {
        // What refers to what, from the expression to the first number; a chain of names may be long.
        let mut chain: Vec<(String, i128)> = Vec::new();
        let mut current = expression.clone();
        let mut value = loop {
            let Some(name) = current.base.take() else { break Some(current.add) };
            let Some((defined, state)) = self.table.get_mut(&name.text) else {
                let known = self.table.keys().map(String::as_str);
                let near = meant(&name.text, known, errors);
                let error = Diagnostic::new(
                    name.span.clone(),
                    format!("there is no constant `{}`", name.text),
                );
                errors.push(error.label("not defined").meant(near));
                break None;
            };
            match state {
                State::Known(value) => break Some(*value + current.add),
                State::Wrong => break None,
                State::Open => {
                    let message = format!("the value of `{}` depends on itself", name.text);
                    let error = Diagnostic::new(defined.clone(), message);
                    errors.push(match *defined == name.span {
                        true => error,
                        false => error.other(name.span.clone(), "is needed here"),
                    });
                    break None;
                }
                State::Unknown(next) => {
                    let next = next.clone();
                    *state = State::Open;
                    chain.push((name.text, current.add));
                    current = next;
                }
            }
        };
        for (name, add) in chain.into_iter().rev() {
            if let Some((_, state)) = self.table.get_mut(&name) {
                *state = value.map_or(State::Wrong, State::Known);
            }
            value = value.map(|value| value + add);
        }
        value
    }

    /// The number, if it lies in a range.
    pub(super) fn within(
        &mut self,
        expression: &Expression,
        range: std::ops::RangeInclusive<i128>,
        what: &str,
        errors: &mut Errors,
    ) -> Option<i128> {
        let value = self.value(expression, errors)?;
        if range.contains(&value) {
            return Some(value);
        }
        let label = match expression.base {
            Some(_) => format!("stands for {value}"),
            None => String::new(),
        };
        let message =
            format!("{what} is {value}, and must be {} to {}", range.start(), range.end());
        errors.push(Diagnostic::new(expression.span.clone(), message).label(label));
        None
    }
}
