//! A server and a client of the calculator over real UDP sockets, without a simulation; and the server
//! against what peers of libtirpc sent and received.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use calc::calc::{Addargs, Blob, CalcV1, CalcV1Client, CalcV1Server, Divresult, Mixed};
use squall_protocols::rpc::{Call, CallError, Client, ClientSettings, Endpoint, EndpointSettings};
use squall_protocols::rpc::{Fault, Refusal, ServerSettings, serve};
use tokio::net::UdpSocket;

#[derive(Default)]
struct Calculator(AtomicU32);

impl CalcV1 for Calculator {
    async fn add(&self, _: &Call, args: Addargs) -> Result<i32, Fault> {
        Ok(args.a.wrapping_add(args.b))
    }

    async fn incr(&self, _: &Call, by: u32) -> Result<u32, Fault> {
        Ok(self.0.fetch_add(by, Ordering::Relaxed).wrapping_add(by))
    }

    async fn echo(&self, _: &Call, blob: Blob) -> Result<Blob, Fault> {
        Ok(blob)
    }

    async fn div(&self, _: &Call, args: Addargs) -> Result<Divresult, Fault> {
        Ok(match args.a.checked_div(args.b) {
            Some(quot) => Divresult::Case0 { quot },
            None => Divresult::Default { err: 1, msg: "div by zero".to_owned() },
        })
    }

    async fn mix(&self, _: &Call, mixed: Mixed) -> Result<Mixed, Fault> {
        Ok(mixed)
    }

    async fn slowincr(&self, call: &Call, by: u32) -> Result<u32, Fault> {
        self.incr(call, by).await
    }
}

const LOCAL: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

async fn server() -> SocketAddr {
    let endpoint = Endpoint::bind(LOCAL, EndpointSettings::default()).await.unwrap();
    let address = endpoint.local_addr().unwrap();
    let program = Arc::new(CalcV1Server(Calculator::default()));
    tokio::spawn(serve(endpoint, vec![program], ServerSettings::default()));
    address
}

#[tokio::test]
async fn calls_work_over_real_sockets() {
    let endpoint = Endpoint::bind(LOCAL, EndpointSettings::default()).await.unwrap();
    let client = Client::new(endpoint, server().await, ClientSettings::default());
    let calc = CalcV1Client(client);
    assert_eq!(calc.add(&Addargs { a: 3, b: 4 }).await.unwrap(), 7);
    // Many at once, collected later.
    let sums: Vec<_> = (0..20).map(|n| calc.start_add(&Addargs { a: n, b: n }).unwrap()).collect();
    for (n, sum) in (0..).zip(sums) {
        assert_eq!(sum.wait().await.unwrap(), 2 * n);
    }
    assert_eq!(calc.incr(5).await.unwrap(), 5);
    assert_eq!(calc.incr(1).await.unwrap(), 6);
    let large = Blob((0..60_000).map(|at| at as u8).collect());
    assert_eq!(calc.echo(&large).await.unwrap(), large);
    let too_large = calc.echo(&Blob(vec![0; 65_537])).await.unwrap_err();
    assert!(matches!(too_large, CallError::Arguments(_)) && too_large.is_definite());
    let wrong = calc.0.call::<i32>(CalcV1Client::ADD, &1u32).await.unwrap_err();
    assert!(matches!(wrong, CallError::Refused { why: Refusal::Arguments, certain: true }));
}

/// The lines of the golden file that are UDP, as name, direction and bytes.
fn golden() -> impl Iterator<Item = (&'static str, &'static str, Vec<u8>)> {
    include_str!("../../../tests/oncrpc/golden.tsv").lines().filter_map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, direction, "udp", hex] = fields[..] else { return None };
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        Some((name, direction, (0..hex.len()).step_by(2).map(byte).collect()))
    })
}

#[tokio::test]
async fn a_server_answers_as_that_of_libtirpc_does() {
    let server = server().await;
    let mut compared = Vec::new();
    for (name, _, call) in golden().filter(|(_, direction, _)| *direction == "call") {
        let reply = golden().find(|(other, direction, _)| *other == name && *direction == "reply");
        let Some((_, _, reply)) = reply else { continue };
        let socket = UdpSocket::bind(LOCAL).await.unwrap();
        socket.send_to(&call, server).await.unwrap();
        let mut buffer = vec![0; 70_000];
        let received = socket.recv_from(&mut buffer);
        let (length, _) =
            tokio::time::timeout(Duration::from_secs(10), received).await.unwrap().unwrap();
        assert_eq!(buffer[..length], reply, "{name}");
        compared.push(name);
    }
    assert_eq!(compared, ["null", "add_3_4", "incr_1", "echo_5", "div_7_2", "div_7_0", "mix"]);
}
