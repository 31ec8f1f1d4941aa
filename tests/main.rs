//! Integration tests: one binary, a module per subject.

mod bad_options;
mod browser;
mod command;
mod command_line;
mod corruption;
mod crashes;
mod disks;
mod engine_parity;
mod exactly_once;
mod expected_events;
mod further_hosts;
mod junit;
mod limits;
mod matrix;
mod mermaid;
mod misuse;
#[cfg(feature = "mutants")]
mod mutants;
mod netem;
mod orphans;
mod pages;
mod properties;
mod readme;
mod real_sockets;
mod reports;
mod rpc;
mod rpcgen;
mod schedules;
mod searches;
#[cfg(unix)]
mod sharding;
mod sockets;
mod stories;
#[cfg(feature = "proptest")]
mod strategies;
mod sweep_pages;
mod sweeps;
mod tasks_and_time;
mod theory;
mod timeline;
mod tokio_sync;
mod verdicts;
mod wireshark;
mod written_files;

use squall::{Outcome, Protocol, Registry, Settings};

/// Runs a scenario, given as TOML without title and protocol, on hosts of `protocol`.
fn run(protocol: Protocol, rest: &str) -> Outcome {
    run_with(protocol, rest, Settings { keep_trace: true, ..Settings::default() })
}

fn run_with(protocol: Protocol, rest: &str, settings: Settings) -> Outcome {
    let name = protocol.spec().name.clone();
    let registry = Registry::new().with(protocol);
    let text = format!("title = 'a test'\nprotocol = '{name}'\n{rest}");
    let scenario = registry.parse("test", &text).unwrap_or_else(|errors| panic!("{errors}"));
    registry.run(&scenario, settings).unwrap()
}

/// Where snapshots lie and how they are named.
fn snapshot_settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    // Without `..`: CI looks for the path among those that git lists.
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// Compares a page of the documentation with what a test makes of it. `INSTA_UPDATE=always` writes
/// the page along with the snapshots.
fn assert_page(path: &str, test: &str, page: &str) {
    let page = format!("{page}\n");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "{path} is not what the tests measure now; read what changes after\n  \
         INSTA_UPDATE=always cargo test --test integration {test}"
    );
}

/// A protocol without a server, whose client runs `client`.
fn client_only<F>(client: impl Fn(squall::Client) -> F + Send + Sync + 'static) -> Protocol
where
    F: Future<Output = squall::HostResult> + 'static,
{
    Protocol::new("test", "For a test.").client(client)
}

/// The events of a run that host software reported, with the host and the time in milliseconds.
fn reports(outcome: &Outcome) -> Vec<(String, String, f64)> {
    let trace = outcome.trace.as_ref().unwrap();
    trace
        .events()
        .filter_map(|event| match event.what {
            squall::trace::What::Reported { host, name } => {
                Some((trace.host(host).to_owned(), name, event.at as f64 / 1e6))
            }
            _ => None,
        })
        .collect()
}
