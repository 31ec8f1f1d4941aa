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
    /// How many calls that set a limit have ended.
    ended: u64,
    /// The limits that may be in force, and how many calls had ended before theirs.
    limits: Vec<(u64, Cents)>,
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

    /// A call that sets a limit begins: gives what [`Books::limited`] wants to know.
    pub fn begin(&self) -> u64 {
        self.with(|sums| sums.ended)
    }

    /// A call that sets `limit`, and began when [`Books::begin`] gave `began`, ended in this way.
    pub fn limited(&self, began: u64, limit: Cents, ended: Result<(), &CallError>) {
        self.with(|sums| {
            // What ended before it began, it has overwritten; of calls at a time, either may run last.
            if ended.is_ok() {
                sums.limits.retain(|(number, _)| *number >= began);
            }
            if ended.map_or_else(|error| !error.is_definite(), |()| true) {
                sums.limits.push((sums.ended, limit));
            }
            sums.ended += 1;
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
                    let mut possible = sums.limits.iter().map(|(_, limit)| *limit);
                    sums.limits.is_empty() || possible.any(|limit| limit == own.limit)
                }
                BankProcedure::Deposit => known.contains(&own.balance),
            }
        });
        report(if right { "balance-right" } else { "wrong-balance" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(books: &Books) -> Vec<Cents> {
        books.with(|sums| sums.limits.iter().map(|(_, limit)| *limit).collect())
    }

    #[test]
    fn of_calls_at_a_time_either_may_have_run_last() {
        let books = Books::default();
        let began = [1, 2].map(|_| books.begin());
        books.limited(began[1], 2, Ok(()));
        books.limited(began[0], 1, Ok(()));
        assert_eq!(limits(&books), [2, 1]);
        books.limited(books.begin(), 3, Ok(()));
        assert_eq!(limits(&books), [3]);
        books.limited(books.begin(), 4, Err(&CallError::NoAnswer));
        assert_eq!(limits(&books), [3, 4]);
        let refused = CallError::NotSent(std::io::ErrorKind::Other.into());
        books.limited(books.begin(), 5, Err(&refused));
        assert_eq!(limits(&books), [3, 4]);
    }
}
