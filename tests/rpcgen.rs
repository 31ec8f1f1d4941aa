//! `squall rpcgen`: the command of the stub compiler.

use std::process::Output;

use crate::command::{folder, squall, text};

const CALC: &str = "tests/oncrpc/calc.x";
const BAD: &str = "protocols/rpcgen/tests/bad/undefined_types.x";

fn rpcgen(arguments: &[&str]) -> Output {
    squall(&[&["rpcgen"], arguments].concat())
}

#[test]
fn the_code_is_printed_or_written() {
    let printed = rpcgen(&[CALC]);
    assert_eq!(printed.status.code(), Some(0));
    assert!(printed.stderr.is_empty());
    assert!(text(&printed.stdout).contains("pub struct CalcV1Client"));
    let out = folder("rpcgen_written").join("calc.rs");
    let out = out.to_str().unwrap();
    let written = rpcgen(&[CALC, "-o", out]);
    assert_eq!(written.status.code(), Some(0), "{}", text(&written.stderr));
    assert!(written.stdout.is_empty());
    assert_eq!(std::fs::read(out).unwrap(), printed.stdout);
}

#[test]
fn a_file_that_exists_is_not_overwritten_unless_forced() {
    let out = folder("rpcgen_force").join("calc.rs");
    std::fs::write(&out, "mine").unwrap();
    let path = out.to_str().unwrap();
    let refused = rpcgen(&[CALC, "-o", path]);
    assert_eq!(refused.status.code(), Some(64));
    assert!(text(&refused.stderr).contains("--force"), "{}", text(&refused.stderr));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine");
    assert_eq!(rpcgen(&[CALC, "-o", path, "--force"]).status.code(), Some(0));
    assert!(std::fs::read_to_string(&out).unwrap().contains("pub struct CalcV1Client"));
}

#[test]
fn a_wrong_file_is_shown_at_its_place_and_nothing_is_written() {
    let out = folder("rpcgen_wrong").join("calc.rs");
    let wrong = rpcgen(&[BAD, "-o", out.to_str().unwrap()]);
    assert_eq!(wrong.status.code(), Some(65));
    let error = text(&wrong.stderr);
    assert!(error.contains("error: there is no type `color`"), "{error}");
    assert!(error.contains(&format!("{BAD}:4:5")), "{error}");
    assert!(error.contains("did you mean `colour`?"), "{error}");
    assert!(!error.contains('\u{1b}'), "no colours in a pipe: {error:?}");
    assert!(wrong.stdout.is_empty() && !out.exists());
}

#[test]
fn wrong_usage_has_its_status() {
    let status = |arguments: &[&str]| rpcgen(arguments).status.code();
    assert_eq!(status(&[]), Some(64));
    assert_eq!(status(&["no/such.x"]), Some(64));
    assert_eq!(status(&["tests"]), Some(64));
    assert_eq!(status(&[CALC, "--runtime", "a b"]), Some(64));
    assert_eq!(status(&[CALC, "--include", "no/such.x"]), Some(64));
    assert_eq!(status(&[CALC, "-o", "no/such/folder/calc.rs"]), Some(64));
    assert_eq!(status(&["--help"]), Some(0));
}

#[test]
fn the_runtime_and_other_files_can_be_named() {
    let code = rpcgen(&[CALC, "--runtime", "::squall::protocols"]);
    assert!(text(&code.stdout).contains("use ::squall::protocols::xdr;"));
    let folder = folder("rpcgen_include");
    std::fs::write(folder.join("a.x"), "struct a { b one; };\n").unwrap();
    std::fs::write(folder.join("b.x"), "struct b { int two; };\n").unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    assert_eq!(rpcgen(&[&path("a.x")]).status.code(), Some(65));
    let code = rpcgen(&[&path("a.x"), "--include", &path("b.x")]);
    assert_eq!(code.status.code(), Some(0), "{}", text(&code.stderr));
    assert!(text(&code.stdout).contains("pub struct B"));
}
