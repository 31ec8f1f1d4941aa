//! Orphans: calls that are executed when their caller is gone.

use squall::check::Verdict;
use squall::net::UdpSocket;
use squall::plan::Engine;
use squall::protocol::ORPHAN;
use squall::trace::{Step, What};
use squall::{Client, HostResult, Outcome, Protocol, Server, report};

use super::{reports, run};

async fn server(server: Server) -> HostResult {
    let socket = UdpSocket::bind(server.address()).await?;
    let mut buffer = server.buffer();
    loop {
        let (length, _) = socket.recv_from(&mut buffer).await?;
        if server.execute(&buffer[..length]).is_some() {
            report("alive");
        }
    }
}

async fn receiver(server: Server) -> HostResult {
    let socket = UdpSocket::bind(server.address()).await?;
    let mut buffer = server.buffer();
    loop {
        let (length, _) = socket.recv_from(&mut buffer).await?;
        server.deliver(&buffer[..length]);
    }
}

async fn client(mut client: Client) -> HostResult {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    while let Some(message) = client.next().await {
        socket.send_to(&message.payload, client.server()).await?;
        client.unknown(message.id);
    }
    Ok(())
}

fn calls() -> Protocol {
    Protocol::new("calls", "Calls, and does not wait.").server(server).client(client)
}

/// Four calls 20 ms apart, each 50 ms on the way, and a client that is down from 35 ms on for `length`:
/// it has made two by then.
fn with_crash(protocol: Protocol, engine: Engine, length: &str, rest: &str) -> Outcome {
    let text = format!(
        "engine = '{}'
        workload = {{ calls = 4, interval = '20ms' }}
        link = [{{ delay = '50ms' }}]
        {rest}
        [[fault]]
        at = '35ms'
        action = 'crash'
        host = 'client-1'
        for = '{length}'",
        engine.name()
    );
    run(protocol, &text)
}

fn orphans(outcome: &Outcome) -> Vec<(String, f64)> {
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    let all = reports(outcome).into_iter().filter(|(_, name, _)| name == ORPHAN);
    all.map(|(host, _, at)| (host, at)).collect()
}

#[test]
fn a_call_is_an_orphan_while_its_caller_is_down_and_after_its_restart() {
    for engine in Engine::ALL {
        // Calls of 0 and 20 ms are executed at 50 and 70 ms; those of the next incarnation later.
        for length in ["30ms", "1h"] {
            let protocol = calls().events(&[ORPHAN, "alive"]);
            let outcome = with_crash(protocol, engine, length, "");
            let found = orphans(&outcome);
            let hosts: Vec<&str> = found.iter().map(|(host, _)| host.as_str()).collect();
            assert_eq!(hosts, ["server", "server"], "{length} on {}", engine.name());
            assert!((50.0..52.0).contains(&found[0].1) && (70.0..72.0).contains(&found[1].1));
            let executions = outcome.run.history.executions();
            assert_eq!(executions, if length == "30ms" { 4 } else { 2 });
            assert_eq!(outcome.run.counts.reports[ORPHAN], 2);
        }
    }
}

#[test]
fn scenarios_expect_orphans_or_none() {
    let declared = || calls().events(&[ORPHAN, "alive"]);
    for engine in Engine::ALL {
        let judge = |expect: &str| {
            let rest = format!("expect.events = {{ {expect} }}");
            with_crash(declared(), engine, "30ms", &rest).verdict()
        };
        assert_eq!(judge("orphan = 2"), Verdict::Pass);
        assert_eq!(judge("orphan = '1..'"), Verdict::Pass);
        assert_eq!(judge("orphan = 0"), Verdict::Fail);
    }
    let calm = run(declared(), "workload = { calls = 9 }\nexpect.events = { orphan = 0 }");
    assert_eq!(calm.verdict(), Verdict::Pass, "{:?}", calm.report.failures);
    assert!(!calm.run.counts.reports.contains_key(ORPHAN));
}

#[test]
fn nothing_changes_for_who_does_not_declare_the_event() {
    for engine in Engine::ALL {
        let of = |protocol: Protocol| with_crash(protocol, engine, "30ms", "");
        let (open, closed) = (of(calls()), of(calls().events(&["alive"])));
        assert_eq!(orphans(&open), []);
        assert_eq!(orphans(&closed), []);
        assert_eq!(open.run.trace_hash, closed.run.trace_hash);
        let declared = of(calls().events(&[ORPHAN, "alive"]));
        assert_ne!(open.run.trace_hash, declared.run.trace_hash);
        // What is handed over is not executed.
        let delivered = of(calls().server(receiver).events(&[ORPHAN]));
        assert_eq!(orphans(&delivered), []);
        assert_eq!(delivered.run.history.executions(), 4);
    }
}

#[test]
fn faults_wait_for_orphans_and_come_after_both_events() {
    for name in [ORPHAN, "executed"] {
        let crash = format!(
            "[[fault]]\nevent = {{ host = 'server', name = '{name}' }}\naction = 'crash'
            host = 'server'"
        );
        let protocol = calls().events(&[ORPHAN, "alive"]);
        let outcome = with_crash(protocol, Engine::Event, "20s", &crash);
        assert_eq!(outcome.run.faults[0].hits, 1);
        let trace = outcome.trace.as_ref().unwrap();
        let of_server: Vec<String> = trace
            .events()
            .filter(|event| match &event.what {
                What::Operation { host, step, .. } => *host == 0 && *step == Step::Executed,
                What::Reported { host, .. } | What::Host { host, .. } => *host == 0,
                _ => false,
            })
            .map(|event| trace.line(&event))
            .collect();
        assert_eq!(
            of_server,
            [
                "0.050000000 executed client-1#1 on server/1",
                "0.050000000 report server orphan",
                "0.050000000 server crashes",
            ],
            "{name}"
        );
    }
}
