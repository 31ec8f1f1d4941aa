//! An interface file as it was written.

use squall_diagnostic::Span;

/// An identifier.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// A constant's value: a number, another constant, or the sum of both.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) base: Option<Name>,
    pub(crate) add: i128,
    pub(crate) span: Span,
}

/// One definition.
#[derive(Clone, Debug)]
pub(crate) enum Definition {
    Constant {
        name: Name,
        value: Expression,
    },
    /// An extension of rpcgen's.
    Text {
        name: Name,
        value: String,
    },
    Type {
        name: Name,
        body: Body,
    },
    Program(Program),
}

/// What a type consists of.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Enum(Vec<(Name, Option<Expression>)>),
    Struct(Vec<Declaration>),
    Union(Box<Union>),
    /// A typedef.
    Declared(Box<Declaration>),
}

#[derive(Clone, Debug)]
pub(crate) struct Union {
    pub(crate) discriminant: Declaration,
    pub(crate) arms: Vec<Arm>,
    pub(crate) default: Option<(Span, Option<Declaration>)>,
}

/// One or more cases and what they have; `None` is void.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    pub(crate) labels: Vec<Expression>,
    pub(crate) content: Option<Declaration>,
}

/// A field, an arm, or what a typedef names.
#[derive(Clone, Debug)]
pub(crate) struct Declaration {
    pub(crate) name: Name,
    pub(crate) specifier: Specifier,
    pub(crate) shape: Shape,
}

#[derive(Clone, Debug)]
pub(crate) struct Specifier {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar(Scalar),
    Opaque,
    Text,
    Void,
    Named {
        name: String,
        /// `struct`, `union` or `enum` stood before it.
        tag: Option<&'static str>,
    },
}

/// A type that every file knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    Bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Plain,
    /// `*`
    Optional,
    /// `[n]`
    Fixed(Expression),
    /// `<n>` or `<>`
    Variable(Option<Expression>),
}

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: Name,
    pub(crate) number: Expression,
    pub(crate) versions: Vec<Version>,
}

#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) name: Name,
    pub(crate) number: Expression,
    pub(crate) procedures: Vec<Procedure>,
}

#[derive(Clone, Debug)]
pub(crate) struct Procedure {
    pub(crate) name: Name,
    pub(crate) number: Expression,
    pub(crate) result: Specifier,
    /// Their types, and the names that some files give them.
    pub(crate) arguments: Vec<(Specifier, Option<Name>)>,
}
