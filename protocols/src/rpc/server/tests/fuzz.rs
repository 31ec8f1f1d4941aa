//! Whatever comes, and in whatever order: no call runs twice.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// All datagrams of a client that calls a few times, and asks.
fn datagrams() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for xid in 0..4u32 {
        for length in [4, 300] {
            let arguments = vec![xid as u8; length];
            let of = MessageId { xid, is_reply: false, digest: digest(&arguments) };
            all.push(Packet::Ask { xid, digest: of.digest }.encode());
            let reply = encode(&Reply::success(epoch()), xid, &[5; 200]);
            let of_reply = MessageId { xid, is_reply: true, digest: digest(&reply) };
            all.push(Packet::Received { of: of_reply, burst: 0, pieces: &[1] }.encode());
            all.push(Packet::Received { of: of_reply, burst: 1, pieces: &[2] }.encode());
            let message = Message { xid, body: Body::Call(header()) }.encode(&arguments).unwrap();
            if let Some(mut outgoing) = Outgoing::new(of, message.clone(), 150, false) {
                all.extend(outgoing.missing());
            }
            all.push(message);
        }
    }
    all
}

proptest! {
    #[test]
    fn no_call_runs_twice(
        steps in proptest::collection::vec((any::<Index>(), any::<Option<(Index, u8)>>(), 0..4u8, 0..3000u64), 1..150),
    ) {
        let cache = CacheSettings { capacity: 1000, ttl: None, match_arguments: true };
        let mut fixture = Fixture::new(ServerSettings {
            reply_cache: Some(cache), fragment: 150, reassembly_buffer: 1000, ..ServerSettings::default()
        });
        let all = datagrams();
        let (mut ran, mut running) = (Vec::new(), Vec::new());
        for (which, flip, end, ms) in steps {
            fixture.now += Duration::from_millis(ms);
            let mut bytes = which.get(&all).clone();
            // Few are damaged, or nothing would ever come together.
            if let Some((place, byte)) = flip.filter(|_| ms % 8 == 0) {
                let place = place.index(bytes.len());
                bytes[place] ^= byte;
            }
            if let OnDatagram::Run(job) = fixture.receive(&bytes) {
                // The null procedure does nothing, however often.
                if job.call.key.procedure.number != 0 {
                    prop_assert!(!ran.contains(&job.call.key), "{:?}", job.call.key);
                }
                ran.push(job.call.key);
                running.push(job);
            }
            if end == 0 && let Some(job) = running.pop() {
                fixture.finish(&job, &[5; 200]);
            }
        }
    }
}
