//! Programs, versions and procedures (RFC 5531, section 12.3).

use std::collections::BTreeMap;

use super::types::Types;
use super::{Context, Scope};
use crate::ast::{self, Definition, Expression, Name};
use crate::model::{Base, Procedure, Program, Version};
use crate::names;
use squall_diagnostic::Diagnostic;
use squall_diagnostic::Span;

/// What unnamed arguments are called when there are several.
const ORDINALS: [&str; 8] =
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];

impl Context {
    pub(super) fn program(&mut self, program: &ast::Program, types: &Types<'_>) -> Option<Program> {
        let number = self.number(&program.number, "the number of a program");
        let rust = names::upper(&program.name.text);
        self.values.claim(&rust, &program.name, &mut self.errors);
        let (mut numbers, mut seen) = (Numbers::new("version"), Names::default());
        let mut versions = Vec::new();
        for version in &program.versions {
            seen.claim("version", &version.name, self);
            if let Some(built) = self.version(program, version, types) {
                numbers.claim(built.number, &version.name, &version.number, self);
                versions.push(built);
            }
        }
        Some(Program { name: program.name.text.clone(), rust, number: number?, versions })
    }

    fn version(
        &mut self,
        program: &ast::Program,
        version: &ast::Version,
        types: &Types<'_>,
    ) -> Option<Version> {
        let number = self.number(&version.number, "the number of a version");
        let rust = names::upper_camel(&version.name.text);
        let constant = names::upper(&version.name.text);
        // Another program may have a version of this name.
        let text = format!("version {} of {}", version.name.text, program.name.text);
        let name = Name { text, span: version.name.span.clone() };
        let mut free = self.types.claim(&rust, &name, &mut self.errors)
            && self.values.claim(&constant, &name, &mut self.errors);
        for rust in [format!("{rust}Client"), format!("{rust}Server")] {
            free = free
                && self.types.claim(&rust, &name, &mut self.errors)
                && self.values.claim(&rust, &name, &mut self.errors);
        }
        let mut numbers = Numbers::new("procedure");
        let (mut seen, mut methods) = (Names::default(), Scope::new("procedures"));
        let mut constants = Scope::new("procedures");
        let mut procedures = Vec::new();
        for procedure in &version.procedures {
            let name = &procedure.name;
            seen.claim("procedure", name, self);
            let Some(built) = self.procedure(procedure, types) else { continue };
            numbers.claim(built.number, name, &procedure.number, self);
            let _ = methods.claim(&built.rust, name, &mut self.errors)
                && methods.claim(&names::started(&built.rust), name, &mut self.errors)
                && constants.claim(&built.constant, name, &mut self.errors);
            procedures.push(built);
        }
        let name = version.name.text.clone();
        Some(Version { name, rust, constant, number: number?, procedures })
    }

    fn procedure(&mut self, procedure: &ast::Procedure, types: &Types<'_>) -> Option<Procedure> {
        let number = self.number(&procedure.number, "the number of a procedure");
        let result = match procedure.result.kind {
            ast::Kind::Void => Some(None),
            _ => types.base(&procedure.result, &mut self.errors).map(Some),
        };
        let several = procedure.arguments.len() > 1;
        let mut arguments: Vec<(String, Base)> = Vec::new();
        for (index, (specifier, name)) in procedure.arguments.iter().enumerate() {
            let rust = match name {
                Some(name) => {
                    // The server's method has an argument of this name.
                    let rust = names::snake(&name.text);
                    if rust == "call" { "call_".to_owned() } else { rust }
                }
                None if several => ORDINALS.get(index).copied().unwrap_or("more").to_owned(),
                None => "argument".to_owned(),
            };
            let twice = arguments.iter().any(|(other, _)| *other == rust);
            if twice {
                let message = format!("two arguments are called `{rust}`");
                self.errors.push(Diagnostic::new(specifier.span.clone(), message));
            }
            if let Some(base) = types.base(specifier, &mut self.errors) {
                arguments.push((rust, base));
            }
        }
        let (number, result) = (number?, result?);
        if number == 0 && (result.is_some() || !procedure.arguments.is_empty()) {
            let name = &procedure.name;
            let message = "procedure 0 takes nothing and returns nothing";
            let help = format!(
                "write `void {}(void) = 0;`, or number it from 1 (RFC 5531, section 12.1)",
                name.text
            );
            let error = Diagnostic::new(procedure.number.span.clone(), message).help(help);
            self.errors.push(error.other(name.span.clone(), "this procedure"));
        }
        Some(Procedure {
            rust: names::snake(&procedure.name.text),
            constant: names::upper(&procedure.name.text),
            name: procedure.name.text.clone(),
            number,
            arguments,
            result,
        })
    }

    fn number(&mut self, expression: &Expression, what: &str) -> Option<u32> {
        let range = 0..=i128::from(u32::MAX);
        let number = self.constants.within(expression, range, what, &mut self.errors)?;
        u32::try_from(number).ok()
    }

    /// Two programs can not have one number.
    pub(super) fn program_numbers(&mut self, definitions: &[Definition]) {
        let mut numbers = Numbers::new("program");
        for definition in definitions {
            let Definition::Program(program) = definition else { continue };
            // What is wrong with the number itself was said before.
            let value = self.constants.value(&program.number, &mut Vec::new());
            if let Some(number) = value.and_then(|number| u32::try_from(number).ok()) {
                numbers.claim(number, &program.name, &program.number, self);
            }
        }
    }
}

/// Numbers that belong to one name each.
struct Numbers {
    what: &'static str,
    seen: BTreeMap<u32, (String, Span)>,
}

impl Numbers {
    fn new(what: &'static str) -> Self {
        Numbers { what, seen: BTreeMap::new() }
    }

    fn claim(&mut self, number: u32, name: &Name, written: &Expression, context: &mut Context) {
        let Some((first, span)) = self.seen.get(&number) else {
            self.seen.insert(number, (name.text.clone(), written.span.clone()));
            return;
        };
        let message =
            format!("`{first}` and `{}` are {}s with one number, {number}", name.text, self.what);
        let error = Diagnostic::new(written.span.clone(), message);
        context.errors.push(error.other(span.clone(), "the other one"));
    }
}

/// Names that are there once.
#[derive(Default)]
struct Names(BTreeMap<String, Span>);

impl Names {
    fn claim(&mut self, what: &str, name: &Name, context: &mut Context) {
        let Some(first) = self.0.get(&name.text) else {
            self.0.insert(name.text.clone(), name.span.clone());
            return;
        };
        let message = format!("there are two {what}s `{}`", name.text);
        let error = Diagnostic::new(name.span.clone(), message).label("again here");
        context.errors.push(error.other(first.clone(), "the first one"));
    }
}
