//! A client's own books: what should be in its accounts.

use std::sync::{Mutex, PoisonError};

use squall_sim::protocol::report;

use super::settings::BankProcedure;
use crate::rpc::CallError;
use crate::rpc::programs::bank::{Account, BankV1Client, Cents};

/// What the calls of a client did, or may have done.
#[derive(Debug, Default)]
pub(super) struct Books(Mutex<Sums>);

#[derive(Debug, Default)]
struct Sums {
    /// What calls moved that succeeded, and what those may have moved that nobody knows about.
    certain: Cents,
    possible: Cents,
    /// The limits that may be in force.
    limits: Vec<Cents>,
}

impl Books {
    fn with<R>(&self, f: impl FnOnce(&mut Sums) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A call that moves `amount` ended in this way.
    pub fn moved(&self, amount: Cents, ended: Result<(), &CallError>) {
        self.with(|sums| match ended {
            Ok(()) => sums.certain += amount,
            Err(error) if !error.is_definite() => sums.possible += amount,
            Err(_) => {}
        });
    }

    /// A call that sets `limit` ended in this way.
    pub fn limited(&self, limit: Cents, ended: Result<(), &CallError>) {
        self.with(|sums| match ended {
            Ok(()) => sums.limits = vec![limit],
            Err(error) if !error.is_definite() => sums.limits.push(limit),
            Err(_) => {}
        });
    }

    /// Compares the books with the bank's.
    pub async fn audit(
        &self,
        bank: &BankV1Client,
        procedure: BankProcedure,
        own: Account,
        other: Account,
    ) {
        let (Ok(own), Ok(other)) = (bank.balance(own).await, bank.balance(other).await) else {
            return report("not-audited");
        };
        let right = self.with(|sums| {
            let known = sums.certain..=sums.certain + sums.possible;
            match procedure {
                BankProcedure::Transfer => {
                    known.contains(&other.balance) && own.balance == -other.balance
                }
                BankProcedure::SetLimit => {
                    sums.limits.is_empty() || sums.limits.contains(&own.limit)
                }
                BankProcedure::Deposit => known.contains(&own.balance),
            }
        });
        report(if right { "balance-right" } else { "wrong-balance" });
    }
}
