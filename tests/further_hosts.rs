//! Hosts besides server and clients: here a port mapper that the client asks where the server is.

use squall::check::Verdict;
use squall::net::{UdpSocket, lookup_host};
use squall::plan::Engine;
use squall::reports::timeline::{self, Extent, Style};
use squall::time::{Duration, timeout};
use squall::trace::{Trace, What};
use squall::{Client, HostResult, OptionKind, OptionValue, Outcome, Protocol, Server, report};

use super::{reports, run};

async fn mapper(mapper: Server) -> HostResult {
    let socket = UdpSocket::bind("0.0.0.0:111").await?;
    report(&format!("incarnation {}", mapper.incarnation()));
    let mut buffer = [0; 64];
    loop {
        let (_, from) = socket.recv_from(&mut buffer).await?;
        report("asked");
        socket.send_to(&(mapper.options().number("port") as u16).to_be_bytes(), from).await?;
    }
}

async fn server(server: Server) -> HostResult {
    let port = server.options().number("port") as u16;
    let socket = UdpSocket::bind(format!("0.0.0.0:{port}")).await?;
    let mut buffer = server.buffer();
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        server.execute(&buffer[..length]);
        socket.send_to(b"done", from).await?;
    }
}

async fn client(mut client: Client) -> HostResult {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    let mut buffer = [0; 64];
    while let Some(message) = client.next().await {
        let mapper = lookup_host("mapper:111").await?;
        loop {
            socket.send_to(b"where", mapper).await?;
            let answer = timeout(Duration::from_millis(50), socket.recv_from(&mut buffer)).await;
            if matches!(answer, Ok(Ok((2, from))) if from == mapper) {
                break;
            }
        }
        let port = u16::from_be_bytes([buffer[0], buffer[1]]);
        socket.send_to(&message.payload, format!("server:{port}")).await?;
        socket.recv_from(&mut buffer).await?;
        client.complete(message.id);
    }
    Ok(())
}

fn mapped() -> Protocol {
    let count = OptionKind::Count { min: 0, max: 65_535 };
    Protocol::new("mapped", "Asks a mapper first.")
        .option("port", count, OptionValue::Number(2049), "Where the server is; 0: no mapper")
        .server(server)
        .client(client)
        .events(&["asked", "incarnation 1", "incarnation 2"])
        .host("mapper", |options| options.number("port") > 0, mapper)
}

const CRASH: &str = "
    workload = { clients = 2, calls = 3 }
    link = [{ delay = '5ms' }, { from = 'mapper', to = 'client-2', delay = '20ms' }]
    hosts.mapper = { receive_buffer = 16 }
    expect = { guarantee = 'exactly-once', completes = true }
    [[fault]]
    event = { host = 'mapper', name = 'asked' }
    nth = 3
    action = 'crash'
    host = 'mapper'
    for = '120ms'
    [[fault]]
    packet = { from = 'client-1', to = 'mapper' }
    nth = 1
    action = 'drop'
";

fn on(engine: Engine, rest: &str) -> Outcome {
    run(mapped(), &format!("engine = '{}'\n{rest}", engine.name()))
}

#[test]
fn a_further_host_runs_crashes_and_restarts_on_both_engines() {
    for engine in Engine::ALL {
        let outcome = on(engine, CRASH);
        assert_eq!(outcome.verdict(), Verdict::Pass, "{:?}", outcome.report.failures);
        let names: Vec<&str> = outcome.plan.hosts.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(names, ["server", "client-1", "client-2", "mapper"]);
        assert!(outcome.run.faults.iter().all(|fault| fault.hits == 1), "{:?}", outcome.run.faults);
        let starts: Vec<(String, String)> = reports(&outcome)
            .into_iter()
            .map(|(host, name, _)| (host, name))
            .filter(|(_, name)| name != "asked")
            .collect();
        let start = |n| ("mapper".to_owned(), format!("incarnation {n}"));
        assert_eq!(starts, [start(1), start(2)], "{}", engine.name());
        assert_eq!(outcome.run.history.expected(), 6, "the mapper is no caller");
        let second = 1_000_000_000;
        assert!(outcome.run.sim_time < second, "a run is over without the mapper's end");
        let again = on(engine, CRASH);
        assert_eq!(again.run.trace_hash, outcome.run.trace_hash);
    }
}

#[test]
fn options_that_do_not_want_it_leave_it_out() {
    for engine in Engine::ALL {
        let outcome = on(engine, "options = { port = 0 }\nduration = '100ms'");
        assert_eq!(outcome.plan.hosts.len(), 2);
        let error = &outcome.run.errors[0];
        assert!(error.contains("no host is named \"mapper\""), "{error}");
    }
}

#[test]
fn whoever_asks_sees_its_incarnation() {
    async fn client(client: Client) -> HostResult {
        report(&format!("start {}", client.incarnation()));
        std::future::pending().await
    }
    async fn server(server: Server) -> HostResult {
        report(&format!("start {}", server.incarnation()));
        Ok(())
    }
    for engine in Engine::ALL {
        let protocol = Protocol::new("test", "For a test.").client(client).server(server);
        let crash = "[[fault]]\nat = '10ms'\naction = 'crash'\nhost = 'client-1'\nfor = '5ms'\n
            [[fault]]\nat = '30ms'\naction = 'crash'\nhost = '*'\nfor = '5ms'";
        let rest = format!("engine = '{}'\nduration = '2s'\n{crash}", engine.name());
        let of = |host| {
            let all = reports(&run(protocol.clone(), &rest)).into_iter();
            let own = all.filter(|(from, _, _)| from == host).map(|(_, name, _)| name);
            own.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(of("client-1"), "start 1, start 2, start 3", "{}", engine.name());
        assert_eq!(of("server"), "start 1, start 2", "{}", engine.name());
    }
}

#[test]
fn traces_and_timelines_show_its_name() {
    let outcome = on(Engine::Event, CRASH);
    let trace = outcome.trace.as_ref().unwrap();
    let text = trace.to_string();
    assert!(text.contains("-> mapper:111 5B"), "{text}");
    assert!(text.contains("mapper restarts (incarnation 2)"), "{text}");
    let mut lines = Vec::new();
    trace.write_jsonl(&mut lines).unwrap();
    let read = Trace::read_jsonl(&String::from_utf8(lines).unwrap()).unwrap();
    assert_eq!(&read, trace);
    assert_eq!(read.header.hosts[3], "mapper");
    let crashed = |event: squall::trace::Event| matches!(event.what, What::Host { host: 3, .. });
    assert_eq!(read.events().filter(|event| crashed(event.clone())).count(), 2);
    for width in [60, 200] {
        let mut drawn = Vec::new();
        let style = Style { width, color: false, extent: Extent::Full };
        timeline::write(trace, None, style, &mut drawn).unwrap();
        let drawn = String::from_utf8(drawn).unwrap();
        assert!(drawn.contains("mapper"), "{drawn}");
        assert!(drawn.contains("### crashes ###"), "{drawn}");
    }
}

#[test]
fn its_name_must_be_one_that_nobody_else_can_have() {
    for name in ["server", "client-9", "mapper", "", "10.0.0.9", "a*", "Mapper", "-"] {
        let add = || mapped().host(name, |_| true, mapper);
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(add)).is_err();
        assert!(refused, "{name:?}");
    }
    assert_eq!(mapped().host("mapper-2", |_| true, mapper).spec().hosts.len(), 2);
}
