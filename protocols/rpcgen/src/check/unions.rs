//! Unions: what they depend on, and their cases.

use std::collections::{BTreeMap, BTreeSet};

use super::types::Open;
use super::{Context, Errors, Scope, meant};
use crate::ast::{Expression, Name, Scalar};
use crate::model::{Alias, Arm, Base, Content, Field, Kind, Label, Model, Union, Value};
use crate::names;
use squall_diagnostic::Diagnostic;
use squall_diagnostic::Span;

/// Completes the unions of the model.
pub(super) fn build(unions: &mut Vec<Open<'_>>, model: &mut Model, context: &mut Context) {
    for open in unions.drain(..) {
        let Some(selector) = Selector::new(&open, model, &mut context.errors) else { continue };
        let built = Builder { open, selector }.build(context);
        let (index, union) = built;
        model.types[index].kind = Kind::Union(union);
    }
}

/// What a union depends on.
enum Selector {
    Signed,
    Unsigned,
    Bool,
    Enum(Members),
}

/// The values of an enum, to be looked up for each of a union's cases.
struct Members {
    /// The enum's name.
    of: String,
    values: Vec<Value>,
    /// Where each number is among the values.
    places: BTreeMap<i64, usize>,
    /// All names, those of aliases included.
    names: BTreeSet<String>,
}

impl Members {
    fn new(of: &str, values: &[Value], aliases: &[Alias]) -> Self {
        let number = |(place, value): (usize, &Value)| (i64::from(value.number), place);
        let aliases = aliases.iter().map(|alias| &alias.name);
        Members {
            of: of.to_owned(),
            values: values.to_vec(),
            places: values.iter().enumerate().map(number).collect(),
            names: values.iter().map(|value| &value.name).chain(aliases).cloned().collect(),
        }
    }

    fn numbered(&self, number: i64) -> Option<&Value> {
        self.places.get(&number).map(|place| &self.values[*place])
    }
}

impl Selector {
    fn new(open: &Open<'_>, model: &Model, errors: &mut Errors) -> Option<Self> {
        let selector = match open.discriminant.content {
            Content::Plain(base) => Self::of(model.behind_aliases(base), model),
            _ => None,
        };
        if selector.is_none() {
            let declared = &open.union.discriminant;
            let message = "a union depends on an int, an unsigned int, a bool or an enum";
            let error = Diagnostic::new(declared.specifier.span.clone(), message);
            errors.push(
                error
                    .label("none of these")
                    .help("use an enum, with a case for each of its values"),
            );
        }
        selector
    }

    fn of(base: Base, model: &Model) -> Option<Self> {
        match base {
            Base::Scalar(Scalar::I32) => Some(Selector::Signed),
            Base::Scalar(Scalar::U32) => Some(Selector::Unsigned),
            Base::Scalar(Scalar::Bool) => Some(Selector::Bool),
            Base::Named(index) => match &model.types[index].kind {
                Kind::Enum { values, aliases } => {
                    let of = &model.types[index].name;
                    Some(Selector::Enum(Members::new(of, values, aliases)))
                }
                _ => None,
            },
            Base::Scalar(_) | Base::Text => None,
        }
    }

    fn range(&self) -> std::ops::RangeInclusive<i128> {
        match self {
            Selector::Signed | Selector::Enum(_) => i32::MIN.into()..=i32::MAX.into(),
            Selector::Unsigned => 0..=u32::MAX.into(),
            Selector::Bool => 0..=1,
        }
    }

    /// A case's label, and the name that it gives its arm.
    fn label(
        &self,
        case: &Expression,
        constants: &mut super::Constants,
        errors: &mut Errors,
    ) -> Option<(Label, String)> {
        let named = case.base.as_ref().map(|name| name.text.clone());
        if let (Selector::Enum(Members { of, names, .. }), Some(named)) = (self, &named)
            && !names.contains(named)
        {
            let message = format!("`{named}` is no value of the enum `{of}`");
            let near = meant(named, names.iter().map(String::as_str), errors);
            errors.push(Diagnostic::new(case.span.clone(), message).meant(near));
            return None;
        }
        let number = constants.within(case, self.range(), "the case", errors)?;
        let number = i64::try_from(number).ok()?;
        let text = named.clone().unwrap_or_else(|| number.to_string());
        let (rust, variant) = match self {
            Selector::Signed | Selector::Unsigned => (None, named.map(|n| names::upper_camel(&n))),
            Selector::Bool if number == 0 => (Some("false".to_owned()), Some("False".to_owned())),
            Selector::Bool => (Some("true".to_owned()), Some("True".to_owned())),
            Selector::Enum(members) => {
                let Some(value) = members.numbered(number) else {
                    let of = &members.of;
                    let message = format!("the enum `{of}` has no value {number}");
                    errors.push(Diagnostic::new(case.span.clone(), message));
                    return None;
                };
                let variant = named.map_or(value.rust.clone(), |name| names::upper_camel(&name));
                (Some(value.rust.clone()), Some(variant))
            }
        };
        let plain = || match number {
            0.. => format!("Case{number}"),
            _ => format!("CaseMinus{}", number.unsigned_abs()),
        };
        let variant = variant.unwrap_or_else(plain);
        Some((Label { text, number, rust }, variant))
    }

    /// How many values it has, if they are few.
    fn values(&self) -> Option<usize> {
        match self {
            Selector::Signed | Selector::Unsigned => None,
            Selector::Bool => Some(2),
            Selector::Enum(members) => Some(members.values.len()),
        }
    }
}

struct Builder<'a> {
    open: Open<'a>,
    selector: Selector,
}

impl Builder<'_> {
    fn build(self, context: &mut Context) -> (usize, Union) {
        let Builder { open, selector } = self;
        let mut seen: BTreeMap<i64, Span> = BTreeMap::new();
        let mut variants = Scope::new("cases");
        let mut arms = Vec::new();
        for (arm, content) in open.union.arms.iter().zip(open.arms) {
            let (mut labels, mut words) = (Vec::new(), Vec::new());
            for case in &arm.labels {
                let label = selector.label(case, &mut context.constants, &mut context.errors);
                let Some((label, word)) = label else { continue };
                if let Some(first) = seen.get(&label.number) {
                    let message = format!("the union has two cases {}", label.text);
                    let error = Diagnostic::new(case.span.clone(), message);
                    context.errors.push(error.other(first.clone(), "the first one"));
                    continue;
                }
                seen.insert(label.number, case.span.clone());
                labels.push(label);
                words.push(word);
            }
            let Some(first) = arm.labels.first() else { continue };
            let rust = words.join("Or");
            let written: Vec<&str> = labels.iter().map(|label| label.text.as_str()).collect();
            let name =
                Name { text: format!("case {}", written.join(", ")), span: first.span.clone() };
            variants.claim(&rust, &name, &mut context.errors);
            if labels.len() > 1 {
                fields_differ(&open.discriminant, content.as_ref(), &name, &mut context.errors);
            }
            arms.push(Arm { rust, labels, content });
        }
        let complete = selector.values().is_some_and(|values| values == seen.len());
        let default = open.default.filter(|_| !complete);
        if let (Some(content), Some((span, _))) = (&default, &open.union.default) {
            let name = Name { text: "default".to_owned(), span: span.clone() };
            variants.claim("Default", &name, &mut context.errors);
            fields_differ(&open.discriminant, content.as_ref(), &name, &mut context.errors);
        }
        let union = Union { discriminant: open.discriminant, arms, default, complete };
        (open.index, union)
    }
}

/// An arm that keeps the discriminant has two fields, which need two names.
fn fields_differ(discriminant: &Field, content: Option<&Field>, arm: &Name, errors: &mut Errors) {
    if content.is_some_and(|content| content.rust == discriminant.rust) {
        let message = format!(
            "`{}` keeps what the union depends on beside its content, and both are `{}`",
            arm.text, discriminant.rust
        );
        errors.push(Diagnostic::new(arm.span.clone(), message).help("rename one of them"));
    }
}
