//! From link rules to the impairments of each pair of hosts.
//!
//! Hosts that the same rules name are of one class, so that ten thousand hosts with one rule need
//! one entry, and finding a pair's impairments takes three array reads.

use std::collections::BTreeMap;

use super::config::{Distribution, HostId, HostSet, Impairments, LinkRule, Loss};

/// The impairments of one link, all rules applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spec {
    pub delay: u64,
    pub jitter: u64,
    pub distribution: Distribution,
    pub loss: Option<Loss>,
    pub duplicate: f64,
    pub reorder: f64,
    pub corrupt: f64,
    pub rate: Option<u64>,
    pub limit: Option<u64>,
    pub mtu: Option<u64>,
    pub no_checksum: bool,
    /// The queue that it shares with other links, by the number of the rule that says so.
    pub queue: Option<u32>,
    /// Nothing but a fixed delay and loss.
    pub plain: bool,
}

impl Spec {
    fn apply(&mut self, rule: u32, set: &Impairments) {
        let Impairments { delay, jitter, distribution, loss, .. } = set;
        self.delay = delay.unwrap_or(self.delay);
        self.jitter = jitter.unwrap_or(self.jitter);
        self.distribution = distribution.unwrap_or(self.distribution);
        self.loss = loss.or(self.loss);
        self.duplicate = set.duplicate.unwrap_or(self.duplicate);
        self.reorder = set.reorder.unwrap_or(self.reorder);
        self.corrupt = set.corrupt.unwrap_or(self.corrupt);
        self.rate = set.rate.or(self.rate);
        self.limit = set.limit.or(self.limit);
        self.mtu = set.mtu.or(self.mtu);
        self.no_checksum = set.udp_checksum.map_or(self.no_checksum, |on| !on);
        self.queue = set.shared.map_or(self.queue, |shared| shared.then_some(rule));
    }

    /// What is left of a link once the network is calm.
    fn calm(&mut self) {
        let Spec { delay, rate, queue, .. } = *self;
        *self = Spec { delay, rate, queue, ..Spec::default() };
    }

    fn is_plain(&self) -> bool {
        let fixed = Spec {
            delay: self.delay,
            no_checksum: self.no_checksum,
            queue: self.queue,
            loss: self.loss,
            ..Spec::default()
        };
        *self == fixed
    }
}

/// The impairments of all links.
#[derive(Clone)]
pub(super) struct Classes {
    from: Vec<u32>,
    to: Vec<u32>,
    width: u32,
    specs: Vec<Spec>,
}

impl Classes {
    /// Applies `rules` in order; `calm` then takes every impairment away.
    pub fn new<'a>(
        hosts: u32,
        rules: impl Iterator<Item = &'a LinkRule> + Clone,
        calm: bool,
    ) -> Self {
        let rules: Vec<&LinkRule> = rules.collect();
        let (from, senders) = group(hosts, &rules, |rule| &rule.from);
        let (to, receivers) = group(hosts, &rules, |rule| &rule.to);
        let width = receivers.len() as u32;
        let mut specs = Vec::with_capacity(senders.len() * receivers.len());
        for sender in &senders {
            for receiver in &receivers {
                let mut spec = Spec::default();
                let named = sender.iter().zip(receiver);
                for ((rule, (sends, receives)), number) in rules.iter().zip(named).zip(0..) {
                    if *sends && *receives {
                        spec.apply(number, &rule.set);
                    }
                }
                if calm {
                    spec.calm();
                }
                spec.loss = spec.loss.filter(|loss| *loss != Loss::Independent(0.0));
                spec.plain = spec.is_plain();
                specs.push(spec);
            }
        }
        Classes { from, to, width, specs }
    }

    /// The impairments from one host to another.
    #[inline]
    pub fn spec(&self, from: HostId, to: HostId) -> &Spec {
        let row = self.from[from as usize];
        &self.specs[(row * self.width + self.to[to as usize]) as usize]
    }
}

/// Each host's class, and for each class which rules name it.
fn group(
    hosts: u32,
    rules: &[&LinkRule],
    named: impl Fn(&LinkRule) -> &HostSet,
) -> (Vec<u32>, Vec<Vec<bool>>) {
    if rules.iter().all(|rule| named(rule).is_all()) {
        return (vec![0; hosts as usize], vec![vec![true; rules.len()]]);
    }
    let mut known: BTreeMap<Vec<bool>, u32> = BTreeMap::new();
    let mut classes = Vec::new();
    let of_host = (0..hosts)
        .map(|host| {
            let named: Vec<bool> = rules.iter().map(|rule| named(rule).contains(host)).collect();
            if let Some(class) = known.get(&named) {
                return *class;
            }
            let class = classes.len() as u32;
            classes.push(named.clone());
            known.insert(named, class);
            class
        })
        .collect();
    (of_host, classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_rules_override_earlier_ones_key_by_key() {
        let everywhere = Impairments { delay: Some(10), jitter: Some(2), ..Impairments::default() };
        let uplink = Impairments { delay: Some(99), ..Impairments::default() };
        let rules = [
            LinkRule { from: HostSet::all(), to: HostSet::all(), set: everywhere },
            LinkRule { from: HostSet::from_iter([2]), to: HostSet::from_iter([0]), set: uplink },
        ];
        let classes = Classes::new(3, rules.iter(), false);
        let times = |from, to| (classes.spec(from, to).delay, classes.spec(from, to).jitter);
        assert_eq!(times(2, 0), (99, 2));
        assert_eq!(times(0, 2), (10, 2));
        assert_eq!(times(1, 0), (10, 2));
        let calm = Classes::new(3, rules.iter(), true);
        assert_eq!((calm.spec(2, 0).delay, calm.spec(2, 0).jitter), (99, 0));
        assert!(calm.spec(2, 0).plain && !classes.spec(2, 0).plain);
    }

    #[test]
    fn rules_for_every_host_say_the_same_as_rules_that_name_them_all() {
        let set = Impairments { delay: Some(7), corrupt: Some(0.5), ..Impairments::default() };
        let rules =
            |hosts: HostSet| [LinkRule { from: hosts.clone(), to: hosts, set: set.clone() }];
        let every = Classes::new(3, rules(HostSet::all()).iter(), false);
        let named = Classes::new(3, rules(HostSet::from_iter(0..3)).iter(), false);
        for (from, to) in [(0, 1), (1, 0), (2, 1), (2, 2)] {
            assert_eq!(every.spec(from, to), named.spec(from, to));
            assert_eq!(every.spec(from, to).delay, 7);
        }
        let none = Classes::new(2, [].iter(), false);
        assert!(none.spec(0, 1).plain && none.spec(0, 1).delay == 0);
    }
}
