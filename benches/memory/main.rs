//! Memory per idle host: one that has bound a socket and waits for a datagram. A program of its own,
//! because an allocator that counts slows everything down.

use std::alloc::System;

use squall::net::UdpSocket;
use squall::protocol::{Client, HostResult, Protocol};
use squall::time::{Duration, sleep};
use squall::{Registry, Settings};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const HOSTS: u32 = 10_000;
const TARGET: f64 = 4096.0;

fn in_use() -> usize {
    let stats = ALLOCATOR.stats();
    // What a reallocation added or took away is in both counts already.
    stats.bytes_allocated - stats.bytes_deallocated
}

fn main() {
    // `cargo test --all-targets` runs benchmarks without this flag: there is nothing to test.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let selected = words.next().is_none_or(|first| first == "memory");
    if !selected && words.all(|word| word != "memory") {
        return;
    }
    let protocol = Protocol::new("idle", "Waits.").client(wait);
    let registry = Registry::new().with(protocol);
    let text = format!(
        "title = 'Idle hosts'
        protocol = 'idle'
        workload = {{ clients = {HOSTS} }}"
    );
    let scenario = registry.parse("bench", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let before = in_use();
    let outcome =
        registry.run(&scenario, Settings::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    let during = outcome.run.counts.reports.keys().next();
    let during: usize = during.and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
    let each = (during - before) as f64 / f64::from(HOSTS);
    let verdict = match each <= TARGET {
        true => "met".to_owned(),
        false => format!("MISSED by {:.0}%", (each / TARGET - 1.0) * 100.0),
    };
    println!("{:<44} {each:>9.0}   at most    4096   {verdict}", "memory: bytes per idle host");
}

async fn wait(client: Client) -> HostResult {
    let socket = UdpSocket::bind("0.0.0.0:9").await?;
    if client.number() == HOSTS {
        // By now all wait. A report is the way out of a run.
        sleep(Duration::from_secs(1)).await;
        squall::protocol::report(&in_use().to_string());
    }
    let mut buffer = [0; 64];
    socket.recv_from(&mut buffer).await?;
    Ok(())
}
