//! What a client decides about its calls: the part without I/O.
//!
//! `start` begins a call, `handle_*` take what happened, `take_datagrams` and `next_deadline` say what to do
//! next. A call has one transaction id, the same in every retransmission.

mod epoch;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use squall_sim::protocol::report;
use squall_sim::time::{Duration, Instant};
use tokio::sync::oneshot;

use self::epoch::Epoch;
use super::{Answer, ClientSettings};
use crate::mutants::{self, Mutant};
use crate::oncrpc::{Accepted, Auth, AuthStatus, Body, CallHeader, Denied, Message, Reply};
use crate::rpc::error::{CallError, Refusal};
use crate::rpc::large::{Incoming, OnPiece, Outgoing};
use crate::rpc::packet::{MessageId, Packet, Piece, digest};
use crate::rpc::program::Procedure;
use crate::timer::Timer;

/// How a call ended.
pub(super) type Ended = Result<Answer, CallError>;

/// All calls of a client that have not ended.
#[derive(Debug)]
pub(super) struct Calls {
    settings: ClientSettings,
    server: SocketAddr,
    /// True if the layer below sends again what is lost.
    reliable: bool,
    timer: Timer,
    next_xid: u32,
    calls: BTreeMap<u32, Call>,
    deadlines: BTreeSet<(Instant, u32)>,
    incoming: Incoming,
    epoch: Epoch,
    /// What to send, and for which call.
    datagrams: Vec<(u32, Bytes)>,
}

#[derive(Debug)]
struct Call {
    procedure: Procedure,
    credential: Auth,
    /// What it shows of the server's life.
    shown: Option<Auth>,
    digest: u64,
    content: Content,
    phase: Phase,
    /// Sendings since the server was last heard of, and in all.
    silent: u64,
    sent: u64,
    sent_at: Instant,
    deadline: Option<Instant>,
    /// The digest in the last question; the answer that this is forgotten is believed once.
    asked: Option<u64>,
    /// Who waits for it; nobody for a call that only asks for the server's verifier.
    answer: Option<oneshot::Sender<Ended>>,
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnDatagram {
    /// It was read, or ignored.
    Taken,
    /// There is no room for it.
    Full,
}

#[derive(Debug)]
enum Content {
    /// The arguments of a call that waits for the epoch.
    Waits(Vec<u8>),
    Small(Bytes),
    Large(Outgoing),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The server has not said anything.
    Calling,
    /// It has the call.
    Working,
}

impl Calls {
    pub fn new(settings: ClientSettings, server: SocketAddr, reliable: bool) -> Self {
        let epoch = if settings.boot_epoch { Epoch::Unknown } else { Epoch::NotNeeded };
        Calls {
            server,
            reliable,
            timer: settings.timer.clone(),
            next_xid: match mutants::is(Mutant::XidReusedAfterRestart) {
                true => 1,
                false => settings.first_xid,
            },
            calls: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            incoming: Incoming::new(settings.reassembly_buffer, settings.reassembly_timeout),
            epoch,
            datagrams: Vec::new(),
            settings,
        }
    }

    /// Begins a call. How it ended will be sent to `answer`.
    pub fn start(
        &mut self,
        now: Instant,
        procedure: Procedure,
        credential: Auth,
        arguments: Vec<u8>,
        answer: oneshot::Sender<Ended>,
    ) {
        let xid = self.add(now, procedure, credential, arguments, Some(answer));
        match self.epoch {
            Epoch::NotNeeded | Epoch::Known(_) => self.send_first(now, xid),
            Epoch::Unknown => self.request_epoch(now),
            Epoch::Requested(_) => {}
        }
    }

    fn add(
        &mut self,
        now: Instant,
        procedure: Procedure,
        credential: Auth,
        arguments: Vec<u8>,
        answer: Option<oneshot::Sender<Ended>>,
    ) -> u32 {
        while self.calls.contains_key(&self.next_xid) {
            self.next_xid = self.next_xid.wrapping_add(1);
        }
        let xid = self.next_xid;
        self.next_xid = xid.wrapping_add(1);
        let call = Call {
            procedure,
            credential,
            shown: None,
            digest: digest(&arguments),
            content: Content::Waits(arguments),
            phase: Phase::Calling,
            silent: 0,
            sent: 0,
            sent_at: now,
            deadline: None,
            asked: None,
            answer,
        };
        self.calls.insert(xid, call);
        xid
    }

    /// Puts the message of a call together and sends it.
    fn send_first(&mut self, now: Instant, xid: u32) {
        let shown = self.shown();
        let Some(call) = self.calls.get_mut(&xid) else { return };
        let Content::Waits(arguments) = &call.content else { return };
        let mut message = Vec::with_capacity(96 + arguments.len());
        let Procedure { program, version, number } = call.procedure;
        let credential = std::mem::take(&mut call.credential);
        call.shown.clone_from(&shown);
        let verifier = shown.unwrap_or(Auth::NONE);
        let header = CallHeader { program, version, procedure: number, credential, verifier };
        if let Err(error) = header.encode(xid, &mut message) {
            self.end(xid, Err(CallError::Arguments(error)));
            return self.epoch_ended(xid);
        }
        message.extend_from_slice(arguments);
        let length = message.len();
        call.content = if length <= self.settings.fragment {
            Content::Small(message.into())
        } else {
            let of = MessageId { xid, is_reply: false, digest: call.digest };
            match Outgoing::new(of, message, self.settings.fragment, self.reliable) {
                Some(outgoing) => Content::Large(outgoing),
                None => return self.end(xid, Err(too_large(length))),
            }
        };
        self.send(now, xid);
    }

    /// Sends a call, or the pieces of it that are missing, and waits for an answer.
    fn send(&mut self, now: Instant, xid: u32) {
        let Some(call) = self.calls.get_mut(&xid) else { return };
        match &mut call.content {
            Content::Waits(_) => return,
            Content::Small(message) => self.datagrams.push((xid, message.clone())),
            Content::Large(outgoing) => {
                self.datagrams
                    .extend(outgoing.missing().into_iter().map(|piece| (xid, piece.into())));
            }
        }
        self.sent(now, xid);
    }

    /// Something was sent for a call: counts it, and sets the timer.
    fn sent(&mut self, now: Instant, xid: u32) {
        let Some(call) = self.calls.get_mut(&xid) else { return };
        call.silent += 1;
        call.sent += 1;
        call.sent_at = now;
        let is_large = matches!(call.content, Content::Large(_));
        let wait = match (counts_as_arrived(call, self.reliable), is_large) {
            (true, _) => self.settings.ask_interval,
            (false, true) => self.timer.wait(call.silent).min(self.patience()),
            (false, false) => self.timer.wait(call.silent),
        };
        self.set_deadline(xid, now + wait);
    }

    /// No wait for pieces is longer: once they expire, all would begin anew, and a message that never comes
    /// at one go would never come. But a second is not too long for any.
    fn patience(&self) -> Duration {
        (self.settings.reassembly_timeout / 2).max(Duration::from_secs(1))
    }

    fn set_deadline(&mut self, xid: u32, deadline: Instant) {
        let Some(call) = self.calls.get_mut(&xid) else { return };
        if let Some(old) = call.deadline.replace(deadline) {
            self.deadlines.remove(&(old, xid));
        }
        self.deadlines.insert((deadline, xid));
    }

    fn end(&mut self, xid: u32, ended: Ended) {
        let Some(call) = self.calls.remove(&xid) else { return };
        if let Some(deadline) = call.deadline {
            self.deadlines.remove(&(deadline, xid));
        }
        self.incoming.forget(self.server, xid);
        if let Some(answer) = call.answer {
            // Nobody may wait any more.
            let _ = answer.send(ended);
        }
    }

    /// When [`Calls::handle_timeout`] is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// What is to be sent to the server, and for which call.
    pub fn take_datagrams(&mut self) -> Vec<(u32, Bytes)> {
        std::mem::take(&mut self.datagrams)
    }

    /// A datagram of a call could not be sent.
    pub fn handle_send_error(&mut self, xid: u32, error: io::Error) {
        // What was sent before may yet be answered.
        if self.calls.get(&xid).is_some_and(|call| call.sent == 1) {
            self.end(xid, Err(CallError::NotSent(error)));
            self.epoch_ended(xid);
        }
    }

    /// Nothing can be sent or received any more.
    pub fn close(&mut self, why: &str) {
        let all: Vec<u32> = self.calls.keys().copied().collect();
        all.into_iter().for_each(|xid| self.end(xid, Err(CallError::Closed(why.to_owned()))));
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((deadline, xid)) = self.deadlines.first().copied() {
            if deadline > now {
                return;
            }
            self.deadlines.remove(&(deadline, xid));
            self.timed_out(now, xid);
        }
    }

    fn timed_out(&mut self, now: Instant, xid: u32) {
        let Some(call) = self.calls.get_mut(&xid) else { return };
        call.deadline = None;
        let (silent, arrived) = (call.silent, counts_as_arrived(call, self.reliable));
        self.timer.handle_timeout();
        if self.timer.gives_up_after(silent) {
            report("gave-up");
            self.end(xid, Err(CallError::NoAnswer));
            return self.epoch_ended(xid);
        }
        if let Some((of, received)) = self.incoming.received(now, self.server, xid) {
            // A part of the reply is there: only the rest is wanted.
            self.ask(now, xid, of.digest, received);
        } else if arrived && self.settings.asks {
            let digest = call.digest;
            self.ask(now, xid, digest, Packet::Ask { xid, digest }.encode());
        } else {
            report("retransmission");
            match &mut call.content {
                Content::Large(outgoing) => {
                    let probe = outgoing.probe();
                    self.datagrams.push((xid, probe.into()));
                    self.sent(now, xid);
                }
                _ if mutants::is(Mutant::NewXidOnRetry) => self.send_under_new_xid(now, xid),
                _ => self.send(now, xid),
            }
        }
    }

    /// What [`Mutant::NewXidOnRetry`] does.
    fn send_under_new_xid(&mut self, now: Instant, xid: u32) {
        let Some(mut call) = self.calls.remove(&xid) else { return };
        let another = self.next_xid;
        self.next_xid = another.wrapping_add(1);
        if let Content::Small(message) = &call.content {
            // The transaction id is the first word.
            let renamed = [&another.to_be_bytes()[..], &message[4..]].concat();
            call.content = Content::Small(renamed.into());
        }
        self.calls.insert(another, call);
        self.send(now, another);
    }

    fn ask(&mut self, now: Instant, xid: u32, digest: u64, packet: Vec<u8>) {
        report("asked");
        if let Some(call) = self.calls.get_mut(&xid) {
            call.asked = Some(digest);
        }
        self.datagrams.push((xid, packet.into()));
        self.sent(now, xid);
    }

    /// A datagram came from the server.
    pub fn handle_datagram(&mut self, now: Instant, bytes: &[u8]) -> OnDatagram {
        match Packet::decode(bytes) {
            None => self.handle_message(now, bytes),
            Some(Packet::Piece(piece)) if piece.of.is_reply => {
                return self.handle_piece(now, piece);
            }
            Some(packet) => self.handle_packet(now, packet),
        }
        OnDatagram::Taken
    }

    fn handle_message(&mut self, now: Instant, bytes: &[u8]) {
        if let Ok((Message { xid, body: Body::Reply(reply) }, rest)) = Message::decode(bytes) {
            self.handle_reply(now, xid, reply, rest);
        }
    }

    fn handle_packet(&mut self, now: Instant, packet: Packet<'_>) {
        match packet {
            Packet::Received { of, burst, pieces } if !of.is_reply => {
                self.handle_received(now, of, burst, pieces);
            }
            Packet::Working { xid, digest } => {
                let Some(call) = self.known(xid, digest) else { return };
                call.phase = Phase::Working;
                call.silent = 0;
                self.set_deadline(xid, now + self.settings.ask_interval);
            }
            Packet::Forgotten { xid, digest } => {
                let Some(call) = self.calls.get_mut(&xid) else { return };
                if call.asked.take_if(|asked| *asked == digest).is_none() {
                    return;
                }
                call.phase = Phase::Calling;
                if let Content::Large(outgoing) = &mut call.content {
                    outgoing.handle_forgotten();
                }
                self.incoming.forget(self.server, xid);
                report("retransmission");
                self.send(now, xid);
            }
            _ => {}
        }
    }

    fn known(&mut self, xid: u32, digest: u64) -> Option<&mut Call> {
        self.calls.get_mut(&xid).filter(|call| call.sent > 0 && call.digest == digest)
    }

    fn handle_piece(&mut self, now: Instant, piece: Piece<'_>) -> OnDatagram {
        let of = piece.of;
        let Some(call) = self.calls.get_mut(&of.xid) else { return OnDatagram::Taken };
        let outcome = self.incoming.handle_piece(now, self.server, piece);
        if outcome == OnPiece::Full {
            // No sign that matters: a reply for which there will never be room must not be asked for
            // without end.
            return OnDatagram::Full;
        }
        call.silent = 0;
        // The next pieces are under way: no need to ask for them yet.
        self.set_deadline(of.xid, now + self.timer.wait(1).min(self.patience()));
        match outcome {
            OnPiece::Complete(message) if digest(&message) == of.digest => {
                self.handle_message(now, &message);
            }
            OnPiece::Waits(Some(received)) => self.datagrams.push((of.xid, received.into())),
            _ => {}
        }
        OnDatagram::Taken
    }

    fn handle_received(&mut self, now: Instant, of: MessageId, burst: u8, pieces: &[u8]) {
        let Some(call) = self.known(of.xid, of.digest) else { return };
        let Content::Large(outgoing) = &mut call.content else { return };
        if outgoing.handle_received(burst, pieces) {
            call.silent = 0;
            report("retransmission");
            self.send(now, of.xid);
        }
    }

    fn handle_reply(&mut self, now: Instant, xid: u32, reply: Reply, rest: &[u8]) {
        let oldest = self.calls.iter().find(|(_, call)| call.sent > 0).map(|(xid, _)| *xid);
        let any = mutants::is(Mutant::AnyReplyWill);
        let xid = oldest.filter(|_| any && !self.calls.contains_key(&xid)).unwrap_or(xid);
        // An answer to a call that was not sent yet is one to an earlier life's.
        let Some(call) = self.calls.get(&xid).filter(|call| call.sent > 0) else {
            report("stale-reply");
            let mutant = mutants::is(Mutant::ResendsOnStaleReply);
            if self.settings.retransmit_on_stale_reply || mutant {
                self.retransmit_first(now);
            }
            return;
        };
        if call.phase == Phase::Calling {
            self.timer.handle_ack(now - call.sent_at, call.sent);
        }
        let trusts = self.settings.trust_refusals || mutants::is(Mutant::RefusalBelieved);
        let certain = call.sent == 1 || trusts;
        let refused = |why| Err(CallError::Refused { why, certain });
        let ended = match reply {
            Reply::Accepted { verifier, status: Accepted::Success } => {
                Ok(Answer { verifier, results: rest.to_vec() })
            }
            Reply::Accepted { status, .. } => match Refusal::from_status(status) {
                Some(why) => refused(why),
                None => Err(CallError::ServerFailed),
            },
            // Whatever is known by now: what the call was shown with was true once.
            Reply::Denied(Denied::Auth(AuthStatus::RejectedVerifier)) if call.shown.is_some() => {
                if call.shown == self.shown() {
                    self.epoch = Epoch::Unknown;
                }
                Err(CallError::Restarted)
            }
            Reply::Denied(why) => refused(why.into()),
        };
        if self.epoch == Epoch::Requested(xid) {
            return self.handle_epoch(now, xid, ended);
        }
        self.end(xid, ended);
    }

    /// What the real clients do that turn 21 calls into 143.
    fn retransmit_first(&mut self, now: Instant) {
        if let Some(xid) = self.calls.keys().next().copied() {
            report("retransmission");
            self.send(now, xid);
        }
    }
}

/// True if sending a call again brings nothing: the server has it, or the layer below sends again what
/// is lost.
fn counts_as_arrived(call: &Call, reliable: bool) -> bool {
    reliable || call.phase == Phase::Working
}

fn too_large(length: usize) -> CallError {
    let why = format!("a call of {length} bytes takes too many datagrams");
    CallError::NotSent(io::Error::new(io::ErrorKind::InvalidInput, why))
}
