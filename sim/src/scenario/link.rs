//! Impairments: the `[[link]]` tables, and what the fault action `link` shares with them.

use std::collections::HashMap;

use super::drawn::{Drawn, at, at_or};
use super::hosts::Hosts;
use super::reader::Reader;
use crate::network::{Distribution, HostId, HostSet, Impairments, LinkRule, Loss};
use toml::de::{DeTable, DeValue};

/// One `[[link]]` table, its ranges not yet drawn.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// Sending and receiving hosts, for one direction or for two.
    directions: Vec<(HostSet, HostSet)>,
    set: DrawnImpairments,
}

/// [`Impairments`], not yet drawn.
#[derive(Clone, Debug, Default)]
struct DrawnImpairments {
    delay: Option<Drawn<u64>>,
    jitter: Option<Drawn<u64>>,
    distribution: Option<Distribution>,
    loss: Option<DrawnLoss>,
    duplicate: Option<Drawn<f64>>,
    reorder: Option<Drawn<f64>>,
    corrupt: Option<Drawn<f64>>,
    rate: Option<Drawn<u64>>,
    limit: Option<Drawn<u64>>,
    mtu: Option<Drawn<u64>>,
    udp_checksum: Option<bool>,
    shared: Option<bool>,
}

#[derive(Clone, Debug)]
enum DrawnLoss {
    Independent(Drawn<f64>),
    GilbertElliott {
        p: Drawn<f64>,
        r: Drawn<f64>,
        loss_bad: Option<Drawn<f64>>,
        loss_good: Option<Drawn<f64>>,
    },
}

impl Link {
    /// Reads a `[[link]]` table; `None` if it does not say which links it means.
    pub(super) fn read(table: &Reader<'_>, hosts: &Hosts) -> Option<Self> {
        let set = DrawnImpairments::read(table);
        let both = table.flag("both").unwrap_or(false);
        let (from, to) = (hosts.at_or_all(table, "from"), hosts.at_or_all(table, "to"));
        let (from, to) = (from?, to?);
        let mut directions = vec![(from.clone(), to.clone())];
        if both {
            directions.push((to, from));
        }
        Some(Link { directions, set })
    }

    /// The smallest MTU that it may set, bytes.
    pub(super) fn smallest_mtu(&self) -> Option<u64> {
        self.set.mtu.as_ref().map(Drawn::low)
    }

    /// True if it says what is lost from one host to another.
    pub(super) fn says_loss_of(&self, from: HostId, to: HostId) -> bool {
        let joins =
            |(sends, receives): &(HostSet, HostSet)| sends.contains(from) && receives.contains(to);
        self.set.loss.is_some() && self.directions.iter().any(joins)
    }

    /// The smallest and the largest loss that it may set, if each datagram is lost alone.
    pub(super) fn independent_loss(&self) -> Option<(f64, f64)> {
        match self.set.loss.as_ref()? {
            DrawnLoss::Independent(loss) => Some((loss.low(), loss.high())),
            DrawnLoss::GilbertElliott { .. } => None,
        }
    }

    /// The rules, under `seed`.
    pub(super) fn rules(&self, seed: u64) -> impl Iterator<Item = LinkRule> + '_ {
        let set = self.set.at(seed);
        self.directions.iter().map(move |(from, to)| LinkRule {
            from: from.clone(),
            to: to.clone(),
            set: set.clone(),
        })
    }
}

impl DrawnImpairments {
    fn read(table: &Reader<'_>) -> Self {
        DrawnImpairments {
            delay: table.whole("delay"),
            jitter: table.whole("jitter"),
            distribution: table.word("distribution").and_then(Distribution::named),
            loss: DrawnLoss::read(table),
            duplicate: table.probability("duplicate"),
            reorder: table.probability("reorder"),
            corrupt: table.probability("corrupt"),
            rate: table.whole("rate"),
            limit: table.whole("limit"),
            mtu: table.whole("mtu"),
            udp_checksum: table.flag("udp_checksum"),
            // A fault's rules come and go, and a queue with them.
            shared: if table.declares("shared") { table.flag("shared") } else { None },
        }
    }

    fn at(&self, seed: u64) -> Impairments {
        Impairments {
            delay: at(&self.delay, seed),
            jitter: at(&self.jitter, seed),
            distribution: self.distribution,
            loss: self.loss.as_ref().map(|loss| loss.at(seed)),
            duplicate: at(&self.duplicate, seed),
            reorder: at(&self.reorder, seed),
            corrupt: at(&self.corrupt, seed),
            rate: at(&self.rate, seed),
            limit: at(&self.limit, seed),
            mtu: at(&self.mtu, seed),
            udp_checksum: self.udp_checksum,
            shared: self.shared,
        }
    }
}

impl DrawnLoss {
    fn read(table: &Reader<'_>) -> Option<Self> {
        if !table.is_table("loss") {
            return table.probability("loss").map(DrawnLoss::Independent);
        }
        let model = table.table("loss")?.table("gemodel")?;
        let (p, r) = (model.probability("p"), model.probability("r"));
        let (loss_bad, loss_good) = (model.probability("1-h"), model.probability("1-k"));
        Some(DrawnLoss::GilbertElliott { p: p?, r: r?, loss_bad, loss_good })
    }

    fn at(&self, seed: u64) -> Loss {
        match self {
            DrawnLoss::Independent(loss) => Loss::Independent(loss.at(seed)),
            DrawnLoss::GilbertElliott { p, r, loss_bad, loss_good } => Loss::GilbertElliott {
                p: p.at(seed),
                r: r.at(seed),
                loss_bad: at_or(loss_bad, seed, 1.0),
                loss_good: at_or(loss_good, seed, 0.0),
            },
        }
    }
}

/// Names the `[[link]]` tables for the streams of their ranges: by the hosts they join, so that
/// another table before them changes no draw.
pub(super) fn paths() -> impl FnMut(usize, &DeTable<'_>) -> String {
    let mut seen: HashMap<String, usize> = HashMap::new();
    move |_, table| {
        let hosts =
            |key: &str| table.get(key).map_or("*".to_owned(), |value| words(value.get_ref()));
        let ends = format!("{}->{}", hosts("from"), hosts("to"));
        let count = seen.entry(ends.clone()).or_insert(0);
        *count += 1;
        format!("link[{ends}][{}]", *count - 1)
    }
}

/// The strings in a value, with commas between them.
fn words(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Array(list) => {
            let words: Vec<String> = list.iter().map(|one| words(one.get_ref())).collect();
            words.join(",")
        }
        _ => String::new(),
    }
}
