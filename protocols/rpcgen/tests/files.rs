//! Interface files: what becomes of the good ones, and what is said about the bad ones.

use std::path::{Path, PathBuf};

use squall_rpcgen::{Compiler, Error};

#[path = "files/fuzz.rs"]
mod fuzz;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Compiles a file as it is named here, wherever the project lies.
fn compile(path: &Path) -> Result<String, squall_rpcgen::Diagnostics> {
    let name = path.file_name().expect("a file").to_string_lossy();
    let text = std::fs::read(path).expect("readable");
    Compiler::new().folder(path.parent().expect("in a folder")).generate(&name, text)
}

/// What is drawn, without the folder in which the project lies.
fn drawn(errors: &squall_rpcgen::Diagnostics) -> String {
    errors.render(false).replace(&format!("{}/", folder().join("bad").display()), "")
}

#[test]
fn the_calculator_becomes_readable_rust() {
    let calc = folder().join("../../../tests/oncrpc/calc.x");
    insta::assert_snapshot!(compile(&calc).unwrap());
}

#[test]
fn every_union_becomes_an_enum() {
    let text = compile(&folder().join("good/constructs.x")).unwrap();
    let start = text.find("/// The union `on_int`").expect("the first");
    let end = text.find("/// The union `on_some`").expect("another");
    insta::assert_snapshot!(&text[start..end]);
}

#[test]
fn bad_files_are_explained() {
    let mut count = 0;
    insta::glob!("bad/*.x", |path| {
        count += 1;
        match compile(path) {
            Ok(text) => panic!("{} is good:\n{text}", path.display()),
            Err(errors) => insta::assert_snapshot!(drawn(&errors)),
        }
    });
    assert!(count >= 45, "only {count} bad files");
}

#[test]
fn what_is_too_long_is_refused() {
    let long = "/* x */".repeat(200_000);
    let errors = Compiler::new().generate("long.x", &long).unwrap_err();
    insta::assert_snapshot!(errors.render(false));
}

#[test]
fn files_that_can_not_be_read_are_named() {
    let error = Compiler::new().generate_file("no/such.x").unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    assert!(error.to_string().starts_with("no/such.x: "), "{error}");
    let here = folder().join("good/types_only.x");
    let error = Compiler::new().include("no/such.x").generate_file(here).unwrap_err();
    assert!(error.to_string().starts_with("no/such.x: "), "{error}");
}

#[test]
fn a_text_without_a_folder_includes_nothing() {
    let errors = Compiler::new().generate("a.x", "#include \"b.x\"\n").unwrap_err();
    assert!(errors.to_string().contains("no folder to look in is known"), "{errors}");
}

#[test]
fn types_may_come_from_another_file() {
    let folder = folder().join("good");
    let text = "struct s { included a; };";
    assert!(Compiler::new().generate("a.x", text).is_err());
    let compiler = Compiler::new().include(folder.join("included.x"));
    let text = compiler.generate_file(folder.join("types_only.x")).unwrap();
    assert!(text.contains("pub struct Included"), "{text}");
}

#[test]
fn the_runtime_may_be_elsewhere() {
    let compiler = Compiler::new().runtime("::squall::protocols").unwrap();
    let text = compiler.generate("a.x", "struct a { int b; };").unwrap();
    assert!(text.contains("use ::squall::protocols::xdr;"), "{text}");
    for bad in ["", "a b", "Vec<u8>", "1", "a::", "a; use std"] {
        let error = Compiler::new().runtime(bad).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{bad}` is no path of Rust, such as `::squall_protocols`")
        );
    }
}

#[test]
fn only_what_is_used_is_imported_and_added() {
    let generate = |text| Compiler::new().generate("a.x", text).unwrap();
    assert!(!generate("const A = 1;").contains("use "));
    let program = generate("program P { version V { int A(int) = 1; } = 1; } = 1;");
    assert!(program.contains("::rpc;") && !program.contains("::xdr;"), "{program}");
    assert!(!generate("struct a { int b; };").contains("Netobj"));
    let own = generate("typedef string netobj<3>; struct a { netobj b; };");
    assert_eq!(own.matches("pub struct Netobj").count(), 1, "{own}");
    assert!(own.contains("pub String"), "{own}");
}
