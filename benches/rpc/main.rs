//! `cargo bench --bench rpc`: calls per second of wall time in the simulation, and the share of it that
//! encoding and decoding take; and what the stub compiler writes beside code written by hand.
//! `--quick` is for seeing that it still runs.

#[path = "../engines/report.rs"]
#[allow(dead_code, reason = "this benchmark needs less of it")]
mod report;

mod mix;

use std::hint::black_box;

use report::{Samples, Target, number, time};
use squall::check::Verdict;
use squall::{Registry, Settings};
use squall_protocols::oncrpc::{Auth, AuthSys, Body, CallHeader, Message, Reply};
use squall_protocols::rpc::programs::bank::{DepositArgs, Receipt};
use squall_protocols::xdr::{self, Xdr};

/// A workload: its name, options, and clients.
const WORKLOADS: [(&str, &str, u32); 4] = [
    ("counter, 1 client, reply cache", "application = 'counter'", 1),
    ("counter, 50 clients, reply cache", "application = 'counter'", 50),
    ("bank, 1 client, reply cache", "audit = false", 1),
    ("bank, 1 client, exactly-once", "audit = false\nsemantics = 'exactly-once'", 1),
];

/// How much longer the stub compiler's code may take than code written by hand.
const MIX_TARGET: f64 = 1.3;

/// Calls per second that the first workload should reach.
const TARGET: f64 = 500_000.0;

fn main() {
    // `cargo test --all-targets` runs benchmarks without this flag: there is nothing to test.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let quick = std::env::args().any(|word| word == "--quick");
    let (rounds, calls) = if quick { (1, 1_000) } else { (11, 100_000) };
    println!("{:<38}{:>13}{:>12}{:>14}{:>8}", "", "calls/s", "ns a call", "of it XDR, ns", "share");
    let mut targets = Vec::new();
    for (name, options, clients) in WORKLOADS {
        let is_counter = options.contains("counter");
        let (mut all, mut coding) = (Samples::default(), Samples::default());
        for _ in 0..rounds {
            all.0.push(time(|| run(options, clients, calls)));
            coding.0.push(time(|| code(is_counter, calls)));
        }
        let (call, share) = (all.median(), coding.ratio(&all));
        println!(
            "{name:<38}{:>13}{:>12}{:>14}{:>7.1}%",
            number(1e9 / call),
            number(call),
            number(coding.median()),
            share * 100.0
        );
        if targets.is_empty() {
            let what = "calls per second, reply cache on";
            targets.push(Target::at_least(TARGET, what, 1e9 / call));
        }
    }
    println!(
        "\n{:<38}{:>13}{:>12}{:>14}",
        "the golden message `mix`, ns", "compiled", "by hand", "ratio"
    );
    for (name, compiled, by_hand) in mix::contenders() {
        let (mut own, mut other) = (Samples::default(), Samples::default());
        for _ in 0..rounds {
            own.0.push(time(|| compiled(calls)));
            other.0.push(time(|| by_hand(calls)));
        }
        let ratio = own.ratio(&other);
        println!(
            "{name:<38}{:>13}{:>12}{:>14}",
            number(own.median()),
            number(other.median()),
            number(ratio)
        );
        targets.push(Target::at_most(
            MIX_TARGET,
            format!("{name} of `mix`, compiled / by hand"),
            ratio,
        ));
    }
    println!();
    targets.iter().for_each(Target::print);
}

/// Runs a workload and gives the number of calls.
fn run(options: &str, clients: u32, calls: u64) -> u64 {
    let (size, each) =
        (if options.contains("counter") { 8 } else { 64 }, calls / u64::from(clients));
    let text = format!(
        "title = 'bench'\nprotocol = 'rpc'\nduration = '1h'\nmax_events = 1_000_000_000\n[options]\n\
         {options}\n[workload]\nclients = {clients}\ncalls = {each}\nsize = '{size}B'\n[[link]]\n\
         delay = '1ms'\n[expect]\nguarantee = 'exactly-once'\ncompletes = true\n"
    );
    let registry = Registry::shipped();
    let scenario = registry.parse("bench", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let outcome = registry.run(&scenario, Settings::default()).expect("nothing else runs");
    assert_eq!(outcome.verdict(), Verdict::Pass, "{:?}", outcome.report.failures);
    outcome.run.history.executions()
}

/// Encodes and decodes all that a call encodes and decodes, and gives the number of calls.
fn code(is_counter: bool, calls: u64) -> u64 {
    for xid in 0..calls as u32 {
        let user = AuthSys {
            stamp: 1,
            machine: "client-1".to_owned(),
            uid: 1,
            gid: xid,
            gids: Vec::new(),
        };
        let credential = user.credential().expect("it is short");
        let header =
            CallHeader { program: 1, version: 1, procedure: 1, credential, verifier: Auth::NONE };
        if is_counter {
            exchange(xid, header, &(), &());
        } else {
            let memo = vec![7; 64];
            let receipt = Receipt { balance: 1, slip: Vec::new() };
            exchange(xid, header, &DepositArgs { to: 1, amount: 1, memo }, &receipt);
        }
    }
    calls
}

/// A call there and a reply back.
fn exchange<A: Xdr, R: Xdr>(xid: u32, header: CallHeader, arguments: &A, results: &R) {
    let arguments = xdr::to_bytes(black_box(arguments)).expect("it is short");
    let call = Message { xid, body: Body::Call(header) }.encode(&arguments).expect("it is short");
    let (message, rest) = Message::decode(black_box(&call)).expect("it was encoded");
    if let Body::Call(header) = &message.body {
        black_box(header.credential.sys());
    }
    black_box(xdr::from_bytes::<A>(rest).expect("it was encoded"));
    let results = xdr::to_bytes(black_box(results)).expect("it is short");
    let reply = Message { xid, body: Body::Reply(Reply::success(Auth::NONE)) };
    let reply = reply.encode(&results).expect("it is short");
    let (message, rest) = Message::decode(black_box(&reply)).expect("it was encoded");
    black_box((message, xdr::from_bytes::<R>(rest).expect("it was encoded")));
}
