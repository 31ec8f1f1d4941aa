//! Types: enums, structs, typedefs, and the content of unions.

use std::collections::BTreeMap;

use super::{Context, Errors, Scope, meant, says_nothing};
use crate::ast::{self, Body, Declaration, Definition, Name, Shape, Specifier};
use crate::model::{Alias, Base, Content, Facts, Field, Kind, Model, Type, Value};
use crate::names;
use crate::prelude;
use squall_diagnostic::{Diagnostic, Span};

/// The types of a file by name.
pub(super) struct Types<'a> {
    list: Vec<(&'a Name, &'a Body)>,
    by_name: BTreeMap<&'a str, usize>,
}

/// A union whose discriminant is not yet understood: that needs all types.
pub(super) struct Open<'a> {
    pub(super) index: usize,
    pub(super) union: &'a ast::Union,
    pub(super) discriminant: Field,
    pub(super) arms: Vec<Option<Field>>,
    pub(super) default: Option<Option<Field>>,
}

impl<'a> Types<'a> {
    pub(super) fn new(definitions: &'a [Definition]) -> Self {
        let mut types = Types { list: Vec::new(), by_name: BTreeMap::new() };
        for definition in definitions {
            let Definition::Type { name, body } = definition else { continue };
            if !says_nothing(name, body) && !types.by_name.contains_key(name.text.as_str()) {
                types.by_name.insert(&name.text, types.list.len());
                types.list.push((name, body));
            }
        }
        types
    }

    /// Fills the model with every type but the unions.
    pub(super) fn build(&self, model: &mut Model, context: &mut Context) -> Vec<Open<'a>> {
        let mut open = Vec::new();
        for (index, (name, body)) in self.list.iter().enumerate() {
            let rust = names::upper_camel(&name.text);
            context.types.claim(&rust, name, &mut context.errors);
            let kind = match body {
                Body::Enum(values) => enumeration(values, context),
                Body::Struct(fields) => {
                    let mut scope = FieldScope::new();
                    let fields = fields.iter().filter_map(|field| {
                        scope.claim(&field.name, &mut context.errors);
                        self.field(field, context)
                    });
                    Kind::Struct(fields.collect())
                }
                Body::Declared(declaration) => match self.content(declaration, context) {
                    Some(Content::Plain(base)) => Kind::Alias(base),
                    Some(content) => {
                        context.values.claim(&rust, name, &mut context.errors);
                        Kind::Newtype(content)
                    }
                    None => Kind::Struct(Vec::new()),
                },
                Body::Union(union) => {
                    let field = |one: &Declaration, context: &mut Context| self.field(one, context);
                    let arms = union.arms.iter();
                    let arms = arms.map(|arm| field(arm.content.as_ref()?, context)).collect();
                    let default = union.default.as_ref();
                    let default = default.map(|(_, content)| field(content.as_ref()?, context));
                    if let Some(discriminant) = field(&union.discriminant, context) {
                        open.push(Open { index, union, discriminant, arms, default });
                    }
                    Kind::Struct(Vec::new())
                }
            };
            model.types.push(Type { name: name.text.clone(), rust, kind, facts: Facts::default() });
        }
        open
    }

    fn field(&self, declaration: &Declaration, context: &mut Context) -> Option<Field> {
        let name = declaration.name.text.clone();
        let content = self.content(declaration, context)?;
        Some(Field { rust: names::snake(&name), name, content })
    }

    fn content(&self, declaration: &Declaration, context: &mut Context) -> Option<Content> {
        let length = |length: &ast::Expression, context: &mut Context| {
            let range = 1..=i128::from(u32::MAX);
            let errors = &mut context.errors;
            let number = context.constants.within(length, range, "the length", errors)?;
            u32::try_from(number).ok()
        };
        // Errors of the length and of the type are both worth saying.
        let (written, bound) = match &declaration.shape {
            Shape::Fixed(number) | Shape::Variable(Some(number)) => (true, length(number, context)),
            Shape::Plain | Shape::Optional | Shape::Variable(None) => (false, None),
        };
        let specifier = &declaration.specifier;
        let base = match &specifier.kind {
            ast::Kind::Opaque | ast::Kind::Text => None,
            _ => Some(self.base(specifier, &mut context.errors)?),
        };
        if written && bound.is_none() {
            return None;
        }
        Some(match (base, &declaration.shape) {
            (None, Shape::Fixed(_)) => Content::FixedOpaque(bound?),
            (None, _) if specifier.kind == ast::Kind::Opaque => Content::Opaque(bound),
            (None, _) => Content::Text(bound),
            (Some(base), Shape::Plain) => Content::Plain(base),
            (Some(base), Shape::Optional) => Content::Optional(base),
            (Some(base), Shape::Fixed(_)) => Content::FixedArray(base, bound?),
            (Some(base), Shape::Variable(_)) => Content::Array(base, bound),
        })
    }

    /// The type that a specifier means.
    pub(super) fn base(&self, specifier: &Specifier, errors: &mut Errors) -> Option<Base> {
        let (name, tag) = match &specifier.kind {
            ast::Kind::Scalar(scalar) => return Some(Base::Scalar(*scalar)),
            ast::Kind::Text => return Some(Base::Text),
            // The parser refused these where they can not be.
            ast::Kind::Opaque | ast::Kind::Void => return None,
            ast::Kind::Named { name, tag } => (name, tag),
        };
        if let Some(index) = self.by_name.get(name.as_str()) {
            let (defined, body) = self.list[*index];
            let is = match body {
                Body::Enum(_) => "enum",
                Body::Struct(_) => "struct",
                Body::Union(_) => "union",
                // A typedef may stand for any of them.
                Body::Declared(_) => tag.unwrap_or(""),
            };
            if let Some(tag) = tag.filter(|tag| *tag != is) {
                let message = format!("`{name}` is {}, not {}", article(is), article(tag));
                let error = Diagnostic::new(specifier.span.clone(), message);
                errors.push(error.other(defined.span.clone(), "defined here"));
            }
            return Some(Base::Named(*index));
        }
        if let Some(scalar) = prelude::scalar(name) {
            return Some(Base::Scalar(scalar));
        }
        let known =
            ["int", "unsigned", "hyper", "float", "double", "bool", "opaque", "string", "void"];
        let known = known.into_iter().chain(prelude::SCALARS);
        let known = self.by_name.keys().copied().chain(known);
        let near = meant(name, known, errors);
        let error = Diagnostic::new(specifier.span.clone(), format!("there is no type `{name}`"));
        errors.push(error.label("not defined").meant(near));
        None
    }

    /// For each type, where its definition names one that its values contain.
    pub(super) fn spans(&self, index: usize) -> Vec<(&'a str, Span)> {
        let declarations: Vec<&Declaration> = match self.list[index].1 {
            Body::Enum(_) => Vec::new(),
            Body::Struct(fields) => fields.iter().collect(),
            Body::Declared(declaration) => vec![&**declaration],
            Body::Union(union) => {
                let default = union.default.iter().filter_map(|(_, content)| content.as_ref());
                let arms = union.arms.iter().filter_map(|arm| arm.content.as_ref());
                arms.chain(default).chain([&union.discriminant]).collect()
            }
        };
        let contained = declarations.into_iter().filter_map(|one| {
            let inside = matches!(one.shape, Shape::Plain | Shape::Fixed(_));
            match &one.specifier.kind {
                ast::Kind::Named { name, .. } if inside => {
                    Some((name.as_str(), one.specifier.span.clone()))
                }
                _ => None,
            }
        });
        contained.collect()
    }

    /// For each type its name's place, and the types that its values contain, with where it says so.
    pub(super) fn edges(&self) -> Vec<(Span, Vec<(usize, Span)>)> {
        let edges = |index: usize| {
            let inside = self.spans(index).into_iter();
            inside.filter_map(|(name, span)| Some((*self.by_name.get(name)?, span))).collect()
        };
        let names = self.list.iter().map(|(name, _)| name.span.clone());
        names.enumerate().map(|(index, span)| (span, edges(index))).collect()
    }
}

fn article(tag: &str) -> String {
    format!("{} {tag}", if tag == "enum" { "an" } else { "a" })
}

/// The fields of one struct.
struct FieldScope {
    seen: BTreeMap<String, Span>,
    rust: Scope,
}

impl FieldScope {
    fn new() -> Self {
        FieldScope { seen: BTreeMap::new(), rust: Scope::new("fields") }
    }

    fn claim(&mut self, name: &Name, errors: &mut Errors) {
        self.rust.claim(&names::snake(&name.text), name, errors);
        let Some(first) = self.seen.get(&name.text) else {
            self.seen.insert(name.text.clone(), name.span.clone());
            return;
        };
        let message = format!("the struct has two fields `{}`", name.text);
        let error = Diagnostic::new(name.span.clone(), message);
        errors.push(error.other(first.clone(), "the first one"));
    }
}

fn enumeration(list: &[(Name, Option<ast::Expression>)], context: &mut Context) -> Kind {
    let (mut values, mut aliases) = (Vec::<Value>::new(), Vec::new());
    let mut by_number = BTreeMap::new();
    let mut scope = Scope::new("values");
    for (name, value) in list {
        let span = value.as_ref().map_or(&name.span, |value| &value.span).clone();
        let own = ast::Expression { base: Some(name.clone()), add: 0, span };
        let range = i128::from(i32::MIN)..=i128::from(i32::MAX);
        let what = "the value of an enum";
        let number = context.constants.within(&own, range, what, &mut context.errors);
        let Some(number) = number.and_then(|number| i32::try_from(number).ok()) else { continue };
        let rust = names::upper_camel(&name.text);
        scope.claim(&rust, name, &mut context.errors);
        let name = name.text.clone();
        if let Some(first) = by_number.get(&number) {
            let Value { rust: of, .. } = &values[*first];
            aliases.push(Alias { rust: names::upper(&name), name, of: of.clone() });
        } else {
            by_number.insert(number, values.len());
            values.push(Value { name, rust, number });
        }
    }
    Kind::Enum { values, aliases }
}
