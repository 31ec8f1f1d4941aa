//! The client: one socket, any number of calls at a time.

mod calls;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::Rng;
use squall_sim::random;
use squall_sim::task::{self, Either, select};
use squall_sim::time::{Duration, Instant, timeout_at};
use tokio::sync::{Notify, oneshot};

use self::calls::{Calls, Ended, OnDatagram};
use super::endpoint::Endpoint;
use super::error::CallError;
use super::program::Procedure;
use crate::oncrpc::Auth;
use crate::timer::Timer;
use crate::xdr::{self, Xdr};

/// How a client calls.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientSettings {
    /// When to send a call again, and after how many sendings without a sign of the server to give up.
    pub timer: Timer,
    /// How long to wait before asking again about a call of which the server has said that it is
    /// working on it.
    pub ask_interval: Duration,
    /// Whether to ask about such calls at all: only a server that keeps replies can tell.
    pub asks: bool,
    /// The most bytes of a datagram; larger messages travel in pieces.
    pub fragment: usize,
    /// Bytes of pieces of replies that may wait for the rest.
    pub reassembly_buffer: usize,
    /// How long they may wait.
    pub reassembly_timeout: Duration,
    /// The transaction id of the first call. A client that begins with the same one after a restart may
    /// get the reply to an earlier call.
    pub first_xid: u32,
    /// Whether the server wants to be shown that the client knows of its present life.
    pub boot_epoch: bool,
    /// Who calls, unless [`Client::with_credential`] says otherwise.
    pub credential: Auth,
    /// A flaw, to be shown: a refusal counts as definite even if the call was sent before.
    pub trust_refusals: bool,
    /// A flaw, to be shown: a reply to no call of ours makes the client send again.
    pub retransmit_on_stale_reply: bool,
}

impl Default for ClientSettings {
    /// A timeout of 1 s, 5 attempts, and a transaction id drawn from the host's random numbers.
    fn default() -> Self {
        ClientSettings {
            timer: Timer { max_attempts: Some(5), ..Timer::fixed(Duration::from_secs(1)) },
            ask_interval: Duration::from_secs(5),
            asks: true,
            fragment: 1400,
            reassembly_buffer: 1 << 20,
            reassembly_timeout: Duration::from_secs(30),
            first_xid: random::rng().next_u32(),
            boot_epoch: false,
            credential: Auth::NONE,
            trust_refusals: false,
            retransmit_on_stale_reply: false,
        }
    }
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    /// The reply's verifier.
    pub verifier: Auth,
    /// The encoded results.
    pub results: Vec<u8>,
}

/// A client of one server. Clones share socket and calls; when the last is dropped, and no [`Pending`]
/// is left, the socket is closed.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
    credential: Auth,
}

/// Ends the client's task when it is dropped.
struct Handle(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    calls: Calls,
    closed: Option<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, why: &str) {
        let mut state = self.lock();
        if state.closed.is_none() {
            state.closed = Some(why.to_owned());
            state.calls.close(why);
        }
        drop(state);
        self.changed.notify_one();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close("the client was dropped");
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("credential", &self.credential).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `server`, on an endpoint of its own. It runs a task beside its caller.
    ///
    /// # Panics
    /// Outside a simulated host and outside a tokio runtime.
    pub fn new(endpoint: Endpoint, server: SocketAddr, settings: ClientSettings) -> Self {
        let credential = settings.credential.clone();
        let calls = Calls::new(settings, server, endpoint.outlet().is_reliable());
        let state = Mutex::new(State { calls, closed: None });
        let shared = Arc::new(Shared { state, changed: Notify::new() });
        task::spawn(drive(Driven(Arc::clone(&shared)), endpoint, server));
        Client { handle: Arc::new(Handle(shared)), credential }
    }

    /// The same client, calling with this credential.
    pub fn with_credential(&self, credential: Auth) -> Self {
        Client { handle: Arc::clone(&self.handle), credential }
    }

    /// Calls a procedure and waits for its results.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::is_definite`] tells whether the call may have run.
    pub async fn call<R: Xdr>(
        &self,
        procedure: Procedure,
        arguments: &impl Xdr,
    ) -> Result<R, CallError> {
        self.start(procedure, arguments)?.wait().await
    }

    /// Begins to call a procedure. Collect the results later; meanwhile the call is sent, and sent again
    /// where necessary.
    ///
    /// # Errors
    /// If the arguments have no XDR form.
    pub fn start<R: Xdr>(
        &self,
        procedure: Procedure,
        arguments: &impl Xdr,
    ) -> Result<Pending<R>, CallError> {
        let answer = self.begin(procedure, xdr::to_bytes(arguments)?);
        Ok(Pending { answer, _handle: Arc::clone(&self.handle), results: PhantomData })
    }

    /// Calls procedure 0, which does nothing, and gives the verifier in the server's reply.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn null(&self, program: u32, version: u32) -> Result<Auth, CallError> {
        let null = Procedure { program, version, number: 0 };
        Ok(ended(self.begin(null, Vec::new()).await)?.verifier)
    }

    fn begin(&self, procedure: Procedure, arguments: Vec<u8>) -> oneshot::Receiver<Ended> {
        let (answer, wait) = oneshot::channel();
        let shared = &self.handle.0;
        let mut state = shared.lock();
        match &state.closed {
            Some(why) => {
                let why = io::Error::new(io::ErrorKind::NotConnected, why.clone());
                // The receiver is in our hands.
                let _ = answer.send(Err(CallError::NotSent(why)));
            }
            None => {
                let credential = self.credential.clone();
                state.calls.start(Instant::now(), procedure, credential, arguments, answer);
            }
        }
        drop(state);
        shared.changed.notify_one();
        wait
    }
}

fn ended(received: Result<Ended, oneshot::error::RecvError>) -> Ended {
    received.unwrap_or_else(|_| Err(CallError::Closed("the client's task ended".to_owned())))
}

/// A call that was begun.
pub struct Pending<R> {
    answer: oneshot::Receiver<Ended>,
    /// Keeps the client's task alive.
    _handle: Arc<Handle>,
    results: PhantomData<fn() -> R>,
}

impl<R: Xdr> Pending<R> {
    /// Waits for the results.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn wait(self) -> Result<R, CallError> {
        let answer = ended(self.answer.await)?;
        xdr::from_bytes(&answer.results).map_err(CallError::Results)
    }
}

impl<R> fmt::Debug for Pending<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

/// Closes a client when its task is dropped, as with the runtime that runs it: then nobody else would
/// tell those who wait.
struct Driven(Arc<Shared>);

impl Drop for Driven {
    fn drop(&mut self) {
        self.0.close("the client's task ended");
    }
}

/// Moves the datagrams of a client until it is dropped.
async fn drive(driven: Driven, mut endpoint: Endpoint, server: SocketAddr) {
    let shared = &driven.0;
    let (outlet, mut unsent) = (endpoint.outlet().clone(), Vec::new());
    loop {
        let (datagrams, deadline) = {
            let mut state = shared.lock();
            if state.closed.is_some() {
                return;
            }
            let calls = &mut state.calls;
            unsent.drain(..).for_each(|(xid, error)| calls.handle_send_error(xid, error));
            if calls.next_deadline().is_some_and(|deadline| deadline < Instant::now()) {
                calls.handle_timeout(Instant::now());
            }
            (calls.take_datagrams(), calls.next_deadline())
        };
        for (xid, datagram) in datagrams {
            if let Err(error) = outlet.send_to(&datagram, server).await {
                unsent.push((xid, error));
            }
        }
        if !unsent.is_empty() {
            continue;
        }
        let event = pin!(select(endpoint.recv_from(), shared.changed.notified()));
        let event = match deadline {
            Some(deadline) => timeout_at(deadline, event).await.ok(),
            None => Some(event.await),
        };
        match event {
            Some(Either::First(Ok((bytes, from)))) if from == server => {
                let taken = shared.lock().calls.handle_datagram(Instant::now(), bytes);
                if taken == OnDatagram::Full {
                    outlet.reject_full();
                }
            }
            Some(Either::First(Err(error))) => return shared.close(&error.to_string()),
            Some(Either::First(_) | Either::Second(())) => {}
            // Only now: what arrives at the deadline is in time.
            None => shared.lock().calls.handle_timeout(Instant::now()),
        }
    }
}
