//! Compiles the good test files.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["constructs", "habits", "shadows", "types_only"] {
        squall_rpcgen::compile(format!("../tests/good/{name}.x"));
    }
}
