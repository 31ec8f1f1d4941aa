//! Whatever comes, and whenever: no call is lost sight of.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// What may happen to a client.
#[derive(Clone, Debug)]
enum Step {
    Start(usize),
    Pass(u64),
    /// A datagram about one of the calls, with some bytes changed.
    Receive(u8, Index, Vec<(Index, u8)>),
    SendError(Index),
}

fn step() -> impl Strategy<Value = Step> {
    let flips = prop_oneof![
        3 => Just(Vec::new()),
        1 => proptest::collection::vec(any::<(Index, u8)>(), 1..3),
    ];
    prop_oneof![
        2 => (0..600usize).prop_map(Step::Start),
        2 => (1..2000u64).prop_map(Step::Pass),
        6 => (0..10u8, any::<Index>(), flips).prop_map(|(kind, of, flips)| Step::Receive(kind, of, flips)),
        1 => any::<Index>().prop_map(Step::SendError),
    ]
}

/// Something that a server may say about a call.
fn datagram(kind: u8, xid: u32, digest: u64) -> Vec<u8> {
    let message = |reply| Message { xid, body: Body::Reply(reply) }.encode(&[7; 40]).unwrap();
    let denied = Reply::Denied(Denied::Auth(AuthStatus::RejectedVerifier));
    let whole = message(Reply::success(Auth::NONE));
    let of = MessageId { xid, is_reply: true, digest: super::digest(&whole) };
    let half = whole.len() / 2;
    let length = whole.len() as u32;
    let piece =
        |index, bytes, burst| Packet::Piece(Piece { of, index, count: 2, length, burst, bytes });
    match kind {
        0 => message(Reply::success(Auth::short(vec![1]))),
        1 => message(Reply::success(Auth::short(vec![2]))),
        2 => message(denied),
        3 => message(Reply::Accepted { verifier: Auth::NONE, status: Accepted::SystemError }),
        4 => piece(0, &whole[..half], 0).encode(),
        5 => piece(1, &whole[half..], 1).encode(),
        6 => Packet::Working { xid, digest }.encode(),
        7 => Packet::Forgotten { xid, digest }.encode(),
        8 => Packet::Forgotten { xid, digest: of.digest }.encode(),
        _ => {
            let of = MessageId { xid, is_reply: false, digest };
            Packet::Received { of, burst: digest as u8 % 4, pieces: &[digest as u8] }.encode()
        }
    }
}

proptest! {
    #[test]
    fn every_call_ends_or_has_a_deadline(
        boot_epoch: bool,
        asks: bool,
        reliable: bool,
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let settings = ClientSettings {
            boot_epoch, asks, fragment: 200, reassembly_buffer: 100, ..settings()
        };
        let server = SocketAddr::from(([10, 0, 0, 1], 10_000));
        let calls = Calls::new(settings, server, reliable);
        let mut fixture = Fixture { now: Instant::now(), calls };
        let (mut pending, mut digests) = (Vec::new(), Vec::new());
        // In the order of the ids, and those that ask for the boot epoch besides.
        let id = |at: usize| u32::MAX.wrapping_add(at as u32);
        for step in steps {
            match step {
                Step::Start(length) => {
                    let arguments = vec![pending.len() as u8; length];
                    digests.push(digest(&arguments));
                    pending.push(fixture.start(&arguments));
                }
                Step::Pass(ms) => fixture.pass(Duration::from_millis(ms)),
                Step::Receive(kind, of, flips) => {
                    let at = of.index(2 * pending.len() + 1);
                    let digest = digests.get(at).copied().unwrap_or(digest(&[]));
                    let mut bytes = datagram(kind, id(at), digest);
                    for (place, byte) in flips {
                        let place = place.index(bytes.len());
                        bytes[place] ^= byte;
                    }
                    fixture.receive(&bytes);
                }
                Step::SendError(of) => {
                    let error = std::io::ErrorKind::NetworkUnreachable.into();
                    fixture.calls.handle_send_error(id(of.index(2 * pending.len() + 1)), error);
                }
            }
            fixture.sent();
            pending.retain_mut(|ended: &mut Receiver<Ended>| ended.try_recv().is_err());
            prop_assert!(pending.is_empty() || fixture.calls.next_deadline().is_some());
        }
        // Without another word of the server, all are given up.
        for _ in 0..10 {
            fixture.pass(20 * ASK);
        }
        pending.retain_mut(|ended: &mut Receiver<Ended>| ended.try_recv().is_err());
        prop_assert!(pending.is_empty());
        prop_assert_eq!(fixture.calls.next_deadline(), None);
    }
}
