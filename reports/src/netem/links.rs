//! From link rules to what each host does to what it sends.

use std::collections::BTreeMap;

use squall_sim::network::{DEFAULT_LIMIT, Distribution, HostId, HostSet, LinkRule, Loss};
use squall_sim::plan::Plan;

/// What netem is to do on a link, all rules applied.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Link {
    pub delay: u64,
    pub jitter: u64,
    pub distribution: Distribution,
    pub loss: Option<Loss>,
    pub duplicate: f64,
    pub reorder: f64,
    pub corrupt: f64,
    pub rate: Option<u64>,
    /// Datagrams that may wait, for the rate or for their delay.
    pub limit: u64,
    /// The rule whose links share one queue.
    pub queue: Option<usize>,
}

/// Destinations whose links are alike.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub hosts: Vec<HostId>,
    /// True if these are all that the host can send to.
    pub everywhere: bool,
    pub link: Link,
}

/// Hosts that do the same to what they send.
#[derive(Debug)]
pub(super) struct Arm {
    pub hosts: Vec<HostId>,
    pub targets: Vec<Target>,
}

/// What each host does, hosts that do the same together.
pub(super) fn arms(plan: &Plan) -> Vec<Arm> {
    let senders = classes(plan, |rule| &rule.from);
    let receivers = classes(plan, |rule| &rule.to);
    let mut arms: Vec<Arm> = Vec::new();
    for hosts in senders {
        let targets = targets(plan, &hosts, &receivers);
        match arms.iter_mut().find(|arm| arm.targets == targets) {
            Some(arm) => arm.hosts.extend(hosts),
            None => arms.push(Arm { hosts, targets }),
        }
    }
    arms.iter_mut().for_each(|arm| arm.hosts.sort_unstable());
    arms.sort_by_key(|arm| arm.hosts.first().copied());
    arms
}

/// Hosts that the same rules name, together.
fn classes(plan: &Plan, named: impl Fn(&LinkRule) -> &HostSet) -> Vec<Vec<HostId>> {
    let mut classes: BTreeMap<Vec<bool>, Vec<HostId>> = BTreeMap::new();
    for host in 0..plan.hosts.len() as HostId {
        let rules = plan.links.iter().map(|rule| named(rule).contains(host)).collect();
        classes.entry(rules).or_default().push(host);
    }
    classes.into_values().collect()
}

fn targets(plan: &Plan, hosts: &[HostId], receivers: &[Vec<HostId>]) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for to in receivers {
        // One of each class stands for all of it.
        let link = Link::new(plan, hosts[0], to[0]);
        // What a host sends to itself does not leave it.
        let to: Vec<HostId> = to.iter().copied().filter(|to| hosts != [*to]).collect();
        if link == Link::default() || to.is_empty() {
            continue;
        }
        if link.is_of_one_destination() && plan.hosts.len() > 2 {
            let alone = |host| Target { hosts: vec![host], everywhere: false, link };
            targets.extend(to.into_iter().map(alone));
            continue;
        }
        match targets.iter_mut().find(|target| target.link == link) {
            Some(target) => target.hosts.extend(to),
            None => targets.push(Target { hosts: to, everywhere: false, link }),
        }
    }
    targets.iter_mut().for_each(|target| target.hosts.sort_unstable());
    targets.sort_by_key(|target| target.hosts.first().copied());
    if let [target] = &mut targets[..] {
        let others = |sender: &HostId| {
            (0..plan.hosts.len() as HostId)
                .filter(|host| host != sender)
                .all(|host| target.hosts.binary_search(&host).is_ok())
        };
        target.everywhere = hosts.iter().all(others);
    }
    targets
}

impl Link {
    fn new(plan: &Plan, from: HostId, to: HostId) -> Self {
        let set = plan.link(from, to);
        let mut link = Link {
            delay: set.delay.unwrap_or_default(),
            jitter: set.jitter.unwrap_or_default(),
            distribution: set.distribution.unwrap_or_default(),
            loss: set.loss,
            duplicate: set.duplicate.unwrap_or_default(),
            reorder: set.reorder.unwrap_or_default(),
            corrupt: set.corrupt.unwrap_or_default(),
            rate: set.rate,
            limit: 0,
            queue: None,
        };
        // What has no effect is taken out, so that links that do the same are equal.
        link.loss = link.loss.filter(|loss| *loss != Loss::Independent(0.0));
        if link.jitter == 0 {
            link.distribution = Distribution::default();
        }
        if link.delay == 0 && link.jitter == 0 {
            link.reorder = 0.0;
        }
        if let Some(rate) = link.rate {
            // The queue is that of the last rule which says whether it is shared.
            let named = plan.links.iter().rposition(|rule| {
                rule.from.contains(from) && rule.to.contains(to) && rule.set.shared.is_some()
            });
            link.queue = named.filter(|_| set.shared == Some(true));
            // netem also counts those that it delays.
            let bits = u128::from(plan.workload.size + squall_sim::network::HEADERS) * 8;
            let on_the_line = u128::from(link.delay) * u128::from(rate) / (bits * 1_000_000_000);
            let on_the_line = u64::try_from(on_the_line).unwrap_or(u64::MAX);
            link.limit = set.limit.unwrap_or(DEFAULT_LIMIT).saturating_add(on_the_line);
        }
        link
    }

    /// True if it remembers what it sent, and so must not be one for several destinations.
    fn is_of_one_destination(&self) -> bool {
        let bursts = matches!(self.loss, Some(Loss::GilbertElliott { .. }));
        bursts || (self.rate.is_some() && self.queue.is_none())
    }

    /// True if its delay needs a table that tc does not have.
    pub fn needs_table(&self) -> bool {
        self.distribution == Distribution::Exponential
    }
}
