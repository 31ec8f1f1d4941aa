//! What netem does in another way, and what it can not do at all.

use squall_sim::network::{
    Action, Corruption, Distribution, FaultSpec, Loss, PacketAction, WorldAction,
};
use squall_sim::plan::Plan;
use squall_sim::text::{millis, visible};

use super::links::{Arm, Link};

/// What differs, for what the script uses.
pub(super) fn differs(plan: &Plan, arms: &[Arm]) -> Vec<String> {
    let links: Vec<&Link> =
        arms.iter().flat_map(|arm| &arm.targets).map(|target| &target.link).collect();
    let any = |which: fn(&Link) -> bool| links.iter().any(|link| which(link));
    let random = |link: &Link| {
        link.loss.is_some()
            || link.jitter > 0
            || [link.duplicate, link.reorder, link.corrupt].iter().any(|chance| *chance > 0.0)
    };
    let duplicates_beside_others = arms.iter().any(|arm| {
        arm.targets.len() > 1 && arm.targets.iter().any(|target| target.link.duplicate > 0.0)
    });
    let rated = |link: &Link| link.rate.is_some();
    let shared = plan.links.iter().any(|rule| rule.set.shared == Some(true));
    let notes = [
        (
            any(random),
            "chance: netem's draws are its own, not the simulation's, and no two runs are alike. Since Linux 6.6 \
             and iproute2 6.6 `seed N` at the end of a netem command repeats them.",
        ),
        (
            any(Link::has_too_long_times),
            "times: tc takes delays up to 274 s and jitter up to 2.147 s; longer ones were cut.",
        ),
        (
            any(|link| link.delay % 1000 != 0 || link.jitter % 1000 != 0),
            "times: tc takes whole microseconds; they were rounded up.",
        ),
        (
            any(|link| link.delay > 0 || link.jitter > 0),
            "delay: it comes on top of that of the real line, and is as exact as the kernel's timers.",
        ),
        (
            any(|link| link.jitter > 0 && link.rate.is_none()),
            "jitter: as in the simulation, it lets packets overtake each other.",
        ),
        (
            any(|link| link.jitter > 0 && link.rate.is_some()),
            "jitter: beside a rate netem keeps the order, while the simulation lets datagrams overtake each other.",
        ),
        (
            any(|link| matches!(link.distribution, Distribution::Normal | Distribution::Pareto)),
            "distributions: netem draws from a table that ends at 4 times the given jitter; the longest delays of \
             the simulation do not occur.",
        ),
        (
            any(|link| link.distribution == Distribution::Pareto),
            "pareto: tc's table has another zero and scale; delay and jitter were converted, so they are not the file's.",
        ),
        (
            any(Link::needs_table),
            "exponential: its table holds 4096 values; the longest random delay is 9 times the mean.",
        ),
        (
            any(|link| link.reorder > 0.0),
            "reorder: what skips the delay skips the rate, too; the simulation's goes through the queue.",
        ),
        (
            any(|link| link.reorder > 0.0 && link.delay == 0),
            "reorder: tc wants some delay with it, so there is one of 1 us.",
        ),
        (
            any(|link| link.duplicate > 0.0),
            "duplicate: netem draws loss for a packet and its copy together and so may lose one of both; \
             the simulation loses both or none.",
        ),
        (
            duplicates_beside_others,
            "duplicate: some kernels since 6.16 refuse a netem that duplicates beside others on one interface.",
        ),
        (
            any(|link| link.corrupt > 0.0),
            "corrupt: netem's bit may also be in the headers of Ethernet, IP and UDP, and hits all that the link \
             carries; the simulation's is in the payload. Receivers drop most of it by its checksum.",
        ),
        (
            any(|link| matches!(link.loss, Some(Loss::GilbertElliott { .. }))),
            "bursts: netem draws a packet's loss in the state before its step, the simulation in the state after it.",
        ),
        (
            any(rated),
            "rate: -14 takes off the Ethernet header, since the simulation counts IP datagrams; leave it out \
             on an interface without one.",
        ),
        (
            any(rated),
            "limit: netem also counts packets that are being delayed; the limit here is the file's and as many \
             messages as are on the line at once.",
        ),
        (
            shared && any(rated),
            "shared: the links of one table share a queue only as far as one host sends into them; for those of \
             several hosts, put the rate on the interface of the router where they meet.",
        ),
        (
            any(|link| link.rate.is_none()),
            "limit: a simulated link without a rate has room for any number; netem's is set to 100000.",
        ),
    ];
    notes.into_iter().filter(|(applies, _)| *applies).map(|(_, note)| note.to_owned()).collect()
}

/// What the plan has and netem has not.
pub(super) fn missing(plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    let mtus: std::collections::BTreeSet<u64> =
        plan.links.iter().filter_map(|rule| rule.set.mtu).collect();
    for mtu in mtus {
        notes.push(format!(
            "mtu {mtu} of some links: netem drops nothing for its size. `ip link set dev DEV mtu {mtu}` is for the \
             whole interface, and has the sender told or its datagrams cut in pieces, where the simulation drops \
             them silently."
        ));
    }
    if plan.links.iter().any(|rule| rule.set.udp_checksum == Some(false)) {
        notes.push(
            "udp_checksum = false: corrupted datagrams do not reach the application unless its own sockets send \
             without a checksum (SO_NO_CHECK)."
                .to_owned(),
        );
    }
    let defaults =
        |host: &squall_sim::plan::HostPlan| host.clock_offset == 0 && host.clock_drift_ppm == 0.0;
    if !plan.hosts.iter().all(defaults) {
        notes.push("the clocks of hosts: their offset and drift.".to_owned());
    }
    notes.extend(
        plan.faults.iter().map(|fault| format!("fault {}: {}", visible(&fault.name), what(fault))),
    );
    notes
}

/// What a fault does, and why it is not here.
fn what(fault: &FaultSpec) -> String {
    let length = fault.length.map_or(String::new(), |length| format!(" for {} ms", millis(length)));
    let what = match &fault.action {
        Action::Packet(action) => {
            let what = match action {
                PacketAction::Drop => "loses",
                PacketAction::Duplicate { .. } => "duplicates",
                PacketAction::Delay { .. } => "delays",
                PacketAction::Hold { .. } => "holds the link at",
                PacketAction::Corrupt(Corruption::Bits(_) | Corruption::Flip(_)) => "flips bits of",
                PacketAction::Corrupt(Corruption::Burst(_)) => "flips a burst of bits of",
                PacketAction::Corrupt(Corruption::SwapBytes) => "swaps bytes of",
                PacketAction::Corrupt(Corruption::Truncate | Corruption::Keep(_)) => {
                    "cuts off the end of"
                }
            };
            return format!("{what} single datagrams; netem knows no single ones.");
        }
        Action::World(action) => action,
    };
    match what {
        WorldAction::Partition { .. } => format!(
            "a partition{length}. `loss 100%` for the time is near to it, but lets go what is on the way."
        ),
        WorldAction::Crash { .. } => format!("a crash of a host{length}."),
        WorldAction::Pause { .. } => format!("a pause of a host{length} (kill -STOP and -CONT)."),
        WorldAction::ClockStep { .. } => "a step of a clock.".to_owned(),
        WorldAction::CorruptMemory { .. } => "a flipped bit in memory.".to_owned(),
        WorldAction::CorruptDisk { .. } => "a flipped bit on a disk.".to_owned(),
        WorldAction::Link { .. } => format!(
            "other impairments{length}. `tc qdisc change` sets them while the network runs; this script has those \
             of the start."
        ),
        WorldAction::Calm => "ends all impairments but delay and rate.".to_owned(),
    }
}
