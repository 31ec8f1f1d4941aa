//! The event engine as its users run it: a scenario parsed once, then `Registry::run` for each
//! seed, with plan, trace hash, history, checks and verdict.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};

use squall::check::Verdict;
use squall::net::UdpSocket;
use squall::protocol::{Client, HostResult, Protocol, SERVER_PORT, Server};
use squall::scenario::Scenario;
use squall::time::{Duration, sleep};
use squall::{Registry, Settings, workload};

use crate::workload::{DELAY, LOSS, SIZE, Shape, TIMEOUT, Targets, Workload, start};

/// A workload, ready to be run.
pub struct Squall {
    registry: Registry,
    scenario: Scenario,
    worlds: u64,
}

impl Squall {
    pub fn new(work: &Workload) -> Self {
        let hosts = work.hosts;
        let registry = Registry::shipped()
            .with(Protocol::new("echo", "Sends every message back.").server(answer).client(ask))
            .with(
                Protocol::new("peers", "Every client pings random others.")
                    .server(be_pinged)
                    .client(move |client| ping(client, hosts)),
            );
        let scenario = match registry.parse("bench", &text(work)) {
            Ok(scenario) => scenario,
            Err(errors) => panic!("{errors}"),
        };
        Squall { registry, scenario, worlds: work.worlds }
    }

    /// Runs it and gives the number of datagrams delivered.
    pub fn run(&self, keep_trace: bool) -> u64 {
        let run = |seed| {
            let settings = Settings { seed: Some(seed), keep_trace, ..Settings::default() };
            let outcome = self.registry.run(&self.scenario, settings);
            let outcome = outcome.unwrap_or_else(|error| panic!("{error}"));
            let failures = &outcome.report.failures;
            assert_eq!(outcome.verdict(), Verdict::Pass, "{failures:?}");
            assert_eq!(outcome.trace.is_some(), keep_trace);
            outcome.run.counts.delivered
        };
        (1..=self.worlds).map(run).sum()
    }
}

fn text(work: &Workload) -> String {
    let (protocol, loss, options) = match work.shape {
        Shape::Echo => ("echo", String::new(), String::new()),
        Shape::Peers => ("peers", String::new(), String::new()),
        Shape::StopAndWait => {
            let options = format!("timeout = '{}ms'", TIMEOUT.as_millis());
            ("stop-and-wait", format!("loss = {LOSS}"), options)
        }
    };
    let (clients, messages) = (work.clients(), work.messages);
    let (interval, delay) = (work.interval.as_millis(), DELAY.as_millis());
    format!(
        "title = 'A benchmark'
        protocol = '{protocol}'
        duration = '1000h'
        max_events = 1_000_000_000
        options = {{ {options} }}
        workload = {{ clients = {clients}, messages = {messages}, size = '{SIZE}B', \
                      interval = '{interval}ms' }}
        expect = {{ guarantee = 'exactly-once', order = 'fifo', completes = true }}
        [[link]]
        delay = '{delay}ms'
        {loss}"
    )
}

async fn answer(server: Server) -> HostResult {
    let socket = UdpSocket::bind(server.address()).await?;
    let mut buffer = [0; SIZE];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        server.deliver(&buffer[..length]);
        socket.send_to(&buffer[..length], from).await?;
    }
}

async fn ask(mut client: Client) -> HostResult {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    sleep(Duration::from_nanos(start(client.number()))).await;
    let mut buffer = [0; SIZE];
    while let Some(message) = client.next().await {
        socket.send_to(&message.payload, client.server()).await?;
        socket.recv_from(&mut buffer).await?;
        client.complete(message.id);
    }
    Ok(())
}

thread_local! {
    /// What a peer hands pings to. The engine gives it to the first host alone.
    static APPLICATION: RefCell<Option<Server>> = const { RefCell::new(None) };
}

async fn be_pinged(server: Server) -> HostResult {
    APPLICATION.set(Some(server.clone()));
    answer(server).await
}

async fn ping(mut client: Client, hosts: u32) -> HostResult {
    let Some(application) = APPLICATION.with_borrow(Clone::clone) else {
        unreachable!("the server starts first")
    };
    let socket = UdpSocket::bind(application.address()).await?;
    let own = client.number();
    let targets = Targets::of(own, hosts);
    sleep(Duration::from_nanos(start(own))).await;
    let mut buffer = [0; SIZE];
    let mut next = client.next().await;
    loop {
        if let Some(message) = next.take() {
            let target = address(targets.get(message.id.number));
            socket.send_to(&message.payload, target).await?;
        }
        let (length, from) = socket.recv_from(&mut buffer).await?;
        match workload::identify(&buffer[..length]) {
            Some(op) if op.client == own => {
                client.complete(op);
                next = client.next().await;
            }
            _ => {
                application.deliver(&buffer[..length]);
                socket.send_to(&buffer[..length], from).await?;
            }
        }
    }
}

fn address(host: u32) -> SocketAddr {
    let first = Ipv4Addr::new(10, 0, 0, 1).to_bits();
    SocketAddr::from((Ipv4Addr::from_bits(first + host), SERVER_PORT))
}
