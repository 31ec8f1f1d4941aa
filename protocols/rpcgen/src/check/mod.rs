//! From what was written to what it means: names are resolved, numbers found, and what other compilers let
//! pass is refused.

mod constants;
mod facts;
mod finite;
mod programs;
mod scope;
mod types;
mod unions;

use std::collections::BTreeMap;

use crate::ast::{Body, Definition, Expression, Kind, Name, Shape};
use crate::lexer::Defined;
use crate::model::{Constant, ConstantValue, Model};
use crate::names;
use constants::Constants;
use scope::Scope;
use squall_diagnostic::text::nearest;
use squall_diagnostic::{DRAWN, Diagnostic, Span};
use types::Types;

/// Errors so far.
type Errors = Vec<Diagnostic>;

/// The word of `known` that was meant, if one is near. Not looked for once so many errors are known as are
/// drawn: the search takes time for every name, and a file may have many names and many errors.
fn meant<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
    errors: &Errors,
) -> Option<&'a str> {
    if errors.len() < DRAWN { nearest(word, known) } else { None }
}

/// What every part of the check uses.
struct Context {
    constants: Constants,
    errors: Errors,
    /// Types, traits and the like, by their Rust names.
    types: Scope,
    /// Constants, and structs that are built like functions, by their Rust names.
    values: Scope,
}

/// Checks definitions. `defined` are names of the preprocessor, which count where nothing else has them.
pub(crate) fn check(
    definitions: &[Definition],
    defined: &BTreeMap<String, Defined>,
) -> Result<Model, Errors> {
    let mut context = Context {
        constants: Constants::default(),
        errors: unique(definitions),
        types: Scope::new("types"),
        values: Scope::new("constants"),
    };
    collect_constants(definitions, defined, &mut context.constants);
    let mut model = Model::default();
    for definition in definitions {
        context.constant(definition, &mut model.constants);
    }
    let types = Types::new(definitions);
    let mut unions = types.build(&mut model, &mut context);
    // A type that has no end would be followed for ever.
    match finite::order(&model, &types.edges(), &mut context.errors) {
        Some(order) => {
            unions::build(&mut unions, &mut model, &mut context);
            facts::find(&mut model, &order);
        }
        None => return Err(context.errors),
    }
    for definition in definitions {
        if let Definition::Program(program) = definition {
            let program = context.program(program, &types);
            model.programs.extend(program);
        }
    }
    context.program_numbers(definitions);
    match context.errors.is_empty() {
        true => Ok(model),
        false => Err(context.errors),
    }
}

impl Context {
    fn constant(&mut self, definition: &Definition, constants: &mut Vec<Constant>) {
        let (name, value) = match definition {
            Definition::Text { name, value } => (name, ConstantValue::Text(value.clone())),
            Definition::Constant { name, value } => {
                let range = i128::from(i64::MIN)..=i128::from(u64::MAX);
                let number = self.constants.within(value, range, "the constant", &mut self.errors);
                let Some(number) = number else { return };
                (name, ConstantValue::Number(number))
            }
            _ => return,
        };
        let rust = names::upper(&name.text);
        self.values.claim(&rust, name, &mut self.errors);
        constants.push(Constant { name: name.text.clone(), rust, value });
    }
}

/// True for `typedef struct foo foo;`, which says nothing: C needs it.
fn says_nothing(name: &Name, body: &Body) -> bool {
    let Body::Declared(declaration) = body else { return false };
    let own = match &declaration.specifier.kind {
        Kind::Named { name: of, tag: Some(_) } => *of == name.text,
        _ => false,
    };
    own && matches!(declaration.shape, Shape::Plain)
}

/// Constants, types and programs share one space of names (RFC 4506, section 6.4; RFC 5531, section 12.3).
fn unique(definitions: &[Definition]) -> Errors {
    let mut known: BTreeMap<&str, &Span> = BTreeMap::new();
    let mut errors = Vec::new();
    for definition in definitions {
        let name = match definition {
            Definition::Constant { name, .. } | Definition::Text { name, .. } => name,
            Definition::Type { name, body } if says_nothing(name, body) => continue,
            Definition::Type { name, .. } => name,
            Definition::Program(program) => &program.name,
        };
        let values = match definition {
            Definition::Type { body: Body::Enum(values), .. } => &values[..],
            _ => &[],
        };
        for name in std::iter::once(name).chain(values.iter().map(|(name, _)| name)) {
            match known.get(name.text.as_str()) {
                None => {
                    known.insert(&name.text, &name.span);
                }
                Some(first) => {
                    let message = format!("`{}` is defined twice", name.text);
                    let error = Diagnostic::new(name.span.clone(), message).label("again here");
                    errors.push(error.other(Span::clone(first), "first defined here"));
                }
            }
        }
    }
    errors
}

/// Finds everything that stands for a number.
fn collect_constants(
    definitions: &[Definition],
    defined: &BTreeMap<String, Defined>,
    constants: &mut Constants,
) {
    for definition in definitions {
        match definition {
            Definition::Constant { name, value } => constants.add(name, value.clone()),
            Definition::Type { body: Body::Enum(values), .. } => {
                let mut before: Option<&Name> = None;
                for (name, value) in values {
                    // Without a value: one more than the one before, as in C.
                    let next = || Expression {
                        base: before.cloned(),
                        add: i128::from(before.is_some()),
                        span: name.span.clone(),
                    };
                    constants.add(name, value.clone().unwrap_or_else(next));
                    before = Some(name);
                }
            }
            _ => {}
        }
    }
    // rpcgen makes constants of the numbers of programs, versions and procedures, too.
    for definition in definitions {
        let Definition::Program(program) = definition else { continue };
        constants.add(&program.name, program.number.clone());
        for version in &program.versions {
            constants.add(&version.name, version.number.clone());
            for procedure in &version.procedures {
                constants.add(&procedure.name, procedure.number.clone());
            }
        }
    }
    for (name, value) in defined.values().flatten() {
        constants.add(name, value.clone());
    }
}
