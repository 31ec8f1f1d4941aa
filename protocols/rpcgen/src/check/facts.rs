//! What the Rust forms of types are like.

use crate::ast::Scalar;
use crate::layout;
use crate::model::{Base, Content, Facts, Kind, Model};

/// Finds the facts of all types; `order` has each after those that it contains.
pub(super) fn find(model: &mut Model, order: &[usize]) {
    for index in order {
        let facts = of_type(model, *index);
        model.types[*index].facts = facts;
    }
    floats(model);
}

fn of_type(model: &Model, index: usize) -> Facts {
    let (size, default, copy) = match &model.types[index].kind {
        Kind::Enum { values, .. } => (4, values.iter().any(|value| value.number == 0), true),
        Kind::Struct(fields) => {
            let contents = || fields.iter().map(|field| &field.content);
            let size = contents().map(|content| layout::field(model, content)).sum();
            (size, contents().all(|content| has_default(model, content)), false)
        }
        Kind::Union(union) => {
            let default = union.default.iter().flatten();
            let contents = union.arms.iter().filter_map(|arm| arm.content.as_ref()).chain(default);
            let largest = contents.map(|field| layout::arm(model, &field.content)).max();
            (8 + largest.unwrap_or(0), false, false)
        }
        Kind::Newtype(one) => (layout::size(model, one), has_default(model, one), false),
        Kind::Alias(base) => {
            let copy = match base {
                Base::Scalar(_) => true,
                Base::Text => false,
                Base::Named(index) => model.types[*index].facts.copy,
            };
            let content = Content::Plain(*base);
            (layout::size(model, &content), has_default(model, &content), copy)
        }
    };
    Facts { size, default, copy, float: false }
}

/// Whether a Rust value of this has a default.
fn has_default(model: &Model, content: &Content) -> bool {
    let base = |base: &Base| match base {
        Base::Scalar(_) | Base::Text => true,
        Base::Named(index) => model.types[*index].facts.default,
    };
    match content {
        Content::Plain(one) => base(one),
        // The standard library stops at 32, and has none for arrays in boxes.
        Content::FixedOpaque(length) => *length <= 32,
        Content::FixedArray(one, length) => {
            *length <= 32 && base(one) && !layout::is_boxed(model, content)
        }
        Content::Optional(_) | Content::Opaque(_) | Content::Text(_) | Content::Array(..) => true,
    }
}

/// Finds what has a float in it or behind it, from the floats outwards.
fn floats(model: &mut Model) {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); model.types.len()];
    let mut found = Vec::new();
    for (index, one) in model.types.iter().enumerate() {
        let alias;
        let contents: Vec<&Content> = match &one.kind {
            Kind::Enum { .. } => Vec::new(),
            Kind::Struct(fields) => fields.iter().map(|field| &field.content).collect(),
            Kind::Newtype(content) => vec![content],
            Kind::Alias(base) => {
                alias = Content::Plain(*base);
                vec![&alias]
            }
            Kind::Union(union) => {
                let arms = union.arms.iter().filter_map(|arm| arm.content.as_ref());
                let all = arms.chain(union.default.iter().flatten());
                all.map(|field| &field.content).collect()
            }
        };
        for content in &contents {
            if let Some(used) = content.named() {
                users[used].push(index);
            }
        }
        if contents.into_iter().any(is_float) {
            found.push(index);
        }
    }
    while let Some(index) = found.pop() {
        if !std::mem::replace(&mut model.types[index].facts.float, true) {
            found.extend(&users[index]);
        }
    }
}

fn is_float(content: &Content) -> bool {
    let base = match content {
        Content::Plain(base)
        | Content::Optional(base)
        | Content::FixedArray(base, _)
        | Content::Array(base, _) => base,
        Content::FixedOpaque(_) | Content::Opaque(_) | Content::Text(_) => return false,
    };
    matches!(base, Base::Scalar(Scalar::F32 | Scalar::F64))
}
