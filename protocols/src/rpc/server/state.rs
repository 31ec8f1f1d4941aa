//! What a server decides about a datagram: the part without I/O.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use squall_sim::protocol::report;
use squall_sim::time::Instant;

use super::outbox::Outbox;
use super::{BootEpoch, Job, ServerSettings, encode};
use crate::mutants::{self, Mutant};
use crate::oncrpc::{
    Accepted, Auth, AuthStatus, Body, CallHeader, Denied, Message, RPC_VERSION, Reply,
};
use crate::rpc::cache::{CallKey, Known, ReplyCache};
use crate::rpc::large::{Incoming, OnPiece};
use crate::rpc::packet::{MessageId, Packet, Piece, digest};
use crate::rpc::program::{Call, Procedure};

/// What is to be done about a datagram.
#[derive(Debug)]
pub(super) enum OnDatagram {
    Nothing,
    /// There is no room for it.
    Full,
    /// Send these back.
    Send(Vec<Bytes>),
    /// Run this call.
    Run(Job),
}

/// All that a server remembers.
#[derive(Debug)]
pub(super) struct State {
    settings: ServerSettings,
    verifier: Auth,
    /// Numbers and versions of the programs.
    programs: Vec<(u32, u32)>,
    cache: Option<ReplyCache>,
    incoming: Incoming,
    outbox: Outbox,
    /// The latest stamp that was heard of each machine.
    stamps: BTreeMap<IpAddr, u32>,
}

impl State {
    pub fn new(
        settings: ServerSettings,
        reliable: bool,
        verifier: Auth,
        programs: Vec<(u32, u32)>,
    ) -> Self {
        let cache = settings.reply_cache.map(|cache| ReplyCache::new(cache.capacity, cache.ttl));
        let incoming = Incoming::new(settings.reassembly_buffer, settings.reassembly_timeout);
        let outbox = Outbox::new(settings.fragment, reliable);
        let stamps = BTreeMap::new();
        State { settings, verifier, programs, cache, incoming, outbox, stamps }
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, now: Instant, bytes: &[u8], from: SocketAddr) -> OnDatagram {
        match Packet::decode(bytes) {
            None => self.handle_message(now, bytes, from),
            Some(Packet::Piece(piece)) if !piece.of.is_reply => self.handle_piece(now, from, piece),
            Some(Packet::Received { of, burst, pieces }) if of.is_reply => {
                match self.outbox.handle_received(from, of, burst, pieces) {
                    Some(missing) => {
                        if !missing.is_empty() {
                            report("retransmission");
                        }
                        OnDatagram::Send(missing)
                    }
                    None => forgotten(of.xid, of.digest),
                }
            }
            Some(Packet::Ask { xid, digest }) => {
                let known = self.find(now, from, xid, digest);
                known.unwrap_or_else(|| forgotten(xid, digest))
            }
            Some(_) => OnDatagram::Nothing,
        }
    }

    fn handle_piece(&mut self, now: Instant, from: SocketAddr, piece: Piece<'_>) -> OnDatagram {
        if let Some(known) = self.find(now, from, piece.of.xid, piece.of.digest) {
            // Only a marked piece asks for an answer.
            if piece.burst == 0 {
                return OnDatagram::Nothing;
            }
            report("duplicate-suppressed");
            return known;
        }
        match self.incoming.handle_piece(now, from, piece) {
            OnPiece::Complete(message) => self.handle_whole(now, from, piece.of, &message),
            OnPiece::Waits(Some(received)) => OnDatagram::Send(vec![received.into()]),
            OnPiece::Waits(None) => OnDatagram::Nothing,
            OnPiece::Full => OnDatagram::Full,
        }
    }

    /// The answer to a call that is known.
    fn find(
        &mut self,
        now: Instant,
        from: SocketAddr,
        xid: u32,
        digest: u64,
    ) -> Option<OnDatagram> {
        let cached = self.cached_digest(digest);
        let known = self.cache.as_mut()?.find(now, from, xid, cached)?;
        Some(self.answer(from, xid, digest, known))
    }

    /// The digest by which a call is remembered.
    fn cached_digest(&self, digest: u64) -> u64 {
        let blind =
            mutants::is(Mutant::ArgumentsNotCompared) || mutants::is(Mutant::XidReusedAfterRestart);
        let compares = self.settings.reply_cache.is_some_and(|cache| cache.match_arguments);
        let matters = compares && !blind;
        if matters { digest } else { 0 }
    }

    fn answer(&mut self, to: SocketAddr, xid: u32, digest: u64, known: Known) -> OnDatagram {
        match known {
            Known::Working => {
                OnDatagram::Send(vec![Packet::Working { xid, digest }.encode().into()])
            }
            Known::Finished(reply) => OnDatagram::Send(self.datagrams_of_reply(to, xid, &reply)),
        }
    }

    /// The pieces of a call are together, and must be what they said.
    fn handle_whole(
        &mut self,
        now: Instant,
        from: SocketAddr,
        of: MessageId,
        bytes: &[u8],
    ) -> OnDatagram {
        match Message::decode(bytes) {
            Ok((Message { xid, body: Body::Call(header) }, arguments))
                if xid == of.xid && digest(arguments) == of.digest =>
            {
                self.handle_call(now, xid, header, arguments, from)
            }
            _ => OnDatagram::Nothing,
        }
    }

    fn handle_message(&mut self, now: Instant, bytes: &[u8], from: SocketAddr) -> OnDatagram {
        let Ok((Message { xid, body }, rest)) = Message::decode(bytes) else {
            return OnDatagram::Nothing;
        };
        match body {
            Body::Call(header) => self.handle_call(now, xid, header, rest, from),
            Body::ForeignCall { .. } => {
                let (low, high) = (RPC_VERSION, RPC_VERSION);
                denied(xid, Denied::RpcMismatch { low, high })
            }
            Body::Reply(_) => OnDatagram::Nothing,
        }
    }

    fn handle_call(
        &mut self,
        now: Instant,
        xid: u32,
        header: CallHeader,
        arguments: &[u8],
        from: SocketAddr,
    ) -> OnDatagram {
        let asked = self.settings.refuse_orphans.then_some(&header.credential);
        let stamp = asked.and_then(Auth::sys).map(|user| user.stamp);
        if let Some(stamp) = stamp {
            let latest = self.stamps.entry(from.ip()).or_insert(stamp);
            *latest = stamp.max(*latest);
        }
        let is_null = header.procedure == 0;
        let required = self.settings.boot_epoch == BootEpoch::Required;
        if required && !is_null && header.verifier != self.verifier {
            report("old-epoch-refused");
            return denied(xid, Denied::Auth(AuthStatus::RejectedVerifier));
        }
        let program = match self.program(now, header.program, header.version) {
            Ok(program) => program,
            Err(status) => {
                let verifier = self.verifier.clone();
                return reply(xid, &Reply::Accepted { verifier, status });
            }
        };
        let procedure = Procedure {
            program: header.program,
            version: header.version,
            number: header.procedure,
        };
        let digest = digest(arguments);
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        let client = if mutants::is(Mutant::CacheIgnoresClient) { nobody } else { from };
        let key = CallKey { client, xid, procedure, digest: self.cached_digest(digest) };
        // The null procedure does nothing, so nothing need be remembered of it.
        if !is_null
            && let Some(cache) = &mut self.cache
            && let Some(known) = cache.handle_call(now, key)
        {
            report("duplicate-suppressed");
            return self.answer(from, xid, digest, known);
        }
        if !is_null {
            report("received");
        }
        let call = Call { key, credential: header.credential };
        OnDatagram::Run(Job { call, program, arguments: arguments.to_vec(), stamp })
    }

    /// Which of the programs is called.
    fn program(&self, now: Instant, program: u32, version: u32) -> Result<usize, Accepted> {
        if self.settings.opens_at.is_some_and(|opens_at| now < opens_at) {
            return Err(Accepted::ProgramUnavailable);
        }
        if let Some(index) = self.programs.iter().position(|one| *one == (program, version)) {
            return Ok(index);
        }
        let versions = || self.programs.iter().filter(|one| one.0 == program).map(|one| one.1);
        match (versions().min(), versions().max()) {
            (Some(low), Some(high)) => Err(Accepted::ProgramMismatch { low, high }),
            _ => Err(Accepted::ProgramUnavailable),
        }
    }

    /// True if a call's caller has begun another life.
    pub fn is_orphan(&self, job: &Job) -> bool {
        let latest = self.stamps.get(&job.call.key.client.ip());
        job.stamp.zip(latest).is_some_and(|(stamp, latest)| stamp < *latest)
    }

    /// A call has run, and this is its reply.
    pub fn finish(&mut self, now: Instant, key: &CallKey, reply: Bytes) {
        if let Some(cache) = self.cache.as_mut().filter(|_| key.procedure.number != 0) {
            cache.finish(now, *key, reply);
        }
    }

    /// A call does not run after all.
    pub fn forget(&mut self, key: &CallKey) {
        if let Some(cache) = &mut self.cache {
            cache.forget(key);
        }
    }

    /// How many calls it remembers.
    pub fn remembered(&self) -> usize {
        self.cache.as_ref().map_or(0, ReplyCache::len)
    }

    /// A reply as datagrams. One that takes too many becomes a failure of the server.
    pub fn datagrams_of_reply(&mut self, to: SocketAddr, xid: u32, bytes: &Bytes) -> Vec<Bytes> {
        if bytes.len() <= self.settings.fragment {
            return vec![bytes.clone()];
        }
        let pieces = self.outbox.send(to, xid, bytes);
        pieces.unwrap_or_else(|| {
            let (verifier, status) = (self.verifier.clone(), Accepted::SystemError);
            vec![encode(&Reply::Accepted { verifier, status }, xid, &[])]
        })
    }
}

fn denied(xid: u32, why: Denied) -> OnDatagram {
    reply(xid, &Reply::Denied(why))
}

fn reply(xid: u32, reply: &Reply) -> OnDatagram {
    OnDatagram::Send(vec![encode(reply, xid, &[])])
}

fn forgotten(xid: u32, digest: u64) -> OnDatagram {
    OnDatagram::Send(vec![Packet::Forgotten { xid, digest }.encode().into()])
}
