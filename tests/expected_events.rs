//! `[expect] events`: bounds on how often hosts report something.

use squall::check::Verdict;
use squall::net::UdpSocket;
use squall::plan::Engine;
use squall::time::{Duration, sleep};
use squall::{Client, HostResult, Outcome, Protocol, Registry, Server, report};

use super::run;

async fn server(server: Server) -> HostResult {
    let socket = UdpSocket::bind(server.address()).await?;
    let mut buffer = server.buffer();
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        server.execute(&buffer[..length]);
        report("audit");
        socket.send_to(b"done", from).await?;
    }
}

async fn client(mut client: Client) -> HostResult {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    while let Some(message) = client.next().await {
        socket.send_to(&message.payload, client.server()).await?;
        socket.recv_from(&mut [0; 9]).await?;
        report("audit");
        client.complete(message.id);
    }
    Ok(())
}

/// Server and client report each of two calls of two clients: 8 reports in all.
fn audited() -> Protocol {
    Protocol::new("audited", "Reports each step.")
        .server(server)
        .client(client)
        .events(&["audit", "wrong-balance"])
}

fn judge(events: &str) -> (Verdict, Vec<String>) {
    let of = |engine: Engine| {
        let head = format!("engine = '{}'\nworkload = {{ clients = 2, calls = 2 }}", engine.name());
        let outcome = run(audited(), &format!("{head}\nexpect.events = {{ {events} }}"));
        (outcome.verdict(), outcome.report.failures)
    };
    let both = Engine::ALL.map(of);
    assert_eq!(both[0], both[1], "{events}");
    both[0].clone()
}

#[test]
fn a_count_within_its_bounds_passes() {
    for events in ["audit = 8", "audit = '8..'", "audit = '..=8', wrong-balance = 0"] {
        assert_eq!(judge(events), (Verdict::Pass, vec![]), "{events}");
    }
}

#[test]
fn a_count_out_of_its_bounds_fails_and_is_named() {
    let failed = |text: &str| (Verdict::Fail, vec![text.to_owned()]);
    assert_eq!(judge("audit = '..8'"), failed("the count of event `audit` is 8, more than 7"));
    assert_eq!(judge("audit = '9..'"), failed("the count of event `audit` is 8, less than 9"));
    assert_eq!(
        judge("wrong-balance = '1..', audit = 8"),
        failed("the count of event `wrong-balance` is 0, less than 1"),
        "what nobody reports is not there"
    );
}

/// A run that is cut off while its only client waits, with a report every second.
fn cut_off(events: &str) -> Outcome {
    async fn ticks(server: Server) -> HostResult {
        let socket = UdpSocket::bind(server.address()).await?;
        let mut buffer = server.buffer();
        let (length, _) = socket.recv_from(&mut buffer).await?;
        server.execute(&buffer[..length]);
        loop {
            report("tick");
            sleep(Duration::from_secs(1)).await;
        }
    }
    async fn unanswered(mut client: Client) -> HostResult {
        let message = client.next().await.ok_or("no message")?;
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        socket.send_to(&message.payload, client.server()).await?;
        std::future::pending().await
    }
    let protocol = Protocol::new("ticks", "Never stops.")
        .server(ticks)
        .client(unanswered)
        .events(&["tick", "wrong-balance"]);
    let expect = format!("expect = {{ completes = false, events = {{ {events} }} }}");
    run(protocol, &format!("duration = '3500ms'\n{expect}"))
}

#[test]
fn what_might_still_come_is_not_decided_when_a_run_is_cut_off() {
    assert_eq!(cut_off("tick = '1..'").verdict(), Verdict::Pass);
    for events in ["tick = '..=99'", "tick = 4", "wrong-balance = 0"] {
        let outcome = cut_off(events);
        assert_eq!(outcome.verdict(), Verdict::Inconclusive, "{events}");
        let why = &outcome.report.failures[0];
        assert!(why.ends_with("but the run was cut off before it was over"), "{why}");
    }
    for events in ["tick = '..=3'", "tick = '5..'", "wrong-balance = '1..'"] {
        assert_eq!(cut_off(events).verdict(), Verdict::Fail, "{events}");
    }
}

#[test]
fn of_a_protocol_that_names_none_any_event_may_be_expected() {
    let silent = Protocol::new("silent", "Names no events.").server(server).client(client);
    let outcome = run(silent.clone(), "expect.events = { audit = 2 }");
    assert_eq!(outcome.verdict(), Verdict::Pass, "{:?}", outcome.report.failures);
    let registry = Registry::new().with(silent).with(audited());
    for (protocol, name, said) in [
        ("silent", "completed", "`completed` is not an event that hosts report"),
        ("audited", "wrong-balanse", "did you mean `wrong-balance`?"),
    ] {
        let text = format!("title = 't'\nprotocol = '{protocol}'\nexpect.events.{name} = 0");
        let errors = registry.parse("test", &text).unwrap_err().to_string();
        assert!(errors.contains(said), "{errors}");
    }
}
