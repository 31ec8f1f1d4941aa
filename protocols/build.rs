//! Compiles the interfaces of the programs that come with the protocols.

fn main() {
    for interface in ["bank", "counter", "portmap"] {
        squall_rpcgen::compile(format!("interfaces/{interface}.x"));
    }
}
