//! `[[fault]]` tables.

use super::{Names, Unit, duration, impairments, line, probability, quoted, text};
use crate::network::{
    Action, Corruption, FaultSpec, HostSet, LinkRule, PacketAction, PacketMatch, Pick, Trigger,
    WorldAction,
};

pub(super) fn write(out: &mut String, fault: &FaultSpec, names: &Names<'_>) {
    out.push_str("[[fault]]\n");
    line(out, "name", &text(&fault.name));
    match &fault.trigger {
        Trigger::Packet { matching, pick } => {
            line(out, "packet", &packet(matching, names));
            picks(out, *pick);
        }
        Trigger::At(at) => line(out, "at", &duration(*at)),
        Trigger::Event { hosts, name, pick } => {
            let host = match names.is_all(hosts) {
                true => String::new(),
                false => format!("host = {}, ", names.value(hosts)),
            };
            line(out, "event", &format!("{{ {host}name = {} }}", text(name)));
            picks(out, *pick);
        }
    }
    match &fault.action {
        Action::Packet(action) => packet_action(out, action),
        Action::World(action) => world_action(out, action, names),
    }
    if let Some(length) = fault.length {
        line(out, "for", &duration(length));
    }
    if fault.optional {
        line(out, "optional", "true");
    }
}

fn packet(matching: &PacketMatch, names: &Names<'_>) -> String {
    let mut parts = Vec::new();
    for (key, set) in [("from", &matching.from), ("to", &matching.to)] {
        if !names.is_all(set) {
            parts.push(format!("{key} = {}", names.value(set)));
        }
    }
    parts.extend(matching.kind.as_ref().map(|kind| format!("kind = {}", text(kind))));
    parts.extend(matching.fields.iter().map(|(name, value)| format!("{name} = {value}")));
    parts.extend(matching.attempt.map(|attempt| format!("attempt = {attempt}")));
    if parts.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", parts.join(", ")) }
}

fn picks(out: &mut String, pick: Pick) {
    match pick {
        Pick::All => {}
        Pick::Nth(n) => line(out, "nth", &n.to_string()),
        Pick::First(n) => line(out, "first", &n.to_string()),
        Pick::Every(n) => line(out, "every", &n.to_string()),
        Pick::Chance(chance) => line(out, "chance", &probability(chance)),
    }
}

fn action(out: &mut String, name: &str) {
    line(out, "action", &text(name));
}

fn packet_action(out: &mut String, what: &PacketAction) {
    match what {
        PacketAction::Drop => action(out, "drop"),
        PacketAction::Duplicate { copies, after } => {
            action(out, "duplicate");
            if *copies != 1 {
                line(out, "copies", &copies.to_string());
            }
            if *after != 0 {
                line(out, "after", &duration(*after));
            }
        }
        PacketAction::Delay { by } => {
            action(out, "delay");
            line(out, "by", &duration(*by));
        }
        PacketAction::Corrupt(how) => {
            action(out, "corrupt");
            let value = match how {
                Corruption::Bits(count) | Corruption::Burst(count) | Corruption::Keep(count) => {
                    count.to_string()
                }
                Corruption::SwapBytes | Corruption::Truncate => "true".to_owned(),
                Corruption::Flip(bits) => {
                    let bits: Vec<String> = bits.iter().map(u64::to_string).collect();
                    format!("[{}]", bits.join(", "))
                }
            };
            line(out, how.name(), &value);
        }
        PacketAction::Hold { length } => {
            action(out, "hold");
            line(out, "for", &duration(*length));
        }
    }
}

fn world_action(out: &mut String, what: &WorldAction, names: &Names<'_>) {
    let mut on_hosts = |name: &str, hosts: &HostSet| {
        action(out, name);
        line(out, "host", &names.value(hosts));
    };
    match what {
        WorldAction::Partition { cuts } => partition(out, cuts, names),
        WorldAction::Crash { hosts } => on_hosts("crash", hosts),
        WorldAction::Pause { hosts } => on_hosts("pause", hosts),
        WorldAction::ClockStep { hosts, by } => {
            on_hosts("clock-step", hosts);
            line(out, "by", &text(&Unit::Duration.show(i128::from(*by))));
        }
        WorldAction::CorruptMemory { hosts } => on_hosts("corrupt-memory", hosts),
        WorldAction::CorruptDisk { hosts } => on_hosts("corrupt-disk", hosts),
        WorldAction::Link { rules } => link(out, rules, names),
        WorldAction::Calm => action(out, "calm"),
    }
}

/// One cut is written one way; several are those between groups.
fn partition(out: &mut String, cuts: &[(HostSet, HostSet)], names: &Names<'_>) {
    action(out, "partition");
    if let [(from, to)] = cuts {
        line(out, "from", &names.value(from));
        line(out, "to", &names.value(to));
        return;
    }
    let mut groups: Vec<&HostSet> = Vec::new();
    for (from, _) in cuts {
        if !groups.contains(&from) {
            groups.push(from);
        }
    }
    let group = |set: &&HostSet| format!("[{}]", quoted(&names.patterns(set)));
    let groups: Vec<String> = groups.iter().map(group).collect();
    line(out, "groups", &format!("[{}]", groups.join(", ")));
}

/// The rules of one table: one for a single direction, two for both.
fn link(out: &mut String, rules: &[LinkRule], names: &Names<'_>) {
    action(out, "link");
    let Some(rule) = rules.first() else { return };
    for (key, set) in [("from", &rule.from), ("to", &rule.to)] {
        if !names.is_all(set) {
            line(out, key, &names.value(set));
        }
    }
    if rules.len() > 1 {
        line(out, "both", "true");
    }
    impairments(out, &rule.set);
}
