//! Names that interface files take for granted, since C programs have them from the system's headers. They
//! count where a file does not define them itself, and are in the output only if it uses them.

use crate::ast::Scalar;

/// `rpc/types.h`, `rpc/xdr.h`, `rpc/key_prot.h`; `netbuf` as libtirpc's `xdr_netbuf` writes it. A quadruple
/// (RFC 4506, section 4.8) is kept as its bytes, since Rust has no such type.
pub(crate) const TEXT: &str = "\
const TRUE = 1;
const FALSE = 0;
const MAXNETNAMELEN = 255;
typedef opaque netobj<1024>;
struct netbuf { unsigned maxlen; opaque buf<>; };
typedef opaque des_block[8];
";

/// `quadruple` is a keyword, so that no file can define it.
pub(crate) const QUADRUPLE_BYTES: u32 = 16;

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

/// Their names.
pub(crate) const SCALARS: [&str; 6] =
    ["u_int", "u_long", "u_short", "u_char", "uint32_t", "uint64_t"];
