//! An interface, checked: every name resolved, every number known, every Rust name chosen.

use crate::ast::Scalar;

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) constants: Vec<Constant>,
    pub(crate) types: Vec<Type>,
    pub(crate) programs: Vec<Program>,
}

impl Model {
    /// What a type is, behind names that typedefs gave it. Those end, since every type is finite.
    pub(crate) fn behind_aliases(&self, mut base: Base) -> Base {
        while let Base::Named(index) = base
            && let Kind::Alias(next) = self.types[index].kind
        {
            base = next;
        }
        base
    }
}

#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) name: String,
    pub(crate) rust: String,
    pub(crate) value: ConstantValue,
}

#[derive(Debug)]
pub(crate) enum ConstantValue {
    Number(i128),
    Text(String),
}

#[derive(Debug)]
pub(crate) struct Type {
    pub(crate) name: String,
    pub(crate) rust: String,
    pub(crate) kind: Kind,
    pub(crate) facts: Facts,
}

/// What a type's Rust form is like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    /// About how many bytes a value takes, without what lies behind pointers.
    pub(crate) size: u64,
    /// There is a float in it, or behind its pointers.
    pub(crate) float: bool,
    /// It has a default.
    pub(crate) default: bool,
    /// It is passed by value.
    pub(crate) copy: bool,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Enum {
        values: Vec<Value>,
        aliases: Vec<Alias>,
    },
    Struct(Vec<Field>),
    Union(Union),
    /// A typedef that gives a shape a name.
    Newtype(Content),
    /// A typedef that gives a type another name.
    Alias(Base),
}

#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) rust: String,
    pub(crate) number: i32,
}

/// A value of an enum that has the number of an earlier one.
#[derive(Debug)]
pub(crate) struct Alias {
    pub(crate) name: String,
    pub(crate) rust: String,
    /// The Rust name of the earlier one.
    pub(crate) of: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) rust: String,
    pub(crate) content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Scalar(Scalar),
    /// A string without a bound.
    Text,
    /// One of the model's types.
    Named(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Plain(Base),
    Optional(Base),
    FixedOpaque(u32),
    Opaque(Option<u32>),
    Text(Option<u32>),
    FixedArray(Base, u32),
    Array(Base, Option<u32>),
}

impl Content {
    /// The type that a value contains as a part of itself.
    pub(crate) fn inside(&self) -> Option<usize> {
        match self {
            Content::Plain(Base::Named(index)) | Content::FixedArray(Base::Named(index), _) => {
                Some(*index)
            }
            _ => None,
        }
    }

    /// The type that it contains or points to.
    pub(crate) fn named(&self) -> Option<usize> {
        match self {
            Content::Optional(Base::Named(index)) | Content::Array(Base::Named(index), _) => {
                Some(*index)
            }
            _ => self.inside(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Union {
    /// Its content is plain.
    pub(crate) discriminant: Field,
    pub(crate) arms: Vec<Arm>,
    /// What all other values of the discriminant have; `None` also if there are no others.
    pub(crate) default: Option<Option<Field>>,
    /// Every value of the discriminant has an arm.
    pub(crate) complete: bool,
}

#[derive(Debug)]
pub(crate) struct Arm {
    /// The name of the variant.
    pub(crate) rust: String,
    pub(crate) labels: Vec<Label>,
    pub(crate) content: Option<Field>,
}

#[derive(Debug)]
pub(crate) struct Label {
    /// As the file has it.
    pub(crate) text: String,
    pub(crate) number: i64,
    /// The enumerator's Rust name, or of `true` and `false`.
    pub(crate) rust: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) rust: String,
    pub(crate) number: u32,
    pub(crate) versions: Vec<Version>,
}

#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) name: String,
    /// The trait.
    pub(crate) rust: String,
    /// The constant.
    pub(crate) constant: String,
    pub(crate) number: u32,
    pub(crate) procedures: Vec<Procedure>,
}

#[derive(Debug)]
pub(crate) struct Procedure {
    pub(crate) name: String,
    pub(crate) rust: String,
    pub(crate) constant: String,
    pub(crate) number: u32,
    /// Their Rust names and types.
    pub(crate) arguments: Vec<(String, Base)>,
    /// `None` is void.
    pub(crate) result: Option<Base>,
}
