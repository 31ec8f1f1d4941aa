//! Verdicts that are not pass, and why. Runs that show nothing must not pass.

use std::path::Path;

use squall::check::{Finding, Verdict};
use squall::plan::Guarantee;
use squall::{Client, HostResult, Outcome, Registry, Settings};

use super::{client_only, run};

fn outcome(file: &str) -> Outcome {
    let registry = Registry::shipped();
    let path = Path::new("tests/verdicts").join(file);
    let scenario = registry.load(&path).unwrap_or_else(|error| panic!("{error}"));
    registry.run(&scenario, Settings::default()).unwrap()
}

#[test]
fn a_fault_that_never_hits_makes_the_run_invalid_and_is_named() {
    let outcome = outcome("a_fault_never_hits.toml");
    assert_eq!(outcome.verdict(), Verdict::Invalid);
    assert!(outcome.report.failures[0].contains("fault `lose-the-ninth` never hit"));
}

#[test]
fn a_run_that_is_cut_off_is_inconclusive() {
    let outcome = outcome("cut_off.toml");
    assert_eq!(outcome.verdict(), Verdict::Inconclusive);
    assert!(outcome.report.failures[0].contains("cut off"), "{:?}", outcome.report.failures);
}

#[test]
fn a_run_in_which_nothing_was_delivered_is_inconclusive() {
    let outcome = outcome("nothing_delivered.toml");
    assert_eq!(outcome.verdict(), Verdict::Inconclusive);
    assert!(outcome.report.failures[0].contains("nothing was delivered or executed"));
}

#[test]
fn a_duplicate_fails_and_is_proven() {
    let outcome = outcome("retry_is_not_exactly_once.toml");
    assert_eq!(outcome.verdict(), Verdict::Fail);
    let failure = &outcome.report.failures[0];
    assert!(failure.contains("exactly-once is violated: client-1#1 was delivered 2 times"));
    assert!(failure.contains("server/1"), "{failure}");
    assert_eq!(outcome.report.failed_at, Some(210_000_000));
}

async fn lies(mut client: Client) -> HostResult {
    while let Some(message) = client.next().await {
        client.complete(message.id);
    }
    Ok(())
}

async fn idles(mut client: Client) -> HostResult {
    while client.next().await.is_some() {}
    Ok(())
}

#[test]
fn a_sender_that_does_nothing_proves_nothing() {
    for guarantee in ["maybe", "at-least-once", "at-most-once", "exactly-once"] {
        let expect = format!("expect.guarantee = '{guarantee}'");
        let idle = run(client_only(idles), &expect);
        assert_eq!(idle.verdict(), Verdict::Inconclusive, "{guarantee}");
        let shown = run(client_only(idles), &format!("expect.violates = ['{guarantee}']"));
        assert_eq!(shown.verdict(), Verdict::Inconclusive, "{guarantee}");
    }
    assert_eq!(run(client_only(idles), "").verdict(), Verdict::Inconclusive);
}

#[test]
fn a_success_that_never_happened_violates_every_semantics() {
    let outcome = run(client_only(lies), "");
    for guarantee in &Guarantee::ALL[..4] {
        let finding = outcome.report.finding(*guarantee);
        assert!(matches!(finding, Finding::Violated { .. }), "{guarantee:?}: {finding:?}");
    }
}

#[test]
fn delivering_what_was_not_sent_violates_integrity_even_if_nobody_asked() {
    async fn server(server: squall::Server) -> HostResult {
        server.deliver(b"rubbish that nobody has sent");
        Ok(())
    }
    let protocol = client_only(idles).server(server);
    let outcome = run(protocol.clone(), "");
    assert_eq!(outcome.verdict(), Verdict::Fail);
    assert!(outcome.report.failures[0].starts_with("integrity is violated: bytes that no client"));
    assert_eq!(run(protocol, "expect.violates = ['integrity']").verdict(), Verdict::Pass);
}

/// Each message is delivered `copies` times and then ends as `end` says.
fn scripted(copies: usize, end: fn(&Client, squall::trace::OpId)) -> squall::Protocol {
    use squall::net::UdpSocket;
    use squall::time::{Duration, sleep};
    let server = async |server: squall::Server| {
        let socket = UdpSocket::bind(server.address()).await?;
        let mut buffer = [0; 99];
        loop {
            let (length, _) = socket.recv_from(&mut buffer).await?;
            server.execute(&buffer[..length]);
        }
    };
    let client = move |mut client: Client| async move {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        while let Some(message) = client.next().await {
            for _ in 0..copies {
                socket.send_to(&message.payload, client.server()).await?;
            }
            sleep(Duration::from_millis(10)).await;
            end(&client, message.id);
        }
        Ok(())
    };
    squall::Protocol::new("test", "For a test.").server(server).client(client)
}

/// What each guarantee came to, by name.
fn findings(outcome: &Outcome) -> Vec<&'static str> {
    outcome.report.guarantees.iter().map(|(_, finding)| finding.name()).collect()
}

/// The guarantees in the table of the design: what n and the outcome say about each.
#[test]
fn executions_and_outcomes_decide_the_four_semantics() {
    let (held, violated) = ("held", "violated");
    // maybe, at-least-once, at-most-once, exactly-once, fifo, integrity
    type Case = (usize, fn(&Client, squall::trace::OpId), [&'static str; 6]);
    let cases: [Case; 4] = [
        (1, Client::complete, [held; 6]),
        (1, Client::unknown, [held; 6]),
        (2, Client::complete, [held, held, violated, violated, violated, held]),
        (1, Client::fail, [held, held, violated, violated, held, held]),
    ];
    for (index, (copies, end, expected)) in cases.into_iter().enumerate() {
        let outcome = run(scripted(copies, end), "workload.messages = 3");
        assert_eq!(findings(&outcome), expected, "case {index}");
    }
    let failed = run(scripted(1, Client::fail), "expect.guarantee = 'at-most-once'");
    let expected = "at-most-once is violated: client-1#1 was reported a definite failure at \
                    10.000 ms, but was executed at 0.000 ms";
    assert_eq!(failed.report.failures, [expected]);
}

#[test]
fn a_protocol_that_retransmits_is_not_maybe() {
    let client = async |mut client: Client| {
        squall::report("retransmission");
        idle(&mut client).await;
        Ok(())
    };
    async fn idle(client: &mut Client) {
        while client.next().await.is_some() {}
    }
    let outcome =
        run(client_only(client).events(&["retransmission"]), "expect.guarantee = 'maybe'");
    assert_eq!(outcome.verdict(), Verdict::Fail);
    assert!(outcome.report.failures[0].contains("retransmitted"), "{:?}", outcome.report.failures);
}

/// The only failure of a run of three messages that is over at 30 ms, with two datagrams each.
fn only_failure(expect: &str, verdict: Verdict) -> String {
    let outcome = run(scripted(2, Client::complete), &format!("workload.messages = 3\n{expect}"));
    assert_eq!(outcome.verdict(), verdict, "{:?}", outcome.report.failures);
    let [failure] = outcome.report.failures.as_slice() else {
        panic!("{:?}", outcome.report.failures)
    };
    failure.clone()
}

#[test]
fn every_expectation_can_fail() {
    let fail = |expect| only_failure(expect, Verdict::Fail);
    assert_eq!(
        fail("expect.within = '20ms'"),
        "client-1#3 ended at 30.000 ms, later than 20.000 ms"
    );
    assert_eq!(fail("expect.cost.datagrams = '..=5'"), "cost datagrams is 6, more than 5");
    assert_eq!(fail("expect.cost.bytes = '400..'"), "cost bytes is 384, less than 400");
    assert_eq!(fail("expect.cost.wakeups = 0").split(" is ").next(), Some("cost wakeups"));
    assert_eq!(
        fail("expect.cost.peak_memory_entries = '1..'"),
        "cost peak_memory_entries is 0, less than 1"
    );
    assert_eq!(
        fail("expect.cost.retransmissions = '1..'"),
        "cost retransmissions is 0, less than 1"
    );
    assert_eq!(
        fail("expect.violates = ['at-least-once']"),
        "the scenario should show that at-least-once is violated, but it held"
    );
    assert_eq!(
        fail("expect.completes = false"),
        "the scenario should leave an operation unfinished, but all ended"
    );
    assert!(
        fail("expect.order = 'fifo'")
            .starts_with("fifo is violated: client-1#1 was delivered again")
    );
    for passes in
        ["within = '30ms'", "cost.datagrams = 6", "completes = true", "violates = ['fifo']"]
    {
        let outcome =
            run(scripted(2, Client::complete), &format!("workload.messages = 3\nexpect.{passes}"));
        assert_eq!(outcome.verdict(), Verdict::Pass, "{passes}");
    }
}

#[test]
fn operations_that_were_never_issued_are_missed() {
    let outcome = run(
        scripted(1, Client::complete),
        "workload.messages = 3
         expect.completes = true
         fault = [{ at = '15ms', action = 'crash', host = 'client-1' }]",
    );
    let failure = &outcome.report.failures[0];
    assert!(failure.starts_with("not completed: only 2 of 3 operations were issued"), "{failure}");
}

#[test]
fn a_cut_after_which_a_second_delivery_could_come_decides_nothing() {
    let rest = "duration = '15ms'
        link = [{ from = 'client-1', to = 'server', delay = '20ms' }]
        fault = [{ packet = { from = 'client-1', to = 'server' }, nth = 1, action = 'delay', by = '1ms' }]
        expect.guarantee = 'at-most-once'";
    assert_eq!(run(scripted(1, Client::unknown), rest).verdict(), Verdict::Inconclusive);
    // Waiting in the buffer of a paused server is as open as being on the way.
    let rest = "duration = '15ms'
        workload.clients = 2
        fault = [{ event = { host = 'server', name = 'executed' }, action = 'pause', host = 'server', for = '1s' }]
        expect.guarantee = 'at-most-once'";
    assert_eq!(run(scripted(1, Client::unknown), rest).verdict(), Verdict::Inconclusive);
}

#[test]
fn a_violation_outweighs_a_fault_that_never_hit_and_optional_faults_may_miss() {
    let never = "workload.messages = 3
        expect.guarantee = 'at-most-once'
        fault = [{ packet = { to = 'server' }, nth = 99, action = 'drop' }]";
    assert_eq!(run(scripted(2, Client::complete), never).verdict(), Verdict::Fail);
    assert_eq!(run(scripted(1, Client::complete), never).verdict(), Verdict::Invalid);
    let optional = never.replace("nth = 99", "nth = 99, optional = true");
    assert_eq!(run(scripted(1, Client::complete), &optional).verdict(), Verdict::Pass);
}

#[test]
fn a_client_that_stops_early_decides_nothing_about_the_rest() {
    let lazy = async |mut client: Client| {
        let socket = squall::net::UdpSocket::bind("0.0.0.0:0").await?;
        let message = client.next().await.ok_or("no message")?;
        socket.send_to(&message.payload, client.server()).await?;
        client.complete(message.id);
        Ok(())
    };
    let protocol = scripted(1, Client::complete).client(lazy);
    for (guarantee, verdict) in [
        ("exactly-once", Verdict::Inconclusive),
        ("at-least-once", Verdict::Inconclusive),
        ("at-most-once", Verdict::Pass),
    ] {
        let rest = format!("workload.messages = 100\nexpect.guarantee = '{guarantee}'");
        assert_eq!(run(protocol.clone(), &rest).verdict(), verdict, "{guarantee}");
    }
}

#[test]
fn a_cut_before_a_timer_that_could_still_act_decides_nothing() {
    let server = async |server: squall::Server| {
        let socket = squall::net::UdpSocket::bind(server.address()).await?;
        let mut buffer = [0; 99];
        let (length, _) = socket.recv_from(&mut buffer).await?;
        server.deliver(&buffer[..length]);
        squall::time::sleep(squall::time::Duration::from_secs(10)).await;
        server.deliver(&buffer[..length]);
        Ok(())
    };
    let protocol = scripted(1, Client::complete).server(server);
    let verdict = |duration: &str, engine: &str| {
        let rest = format!(
            "duration = '{duration}'\nengine = '{engine}'\nexpect.guarantee = 'exactly-once'"
        );
        run(protocol.clone(), &rest).verdict()
    };
    for engine in ["event", "turmoil"] {
        assert_eq!(verdict("5s", engine), Verdict::Inconclusive, "{engine}");
        assert_eq!(verdict("60s", engine), Verdict::Fail, "{engine}");
    }
}

#[test]
fn what_happens_at_the_very_end_of_the_duration_still_happens() {
    let rest = |duration: &str| {
        format!(
            "duration = '{duration}'\nlink = [{{ from = 'client-1', to = 'server', delay = '5ms' }}]"
        )
    };
    let outcome = run(scripted(1, Client::complete), &rest("5ms"));
    assert_eq!(outcome.run.history.executions(), 1);
    let outcome = run(scripted(1, Client::complete), &rest("4999us"));
    assert_eq!(outcome.run.history.executions(), 0);
}

#[test]
fn only_its_own_client_ends_an_operation_and_only_the_unknown_ends_again() {
    let meddles = async |mut client: Client| {
        let message = client.next().await.ok_or("no message")?;
        let other = squall::trace::OpId { client: 3 - client.number(), ..message.id };
        client.fail(other);
        client.unknown(message.id);
        client.complete(message.id);
        client.fail(message.id);
        Ok(())
    };
    let outcome = run(client_only(meddles), "workload.clients = 2");
    let ends = &outcome.to_json()["operations"];
    assert_eq!((&ends["completed"], &ends["failed"]), (&2.into(), &0.into()));
}

#[test]
fn memory_is_added_up_over_hosts_at_one_time_and_gone_with_a_crash() {
    use squall::time::{Duration, sleep};
    let client = async |client: Client| {
        let (number, step) = (u64::from(client.number()), Duration::from_millis(10));
        for entries in [10 * number, number, 3 * number] {
            squall::memory_entries(entries);
            sleep(step).await;
        }
        Ok(())
    };
    let outcome = run(client_only(client), "workload.clients = 2");
    assert_eq!(outcome.run.counts.peak_memory_entries, 30);
    // The first 30 entries are gone when new ones come.
    let crash = "workload.clients = 2
        fault = [{ at = '5ms', action = 'crash', host = 'client-*', for = '1ms' }]";
    assert_eq!(run(client_only(client), crash).run.counts.peak_memory_entries, 30);
}

#[test]
fn disorder_names_the_first_delivery_that_was_out_of_order() {
    let server = async |server: squall::Server| {
        let socket = squall::net::UdpSocket::bind(server.address()).await?;
        let mut messages = Vec::new();
        let mut buffer = [0; 99];
        for _ in 0..4 {
            let (length, _) = socket.recv_from(&mut buffer).await?;
            messages.push(buffer[..length].to_vec());
        }
        for index in [0, 2, 1, 3] {
            server.deliver(&messages[index]);
        }
        Ok(())
    };
    let protocol = scripted(1, Client::unknown).server(server);
    let failure = |expect: &str| {
        let outcome = run(protocol.clone(), &format!("workload.messages = 4\n{expect}"));
        outcome.report.failures[0].clone()
    };
    assert_eq!(
        failure("expect.order = 'fifo'"),
        "fifo is violated: client-1#2 was delivered at 30.000 ms, after client-1#3"
    );
    assert_eq!(
        failure("expect = { order = 'fifo', guarantee = 'exactly-once' }"),
        "fifo is violated: client-1#3 was delivered at 30.000 ms, when client-1#2 was next in order"
    );
}

#[test]
fn damage_is_reported_where_it_was_first_seen() {
    let server = async |server: squall::Server| {
        server.deliver(b"rubbish that nobody has sent");
        squall::time::sleep(squall::time::Duration::from_millis(5)).await;
        server.deliver(b"more of it, and even longer");
        Ok(())
    };
    let outcome = run(client_only(idles).server(server), "");
    assert!(outcome.report.failures[0].ends_with("at 0.000 ms"), "{:?}", outcome.report.failures);
}
