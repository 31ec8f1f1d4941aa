//! A counter in memory. Its calls have no arguments, so what tells them apart is who calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use squall_sim::time::{Duration, sleep};

use super::Ledger;
use crate::rpc::{Call, Fault};

mod interface {
    include!(concat!(env!("OUT_DIR"), "/counter.rs"));
}

pub use interface::*;

/// The counter. Clones are the same counter.
#[derive(Clone, Debug)]
pub struct Counter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    count: AtomicU64,
    service: Duration,
    ledger: Ledger,
}

impl Counter {
    /// A counter at 0, each call of which takes `service`.
    pub fn new(service: Duration, ledger: Ledger) -> Self {
        Counter(Arc::new(Inner { count: AtomicU64::new(0), service, ledger }))
    }
}

impl CounterV1 for Counter {
    /// The ledger is told who calls: the credential's user and group.
    async fn increment(&self, call: &Call) -> Result<(), Fault> {
        if !self.0.service.is_zero() {
            sleep(self.0.service).await;
        }
        self.0.count.fetch_add(1, Ordering::Relaxed);
        if let Some(caller) = call.credential.sys() {
            let memo = u64::from(caller.uid) << 32 | u64::from(caller.gid);
            self.0.ledger.ran(&memo.to_be_bytes());
        }
        Ok(())
    }

    async fn read(&self, _: &Call) -> Result<u64, Fault> {
        Ok(self.0.count.load(Ordering::Relaxed))
    }
}
