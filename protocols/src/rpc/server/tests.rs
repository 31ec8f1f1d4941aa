//! The server's decisions, without any network.

use std::net::SocketAddr;

use squall_sim::time::{Duration, Instant};

use super::state::{OnDatagram, State};
use super::{BootEpoch, CacheSettings, Job, ServerSettings, encode};
use crate::oncrpc::{
    Accepted, Auth, AuthStatus, AuthSys, Body, CallHeader, Denied, Message, Reply,
};
use crate::rpc::large::Outgoing;
use crate::rpc::packet::{MessageId, Packet, Piece, digest};

const PROGRAM: u32 = 9;

mod fuzz;

struct Fixture {
    now: Instant,
    state: State,
}

fn client(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], port))
}

fn header() -> CallHeader {
    CallHeader {
        program: PROGRAM,
        version: 2,
        procedure: 4,
        credential: Auth::NONE,
        verifier: Auth::NONE,
    }
}

fn epoch() -> Auth {
    Auth::short(vec![1, 2, 3, 4])
}

impl Fixture {
    fn new(settings: ServerSettings) -> Self {
        let programs = vec![(PROGRAM, 2), (PROGRAM, 5)];
        Fixture { now: Instant::now(), state: State::new(settings, false, epoch(), programs) }
    }

    fn receive(&mut self, bytes: &[u8]) -> OnDatagram {
        self.state.handle_datagram(self.now, bytes, client(1))
    }

    fn call(&mut self, xid: u32, header: CallHeader, arguments: &[u8]) -> OnDatagram {
        let message = Message { xid, body: Body::Call(header) }.encode(arguments).unwrap();
        self.receive(&message)
    }

    fn run(&mut self, xid: u32, arguments: &[u8]) -> Job {
        match self.call(xid, header(), arguments) {
            OnDatagram::Run(job) => job,
            other => panic!("{other:?}"),
        }
    }

    fn finish(&mut self, job: &Job, results: &[u8]) {
        let key = job.call.key;
        let reply = encode(&Reply::success(epoch()), key.xid, results);
        self.state.finish(self.now, &key, reply);
    }
}

/// The only message in an answer.
fn message(answer: OnDatagram) -> (Message, Vec<u8>) {
    let OnDatagram::Send(datagrams) = answer else { panic!("{answer:?}") };
    let [datagram] = &datagrams[..] else { panic!("{datagrams:?}") };
    let (message, rest) = Message::decode(datagram).unwrap();
    (message, rest.to_vec())
}

/// The only packet of ours in an answer.
fn packet(answer: OnDatagram) -> Vec<u8> {
    let OnDatagram::Send(datagrams) = answer else { panic!("{answer:?}") };
    let [datagram] = &datagrams[..] else { panic!("{datagrams:?}") };
    datagram.to_vec()
}

fn status(answer: OnDatagram) -> Accepted {
    match message(answer).0.body {
        Body::Reply(Reply::Accepted { status, .. }) => status,
        other => panic!("{other:?}"),
    }
}

fn denied(answer: OnDatagram) -> Denied {
    match message(answer).0.body {
        Body::Reply(Reply::Denied(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_copy_of_a_running_call_starts_nothing_and_of_one_that_has_run_is_answered() {
    let mut fixture = Fixture::new(ServerSettings::default());
    let job = fixture.run(7, &[1; 4]);
    let working = Packet::Working { xid: 7, digest: digest(&[1; 4]) }.encode();
    assert_eq!(packet(fixture.call(7, header(), &[1; 4])), working);
    let ask = Packet::Ask { xid: 7, digest: digest(&[1; 4]) }.encode();
    assert_eq!(packet(fixture.receive(&ask)), working);
    fixture.finish(&job, &[5; 4]);
    assert_eq!(message(fixture.call(7, header(), &[1; 4])).1, [5; 4]);
    assert_eq!(message(fixture.receive(&ask)).1, [5; 4]);
    // Another call, though it has the same id.
    assert_ne!(fixture.run(7, &[2; 4]).call.key, job.call.key);
    let unknown = Packet::Ask { xid: 8, digest: digest(&[1; 4]) }.encode();
    let forgotten = Packet::Forgotten { xid: 8, digest: digest(&[1; 4]) }.encode();
    assert_eq!(packet(fixture.receive(&unknown)), forgotten);
}

#[test]
fn without_the_arguments_calls_with_one_id_are_one() {
    let cache = CacheSettings { capacity: 4, ttl: None, match_arguments: false };
    let settings = ServerSettings { reply_cache: Some(cache), ..ServerSettings::default() };
    let mut fixture = Fixture::new(settings);
    let job = fixture.run(7, &[1; 4]);
    fixture.finish(&job, &[5; 4]);
    assert_eq!(message(fixture.call(7, header(), &[2; 4])).1, [5; 4]);
    let without = ServerSettings { reply_cache: None, ..ServerSettings::default() };
    let mut fixture = Fixture::new(without);
    let job = fixture.run(7, &[1; 4]);
    fixture.finish(&job, &[5; 4]);
    fixture.run(7, &[1; 4]);
}

#[test]
fn what_is_not_there_is_refused() {
    let mut fixture = Fixture::new(ServerSettings::default());
    let other = |program, version| CallHeader { program, version, ..header() };
    assert_eq!(status(fixture.call(1, other(8, 2), &[])), Accepted::ProgramUnavailable);
    let mismatch = Accepted::ProgramMismatch { low: 2, high: 5 };
    assert_eq!(status(fixture.call(1, other(PROGRAM, 3), &[])), mismatch);
    let foreign = Message { xid: 1, body: Body::ForeignCall { version: 3 } }.encode(&[]).unwrap();
    assert_eq!(denied(fixture.receive(&foreign)), Denied::RpcMismatch { low: 2, high: 2 });
    for nonsense in [&[][..], &[0; 7], &[0xff; 40]] {
        assert!(matches!(fixture.receive(nonsense), OnDatagram::Nothing));
    }
    let opens_at = Some(fixture.now + Duration::from_secs(1));
    let mut fixture = Fixture::new(ServerSettings { opens_at, ..ServerSettings::default() });
    assert_eq!(status(fixture.call(1, header(), &[])), Accepted::ProgramUnavailable);
    fixture.now += Duration::from_secs(1);
    fixture.run(1, &[]);
}

#[test]
fn calls_from_before_a_restart_are_refused_if_that_is_wanted() {
    let settings = ServerSettings { boot_epoch: BootEpoch::Required, ..ServerSettings::default() };
    let mut fixture = Fixture::new(settings);
    let rejected = Denied::Auth(AuthStatus::RejectedVerifier);
    assert_eq!(denied(fixture.call(1, header(), &[])), rejected);
    let earlier = CallHeader { verifier: Auth::short(vec![4, 3, 2, 1]), ..header() };
    assert_eq!(denied(fixture.call(1, earlier, &[])), rejected);
    let null = CallHeader { procedure: 0, ..header() };
    assert!(matches!(fixture.call(1, null, &[]), OnDatagram::Run(_)));
    let present = CallHeader { verifier: epoch(), ..header() };
    assert!(matches!(fixture.call(1, present, &[]), OnDatagram::Run(_)));
}

#[test]
fn a_waiting_call_is_an_orphan_once_its_machine_was_heard_of_in_a_later_life() {
    let mut fixture =
        Fixture::new(ServerSettings { refuse_orphans: true, ..ServerSettings::default() });
    let born = |stamp| {
        let user = AuthSys { stamp, machine: "m".to_owned(), ..AuthSys::default() };
        CallHeader { credential: user.credential().unwrap(), ..header() }
    };
    let OnDatagram::Run(first) = fixture.call(1, born(10), &[]) else { panic!() };
    assert!(!fixture.state.is_orphan(&first));
    let OnDatagram::Run(second) = fixture.call(2, born(11), &[]) else { panic!() };
    assert!(fixture.state.is_orphan(&first) && !fixture.state.is_orphan(&second));
    let OnDatagram::Run(late) = fixture.call(3, born(10), &[]) else { panic!() };
    assert!(fixture.state.is_orphan(&late) && !fixture.state.is_orphan(&second));
}

#[test]
fn a_large_call_that_is_known_is_not_put_together_again() {
    let settings = ServerSettings { fragment: 122, ..ServerSettings::default() };
    let mut fixture = Fixture::new(settings);
    let arguments = [3; 400];
    let message = Message { xid: 7, body: Body::Call(header()) }.encode(&arguments).unwrap();
    let of = MessageId { xid: 7, is_reply: false, digest: digest(&arguments) };
    let pieces = Outgoing::new(of, message, 122, false).unwrap().missing();
    let (last, others) = pieces.split_last().unwrap();
    for piece in others {
        assert!(matches!(fixture.receive(piece), OnDatagram::Nothing));
    }
    let OnDatagram::Run(job) = fixture.receive(last) else { panic!() };
    assert!(matches!(fixture.receive(&others[0]), OnDatagram::Nothing), "it is not marked");
    let working = Packet::Working { xid: 7, digest: of.digest }.encode();
    assert_eq!(packet(fixture.receive(last)), working);
    fixture.finish(&job, &[6; 300]);
    let OnDatagram::Send(reply) = fixture.receive(last) else { panic!() };
    assert_eq!(reply.len(), 4);
    // Sent once more, it begins with one piece, to hear which are missing.
    assert_eq!(packet(fixture.receive(last)), {
        let Some(Packet::Piece(piece)) = Packet::decode(&reply[0]) else { panic!() };
        Packet::Piece(Piece { index: 0, burst: 2, ..piece }).encode()
    });
    let Some(Packet::Piece(Piece { of, .. })) = Packet::decode(&reply[0]) else { panic!() };
    let received = Packet::Received { of, burst: 2, pieces: &[0b1011] }.encode();
    let missing = packet(fixture.receive(&received));
    assert!(matches!(Packet::decode(&missing), Some(Packet::Piece(Piece { index: 2, .. }))));
}

#[test]
fn pieces_that_are_not_what_they_said_are_no_call() {
    let mut fixture = Fixture::new(ServerSettings::default());
    let message = Message { xid: 7, body: Body::Call(header()) }.encode(&[3; 400]).unwrap();
    for (xid, digest, runs) in
        [(7, digest(&[3; 400]), true), (7, digest(&[4; 400]), false), (8, digest(&[3; 400]), false)]
    {
        let of = MessageId { xid, is_reply: false, digest };
        let pieces = Outgoing::new(of, message.clone(), 1000, false).unwrap().missing();
        assert_eq!(matches!(fixture.receive(&pieces[0]), OnDatagram::Run(_)), runs);
    }
}
