//! `turmoil::Sim` as its users run it: its own sockets, hosts and clients, its tick of 1 ms.
//!
//! What it cannot do: lose single datagrams. Its `fail_rate` breaks the link in both directions and
//! clears what is in flight, its `repair_rate` mends it; tried anew for every datagram. With a repair
//! rate of 1 the next datagram always passes, so about one datagram in eleven is lost, never two in
//! a row. Hence the cost is per datagram delivered, and the number of them differs from squall's.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use turmoil::net::UdpSocket;
use turmoil::{Builder, Result};

use crate::workload::{A, B, C, D, DELAY, E, LOSS, SIZE, Shape, TIMEOUT, Targets, Workload, start};

const PORT: u16 = 10_000;

/// A day and a half, in simulated time.
const LONG: Duration = Duration::from_secs(36 * 3600);

thread_local! {
    static DELIVERED: Cell<u64> = const { Cell::new(0) };
}

/// As much of a workload as it can do in the time of a benchmark.
pub fn reduced(work: &Workload) -> Workload {
    let (hosts, messages, worlds) = match work.name {
        "A" => (A.hosts, 500, 1),
        "B" => (B.hosts, 10, 1),
        "C" => (C.hosts, C.messages, 1),
        "D" => (D.hosts, D.messages, 10),
        // Its links are a table of all pairs, looked through at each tick.
        _ => (E.hosts.min(100), 5, 1),
    };
    Workload { hosts, messages, worlds, ..*work }
}

/// Runs a workload and gives the number of datagrams delivered.
pub fn run(work: &Workload) -> u64 {
    DELIVERED.set(0);
    for seed in 1..=work.worlds {
        let mut builder = Builder::new();
        builder
            .simulation_duration(LONG)
            .min_message_latency(DELAY)
            .max_message_latency(DELAY)
            .rng_seed(seed);
        if work.shape == Shape::StopAndWait {
            builder.fail_rate(LOSS).repair_rate(1.0);
        }
        let mut sim = builder.build();
        match work.shape {
            Shape::Echo | Shape::StopAndWait => {
                sim.host(name(0), answer);
            }
            // A host that has been pinged must go on answering when its own pings are over.
            Shape::Peers => (0..work.hosts).for_each(|host| sim.host(name(host), answer)),
        }
        for client in 1..work.hosts {
            let work = *work;
            match work.shape {
                Shape::Echo => sim.client(name(client), ask(client, work, |_| 0)),
                Shape::StopAndWait => sim.client(name(client), send_reliably(work)),
                Shape::Peers => {
                    let targets = Targets::of(client, work.hosts);
                    let software = ask(client, work, move |number| targets.get(number));
                    sim.client(format!("pinger-{client}"), software);
                }
            }
        }
        sim.run().unwrap_or_else(|error| panic!("{error}"));
    }
    DELIVERED.get()
}

fn name(host: u32) -> String {
    format!("host-{host}")
}

async fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Result<(usize, std::net::SocketAddr)> {
    let received = socket.recv_from(buffer).await?;
    DELIVERED.set(DELIVERED.get() + 1);
    Ok(received)
}

async fn answer() -> Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let mut buffer = [0; SIZE];
    loop {
        let (length, from) = receive(&socket, &mut buffer).await?;
        socket.send_to(&buffer[..length], from).await?;
    }
}

fn message(client: u32, number: u32) -> [u8; SIZE] {
    let mut message = [0x5a; SIZE];
    message[..4].copy_from_slice(&client.to_be_bytes());
    message[4..8].copy_from_slice(&number.to_be_bytes());
    message
}

async fn ask(client: u32, work: Workload, target: impl Fn(u32) -> u32) -> Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let peers: Vec<IpAddr> = match work.shape {
        Shape::Peers => (0..work.hosts).map(|host| turmoil::lookup(name(host))).collect(),
        _ => vec![turmoil::lookup(name(0))],
    };
    sleep(Duration::from_nanos(start(client))).await;
    let mut buffer = [0; SIZE];
    for number in 1..=work.messages {
        let peer = peers[target(number) as usize];
        socket.send_to(&message(client, number), (peer, PORT)).await?;
        receive(&socket, &mut buffer).await?;
        if !work.interval.is_zero() {
            sleep(work.interval).await;
        }
    }
    Ok(())
}

async fn send_reliably(work: Workload) -> Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let peer = turmoil::lookup(name(0));
    let mut buffer = [0; SIZE];
    for number in 1..=work.messages {
        let message = message(1, number);
        loop {
            socket.send_to(&message, (peer, PORT)).await?;
            let answered = timeout(TIMEOUT, async {
                while receive(&socket, &mut buffer).await.is_ok() && buffer != message {}
            });
            if answered.await.is_ok() {
                break;
            }
        }
    }
    Ok(())
}
