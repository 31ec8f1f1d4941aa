//! Names that interface files take for granted, since C programs have them from the system's headers. They
//! count where a file does not define them itself, and are in the output only if it uses them.

use crate::ast::{Body, Declaration, Definition, Expression, Kind, Name, Scalar, Shape, Specifier};
use crate::lexer::Lexer;
use crate::parser::{File, parse};

/// `rpc/types.h`, `rpc/xdr.h`, `rpc/key_prot.h`; `netbuf` as libtirpc's `xdr_netbuf` writes it. A quadruple
/// (RFC 4506, section 4.8) is kept as its bytes, since Rust has no such type.
const TEXT: &str = "\
const TRUE = 1;
const FALSE = 0;
const MAXNETNAMELEN = 255;
typedef opaque netobj<1024>;
struct netbuf { unsigned maxlen; opaque buf<>; };
typedef opaque des_block[8];
";

/// `quadruple` is a keyword, so that no file can define it.
const QUADRUPLE_BYTES: i128 = 16;

/// Adds what the file uses and takes for granted.
pub(crate) fn complete(file: &mut File, lexer: &mut Lexer) {
    lexer.file("built-in", TEXT.as_bytes(), None);
    let built_in = parse(lexer.finish());
    let defines = |file: &File, name: &str| {
        file.definitions.iter().any(|definition| match definition {
            Definition::Type { name: defined, .. }
            | Definition::Constant { name: defined, .. }
            | Definition::Text { name: defined, .. } => defined.text == name,
            Definition::Program(_) => false,
        })
    };
    for definition in built_in.definitions {
        match &definition {
            // The file does not define it, so the output need not have it.
            Definition::Constant { name, value } => {
                let entry = lexer.defined.entry(name.text.clone());
                entry.or_insert_with(|| Some((name.clone(), value.clone())));
            }
            Definition::Type { name, .. }
                if file.used.contains(&name.text) && !defines(file, &name.text) =>
            {
                file.definitions.push(definition);
            }
            _ => {}
        }
    }
    if file.used.contains("quadruple") {
        let span = lexer.sources.len() - 1..lexer.sources.len() - 1;
        let name = Name { text: "quadruple".to_owned(), span: span.clone() };
        let specifier = Specifier { kind: Kind::Opaque, span: span.clone() };
        let shape = Shape::Fixed(Expression { base: None, add: QUADRUPLE_BYTES, span });
        let declaration = Declaration { name: name.clone(), specifier, shape };
        let body = Body::Declared(Box::new(declaration));
        file.definitions.push(Definition::Type { name, body });
    }
}

/// The numbers of `rpc/types.h` and `stdint.h`. Those of fewer than 32 bits take 32 on the wire.
pub(crate) fn scalar(name: &str) -> Option<Scalar> {
    Some(match name {
        "u_int" | "u_long" | "u_short" | "u_char" | "uint32_t" | "uint16_t" | "uint8_t" => {
            Scalar::U32
        }
        "u_int32_t" | "u_int16_t" | "u_int8_t" => Scalar::U32,
        "rpcprog_t" | "rpcvers_t" | "rpcproc_t" | "rpcprot_t" | "rpcport_t" => Scalar::U32,
        "int32_t" | "int16_t" | "int8_t" | "enum_t" => Scalar::I32,
        "int64_t" | "quad_t" | "longlong_t" => Scalar::I64,
        "uint64_t" | "u_int64_t" | "u_quad_t" | "u_longlong_t" => Scalar::U64,
        "bool_t" => Scalar::Bool,
        _ => return None,
    })
}

/// Those of their names that a slip of the pen is likely to have meant.
pub(crate) const SCALARS: [&str; 6] =
    ["u_int", "u_long", "u_short", "u_char", "uint32_t", "uint64_t"];
