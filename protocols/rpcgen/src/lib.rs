//! Compiles the interface files of ONC RPC, `.x` files (RFC 5531, section 12; RFC 4506, section 6), into Rust:
//! types with their XDR form, and for each version of a program a client, a trait that a server implements,
//! and the dispatcher between the two. The output is laid out, documented and free of warnings.
//!
//! # In a build script
//!
//! `squall-rpcgen` stands under `[build-dependencies]`, `squall-protocols` under `[dependencies]`.
//!
//! ```no_run
//! // `main` in build.rs
//! squall_rpcgen::compile("calc.x");
//! ```
//!
//! ```text
//! // src/lib.rs
//! pub mod calc {
//!     //! The calculator's interface.
//!     include!(concat!(env!("OUT_DIR"), "/calc.rs"));
//! }
//! ```
//!
//! The output uses the crate `squall-protocols`. In a crate that depends on `squall` instead, it is not found
//! ("unresolved import `squall_protocols`"), until [`Compiler::runtime`] says where it is:
//!
//! ```no_run
//! # fn main() -> Result<(), squall_rpcgen::InvalidPath> {
//! squall_rpcgen::Compiler::new().runtime("::squall::protocols")?.compile("calc.x");
//! # Ok(())
//! # }
//! ```
//!
//! # What becomes of what
//!
//! | in the file | in Rust |
//! |---|---|
//! | `int`, `unsigned int`, `hyper`, `unsigned hyper`, `float`, `double`, `bool` | `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, `bool` |
//! | `char`, `short`, `long`, `u_int` and their like | `i32` or `u32`, as rpcgen has them on the wire |
//! | `quadruple` | `Quadruple([u8; 16])`: its bytes |
//! | `opaque a[3]`, `opaque a<8>`, `string a<8>` | `[u8; 3]`, `Vec<u8>`, `String`; lengths are checked when a value is encoded or decoded |
//! | `t a[3]`, `t a<8>`, `t *a` | `[T; 3]`, `Vec<T>`, `Option<Box<T>>` |
//! | `const MAX = 5`, `const NAME = "x"` | `pub const MAX: u32 = 5` (`i32`, `i64` or `u64` if need be), `pub const NAME: &str = "x"` |
//! | `enum colour { RED = 0 }` | `enum Colour { Red = 0 }`; a second name of a number is a constant, `Colour::ROUGE` |
//! | `struct add_args { int a; }` | `struct AddArgs { pub a: i32 }` |
//! | `typedef opaque blob<8>`, also of strings, arrays and optional data | `struct Blob(pub Vec<u8>)`, with `From` both ways |
//! | `typedef int count` | `type Count = i32` |
//! | `version CALC_V1 { int ADD(args) = 1; } = 1` | `CalcV1Client`, `CalcV1` and `CalcV1Server`, see below |
//!
//! A version `CALC_V1` becomes three things: `CalcV1Client`, around the runtime's `Client`, with the methods
//! `add`, which waits for the result, and `start_add`, which gives something to wait for later; the trait
//! `CalcV1` with a method `add`; and `CalcV1Server`, which makes a program of whatever implements the trait.
//! Procedure 0, which does nothing, is always answered. Several arguments of a procedure are passed by value.
//!
//! **Unions** are enums with a variant per arm. It is named after its case, and has the arm's content as a
//! field, none for `void`:
//!
//! ```text
//! union divresult switch (int err) {       pub enum Divresult {
//! case 0:                                      Case0 { quot: i32 },
//!     int quot;                                Case1Or2 { err: i32 },
//! case 1: case 2:                              Default { err: i32, msg: String },
//!     void;                                }
//! default:
//!     string msg<255>;
//! };
//! ```
//!
//! A case that is an enumerator or another constant gives its name: `case RED:` is `Red`; those of a bool are
//! `True` and `False`. An arm with several cases, and `default`, also has a field with what the union depends
//! on; encoding fails if that belongs to another arm. There is no `default` if the cases leave nothing over.
//!
//! **Large values lie in a `Box`**, so that decoding needs little stack, and a few bytes can not become a large
//! value: fixed arrays of more than 64 bytes, and named types of more than 128 bytes in a union, or 1,024 in a
//! struct.
//!
//! **Names** become Rust's: `UpperCamelCase` for types and values of enums, `snake_case` for fields and
//! procedures, upper case for constants. Keywords get `r#`, or `_` behind them where that is not possible.
//!
//! # What is taken besides the two RFCs
//!
//! Habits of rpcgen's files: `struct foo` for `foo`, a bare `unsigned`, string constants, names of arguments,
//! values of enums without numbers, numbers of procedures as constants, and the names that C programs have
//! from system headers (`u_int`, `uint32_t`, `netobj` and so on). Lines that begin with `%` are skipped, and
//! so are those with `#`, but for conditions, `#include "file.x"`, and `#define` and `%#define` of numbers.
//!
//! # Errors
//!
//! All errors of a file are shown at once, at their places:
//!
//! ```text
//! error: there is no type `addarg`
//!  --> calc.x:9:19
//!   |
//! 9 |         int ADD(addarg) = 1;
//!   |                 ^^^^^^ not defined
//!   |
//!   = help: did you mean `addargs`?
//! ```

mod ast;
mod check;
mod compiler;
mod generate;
mod layout;
mod lexer;
mod model;
mod names;
mod parser;
mod prelude;
mod source;

pub use compiler::{Compiler, Error, InvalidPath, compile};
pub use squall_diagnostic::Diagnostics;
