//! The client's decisions, without any network.

use std::net::SocketAddr;

use squall_sim::time::{Duration, Instant};
use tokio::sync::oneshot::{self, Receiver};

use super::calls::{Calls, Ended, OnDatagram};
use super::{Answer, ClientSettings};
use crate::oncrpc::{Accepted, Auth, AuthStatus, Body, Denied, Message, Reply};
use crate::rpc::packet::{MessageId, Packet, Piece, digest};
use crate::rpc::{CallError, Procedure};
use crate::rtt::RttEstimator;
use crate::timer::{Timeout, Timer};

const PROCEDURE: Procedure = Procedure { program: 9, version: 1, number: 4 };
const TIMEOUT: Duration = Duration::from_millis(100);
const ASK: Duration = Duration::from_secs(1);

mod fuzz;

struct Fixture {
    now: Instant,
    calls: Calls,
}

impl Fixture {
    fn new(settings: ClientSettings) -> Self {
        let server = SocketAddr::from(([10, 0, 0, 1], 10_000));
        Fixture { now: Instant::now(), calls: Calls::new(settings, server, false) }
    }

    fn start(&mut self, arguments: &[u8]) -> Receiver<Ended> {
        let (answer, ended) = oneshot::channel();
        self.calls.start(self.now, PROCEDURE, Auth::NONE, arguments.to_vec(), answer);
        ended
    }

    fn sent(&mut self) -> Vec<Vec<u8>> {
        self.calls.take_datagrams().into_iter().map(|(_, datagram)| datagram.into()).collect()
    }

    /// The transaction ids of the calls that were sent.
    fn xids(&mut self) -> Vec<u32> {
        let xid = |datagram: Vec<u8>| Message::decode(&datagram).unwrap().0.xid;
        self.sent().into_iter().map(xid).collect()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.calls.handle_timeout(self.now);
    }

    fn receive(&mut self, datagram: &[u8]) -> OnDatagram {
        self.calls.handle_datagram(self.now, datagram)
    }

    fn packet(&mut self, packet: Packet<'_>) -> OnDatagram {
        self.receive(&packet.encode())
    }

    fn reply(&mut self, xid: u32, results: &[u8]) {
        self.answer(xid, Reply::success(Auth::NONE), results);
    }

    fn answer(&mut self, xid: u32, reply: Reply, results: &[u8]) {
        let message = Message { xid, body: Body::Reply(reply) };
        self.receive(&message.encode(results).unwrap());
    }
}

fn settings() -> ClientSettings {
    let timer = Timer { max_attempts: Some(3), ..Timer::fixed(TIMEOUT) };
    ClientSettings { timer, ask_interval: ASK, first_xid: u32::MAX, ..ClientSettings::default() }
}

fn results(ended: &mut Receiver<Ended>) -> Vec<u8> {
    let Ok(Answer { results, .. }) = ended.try_recv().unwrap() else { panic!() };
    results
}

#[test]
fn a_call_has_one_id_however_often_it_is_sent() {
    let mut fixture = Fixture::new(settings());
    let mut first = fixture.start(&[1; 4]);
    let mut second = fixture.start(&[2; 4]);
    assert_eq!(fixture.xids(), [u32::MAX, 0], "ids wrap around");
    fixture.pass(TIMEOUT);
    assert_eq!(fixture.xids(), [0, u32::MAX]);
    fixture.reply(0, &[7; 4]);
    assert_eq!(results(&mut second), [7; 4]);
    fixture.pass(TIMEOUT);
    assert_eq!(fixture.xids(), [u32::MAX]);
    fixture.pass(TIMEOUT);
    assert!(matches!(first.try_recv(), Ok(Err(CallError::NoAnswer))));
    assert_eq!(fixture.calls.next_deadline(), None);
}

#[test]
fn a_reply_to_no_call_of_ours_causes_nothing() {
    let mut fixture = Fixture::new(settings());
    let mut ended = fixture.start(&[1; 4]);
    assert_eq!(fixture.xids().len(), 1);
    let deadline = fixture.calls.next_deadline();
    fixture.reply(55, &[]);
    fixture.receive(&[1, 2, 3]);
    assert_eq!(fixture.sent().len(), 0);
    assert_eq!(fixture.calls.next_deadline(), deadline);
    assert!(ended.try_recv().is_err());
    let flawed = ClientSettings { retransmit_on_stale_reply: true, ..settings() };
    let mut fixture = Fixture::new(flawed);
    let _ended = fixture.start(&[1; 4]);
    fixture.reply(55, &[]);
    assert_eq!(fixture.xids().len(), 2);
}

#[test]
fn a_call_that_the_server_works_on_is_asked_about_and_not_sent_again() {
    let mut fixture = Fixture::new(settings());
    let mut ended = fixture.start(&[1; 4]);
    let (xid, digest) = (fixture.xids()[0], digest(&[1; 4]));
    fixture.packet(Packet::Working { xid, digest: digest ^ 1 });
    fixture.packet(Packet::Working { xid, digest });
    fixture.pass(TIMEOUT);
    assert_eq!(fixture.sent().len(), 0);
    for _ in 0..9 {
        fixture.pass(ASK);
        assert_eq!(fixture.sent(), [Packet::Ask { xid, digest }.encode()]);
        fixture.packet(Packet::Working { xid, digest });
    }
    // The server is gone: that is known after as many questions as there are attempts.
    for _ in 0..3 {
        fixture.pass(ASK);
        assert_eq!(fixture.sent().len(), 1);
    }
    fixture.pass(ASK);
    assert!(matches!(ended.try_recv(), Ok(Err(CallError::NoAnswer))));
}

#[test]
fn that_a_call_is_forgotten_is_believed_once_and_when_asked() {
    let mut fixture = Fixture::new(settings());
    let _ended = fixture.start(&[1; 4]);
    let (xid, digest) = (fixture.xids()[0], digest(&[1; 4]));
    fixture.packet(Packet::Forgotten { xid, digest });
    assert_eq!(fixture.sent().len(), 0);
    fixture.packet(Packet::Working { xid, digest });
    fixture.pass(ASK);
    assert_eq!(fixture.sent().len(), 1);
    fixture.packet(Packet::Forgotten { xid, digest: digest ^ 1 });
    assert_eq!(fixture.sent().len(), 0);
    fixture.packet(Packet::Forgotten { xid, digest });
    assert_eq!(fixture.xids(), [xid]);
    fixture.packet(Packet::Forgotten { xid, digest });
    assert_eq!(fixture.sent().len(), 0);
}

#[test]
fn of_a_large_call_only_what_is_missing_is_sent_again() {
    let mut fixture = Fixture::new(ClientSettings { fragment: 126, ..settings() });
    let arguments = [1; 960];
    let mut ended = fixture.start(&arguments);
    let pieces = fixture.sent();
    assert_eq!(pieces.len(), 10);
    fixture.pass(TIMEOUT);
    assert_eq!(fixture.sent().len(), 1, "one piece, to hear which are missing");
    let Some(Packet::Piece(Piece { of, .. })) = Packet::decode(&pieces[0]) else { panic!() };
    fixture.packet(Packet::Received { of, burst: 2, pieces: &[0b1111_1101, 0b10] });
    assert_eq!(fixture.sent().len(), 2);
    fixture.packet(Packet::Received { of, burst: 2, pieces: &[0b1111_1101, 0b10] });
    assert_eq!(fixture.sent().len(), 0, "a late answer causes nothing");
    fixture.reply(of.xid, &[]);
    assert!(results(&mut ended).is_empty());
}

#[test]
fn of_a_large_reply_only_what_is_missing_is_asked_for() {
    let mut fixture = Fixture::new(settings());
    let mut ended = fixture.start(&[1; 4]);
    let xid = fixture.xids()[0];
    let message = Message { xid, body: Body::Reply(Reply::success(Auth::NONE)) };
    let message = message.encode(&[5; 200]).unwrap();
    let of = MessageId { xid, is_reply: true, digest: digest(&message) };
    let half = message.len() / 2;
    let piece = |index: u16| {
        let bytes = if index == 0 { &message[..half] } else { &message[half..] };
        let length = message.len() as u32;
        Packet::Piece(Piece { of, index, count: 2, length, burst: 0, bytes })
    };
    fixture.packet(piece(1));
    fixture.pass(TIMEOUT);
    assert_eq!(fixture.sent(), [Packet::Received { of, burst: 0, pieces: &[0b10] }.encode()]);
    fixture.packet(piece(0));
    assert_eq!(results(&mut ended), [5; 200]);
}

#[test]
fn a_reply_for_which_there_is_no_room_is_not_asked_for_without_end() {
    let mut fixture = Fixture::new(ClientSettings { reassembly_buffer: 100, ..settings() });
    let mut ended = fixture.start(&[1; 4]);
    let of = MessageId { xid: fixture.xids()[0], is_reply: true, digest: 7 };
    let bytes = &[5; 80];
    let piece = |index| Packet::Piece(Piece { of, index, count: 2, length: 160, burst: 0, bytes });
    for _ in 0..2 {
        assert_eq!(fixture.packet(piece(0)), OnDatagram::Full);
        assert_eq!(fixture.packet(piece(1)), OnDatagram::Full);
        fixture.pass(TIMEOUT);
    }
    assert!(ended.try_recv().is_err());
    fixture.pass(TIMEOUT);
    assert!(matches!(ended.try_recv(), Ok(Err(CallError::NoAnswer))));
}

#[test]
fn a_refusal_is_definite_only_if_nothing_was_sent_before() {
    let unavailable =
        || Reply::Accepted { verifier: Auth::NONE, status: Accepted::ProgramUnavailable };
    for (sendings, trust, definite) in [(1, false, true), (2, false, false), (2, true, true)] {
        let mut fixture = Fixture::new(ClientSettings { trust_refusals: trust, ..settings() });
        let mut ended = fixture.start(&[]);
        let xid = fixture.xids()[0];
        (1..sendings).for_each(|_| fixture.pass(TIMEOUT));
        fixture.answer(xid, unavailable(), &[]);
        let error = ended.try_recv().unwrap().unwrap_err();
        assert_eq!(error.is_definite(), definite, "{sendings} {trust}: {error}");
    }
    let mut fixture = Fixture::new(settings());
    let mut ended = fixture.start(&[]);
    let xid = fixture.xids()[0];
    let failed = Reply::Accepted { verifier: Auth::NONE, status: Accepted::SystemError };
    fixture.answer(xid, failed, &[]);
    assert!(!ended.try_recv().unwrap().unwrap_err().is_definite());
}

#[test]
fn calls_wait_until_the_server_has_named_its_present_life() {
    let mut fixture = Fixture::new(ClientSettings { boot_epoch: true, ..settings() });
    let (mut first, mut second) = (fixture.start(&[1; 4]), fixture.start(&[2; 4]));
    let asked = fixture.sent();
    assert_eq!(asked.len(), 1);
    let header = |datagram: &[u8]| match Message::decode(datagram).unwrap().0 {
        Message { xid, body: Body::Call(header) } => (xid, header),
        other => panic!("{other:?}"),
    };
    let (xid, null) = header(&asked[0]);
    assert_eq!(null.procedure, 0);
    let token = Auth::short(vec![1, 2, 3, 4]);
    fixture.answer(xid, Reply::success(token.clone()), &[]);
    let sent = fixture.sent();
    assert_eq!(sent.len(), 2);
    let (xid, call) = header(&sent[0]);
    assert_eq!((call.procedure, call.verifier), (PROCEDURE.number, token));
    let stale = Reply::Denied(Denied::Auth(AuthStatus::RejectedVerifier));
    fixture.answer(xid, stale, &[]);
    assert!(matches!(first.try_recv(), Ok(Err(CallError::Restarted))));
    assert!(second.try_recv().is_err());
    // The next call asks again.
    let _third = fixture.start(&[3; 4]);
    assert_eq!(header(&fixture.sent()[0]).1.procedure, 0);
    for _ in 0..3 {
        fixture.pass(TIMEOUT);
    }
    assert!(matches!(second.try_recv(), Ok(Err(CallError::NoAnswer))));
}

#[test]
fn what_could_not_be_sent_failed_for_certain() {
    let mut fixture = Fixture::new(settings());
    let mut ended = fixture.start(&[1; 4]);
    let xid = fixture.xids()[0];
    fixture.calls.handle_send_error(xid, std::io::ErrorKind::NetworkUnreachable.into());
    assert!(ended.try_recv().unwrap().unwrap_err().is_definite());
    let mut ended = fixture.start(&[1; 4]);
    let xid = fixture.xids()[0];
    fixture.pass(TIMEOUT);
    fixture.calls.handle_send_error(xid, std::io::ErrorKind::NetworkUnreachable.into());
    assert!(ended.try_recv().is_err(), "what was sent before may yet be answered");
    fixture.calls.close("closed");
    assert!(!ended.try_recv().unwrap().unwrap_err().is_definite());
}

#[test]
fn of_calls_that_an_earlier_life_was_sent_each_has_an_unknown_outcome() {
    let mut fixture = Fixture::new(ClientSettings { boot_epoch: true, ..settings() });
    let mut all = [fixture.start(&[1; 4]), fixture.start(&[2; 4]), fixture.start(&[3; 4])];
    let asked = fixture.xids()[0];
    fixture.answer(asked, Reply::success(Auth::short(vec![1])), &[]);
    let xids = fixture.xids();
    let stale = || Reply::Denied(Denied::Auth(AuthStatus::RejectedVerifier));
    // The network may have made copies that ran before the restart, of the others as of the first.
    fixture.answer(xids[0], stale(), &[]);
    fixture.answer(xids[1], stale(), &[]);
    let _next = fixture.start(&[4; 4]);
    let asked = fixture.xids()[0];
    fixture.answer(asked, Reply::success(Auth::short(vec![2])), &[]);
    assert_eq!(fixture.xids().len(), 1);
    fixture.answer(xids[2], stale(), &[]);
    for ended in &mut all {
        assert!(matches!(ended.try_recv(), Ok(Err(CallError::Restarted))));
    }
    // What the last of them was shown is no longer what the client shows.
    let _last = fixture.start(&[5; 4]);
    let sent = fixture.sent();
    let (Message { body: Body::Call(header), .. }, _) = Message::decode(&sent[0]).unwrap() else {
        panic!()
    };
    assert_eq!((header.procedure, header.verifier), (PROCEDURE.number, Auth::short(vec![2])));
}

#[test]
fn a_call_whose_credential_is_too_long_does_not_stop_others() {
    let mut fixture = Fixture::new(ClientSettings { boot_epoch: true, ..settings() });
    let (answer, mut ended) = oneshot::channel();
    let long = Auth { flavor: 1, body: vec![0; 401] };
    fixture.calls.start(fixture.now, PROCEDURE, long, Vec::new(), answer);
    assert!(ended.try_recv().unwrap().unwrap_err().is_definite());
    let mut next = fixture.start(&[1; 4]);
    let asked = fixture.xids()[0];
    fixture.answer(asked, Reply::success(Auth::short(vec![1])), &[]);
    let xid = fixture.xids()[0];
    fixture.reply(xid, &[7; 4]);
    assert_eq!(results(&mut next), [7; 4]);
}

#[test]
fn a_reply_to_a_call_that_was_not_sent_yet_is_another_ones() {
    let settings = ClientSettings { boot_epoch: true, first_xid: 1, ..settings() };
    let mut fixture = Fixture::new(settings);
    let mut ended = fixture.start(&[1; 4]);
    let asked = fixture.xids()[0];
    // From before this client restarted and used its ids again.
    fixture.reply(1, &[9; 4]);
    fixture.packet(Packet::Working { xid: 1, digest: digest(&[1; 4]) });
    assert!(ended.try_recv().is_err());
    fixture.answer(asked, Reply::success(Auth::short(vec![1])), &[]);
    assert_eq!(fixture.xids(), [1]);
    fixture.reply(1, &[7; 4]);
    assert_eq!(results(&mut ended), [7; 4]);
}

#[test]
fn a_piece_that_holds_a_piece_is_no_reply() {
    let mut fixture = Fixture::new(settings());
    let mut ended = fixture.start(&[1; 4]);
    let xid = fixture.xids()[0];
    let reply = Message { xid, body: Body::Reply(Reply::success(Auth::NONE)) };
    let mut message = reply.encode(&[]).unwrap();
    // Followed to its end, this would take more of the stack than there is.
    for _ in 0..2000 {
        let of = MessageId { xid, is_reply: true, digest: digest(&message) };
        let (length, bytes) = (message.len() as u32, &message[..]);
        let piece = Piece { of, index: 0, count: 1, length, burst: 0, bytes };
        message = Packet::Piece(piece).encode();
    }
    fixture.receive(&message);
    assert!(ended.try_recv().is_err());
}

#[test]
fn pieces_for_which_there_is_no_room_do_not_put_the_timeout_off() {
    let mut fixture = Fixture::new(ClientSettings { reassembly_buffer: 100, ..settings() });
    let mut ended = fixture.start(&[1; 4]);
    let of = MessageId { xid: fixture.xids()[0], is_reply: true, digest: 7 };
    for _ in 0..6 {
        let piece = Piece { of, index: 1, count: 2, length: 200, burst: 0, bytes: &[5; 180] };
        fixture.packet(Packet::Piece(piece));
        fixture.pass(TIMEOUT / 2);
    }
    assert!(matches!(ended.try_recv(), Ok(Err(CallError::NoAnswer))));
}

#[test]
fn no_wait_for_pieces_outlasts_them() {
    let timer = Timer::fixed(Duration::from_secs(60));
    let settings = ClientSettings { timer, fragment: 122, ..settings() };
    assert_eq!(settings.reassembly_timeout, Duration::from_secs(30));
    let mut fixture = Fixture::new(settings);
    let _large = fixture.start(&[1; 960]);
    fixture.sent();
    fixture.pass(Duration::from_secs(15));
    assert_eq!(fixture.sent().len(), 1);
    let _small = fixture.start(&[2; 4]);
    let xid = fixture.xids()[0];
    let of = MessageId { xid, is_reply: true, digest: 7 };
    fixture.packet(Packet::Piece(Piece {
        of,
        index: 1,
        count: 2,
        length: 160,
        burst: 0,
        bytes: &[5; 80],
    }));
    fixture.pass(Duration::from_secs(15));
    assert!(fixture.sent().contains(&Packet::Received { of, burst: 0, pieces: &[0b10] }.encode()));
}

#[test]
fn a_call_sent_twice_measures_nothing() {
    let timeout = Timeout::Adaptive(RttEstimator::new(Duration::from_millis(1)));
    let timer = Timer { timeout, max_attempts: None };
    let mut fixture = Fixture::new(ClientSettings { timer, ..settings() });
    let second = Duration::from_secs(1);
    let mut twice = fixture.start(&[1; 4]);
    let xid = fixture.xids()[0];
    fixture.pass(second);
    fixture.reply(xid, &[]);
    assert!(results(&mut twice).is_empty());
    // Whose reply it was is not known (Karn's rule), so the longer timeout stays.
    let mut once = fixture.start(&[2; 4]);
    assert_eq!(fixture.calls.next_deadline(), Some(fixture.now + 2 * second));
    fixture.sent();
    fixture.now += Duration::from_millis(10);
    fixture.reply(xid.wrapping_add(1), &[]);
    assert!(results(&mut once).is_empty());
    let _next = fixture.start(&[3; 4]);
    assert_eq!(fixture.calls.next_deadline(), Some(fixture.now + Duration::from_millis(30)));
}

#[test]
fn a_call_that_has_ended_takes_no_room() {
    let mut fixture = Fixture::new(ClientSettings { reassembly_buffer: 160, ..settings() });
    let (mut first, _second) = (fixture.start(&[1; 4]), fixture.start(&[2; 4]));
    let xids = fixture.xids();
    let piece = |xid| {
        let of = MessageId { xid, is_reply: true, digest: 7 };
        let bytes = &[5; 80];
        Packet::Piece(Piece { of, index: 0, count: 2, length: 160, burst: 0, bytes })
    };
    assert_eq!(fixture.packet(piece(xids[0])), OnDatagram::Taken);
    assert_eq!(fixture.packet(piece(xids[1])), OnDatagram::Full);
    fixture.reply(xids[0], &[]);
    assert!(results(&mut first).is_empty());
    assert_eq!(fixture.packet(piece(xids[1])), OnDatagram::Taken);
}
