//! A bank whose accounts are on its disk: what each call does is committed to a journal.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use squall_sim::task::yield_now;
use squall_sim::time::{Duration, sleep};

use super::Ledger;
use crate::rpc::cache::CallKey;
use crate::rpc::journal::{Journal, JournalSettings};
use crate::rpc::{Call, Fault};
use crate::xdr;

mod interface {
    include!(concat!(env!("OUT_DIR"), "/bank.rs"));
}

pub use interface::*;

/// How the bank works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BankSettings {
    /// How its journal is kept.
    pub journal: JournalSettings,
    /// How long a slow call takes before it looks at an account.
    pub service: Duration,
    /// Every which call is slow, from the first on; 1 is all of them.
    pub slow_every: u64,
    /// Whether a call has its accounts for itself between reading and writing them.
    pub lock: bool,
    /// How many bytes a receipt has beside the balance.
    pub slip: usize,
}

impl Default for BankSettings {
    fn default() -> Self {
        let (journal, service) = (JournalSettings::default(), Duration::ZERO);
        BankSettings { journal, service, slow_every: 1, lock: true, slip: 0 }
    }
}

/// The bank. Clones are the same bank.
#[derive(Clone, Debug)]
pub struct Bank(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: BankSettings,
    accounts: Mutex<BTreeMap<Account, Statement>>,
    /// Held between reading and writing accounts.
    lock: tokio::sync::Mutex<()>,
    journal: Journal,
    calls: AtomicU64,
    ledger: Ledger,
}

/// What a bank found when it opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The replies that it had committed, the oldest first: calls and encoded results.
    pub replies: Vec<(CallKey, Vec<u8>)>,
    /// Bytes of its journal that were damaged, and are lost.
    pub damaged: usize,
}

impl Bank {
    /// Opens the bank whose journal is at `path`; there need be none.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn open(
        path: &str,
        settings: BankSettings,
        ledger: Ledger,
    ) -> io::Result<(Bank, Opened)> {
        let (journal, found) = Journal::open(path, settings.journal).await?;
        let mut accounts = BTreeMap::new();
        let mut opened = Opened { damaged: found.damaged, ..Opened::default() };
        for record in found.records {
            let change: Change = xdr::from_bytes(&record.change).map_err(io::Error::other)?;
            accounts.extend(change.0.into_iter().map(|entry| (entry.of, entry.is)));
            opened.replies.extend(record.replied);
        }
        let (accounts, lock) = (Mutex::new(accounts), tokio::sync::Mutex::default());
        let calls = AtomicU64::new(0);
        let inner = Inner { settings, accounts, lock, journal, calls, ledger };
        Ok((Bank(Arc::new(inner)), opened))
    }

    /// What is in an account.
    pub fn statement(&self, account: Account) -> Statement {
        self.0.with_accounts(|accounts| accounts.get(&account).cloned()).unwrap_or_default()
    }
}

impl Inner {
    fn with_accounts<R>(&self, f: impl FnOnce(&mut BTreeMap<Account, Statement>) -> R) -> R {
        f(&mut self.accounts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the time that a call takes.
    async fn serve(&self) {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let slow = number.is_multiple_of(self.settings.slow_every.max(1));
        if slow && !self.settings.service.is_zero() {
            sleep(self.settings.service).await;
        }
    }

    /// Reads accounts, changes what was read, and writes it, to the journal first. Gives the receipt,
    /// with the balance of the first.
    async fn change<const N: usize>(
        &self,
        call: &Call,
        accounts: [Account; N],
        memo: &[u8],
        change: impl Fn(usize, &mut Statement),
    ) -> Result<Receipt, Fault> {
        self.serve().await;
        let guard = if self.settings.lock { Some(self.lock.lock().await) } else { None };
        let mut entries = Vec::with_capacity(N);
        for (index, of) in accounts.into_iter().enumerate() {
            let mut is = self.with_accounts(|all| all.get(&of).cloned()).unwrap_or_default();
            change(index, &mut is);
            entries.push(Entry { of, is });
        }
        if guard.is_none() {
            // Where a thread might be interrupted.
            yield_now().await;
        }
        let balance = entries.first().map_or(0, |entry| entry.is.balance);
        let receipt = Receipt { balance, slip: vec![0; self.settings.slip] };
        let (change, results) =
            (xdr::to_bytes(&Change(entries.clone()))?, xdr::to_bytes(&receipt)?);
        let committed = self.journal.commit(call, &change, &results).await;
        committed.map_err(|_| Fault::Failed)?;
        self.with_accounts(|all| all.extend(entries.into_iter().map(|entry| (entry.of, entry.is))));
        self.ledger.ran(memo);
        Ok(receipt)
    }
}

impl BankV1 for Bank {
    async fn deposit(&self, call: &Call, args: DepositArgs) -> Result<Receipt, Fault> {
        let DepositArgs { to, amount, memo } = args;
        self.0.change(call, [to], &memo, |_, is| is.balance = is.balance.wrapping_add(amount)).await
    }

    async fn transfer(&self, call: &Call, args: TransferArgs) -> Result<Receipt, Fault> {
        let TransferArgs { from, to, amount, memo } = args;
        if from == to {
            return Err(Fault::Arguments);
        }
        let change = |index, is: &mut Statement| {
            let amount = if index == 0 { amount.wrapping_neg() } else { amount };
            is.balance = is.balance.wrapping_add(amount);
        };
        self.0.change(call, [from, to], &memo, change).await
    }

    async fn set_limit(&self, call: &Call, args: LimitArgs) -> Result<Receipt, Fault> {
        let LimitArgs { of, limit, memo } = args;
        self.0.change(call, [of], &memo, |_, is| is.limit = limit).await
    }

    async fn balance(&self, _: &Call, account: Account) -> Result<Statement, Fault> {
        Ok(self.statement(account))
    }
}
