//! The whole command line, for our protocol too: `cargo run -- run scenarios`.

fn main() -> std::process::ExitCode {
    squall::cli(own_protocol::registry())
}
