//! What is added up over the runs of a sweep.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::check::{Finding, Verdict};
use crate::plan::Guarantee;
use crate::world::Counts;

/// How many runs came to each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdicts {
    /// Every expectation was met.
    pub pass: u64,
    /// An expectation was not met.
    pub fail: u64,
    /// The run did not decide.
    pub inconclusive: u64,
    /// A fault never hit.
    pub invalid: u64,
}

impl Verdicts {
    pub(super) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::Fail => self.fail += 1,
            Verdict::Inconclusive => self.inconclusive += 1,
            Verdict::Invalid => self.invalid += 1,
        }
    }
}

impl AddAssign for Verdicts {
    fn add_assign(&mut self, more: Self) {
        add(&mut self.pass, more.pass);
        add(&mut self.fail, more.fail);
        add(&mut self.inconclusive, more.inconclusive);
        add(&mut self.invalid, more.invalid);
    }
}

/// In how many runs a guarantee held, and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// It held.
    pub held: u64,
    /// It was violated.
    pub violated: u64,
    /// The run did not say.
    pub undecided: u64,
}

impl Findings {
    pub(super) fn count(&mut self, finding: &Finding) {
        match finding {
            Finding::Held => self.held += 1,
            Finding::Violated { .. } => self.violated += 1,
            Finding::Undecided(_) => self.undecided += 1,
        }
    }
}

/// What was found about each guarantee. It is written as a table by the guarantees' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "BTreeMap<String, Findings>", into = "BTreeMap<String, Findings>")]
pub struct ByGuarantee([Findings; Guarantee::ALL.len()]);

impl ByGuarantee {
    /// What was found about one of them.
    pub fn get(&self, guarantee: Guarantee) -> Findings {
        self.0[guarantee as usize]
    }

    pub(super) fn count(&mut self, guarantee: Guarantee, finding: &Finding) {
        self.0[guarantee as usize].count(finding);
    }
}

impl AddAssign for ByGuarantee {
    fn add_assign(&mut self, more: Self) {
        for (all, more) in self.0.iter_mut().zip(more.0) {
            add(&mut all.held, more.held);
            add(&mut all.violated, more.violated);
            add(&mut all.undecided, more.undecided);
        }
    }
}

impl From<ByGuarantee> for BTreeMap<String, Findings> {
    fn from(all: ByGuarantee) -> Self {
        let name = |guarantee: Guarantee| (guarantee.name().to_owned(), all.get(guarantee));
        Guarantee::ALL.into_iter().map(name).collect()
    }
}

impl TryFrom<BTreeMap<String, Findings>> for ByGuarantee {
    type Error = String;

    fn try_from(named: BTreeMap<String, Findings>) -> Result<Self, String> {
        let mut all = ByGuarantee::default();
        let known = |name: &String| Guarantee::ALL.iter().any(|one| one.name() == name);
        if let Some(unknown) = named.keys().find(|name| !known(name)) {
            return Err(format!("no guarantee is named {unknown:?}"));
        }
        for guarantee in Guarantee::ALL {
            let name = guarantee.name();
            all.0[guarantee as usize] = *named.get(name).ok_or(format!("`{name}` is missing"))?;
        }
        Ok(all)
    }
}

/// Datagrams of all runs, as a run's [`Counts`] tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Datagrams {
    /// Altered by the network.
    pub corrupted: u64,
    /// Put into a receive buffer.
    pub delivered: u64,
    /// Went no further.
    pub dropped: u64,
    /// Copies that the network added.
    pub duplicated: u64,
    /// Handed to the network.
    pub sent: u64,
}

impl Datagrams {
    pub(super) fn of(counts: &Counts) -> Self {
        let Counts { sent, delivered, dropped, duplicated, corrupted, .. } = *counts;
        Datagrams { corrupted, delivered, dropped, duplicated, sent }
    }
}

impl AddAssign for Datagrams {
    fn add_assign(&mut self, more: Self) {
        add(&mut self.corrupted, more.corrupted);
        add(&mut self.delivered, more.delivered);
        add(&mut self.dropped, more.dropped);
        add(&mut self.duplicated, more.duplicated);
        add(&mut self.sent, more.sent);
    }
}

/// Costs of all runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// Payload bytes sent.
    pub bytes: u64,
    /// Retransmissions that the protocol reported.
    pub retransmissions: u64,
}

impl AddAssign for Costs {
    fn add_assign(&mut self, more: Self) {
        add(&mut self.bytes, more.bytes);
        add(&mut self.retransmissions, more.retransmissions);
    }
}

/// Adds up to what there is room for: the numbers may be from a file.
pub(super) fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guarantees_are_written_by_name_and_all_of_them_are_read() {
        let mut all = ByGuarantee::default();
        all.count(Guarantee::Fifo, &Finding::Held);
        all.count(Guarantee::Maybe, &Finding::Undecided(String::new()));
        let json = serde_json::to_string(&all).unwrap();
        assert!(json.contains(r#""fifo":{"held":1,"violated":0,"undecided":0}"#), "{json}");
        assert!(json.contains(r#""maybe":{"held":0,"violated":0,"undecided":1}"#), "{json}");
        let read = |json: &str| serde_json::from_str::<ByGuarantee>(json);
        assert_eq!(read(&json).unwrap(), all);
        let unknown = read(&json.replace("fifo", "lifo")).unwrap_err().to_string();
        assert!(unknown.contains("no guarantee is named \"lifo\""), "{unknown}");
        let missing = read("{}").unwrap_err().to_string();
        assert!(missing.contains("`maybe` is missing"), "{missing}");
    }

    #[test]
    fn numbers_that_no_sweep_has_do_not_overflow() {
        let mut sum = Findings { held: u64::MAX, ..Findings::default() };
        add(&mut sum.held, 1);
        assert_eq!(sum.held, u64::MAX);
    }
}
