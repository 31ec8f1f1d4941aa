//! The impairments of a plan's links as commands of `tc` for netem, to try real software under them.
//!
//! netem acts on what a host sends, so the script has a part for each host, or for each group of hosts
//! whose links are alike. What netem can not express, or does in another way, is said in comments.

mod links;
mod notes;
mod options;

use std::collections::BTreeSet;

use squall_sim::network::{HostId, address};
use squall_sim::plan::Plan;
use squall_sim::text::visible;

use links::{Arm, Target};

/// Destinations that one host's part may tell apart. tc's class numbers have 16 bits, and each filter is
/// looked at for every packet.
const MOST_TARGETS: usize = 1000;

/// Hosts in one line of the script.
const HOSTS_PER_LINE: usize = 6;

/// A shell script that sets the impairments of the plan's links on the interface `device`.
pub fn script(plan: &Plan, device: &str) -> String {
    let mut arms = links::arms(plan);
    let left_out: Vec<usize> = arms
        .iter_mut()
        .map(|arm| arm.targets.split_off(arm.targets.len().min(MOST_TARGETS)).len())
        .collect();
    let mut out = String::from("#!/bin/sh\n");
    head(&mut out, plan, &arms);
    out.push_str("set -eu\n\n");
    out.push_str(&format!("DEV={}\n", quoted(device)));
    let names = Names::new(plan, &arms);
    names.write(&mut out, plan);
    if arms.iter().flat_map(|arm| &arm.targets).any(|target| target.link.needs_table()) {
        out.push_str(options::EXPONENTIAL_TABLE);
    }
    out.push_str("\ncase \"${1:-}\" in\n");
    for (arm, left_out) in arms.iter().zip(left_out) {
        write_arm(&mut out, plan, &names, arm, left_out);
    }
    out.push_str(
        "--off)\n    tc qdisc del dev \"$DEV\" root\n    ;;\n\
         *)\n    echo \"usage: sh $0 HOST | --off, where HOST is a host of the scenario\" >&2\n    exit 64\n    ;;\nesac\n",
    );
    out
}

fn head(out: &mut String, plan: &Plan, arms: &[Arm]) {
    comment(out, "", "The impairments of links as commands of tc(8) for tc-netem(8).");
    comment(out, "Scenario: ", &plan.scenario);
    comment(out, "Title:    ", &plan.title);
    let drawn = "ranges in the file are drawn for this seed, other seeds may give other values";
    comment(out, "Seed:     ", &format!("{} ({drawn})", plan.seed));
    comment(out, "", "");
    comment(
        out,
        "",
        "netem acts on what a host sends. Run this as root on every host that takes part, with the name \
         of the host of the scenario that it stands for; it replaces what the interface has:",
    );
    let some = plan.hosts.first().map_or("server", |host| host.name.as_str());
    comment(out, "    ", &format!("sh netem.sh {some}"));
    comment(out, "    ", "sh netem.sh --off      takes it away again");
    for (heading, notes) in
        [("What differs:", notes::differs(plan, arms)), ("What is left out:", notes::missing(plan))]
    {
        if !notes.is_empty() {
            comment(out, "", "");
            comment(out, "", heading);
        }
        notes.iter().for_each(|note| comment(out, "- ", note));
    }
}

/// What one host, or several alike, must do.
fn write_arm(out: &mut String, plan: &Plan, names: &Names, arm: &Arm, left_out: usize) {
    let patterns: Vec<String> =
        arm.hosts.iter().map(|host| quoted(plan.host_name(*host))).collect();
    let lines: Vec<String> = patterns.chunks(HOSTS_PER_LINE).map(|some| some.join(" | ")).collect();
    out.push_str(&format!("{})\n", lines.join(" | \\\n")));
    out.push_str("    tc qdisc del dev \"$DEV\" root 2>/dev/null || true\n");
    match &arm.targets[..] {
        [] => indented(out, "nothing impairs what it sends"),
        [target] if target.everywhere => {
            indented(out, "to every host, and all else that the interface sends");
            let command = target.link.command();
            out.push_str(&command.replace("PLACE", "root handle 1:"));
        }
        targets => {
            indented(out, "what goes elsewhere is not impaired");
            out.push_str("    tc qdisc add dev \"$DEV\" root handle 1: htb\n");
            (1..)
                .zip(targets)
                .for_each(|(class, target)| filtered(out, plan, names, class, target));
        }
    }
    if left_out > 0 {
        indented(
            out,
            &format!("{left_out} more groups of destinations are left out: too many for tc"),
        );
    }
    out.push_str("    ;;\n");
}

/// A class of its own for what goes to some hosts.
fn filtered(out: &mut String, plan: &Plan, names: &Names, class: u32, target: &Target) {
    let to: Vec<&str> = target.hosts.iter().map(|host| plan.host_name(*host)).collect();
    let few = match to.len() > HOSTS_PER_LINE {
        true => {
            format!("{} and {} more", to[..HOSTS_PER_LINE].join(", "), to.len() - HOSTS_PER_LINE)
        }
        false => to.join(", "),
    };
    indented(out, &format!("to {few}"));
    // The class limits nothing: it is there for the netem below it.
    out.push_str(&format!(
        "    tc class add dev \"$DEV\" parent 1: classid 1:{class:x} htb rate 100gbit quantum 60000\n"
    ));
    out.push_str(&target.link.command().replace("PLACE", &format!("parent 1:{class:x}")));
    for host in &target.hosts {
        let name = names.of(*host);
        out.push_str(&format!(
            "    tc filter add dev \"$DEV\" parent 1: protocol ip prio {class} u32 match ip dst \
             \"${name}/32\" flowid 1:{class:x}\n"
        ));
    }
}

/// The shell variables that hold the addresses of hosts which filters name.
struct Names(Vec<(HostId, String)>);

impl Names {
    fn new(plan: &Plan, arms: &[Arm]) -> Self {
        let targets = arms.iter().flat_map(|arm| &arm.targets);
        let filtered = targets.filter(|target| !target.everywhere);
        let hosts: BTreeSet<HostId> =
            filtered.flat_map(|target| target.hosts.iter().copied()).collect();
        let mut taken = BTreeSet::new();
        let named = |host: HostId| {
            let plain =
                |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
            let name: String = plan.host_name(host).chars().map(plain).collect();
            let mut name = format!("HOST_{name}");
            if !taken.insert(name.clone()) {
                name = format!("{name}__{host}");
                taken.insert(name.clone());
            }
            (host, name)
        };
        Names(hosts.into_iter().map(named).collect())
    }

    fn of(&self, host: HostId) -> &str {
        match self.0.binary_search_by_key(&host, |(host, _)| *host) {
            Ok(place) => &self.0[place].1,
            Err(_) => unreachable!("every host that a filter names has a variable"),
        }
    }

    fn write(&self, out: &mut String, plan: &Plan) {
        if self.0.is_empty() {
            return;
        }
        out.push('\n');
        comment(
            out,
            "",
            "Where the hosts are. These are the simulation's addresses: put in your own.",
        );
        for (host, name) in &self.0 {
            let (address, said) = (address(*host), visible(plan.host_name(*host)));
            out.push_str(&format!("{name}={address} # {said}\n"));
        }
    }
}

/// A comment inside of a host's part.
fn indented(out: &mut String, text: &str) {
    out.push_str(&format!("    # {}\n", visible(text)));
}

/// A comment, wrapped; nothing in it can end its line.
fn comment(out: &mut String, lead: &str, text: &str) {
    const WIDTH: usize = 98;
    let text = visible(text);
    let hang = " ".repeat(lead.chars().count());
    let mut line = lead.to_owned();
    let mut used = hang.len();
    // Runs of spaces stay as they are: examples line up.
    for word in text.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if used + length > WIDTH && line.trim() != lead.trim() {
            out.push_str(format!("# {line}").trim_end());
            out.push('\n');
            line.clone_from(&hang);
            used = hang.len();
        }
        line.push_str(word);
        used += word.chars().count();
    }
    out.push_str(format!("# {line}").trim_end());
    out.push('\n');
}

/// One word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", visible(text).replace('\'', "'\\''"))
}
