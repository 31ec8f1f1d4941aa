//! Client and server together, over real UDP sockets on loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use squall_sim::net::UdpSocket;
use squall_sim::time::{Duration, sleep};

use super::client::ClientSettings;
use super::server::{BootEpoch, CacheSettings, Organization, ServerSettings, serve};
use super::*;
use crate::oncrpc::{Auth, AuthStatus};
use crate::timer::Timer;
use crate::xdr::{self, Decoder, Xdr};

const PROGRAM: u32 = 0x2000_5150;
const ECHO: Procedure = Procedure { program: PROGRAM, version: 1, number: 1 };
const COUNT: Procedure = Procedure { number: 2, ..ECHO };
const SLOW: Procedure = Procedure { number: 3, ..ECHO };

/// Echoes bytes, counts calls, and takes 300 ms for a call of its third procedure.
#[derive(Debug, Default)]
struct Echo(AtomicU32);

#[derive(Debug, PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl Xdr for Bytes {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), xdr::EncodeError> {
        xdr::put_opaque(out, &self.0, 1 << 20)
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, xdr::DecodeError> {
        Ok(Bytes(xdr::get_opaque(input, 1 << 20)?))
    }
}

impl Program for Echo {
    fn program(&self) -> u32 {
        PROGRAM
    }

    fn version(&self) -> u32 {
        1
    }

    fn dispatch<'a>(&'a self, _: &'a Call, procedure: u32, bytes: &'a [u8]) -> Dispatched<'a> {
        Box::pin(async move {
            match procedure {
                0 => {
                    arguments::<()>(bytes)?;
                    results(&())
                }
                1 => results(&arguments::<Bytes>(bytes)?),
                2 => {
                    arguments::<()>(bytes)?;
                    results(&(self.0.fetch_add(1, Ordering::Relaxed) + 1))
                }
                3 => {
                    sleep(Duration::from_millis(300)).await;
                    results(&(self.0.fetch_add(1, Ordering::Relaxed) + 1))
                }
                _ => Err(Fault::NoProcedure),
            }
        })
    }
}

const LOCAL: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

async fn server(settings: ServerSettings, endpoint: EndpointSettings) -> SocketAddr {
    let endpoint = Endpoint::bind(LOCAL, endpoint).await.unwrap();
    let address = endpoint.local_addr().unwrap();
    tokio::spawn(serve(endpoint, vec![Arc::new(Echo::default())], settings));
    address
}

fn fast(max_attempts: u64) -> ClientSettings {
    let timer =
        Timer { max_attempts: Some(max_attempts), ..Timer::fixed(Duration::from_millis(60)) };
    let ask_interval = Duration::from_millis(60);
    ClientSettings { timer, ask_interval, ..ClientSettings::default() }
}

async fn client(server: SocketAddr, settings: ClientSettings) -> Client {
    let endpoint = Endpoint::bind(LOCAL, EndpointSettings::default()).await.unwrap();
    Client::new(endpoint, server, settings)
}

#[tokio::test]
async fn calls_small_and_large_come_back() {
    let server = server(ServerSettings::default(), EndpointSettings::default()).await;
    let client = client(server, fast(5)).await;
    for length in [0, 1, 5, 1300, 1400, 5000, 200_000] {
        let bytes = Bytes((0..length).map(|at| at as u8).collect());
        assert_eq!(client.call::<Bytes>(ECHO, &bytes).await.unwrap(), bytes);
    }
    assert_eq!(client.null(PROGRAM, 1).await.unwrap(), Auth::NONE);
}

#[tokio::test]
async fn many_calls_are_under_way_at_once() {
    let settings =
        ServerSettings { organization: Organization::ThreadPool(4), ..ServerSettings::default() };
    let server = server(settings, EndpointSettings::default()).await;
    let client = client(server, fast(5)).await;
    let pending: Vec<Pending<Bytes>> =
        (0..50).map(|n| client.start(ECHO, &Bytes(vec![n])).unwrap()).collect();
    for (n, pending) in (0..).zip(pending) {
        assert_eq!(pending.wait().await.unwrap(), Bytes(vec![n]));
    }
}

#[tokio::test]
async fn a_long_call_runs_once_and_does_not_fail() {
    for organization in [Organization::ThreadPool(2), Organization::EventDriven { blocks: false }] {
        let settings = ServerSettings { organization, ..ServerSettings::default() };
        let server = server(settings, EndpointSettings::default()).await;
        let client = client(server, fast(2)).await;
        let slow = client.start::<u32>(SLOW, &()).unwrap();
        sleep(Duration::from_millis(10)).await;
        // A handler that takes its time stalls only itself.
        assert_eq!(client.call::<u32>(COUNT, &()).await.unwrap(), 1);
        assert_eq!(slow.wait().await.unwrap(), 2);
    }
}

#[tokio::test]
async fn refusals_are_definite_and_silence_is_not() {
    let server = server(ServerSettings::default(), EndpointSettings::default()).await;
    let client = client(server, fast(2)).await;
    let refused = async |procedure, why: Refusal| {
        let error = client.call::<()>(procedure, &()).await.unwrap_err();
        assert!(error.is_definite());
        match error {
            CallError::Refused { why: found, certain: true } => assert_eq!(found, why),
            other => panic!("{other:?}"),
        }
    };
    refused(Procedure { program: 7, ..ECHO }, Refusal::NoProgram).await;
    refused(Procedure { version: 9, ..ECHO }, Refusal::NoVersion { low: 1, high: 1 }).await;
    refused(Procedure { number: 9, ..ECHO }, Refusal::NoProcedure).await;
    refused(ECHO, Refusal::Arguments).await;
    let too_long = client.call::<()>(ECHO, &Bytes(vec![0; 1 << 21])).await.unwrap_err();
    assert!(matches!(too_long, CallError::Arguments(_)) && too_long.is_definite());
    let silent = UdpSocket::bind(LOCAL).await.unwrap();
    let nobody = self::client(silent.local_addr().unwrap(), fast(2)).await;
    let error = nobody.call::<u32>(COUNT, &()).await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer) && !error.is_definite());
}

#[tokio::test]
async fn a_server_that_wants_its_epoch_shown_is_shown_it() {
    let settings = ServerSettings { boot_epoch: BootEpoch::Required, ..ServerSettings::default() };
    let server = server(settings, EndpointSettings::default()).await;
    let knows = client(server, ClientSettings { boot_epoch: true, ..fast(2) }).await;
    assert_eq!(knows.call::<u32>(COUNT, &()).await.unwrap(), 1);
    let ignorant = client(server, fast(2)).await;
    match ignorant.call::<u32>(COUNT, &()).await {
        Err(CallError::Refused { why: Refusal::Auth(AuthStatus::RejectedVerifier), .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reliable_layer_carries_it_as_well() {
    let timer = Timer::fixed(Duration::from_millis(60));
    let reliable =
        || EndpointSettings { reliable: Some(timer.clone()), ..EndpointSettings::default() };
    let server = server(ServerSettings::default(), reliable()).await;
    let endpoint = Endpoint::bind(LOCAL, reliable()).await.unwrap();
    let client = Client::new(endpoint, server, fast(5));
    for length in [5, 50_000] {
        let bytes = Bytes(vec![7; length]);
        assert_eq!(client.call::<Bytes>(ECHO, &bytes).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn copies_run_again_only_without_a_cache() {
    for (cache, runs) in [(true, 1), (false, 2)] {
        let keep = CacheSettings { capacity: 4, ttl: None, match_arguments: true };
        let settings =
            ServerSettings { reply_cache: cache.then_some(keep), ..ServerSettings::default() };
        let server = server(settings, EndpointSettings::default()).await;
        let socket = UdpSocket::bind(LOCAL).await.unwrap();
        let header = crate::oncrpc::CallHeader {
            program: PROGRAM,
            version: 1,
            procedure: COUNT.number,
            credential: Auth::NONE,
            verifier: Auth::NONE,
        };
        let mut call = Vec::new();
        header.encode(77, &mut call).unwrap();
        let mut buffer = [0; 100];
        let mut last = 0;
        for _ in 0..2 {
            socket.send_to(&call, server).await.unwrap();
            let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
            last = buffer[length - 1];
        }
        assert_eq!(last, runs);
    }
}

#[tokio::test]
async fn a_reply_that_can_not_be_sent_does_not_end_the_server() {
    // One datagram, which is too long.
    let settings = ServerSettings { fragment: 1 << 20, ..ServerSettings::default() };
    let server = server(settings, EndpointSettings::default()).await;
    let client = client(server, fast(2)).await;
    let error = client.call::<Bytes>(ECHO, &Bytes(vec![7; 100_000])).await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer));
    assert_eq!(client.call::<u32>(COUNT, &()).await.unwrap(), 1);
}

#[test]
fn a_client_whose_runtime_has_ended_fails_rather_than_waits() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime();
    let (client, pending) = ended.block_on(async {
        let silent = UdpSocket::bind(LOCAL).await.unwrap().local_addr().unwrap();
        let client = client(silent, fast(1000)).await;
        let pending = client.start::<u32>(COUNT, &()).unwrap();
        (client, pending)
    });
    drop(ended);
    let (before, after) = runtime().block_on(async {
        let both = async { (pending.wait().await, client.call::<u32>(COUNT, &()).await) };
        tokio::time::timeout(Duration::from_secs(5), both).await.unwrap()
    });
    assert!(matches!(before, Err(CallError::Closed(_))), "{before:?}");
    assert!(matches!(after, Err(CallError::NotSent(_))), "{after:?}");
}
