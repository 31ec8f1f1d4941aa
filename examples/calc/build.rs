//! Compiles the interface.

fn main() {
    squall_rpcgen::compile("../../tests/oncrpc/calc.x");
}
