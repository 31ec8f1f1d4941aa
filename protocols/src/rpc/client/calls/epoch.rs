//! The boot epoch: what a client learns of its server's present life, and which calls wait for that.

use std::io;

use squall_sim::time::Instant;

use super::{Call, Calls, Content, Ended};
use crate::oncrpc::{Auth, flavor};
use crate::rpc::client::Answer;
use crate::rpc::error::CallError;
use crate::rpc::program::Procedure;

/// What is known of the server's present life, which calls must name with `boot_epoch`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Epoch {
    /// Nothing, and it need not be.
    NotNeeded,
    /// Nothing: calls wait.
    Unknown,
    /// This call asks for it.
    Requested(u32),
    /// What the server wants to be shown.
    Known(Auth),
}

impl Calls {
    /// Calls the null procedure of the program that waits first, for the verifier in its reply.
    pub(super) fn request_epoch(&mut self, now: Instant) {
        let waits = |call: &&Call| matches!(call.content, Content::Waits(_));
        let Some(first) = self.calls.values().find(waits) else { return };
        let null = Procedure { number: 0, ..first.procedure };
        let credential = first.credential.clone();
        let xid = self.add(now, null, credential, Vec::new(), None);
        self.epoch = Epoch::Requested(xid);
        self.send_first(now, xid);
    }

    /// What calls that are sent now show of the server's present life.
    pub(super) fn shown(&self) -> Option<Auth> {
        match &self.epoch {
            Epoch::Known(verifier) => Some(verifier.clone()),
            _ => None,
        }
    }

    /// A call has ended without an answer: perhaps the one that others wait for.
    pub(super) fn epoch_ended(&mut self, xid: u32) {
        if self.epoch == Epoch::Requested(xid) {
            self.epoch_failed();
        }
    }

    /// The call that asks for the epoch has ended.
    pub(super) fn handle_epoch(&mut self, now: Instant, xid: u32, ended: Ended) {
        self.end(xid, Err(CallError::NoAnswer));
        let verifier = match ended {
            Ok(Answer { verifier, .. }) if verifier.flavor == flavor::SHORT => verifier,
            _ => return self.epoch_failed(),
        };
        self.epoch = Epoch::Known(verifier);
        let mut all: Vec<u32> = self.calls.keys().copied().collect();
        // In the order in which they began, though ids wrap around.
        all.sort_by_key(|xid| xid.wrapping_sub(self.next_xid));
        all.into_iter().for_each(|xid| self.send_first(now, xid));
    }

    /// The server does not say who it is: calls that wait for that were never sent.
    fn epoch_failed(&mut self) {
        self.epoch = Epoch::Unknown;
        let waits =
            |(xid, call): (&u32, &Call)| matches!(call.content, Content::Waits(_)).then_some(*xid);
        let all: Vec<u32> = self.calls.iter().filter_map(waits).collect();
        for xid in all {
            let why = io::Error::new(io::ErrorKind::TimedOut, "the server does not answer");
            self.end(xid, Err(CallError::NotSent(why)));
        }
    }
}
