//! Every file below `scenarios/` is a test.

fn main() -> std::process::ExitCode {
    squall::test_scenarios(own_protocol::registry(), "scenarios")
}
