//! A value that contains one of its own type has no end.

use super::Errors;
use crate::model::Model;
use squall_diagnostic::Diagnostic;
use squall_diagnostic::Span;

/// For each type its place, and what its values contain.
type Edges = [(Span, Vec<(usize, Span)>)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

/// The types in an order in which each comes after those that its values contain; `None` if there is none,
/// which was reported. It keeps a stack of its own, since types may lie in one another as deep as a file is
/// long.
pub(super) fn order(model: &Model, edges: &Edges, errors: &mut Errors) -> Option<Vec<usize>> {
    let mut marks = vec![Mark::New; edges.len()];
    let mut order = Vec::with_capacity(edges.len());
    let mut finite = true;
    for start in 0..edges.len() {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        let mut stack = vec![(start, 0)];
        while let Some((current, next)) = stack.last_mut() {
            let Some((inner, span)) = edges[*current].1.get(*next) else {
                marks[*current] = Mark::Done;
                order.push(*current);
                stack.pop();
                continue;
            };
            *next += 1;
            match marks[*inner] {
                Mark::Done => {}
                Mark::New => {
                    marks[*inner] = Mark::Open;
                    stack.push((*inner, 0));
                }
                Mark::Open => {
                    finite = false;
                    let name = &model.types[*inner].name;
                    let message =
                        format!("a value of `{name}` contains another one, and so has no end");
                    let error = Diagnostic::new(span.clone(), message).label("contained here");
                    let help =
                        format!("make it optional, `{name} *...`, or an array, `{name} ...<>`");
                    errors.push(error.other(edges[*inner].0.clone(), "this type").help(help));
                }
            }
        }
    }
    finite.then_some(order)
}
