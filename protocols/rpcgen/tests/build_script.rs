//! What a build script shows to Cargo: the test's own program, run again, plays the script.

use std::path::Path;
use std::process::{Command, Output};

const FILE: &str = "SQUALL_RPCGEN_TEST_FILE";

#[test]
fn script() {
    if let Some(file) = std::env::var_os(FILE) {
        squall_rpcgen::compile(file);
    }
}

fn run(file: &str, out: Option<&Path>) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "script", "--nocapture"]).env(FILE, file).env_remove("OUT_DIR");
    if let Some(out) = out {
        command.env("OUT_DIR", out);
    }
    command.output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder of its own for a test, empty.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("writable");
    folder
}

#[test]
fn a_good_file_is_compiled_and_cargo_watches_all_that_was_read() {
    let out = folder("good_script");
    let output = run("tests/good/habits.x", Some(&out));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for watched in ["tests/good/habits.x", "tests/good/included.x"] {
        let line = format!("cargo::rerun-if-changed={watched}");
        assert!(said.lines().any(|one| one.ends_with(&line)), "{said}");
    }
    let code = std::fs::read_to_string(out.join("habits.rs")).expect("written");
    assert!(code.contains("pub struct CTypes"), "{code}");
}

#[test]
fn a_bad_file_ends_the_script_and_is_shown() {
    let out = folder("bad_script");
    let output = run("tests/bad/undefined_types.x", Some(&out));
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stderr);
    assert!(shown.contains("error: there is no type `color`"), "{shown}");
    assert!(shown.contains("tests/bad/undefined_types.x:4:5"), "{shown}");
    // Mending it must run the script again.
    let said = text(&output.stdout);
    assert!(said.contains("cargo::rerun-if-changed=tests/bad/undefined_types.x"), "{said}");
    assert!(!out.join("undefined_types.rs").exists());
}

#[test]
fn outside_a_build_script_there_is_no_output() {
    let output = run("tests/good/types_only.x", None);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("OUT_DIR is not set"), "{}", text(&output.stderr));
}
