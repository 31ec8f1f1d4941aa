//! How much room values take, and which of them therefore lie in a `Box`: large ones, so that decoding needs
//! little stack, and a few bytes of input can not become a large value.

use crate::ast::Scalar;
use crate::model::{Base, Content, Model};

/// Fixed arrays of more bytes lie in a box.
const LARGEST_ARRAY: u64 = 64;

/// Named types of more bytes lie in a box where they are a union's arm ...
const LARGEST_ARM: u64 = 128;

/// ... or a struct's field.
const LARGEST_FIELD: u64 = 1024;

/// A pointer's size.
const POINTER: u64 = 8;

/// About how many bytes a value takes, rounded up, without what lies behind pointers.
pub(crate) fn size(model: &Model, content: &Content) -> u64 {
    match content {
        Content::Plain(one) => base(model, one),
        Content::Optional(_) => POINTER,
        Content::FixedOpaque(_) | Content::FixedArray(..) if is_boxed(model, content) => POINTER,
        Content::FixedOpaque(length) => u64::from(*length).next_multiple_of(8),
        Content::FixedArray(one, length) => base(model, one) * u64::from(*length),
        Content::Opaque(_) | Content::Text(_) | Content::Array(..) => 3 * POINTER,
    }
}

fn base(model: &Model, base: &Base) -> u64 {
    match base {
        Base::Scalar(Scalar::Bool | Scalar::I32 | Scalar::U32 | Scalar::F32) => 4,
        Base::Scalar(Scalar::I64 | Scalar::U64 | Scalar::F64) => 8,
        Base::Text => 3 * POINTER,
        Base::Named(index) => model.types[*index].facts.size,
    }
}

/// True for a fixed array that lies in a box, wherever it is.
pub(crate) fn is_boxed(model: &Model, content: &Content) -> bool {
    match content {
        Content::FixedOpaque(length) => u64::from(*length) > LARGEST_ARRAY,
        Content::FixedArray(one, length) => {
            base(model, one).saturating_mul(u64::from(*length)) > LARGEST_ARRAY
        }
        _ => false,
    }
}

/// True for a named type that lies in a box as a union's arm.
pub(crate) fn is_boxed_arm(model: &Model, content: &Content) -> bool {
    is_named_over(model, content, LARGEST_ARM)
}

/// True for a named type that lies in a box as a struct's field.
pub(crate) fn is_boxed_field(model: &Model, content: &Content) -> bool {
    is_named_over(model, content, LARGEST_FIELD)
}

fn is_named_over(model: &Model, content: &Content, limit: u64) -> bool {
    matches!(content, Content::Plain(Base::Named(_))) && size(model, content) > limit
}

/// The size of a union's arm.
pub(crate) fn arm(model: &Model, content: &Content) -> u64 {
    if is_boxed_arm(model, content) { POINTER } else { size(model, content) }
}

/// The size of a struct's field.
pub(crate) fn field(model: &Model, content: &Content) -> u64 {
    if is_boxed_field(model, content) { POINTER } else { size(model, content) }
}
