//! What a server remembers of calls, so that it runs none twice: which are running, and the replies of
//! those that have run (Birrell and Nelson, section 3.3; Juszczak, "Improving the Performance and
//! Correctness of an NFS Server", USENIX 1989).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use squall_sim::time::{Duration, Instant};

use super::program::Procedure;
use crate::mutants::{self, Mutant};

/// What tells calls apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallKey {
    // What differs most often comes first: that makes comparisons short.
    /// The call's transaction id.
    pub xid: u32,
    /// Where it came from.
    pub client: SocketAddr,
    /// What it calls.
    pub procedure: Procedure,
    /// The digest of its arguments: a client that restarts may use an id again.
    pub digest: u64,
}

/// What is known of a call that came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is running, or waits to.
    Working,
    /// It has run: send this reply again.
    Finished(Bytes),
}

/// Replies by call.
#[derive(Clone, Debug)]
pub struct ReplyCache {
    capacity: usize,
    ttl: Option<Duration>,
    calls: BTreeMap<CallKey, Known>,
    /// Those that have run, the oldest first.
    finished: VecDeque<(Instant, CallKey)>,
}

impl ReplyCache {
    /// Room for `capacity` replies, each for `ttl` after its call has run (absent: until there is no
    /// room). Calls that are running take none.
    pub fn new(capacity: usize, ttl: Option<Duration>) -> Self {
        ReplyCache { capacity, ttl, calls: BTreeMap::new(), finished: VecDeque::new() }
    }

    /// A call came: what is known of it. If that is nothing, it is new: it is to run, and counts as running
    /// from now on.
    pub fn handle_call(&mut self, now: Instant, key: CallKey) -> Option<Known> {
        self.expire(now);
        let known = self.calls.get(&key).cloned();
        if mutants::is(Mutant::RunningCallRunsAgain) && known == Some(Known::Working) {
            return None;
        }
        if mutants::is(Mutant::EntryDroppedOnUse) && matches!(known, Some(Known::Finished(_))) {
            self.finished.retain(|(_, finished)| *finished != key);
            self.calls.remove(&key);
            return known;
        }
        if known.is_none() {
            self.calls.insert(key, Known::Working);
        }
        known
    }

    /// What is known of the call with this id and these arguments.
    pub fn find(
        &mut self,
        now: Instant,
        client: SocketAddr,
        xid: u32,
        digest: u64,
    ) -> Option<Known> {
        self.expire(now);
        let none = Procedure { program: 0, version: 0, number: 0 };
        let from = CallKey { xid, client, procedure: none, digest: 0 };
        let same = |key: &CallKey| key.client == client && key.xid == xid;
        let mut calls = self.calls.range(from..).take_while(|(key, _)| same(key));
        let (_, known) = calls.find(|(key, _)| key.digest == digest)?;
        Some(known.clone())
    }

    /// A call has run, and this is its reply.
    pub fn finish(&mut self, now: Instant, key: CallKey, reply: Bytes) {
        self.expire(now);
        if let Some(Known::Finished(_)) = self.calls.insert(key, Known::Finished(reply)) {
            // It has run twice, and its older reply must not take the newer one away.
            self.finished.retain(|(_, known)| *known != key);
        }
        self.finished.push_back((now, key));
        while self.finished.len() > self.capacity {
            if mutants::is(Mutant::NewestEntryEvicted) {
                self.finished.rotate_right(1);
            }
            self.drop_oldest();
        }
    }

    /// A call that counted as running does not run: nothing of it is known any more.
    pub fn forget(&mut self, key: &CallKey) {
        if let Some(Known::Working) = self.calls.get(key) {
            self.calls.remove(key);
        }
    }

    fn expire(&mut self, now: Instant) {
        let Some(ttl) = self.ttl else { return };
        while self.finished.front().is_some_and(|(since, _)| now - *since >= ttl) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, key)) = self.finished.pop_front() {
            self.calls.remove(&key);
        }
    }

    /// How many calls it knows, running ones included.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// True if it knows no call.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(xid: u32) -> CallKey {
        let client = SocketAddr::from(([10, 0, 0, 2], 1000));
        let procedure = Procedure { program: 1, version: 1, number: 1 };
        CallKey { xid, client, procedure, digest: 5 }
    }

    fn run(cache: &mut ReplyCache, now: Instant, xid: u32) {
        assert_eq!(cache.handle_call(now, key(xid)), None);
        cache.finish(now, key(xid), vec![xid as u8].into());
    }

    #[test]
    fn a_call_runs_once_and_is_answered_again() {
        let now = Instant::now();
        let mut cache = ReplyCache::new(4, None);
        assert_eq!(cache.handle_call(now, key(1)), None);
        assert_eq!(cache.handle_call(now, key(1)), Some(Known::Working));
        assert_eq!(cache.find(now, key(1).client, 1, 5), Some(Known::Working));
        cache.finish(now, key(1), vec![7].into());
        assert_eq!(cache.handle_call(now, key(1)), Some(Known::Finished(vec![7].into())));
        assert_eq!(cache.find(now, key(1).client, 1, 5), Some(Known::Finished(vec![7].into())));
        assert_eq!(cache.find(now, key(1).client, 1, 6), None);
        assert_eq!(cache.find(now, key(1).client, 2, 5), None);
    }

    #[test]
    fn every_part_of_the_key_tells_calls_apart() {
        let now = Instant::now();
        let mut cache = ReplyCache::new(9, None);
        let one = key(1);
        let other = SocketAddr::from(([10, 0, 0, 3], 1000));
        let port = SocketAddr::from(([10, 0, 0, 2], 1001));
        for key in [
            one,
            CallKey { client: other, ..one },
            CallKey { client: port, ..one },
            CallKey { xid: 2, ..one },
            CallKey { digest: 6, ..one },
            CallKey { procedure: Procedure { program: 2, ..one.procedure }, ..one },
            CallKey { procedure: Procedure { version: 2, ..one.procedure }, ..one },
            CallKey { procedure: Procedure { number: 2, ..one.procedure }, ..one },
        ] {
            assert_eq!(cache.handle_call(now, key), None);
        }
    }

    #[test]
    fn a_full_cache_forgets_the_oldest_reply_but_no_running_call() {
        let now = Instant::now();
        let mut cache = ReplyCache::new(2, None);
        assert_eq!(cache.handle_call(now, key(9)), None);
        for xid in 1..=3 {
            run(&mut cache, now, xid);
        }
        assert_eq!(cache.len(), 3);
        assert_eq!(cache.handle_call(now, key(9)), Some(Known::Working));
        assert_eq!(cache.handle_call(now, key(3)), Some(Known::Finished(vec![3].into())));
        assert_eq!(cache.handle_call(now, key(1)), None);
    }

    #[test]
    fn the_newer_of_two_replies_to_one_call_counts() {
        let now = Instant::now();
        let mut cache = ReplyCache::new(2, None);
        for (xid, reply) in [(1, 1), (2, 2), (1, 3), (4, 4)] {
            cache.finish(now, key(xid), vec![reply].into());
        }
        assert_eq!(cache.len(), 2);
        assert_eq!(cache.handle_call(now, key(1)), Some(Known::Finished(vec![3].into())));
    }

    #[test]
    fn replies_expire() {
        let start = Instant::now();
        let mut cache = ReplyCache::new(9, Some(Duration::from_secs(1)));
        run(&mut cache, start, 1);
        let just_before = start + Duration::from_millis(999);
        assert_eq!(cache.handle_call(just_before, key(1)), Some(Known::Finished(vec![1].into())));
        assert_eq!(cache.handle_call(start + Duration::from_secs(1), key(1)), None);
    }

    #[test]
    fn a_call_that_did_not_run_may_run_later() {
        let now = Instant::now();
        let mut cache = ReplyCache::new(9, None);
        assert_eq!(cache.handle_call(now, key(1)), None);
        cache.forget(&key(1));
        assert_eq!(cache.handle_call(now, key(1)), None);
        cache.finish(now, key(1), vec![1].into());
        cache.forget(&key(1));
        assert_eq!(cache.handle_call(now, key(1)), Some(Known::Finished(vec![1].into())));
    }

    #[test]
    fn without_room_nothing_is_remembered_but_what_runs() {
        let now = Instant::now();
        let mut cache = ReplyCache::new(0, None);
        run(&mut cache, now, 1);
        assert!(cache.is_empty());
        assert_eq!(cache.handle_call(now, key(1)), None);
    }
}
