//! The server: finds the procedure, and sees to it that a call runs as often as it may.

mod outbox;
mod state;
#[cfg(test)]
mod tests;
mod workers;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rand::Rng;
use squall_sim::protocol::{memory_entries, report};
use squall_sim::random;
use squall_sim::time::{Duration, Instant};

use self::state::{OnDatagram, State};
use self::workers::Workers;
use super::cache::CallKey;
use super::endpoint::{Endpoint, Outlet};
use super::program::{Call, Program};
use crate::mutants::{self, Mutant};
use crate::oncrpc::{Auth, Reply};

/// What a server remembers of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// How many replies.
    pub capacity: usize,
    /// For how long; absent: until there is no room.
    pub ttl: Option<Duration>,
    /// Whether calls with other arguments are other calls, even if the client uses a transaction id
    /// again.
    pub match_arguments: bool,
}

/// Who runs the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Organization {
    /// The server itself, one call after another; meanwhile it receives nothing.
    Iterative,
    /// So many workers, one call each at a time.
    ThreadPool(usize),
    /// A task for each call; all share one thread, so that one that blocks stops the server.
    EventDriven {
        /// Whether the procedures block.
        blocks: bool,
    },
}

/// Whether clients must know of the server's present life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootEpoch {
    /// Replies have no verifier.
    Untold,
    /// Replies name it, in an AUTH_SHORT verifier (RFC 5531, appendix A).
    Told,
    /// Calls must show what the replies name, as their verifier: others are refused, unless they call
    /// procedure 0.
    Required,
}

/// How a server serves.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerSettings {
    /// What it remembers of calls; absent: nothing, so that copies run, too.
    pub reply_cache: Option<CacheSettings>,
    /// Who runs the calls.
    pub organization: Organization,
    /// How many calls may wait for a worker, or run at once if there is one for each; more are dropped.
    pub queue: usize,
    /// Whether it refuses calls from before it restarted.
    pub boot_epoch: BootEpoch,
    /// Replies of earlier lives, the oldest first: calls and encoded results.
    pub recovered: Vec<(CallKey, Vec<u8>)>,
    /// The most bytes of a datagram; larger messages travel in pieces.
    pub fragment: usize,
    /// Bytes of pieces of calls that may wait for the rest.
    pub reassembly_buffer: usize,
    /// How long they may wait.
    pub reassembly_timeout: Duration,
    /// Until when it knows of no program; absent: it knows them from the start.
    pub opens_at: Option<Instant>,
    /// Whether it drops a waiting call once its caller, an AUTH_SYS machine, was heard of with a later
    /// stamp: the caller died.
    pub refuse_orphans: bool,
    /// Whether it replies, without results, before it runs a call.
    pub reply_first: bool,
}

impl Default for ServerSettings {
    /// At-most-once, while it does not restart: 64 replies, one call after another.
    fn default() -> Self {
        ServerSettings {
            reply_cache: Some(CacheSettings { capacity: 64, ttl: None, match_arguments: true }),
            organization: Organization::Iterative,
            queue: 64,
            boot_epoch: BootEpoch::Untold,
            recovered: Vec::new(),
            fragment: 1400,
            reassembly_buffer: 1 << 20,
            reassembly_timeout: Duration::from_secs(30),
            opens_at: None,
            refuse_orphans: false,
            reply_first: false,
        }
    }
}

/// A call that is to run.
#[derive(Clone, Debug)]
pub(super) struct Job {
    call: Call,
    /// Which of the programs.
    program: usize,
    arguments: Vec<u8>,
    /// The stamp of its AUTH_SYS credential.
    stamp: Option<u32>,
}

/// What the receiving task and the workers share.
pub(super) struct Shared {
    outlet: Outlet,
    programs: Vec<Arc<dyn Program>>,
    state: Mutex<State>,
    settings: ServerSettings,
    /// The verifier of the replies.
    verifier: Auth,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a call and answers it.
    async fn run(&self, job: Job) {
        let key = job.call.key;
        if self.settings.refuse_orphans && self.lock().is_orphan(&job) {
            report("orphan-refused");
            return self.lock().forget(&key);
        }
        if self.settings.reply_first {
            let reply = encode(&Reply::success(self.verifier.clone()), key.xid, &[]);
            self.reply(&key, &reply).await;
            self.dispatch(&job).await;
            return self.finish(&key, reply);
        }
        let reply = self.dispatch(&job).await;
        self.finish(&key, reply.clone());
        self.reply(&key, &reply).await;
    }

    /// Runs a call and gives the reply.
    async fn dispatch(&self, job: &Job) -> Bytes {
        let program = &self.programs[job.program];
        let number = job.call.key.procedure.number;
        let ran = program.dispatch(&job.call, number, &job.arguments).await;
        let verifier = self.verifier.clone();
        let xid = job.call.key.xid;
        match ran {
            Ok(results) => encode(&Reply::success(verifier), xid, &results),
            Err(fault) => encode(&Reply::Accepted { verifier, status: fault.status() }, xid, &[]),
        }
    }

    fn finish(&self, key: &CallKey, reply: Bytes) {
        let mut state = self.lock();
        state.finish(Instant::now(), key, reply);
        memory_entries(state.remembered() as u64);
    }

    /// Sends a reply. One that can not be sent is as good as one that is lost.
    async fn reply(&self, key: &CallKey, reply: &Bytes) {
        let sent = if reply.len() <= self.settings.fragment {
            self.outlet.send_to(reply, key.client).await
        } else {
            let datagrams = self.lock().datagrams_of_reply(key.client, key.xid, reply);
            self.send(datagrams, key.client).await
        };
        match sent {
            Err(_) => report("reply-not-sent"),
            Ok(()) if key.procedure.number != 0 => report("replied"),
            Ok(()) => {}
        }
    }

    async fn send(&self, datagrams: Vec<Bytes>, to: SocketAddr) -> io::Result<()> {
        for datagram in datagrams {
            self.outlet.send_to(&datagram, to).await?;
        }
        Ok(())
    }
}

/// The bytes of a reply. Its verifier is ours, so it is never too long.
fn encode(reply: &Reply, xid: u32, results: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(40 + results.len());
    reply.encode(xid, &mut bytes).expect("the verifier is short");
    bytes.extend_from_slice(results);
    bytes.into()
}

/// Serves for ever.
///
/// # Errors
/// If the socket can not receive.
///
/// # Panics
/// With workers, outside a simulated host and outside a tokio runtime.
pub async fn serve(
    mut endpoint: Endpoint,
    programs: Vec<Arc<dyn Program>>,
    mut settings: ServerSettings,
) -> io::Result<()> {
    let verifier = match settings.boot_epoch {
        BootEpoch::Untold => Auth::NONE,
        // Another in each life.
        _ => {
            let drawn = random::rng().next_u64();
            let life = if mutants::is(Mutant::SameEpochAfterRestart) { 7 } else { drawn };
            Auth::short(life.to_be_bytes().to_vec())
        }
    };
    let known = programs.iter().map(|one| (one.program(), one.version())).collect();
    let reliable = endpoint.outlet().is_reliable();
    // Else they would stay in memory, whatever the cache has room for.
    let mut recovered = std::mem::take(&mut settings.recovered);
    if mutants::is(Mutant::RepliesNotRecovered) {
        recovered.clear();
    }
    let mut state = State::new(settings.clone(), reliable, verifier.clone(), known);
    for (key, results) in recovered {
        let reply = encode(&Reply::success(verifier.clone()), key.xid, &results);
        state.finish(Instant::now(), &key, reply);
    }
    memory_entries(state.remembered() as u64);
    let outlet = endpoint.outlet().clone();
    let state = Mutex::new(state);
    let shared = Arc::new(Shared { outlet, programs, state, settings, verifier });
    let workers = Workers::new(&shared);
    loop {
        let (bytes, from) = endpoint.recv_from().await?;
        let decided = shared.lock().handle_datagram(Instant::now(), bytes, from);
        match decided {
            OnDatagram::Nothing => {}
            OnDatagram::Full => shared.outlet.reject_full(),
            // To whom nothing can be sent is that client's trouble, not the server's end.
            OnDatagram::Send(datagrams) => {
                if shared.send(datagrams, from).await.is_err() {
                    report("reply-not-sent");
                }
            }
            OnDatagram::Run(job) => workers.run(&shared, job).await,
        }
    }
}
