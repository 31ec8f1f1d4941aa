//! From link rules to what each host does to what it sends.

use squall_sim::network::{Distribution, HostId, HostSet, LinkRule, Loss};
use squall_sim::plan::Plan;

/// Datagrams that may wait for a rate when the file gives no limit.
const DEFAULT_LIMIT: u64 = 1000;

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
    for (hosts, sends) in senders {
        let targets = targets(plan, &hosts, &sends, &receivers);
        match arms.iter_mut().find(|arm| arm.targets == targets) {
            Some(arm) => arm.hosts.extend(hosts),
            None => arms.push(Arm { hosts, targets }),
        }
    }
    arms.iter_mut().for_each(|arm| arm.hosts.sort_unstable());
    arms.sort_by_key(|arm| arm.hosts.first().copied());
    arms
}

/// Hosts that the same rules name, and for each rule whether it does.
type Class = (Vec<HostId>, Vec<bool>);

fn classes(plan: &Plan, named: impl Fn(&LinkRule) -> &HostSet) -> Vec<Class> {
    let mut classes: std::collections::BTreeMap<Vec<bool>, Vec<HostId>> = Default::default();
    for host in 0..plan.hosts.len() as HostId {
        let rules = plan.links.iter().map(|rule| named(rule).contains(host)).collect();
        classes.entry(rules).or_default().push(host);
    }
    classes.into_iter().map(|(rules, hosts)| (hosts, rules)).collect()
}

fn targets(plan: &Plan, hosts: &[HostId], sends: &[bool], receivers: &[Class]) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for (to, receives) in receivers {
        let link = Link::new(plan, sends, receives);
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
    fn new(plan: &Plan, sends: &[bool], receives: &[bool]) -> Self {
        let mut link = Link::default();
        let mut limit = None;
        let mut queue = None;
        for (number, rule) in plan.links.iter().enumerate() {
            if !(sends[number] && receives[number]) {
                continue;
            }
            let set = &rule.set;
            link.delay = set.delay.unwrap_or(link.delay);
            link.jitter = set.jitter.unwrap_or(link.jitter);
            link.distribution = set.distribution.unwrap_or(link.distribution);
            link.loss = set.loss.or(link.loss);
            link.duplicate = set.duplicate.unwrap_or(link.duplicate);
            link.reorder = set.reorder.unwrap_or(link.reorder);
            link.corrupt = set.corrupt.unwrap_or(link.corrupt);
            link.rate = set.rate.or(link.rate);
            limit = set.limit.or(limit);
            queue = set.shared.map_or(queue, |shared| shared.then_some(number));
        }
        // What has no effect is taken out, so that links that do the same are equal.
        link.loss = link.loss.filter(|loss| *loss != Loss::Independent(0.0));
        if link.jitter == 0 {
            link.distribution = Distribution::default();
        }
        if link.delay == 0 && link.jitter == 0 {
            link.reorder = 0.0;
        }
        if let Some(rate) = link.rate {
            link.queue = queue;
            // netem also counts those that it delays.
            let bits = u128::from(plan.workload.size + squall_sim::network::HEADERS) * 8;
            let on_the_line = u128::from(link.delay) * u128::from(rate) / (bits * 1_000_000_000);
            let on_the_line = u64::try_from(on_the_line).unwrap_or(u64::MAX);
            link.limit = limit.unwrap_or(DEFAULT_LIMIT).saturating_add(on_the_line);
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
