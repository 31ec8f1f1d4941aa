//! A server that crashes while it serves a call, and a client that notices: whatever the two do, some
//! crash makes the call run twice or not at all (Tanenbaum and van Steen, "Distributed Systems", "Server
//! crashes"). Only a server that commits the reply with the effect, and a client that keeps sending the
//! same call, get by.

use squall::{Outcome, Registry, Settings};

const POLICIES: [&str; 4] = ["never", "always", "if-acknowledged", "if-not-acknowledged"];

/// When the server replies, and what it reports in turn: before it has done anything of the two, between
/// them, after both.
const ORDERS: [(&str, [&str; 3]); 2] = [
    ("before-execution", ["received", "replied", "executed"]),
    ("after-execution", ["received", "executed", "replied"]),
];

fn run(options: &str, size: u32, crash: &str) -> Outcome {
    let text = format!(
        "title = 'crash table'\nprotocol = 'rpc'\n[options]\n{options}\n[workload]\nsize = '{size}B'\n\
         [[link]]\ndelay = '10ms'\n[[fault]]\nevent = {{ host = 'server', name = '{crash}' }}\n\
         nth = 1\naction = 'crash'\nhost = 'server'\nfor = '500ms'\n"
    );
    let registry = Registry::shipped();
    let scenario = registry.parse("crash table", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let outcome = registry.run(&scenario, Settings::default()).unwrap();
    assert_eq!(outcome.run.faults[0].hits, 1, "{text}");
    outcome
}

/// What became of the only call.
fn cell(outcome: &Outcome) -> &'static str {
    match outcome.run.history.executions() {
        0 => "lost",
        1 => "once",
        _ => "twice",
    }
}

fn row(server: &str, client: &str, cells: [&str; 3]) -> String {
    let [first, second, third] = cells;
    format!("{server:<26} {client:<21} {first:<8} {second:<8} {third}\n")
}

#[test]
fn no_policy_survives_every_crash_but_one_atomic_step_does() {
    let mut table = row("server replies", "client calls anew", ["before", "between", "after both"]);
    for (order, crashes) in ORDERS {
        for policy in POLICIES {
            let options = format!(
                "application = 'counter'\nsemantics = 'maybe'\nreply = '{order}'\nreissue = '{policy}'"
            );
            let cells = crashes.map(|crash| cell(&run(&options, 8, crash)));
            assert!(cells.iter().any(|cell| *cell != "once"), "{order} {policy}: {cells:?}");
            table += &row(order, policy, cells);
        }
    }
    let cells = ORDERS[1].1.map(|crash| cell(&run("semantics = 'exactly-once'", 64, crash)));
    assert_eq!(cells, ["once"; 3]);
    table += &row("durable, after-execution", "same call until reply", cells);
    crate::snapshot_settings().bind(|| insta::assert_snapshot!("rpc_crash_table", table));
}
