//! The `squall` command, with the shipped protocols.

fn main() -> std::process::ExitCode {
    squall::cli(squall::Registry::shipped())
}
