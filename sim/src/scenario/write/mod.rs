//! From a plan back to a scenario file: every range is the value that was drawn, every host set the
//! names of its hosts. Reading the file gives the plan again.

mod fault;
mod options;

use std::fmt::Write as _;

use super::units::Unit;
use super::{DURATION, MAX_EVENTS};
use crate::network::{HostId, HostSet, Impairments, LinkRule, Loss};
use crate::plan::{Bounds, Engine, Expect, HostPlan, Payload, Plan, Schedule};
use crate::protocol::ProtocolSpec;

/// What a written file says besides the plan.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// Lines of comment at the top.
    pub head: Vec<String>,
    /// Lines of comment above each fault, in its order.
    pub faults: Vec<Vec<String>>,
    /// The path of the file that the clients send, if the plan has one.
    pub payload: Option<String>,
}

/// Writes a plan as a scenario file of the protocol that `spec` describes.
pub fn write(plan: &Plan, spec: &ProtocolSpec, notes: &Notes) -> String {
    let mut out = String::new();
    comment(&mut out, &notes.head);
    line(&mut out, "title", &text(&plan.title));
    line(&mut out, "protocol", &text(&plan.protocol));
    line(&mut out, "seed", &plan.seed.to_string());
    if plan.duration != DURATION {
        line(&mut out, "duration", &duration(plan.duration));
    }
    if plan.engine != Engine::default() {
        line(&mut out, "engine", &text(plan.engine.name()));
    }
    if plan.schedule != Schedule::default() {
        line(&mut out, "schedule", &text(plan.schedule.name()));
    }
    if plan.max_events != MAX_EVENTS {
        line(&mut out, "max_events", &plan.max_events.to_string());
    }
    options::write(&mut out, &plan.options, spec);
    workload(&mut out, plan, notes);
    let names = Names::new(plan);
    plan.hosts.iter().for_each(|tuned| host(&mut out, tuned));
    for rule in plan.links.iter().filter(|rule| rule.set != Impairments::default()) {
        link(&mut out, rule, &names);
    }
    for (index, spec) in plan.faults.iter().enumerate() {
        out.push('\n');
        comment(&mut out, notes.faults.get(index).map_or(&[], Vec::as_slice));
        fault::write(&mut out, spec, &names);
    }
    expect(&mut out, &plan.expect);
    out
}

fn comment(out: &mut String, lines: &[String]) {
    for line in lines {
        // A line break in a comment would end it.
        let _ = writeln!(out, "# {}", crate::text::visible(line));
    }
}

fn line(out: &mut String, key: &str, value: &str) {
    let _ = writeln!(out, "{key} = {value}");
}

fn text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn duration(nanos: u64) -> String {
    text(&Unit::Duration.show(i128::from(nanos)))
}

/// The names of a run's hosts.
struct Names<'a> {
    hosts: &'a [HostPlan],
    clients: u32,
}

impl<'a> Names<'a> {
    fn new(plan: &'a Plan) -> Self {
        Names { hosts: &plan.hosts, clients: plan.clients }
    }

    fn hosts(&self) -> u32 {
        self.hosts.len() as u32
    }

    fn is_all(&self, set: &HostSet) -> bool {
        (0..self.hosts()).all(|host| set.contains(host))
    }

    /// The patterns that mean this set.
    fn patterns(&self, set: &HostSet) -> Vec<&'a str> {
        if self.is_all(set) {
            return vec!["*"];
        }
        let is_client = |host: HostId| (1..=self.clients).contains(&host);
        let every_client = (1..=self.clients).all(|client| set.contains(client));
        let brief = every_client && self.clients > 1;
        let single = set.iter(self.hosts()).filter(|host| !(brief && is_client(*host)));
        let single = single.map(|host| self.hosts[host as usize].name.as_str());
        brief.then_some("client-*").into_iter().chain(single).collect()
    }

    /// The set as a value.
    fn value(&self, set: &HostSet) -> String {
        match self.patterns(set).as_slice() {
            [one] => text(one),
            several => format!("[{}]", quoted(several)),
        }
    }
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| text(word)).collect();
    words.join(", ")
}

fn workload(out: &mut String, plan: &Plan, notes: &Notes) {
    let (workload, clients) = (&plan.workload, plan.clients);
    out.push_str("\n[workload]\n");
    if clients != 1 {
        line(out, "clients", &clients.to_string());
    }
    let path = notes.payload.as_deref().unwrap_or("payload");
    match &workload.payload {
        None => line(out, "messages", &workload.operations.to_string()),
        Some(Payload::Cut(_)) => line(out, "payload", &text(path)),
        Some(Payload::Whole(_)) => {
            line(out, "file", &text(path));
            line(out, "messages", &workload.operations.to_string());
        }
    }
    if !matches!(workload.payload, Some(Payload::Whole(_)))
        && workload.size != super::workload::SIZE
    {
        line(out, "size", &text(&Unit::Size.show(i128::from(workload.size))));
    }
    if workload.interval != 0 {
        line(out, "interval", &duration(workload.interval));
    }
}

fn host(out: &mut String, host: &HostPlan) {
    let mut lines = String::new();
    if host.receive_buffer != HostPlan::RECEIVE_BUFFER {
        line(&mut lines, "receive_buffer", &host.receive_buffer.to_string());
    }
    if host.clock_offset != 0 {
        let offset = Unit::Duration.show(i128::from(host.clock_offset));
        line(&mut lines, "clock.offset", &text(&offset));
    }
    if host.clock_drift_ppm != 0.0 {
        line(&mut lines, "clock.drift", &text(&format!("{}ppm", host.clock_drift_ppm)));
    }
    if !lines.is_empty() {
        let _ = write!(out, "\n[hosts.{}]\n{lines}", host.name);
    }
}

fn link(out: &mut String, rule: &LinkRule, names: &Names<'_>) {
    out.push_str("\n[[link]]\n");
    for (key, set) in [("from", &rule.from), ("to", &rule.to)] {
        if !names.is_all(set) {
            line(out, key, &names.value(set));
        }
    }
    impairments(out, &rule.set);
}

fn impairments(out: &mut String, set: &Impairments) {
    let mut given = |key: &str, value: Option<String>| {
        value.into_iter().for_each(|value| line(out, key, &value));
    };
    given("delay", set.delay.map(duration));
    given("jitter", set.jitter.map(duration));
    given("distribution", set.distribution.map(|shape| text(shape.name())));
    given("loss", set.loss.map(loss));
    given("duplicate", set.duplicate.map(probability));
    given("reorder", set.reorder.map(probability));
    given("corrupt", set.corrupt.map(probability));
    given("rate", set.rate.map(|rate| text(&Unit::Rate.show(i128::from(rate)))));
    given("limit", set.limit.map(|limit| limit.to_string()));
    given("mtu", set.mtu.map(|mtu| mtu.to_string()));
    given("udp_checksum", set.udp_checksum.map(|on| on.to_string()));
    given("shared", set.shared.map(|shared| shared.to_string()));
}

fn loss(loss: Loss) -> String {
    match loss {
        Loss::Independent(share) => probability(share),
        Loss::GilbertElliott { p, r, loss_bad, loss_good } => format!(
            "{{ gemodel = {{ p = {}, r = {}, 1-h = {}, 1-k = {} }} }}",
            probability(p),
            probability(r),
            probability(loss_bad),
            probability(loss_good)
        ),
    }
}

/// As a number with as many digits as tell it from every other.
fn probability(share: f64) -> String {
    decimal(share)
}

fn decimal(number: f64) -> String {
    let digits = number.to_string();
    if digits.contains('.') { digits } else { format!("{digits}.0") }
}

fn expect(out: &mut String, expect: &Expect) {
    if *expect == Expect::default() {
        return;
    }
    out.push_str("\n[expect]\n");
    if let Some(guarantee) = expect.guarantee {
        line(out, "guarantee", &text(guarantee.name()));
    }
    if expect.fifo {
        line(out, "order", "\"fifo\"");
    }
    if let Some(completes) = expect.completes {
        line(out, "completes", &completes.to_string());
    }
    if let Some(within) = expect.within {
        line(out, "within", &duration(within));
    }
    if !expect.violates.is_empty() {
        let names: Vec<&str> = expect.violates.iter().map(|one| one.name()).collect();
        line(out, "violates", &format!("[{}]", quoted(&names)));
    }
    let costs = expect.cost.iter().map(|(cost, bounds)| (cost.name(), *bounds));
    all_bounds(out, "cost", costs);
    let events = expect.events.iter().map(|(name, bounds)| (name.as_str(), *bounds));
    all_bounds(out, "events", events);
    if !expect.sometimes.is_empty() {
        let names: Vec<&str> = expect.sometimes.iter().map(String::as_str).collect();
        line(out, "sometimes", &format!("[{}]", quoted(&names)));
    }
}

fn all_bounds<'a>(
    out: &mut String,
    key: &str,
    all: impl ExactSizeIterator<Item = (&'a str, Bounds)>,
) {
    if all.len() > 0 {
        let one = |(name, bounds)| format!("{} = {}", text(name), bounds_value(bounds));
        let all: Vec<String> = all.map(one).collect();
        line(out, key, &format!("{{ {} }}", all.join(", ")));
    }
}

fn bounds_value(bounds: Bounds) -> String {
    match bounds.max == Some(bounds.min) {
        true => bounds.to_string(),
        false => text(&bounds.to_string()),
    }
}
