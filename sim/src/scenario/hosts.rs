//! Names of hosts: which hosts a pattern means, and the `[hosts]` tables.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;

use toml::de::DeValue;

use super::drawn::{Drawn, at_or};
use super::errors::Errors;
use super::reader::{Reader, Value, describe};
use super::tables::MAX_GROUPS;
use crate::network::{HostId, HostSet};
use crate::plan::HostPlan;
use crate::text::quote;
use squall_diagnostic::{Diagnostic, Span};

/// The most different patterns with a `*` in one file; a guard, far above what anybody writes.
const MAX_PATTERNS: usize = 100;

/// The longest pattern, in bytes: matching takes a stack frame for each `*`.
const LONGEST_PATTERN: usize = 64;

/// A host of the protocol besides server and clients.
#[derive(Clone, Debug)]
pub(super) struct Other {
    pub name: &'static str,
    /// False if the options leave it out, whatever the seed.
    pub possible: bool,
}

/// The hosts a scenario may have: `server` is 0, `client-i` is i, and the others follow.
pub(super) struct Hosts {
    clients: u32,
    others: Vec<Other>,
    names: OnceCell<Vec<String>>,
    known: RefCell<HashMap<String, HostSet>>,
    /// How many different patterns with a `*` were looked up.
    patterns: Cell<usize>,
}

impl Hosts {
    /// The server, at most `clients` clients, and others.
    pub(super) fn new(clients: u32, others: Vec<Other>) -> Self {
        let (names, known, patterns) = (OnceCell::new(), RefCell::default(), Cell::new(0));
        Hosts { clients, others, names, known, patterns }
    }

    /// How many there are at most.
    pub(super) fn len(&self) -> u32 {
        self.clients + 1 + self.others.len() as u32
    }

    fn name(&self, host: HostId) -> String {
        let others: Vec<&str> = self.others.iter().map(|other| other.name).collect();
        host_name(host, self.clients, &others)
    }

    /// The others that some run may have.
    fn possible(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.others.iter().filter(|other| other.possible).map(|other| other.name)
    }

    /// True if this is a host that the options leave out.
    fn is_left_out(&self, name: &str) -> bool {
        self.others.iter().any(|other| other.name == name && !other.possible)
    }

    /// The hosts that `pattern` means, or what is wrong with it.
    pub(super) fn find(&self, pattern: &str) -> Result<HostSet, String> {
        if let Some(set) = self.known.borrow().get(pattern) {
            return Ok(set.clone());
        }
        let set: HostSet = if pattern.len() > LONGEST_PATTERN {
            return Err("longer than any name".to_owned());
        } else if pattern == "*" {
            HostSet::all()
        } else if pattern.contains('*') {
            self.patterns.set(self.patterns.get() + 1);
            if self.patterns.get() > MAX_PATTERNS {
                return Err(format!("the file has more than {MAX_PATTERNS} patterns"));
            }
            let names =
                self.names.get_or_init(|| (0..self.len()).map(|host| self.name(host)).collect());
            let found = (0..self.len()).filter(|host| {
                let name = &names[*host as usize];
                matches(pattern, name) && !self.is_left_out(name)
            });
            found.collect()
        } else {
            self.number(pattern).into_iter().collect()
        };
        if set.iter(self.len()).next().is_none() {
            return Err("no such host".to_owned());
        }
        self.known.borrow_mut().insert(pattern.to_owned(), set.clone());
        Ok(set)
    }

    /// The number of the host of this name.
    fn number(&self, name: &str) -> Option<HostId> {
        if name == "server" {
            return Some(0);
        }
        if let Some(number) = name.strip_prefix("client-") {
            let number: HostId = number.parse().ok()?;
            // Names such as `client-01` or `client-+1` are none.
            let known = (1..=self.clients).contains(&number) && self.name(number) == name;
            return known.then_some(number);
        }
        let mut others = (self.clients + 1..).zip(&self.others);
        others.find(|(_, other)| other.name == name && other.possible).map(|(host, _)| host)
    }

    /// What to write instead of a pattern that means no host.
    fn help(&self, pattern: &str) -> String {
        let clients = match self.clients {
            1 => "`client-1`".to_owned(),
            n => format!("`client-1` to `client-{n}`"),
        };
        let mut all = vec!["`server`".to_owned(), clients];
        all.extend(self.possible().map(|name| format!("`{name}`")));
        let end = all.pop().unwrap_or_default();
        let hosts = format!("{} and {end}", all.join(", "));
        let last = self.name(self.clients);
        let mut names = vec!["server", last.as_str(), "client-1", "client-*"];
        self.possible().for_each(|name| names.push(name));
        match crate::text::nearest(pattern, names) {
            Some(near) => format!("did you mean `{near}`? The hosts are {hosts}"),
            None => format!("the hosts are {hosts}; `*` stands for any part of a name"),
        }
    }

    /// The hosts that the strings `list` mean together.
    pub(super) fn read(&self, errors: &Errors<'_>, list: &[Value<'_>]) -> Option<HostSet> {
        let mut sets = Vec::with_capacity(list.len());
        for value in list {
            let DeValue::String(pattern) = value.get_ref() else {
                let label = format!("this is {}", describe(value.get_ref()));
                let one = Diagnostic::new(value.span(), "a host pattern must be a string");
                errors.add(one.label(label).help(self.help("")));
                continue;
            };
            sets.extend(self.read_one(errors, pattern, value.span()));
        }
        if sets.len() < list.len() {
            return None;
        }
        match sets.as_slice() {
            [one] => Some(one.clone()),
            sets => Some(HostSet::union(sets)),
        }
    }

    fn read_one(&self, errors: &Errors<'_>, pattern: &str, span: Span) -> Option<HostSet> {
        if self.is_left_out(pattern) {
            let one = Diagnostic::new(span, format!("there is no host {}", quote(pattern)));
            let one = one.label("with these options, the protocol has no such host");
            // A syntax error may have hidden the option that wants it.
            errors.add_missing(one.help(self.help("")));
            return None;
        }
        let found = self.find(pattern);
        let note = |label| {
            let one = Diagnostic::new(span, format!("no host matches {}", quote(pattern)));
            errors.add(one.label(label).help(self.help(pattern)));
        };
        found.map_err(note).ok()
    }

    /// The hosts at a key; `None` if it is absent or wrong.
    pub(super) fn at(&self, reader: &Reader<'_>, name: &str) -> Option<HostSet> {
        self.read(reader.errors, reader.values(name)?)
    }

    /// The hosts at a key; all if it is absent.
    pub(super) fn at_or_all(&self, reader: &Reader<'_>, name: &str) -> Option<HostSet> {
        match reader.has(name) {
            true => self.at(reader, name),
            false => Some(HostSet::all()),
        }
    }

    /// The groups of a partition: at least two, without a host in common.
    pub(super) fn groups(&self, reader: &Reader<'_>, name: &str) -> Option<Vec<HostSet>> {
        let list = reader.values(name)?;
        let span = reader.value_span(name);
        if list.len() < 2 || list.len() > MAX_GROUPS {
            let message = format!("`{name}` must have at least 2 groups and at most {MAX_GROUPS}");
            let one = Diagnostic::new(span, message).label(format!("groups here: {}", list.len()));
            reader.errors.add(one.help("such as groups = [[\"client-*\"], [\"server\"]]"));
            return None;
        }
        let mut groups: Vec<HostSet> = Vec::new();
        let mut owners: HashMap<HostId, usize> = HashMap::new();
        for (i, value) in list.iter().enumerate() {
            let members = match value.get_ref() {
                DeValue::Array(members) => members.as_ref(),
                _ => std::slice::from_ref(value),
            };
            if members.is_empty() {
                let one = Diagnostic::new(value.span(), "a group must not be empty");
                reader.errors.add(one);
                continue;
            }
            let Some(group) = self.read(reader.errors, members) else {
                continue;
            };
            let twice = group.iter(self.len()).find_map(|host| {
                let owner = *owners.entry(host).or_insert(i);
                (owner != i).then_some((host, owner))
            });
            if let Some((host, owner)) = twice {
                let message = format!("`{}` is in two groups", self.name(host));
                let one = Diagnostic::new(value.span(), message).label("again in this group");
                reader.errors.add(one.other(list[owner].span(), "already in this one"));
            }
            groups.push(group);
        }
        (groups.len() == list.len()).then_some(groups)
    }
}

/// The name of a host of a file with up to `clients` clients.
pub(super) fn host_name(host: HostId, clients: u32, others: &[&str]) -> String {
    match host.checked_sub(clients + 1) {
        Some(other) => others[other as usize].to_owned(),
        None if host == 0 => "server".to_owned(),
        None => format!("client-{host}"),
    }
}

/// True if `*` in `pattern`, standing for any characters or none, can make it `name`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            // Where the next literal part occurs first is as good as anywhere later, but for the
            // last one, which must end the name.
            let next = rest.split('*').next().unwrap_or("");
            match rest.contains('*') {
                true => name.find(next).is_some_and(|i| matches(rest, &name[i..])),
                false => name.ends_with(rest),
            }
        }),
    }
}

/// What the `[hosts]` tables say.
#[derive(Clone, Debug, Default)]
pub(super) struct HostRules(Vec<HostRule>);

#[derive(Clone, Debug)]
struct HostRule {
    hosts: HostSet,
    receive_buffer: Option<Drawn<u64>>,
    offset: Option<Drawn<i64>>,
    drift: Option<Drawn<f64>>,
}

impl HostRules {
    /// Reads the tables under `[hosts]`; notes in `drifts` where a clock is made to drift.
    pub(super) fn read(tables: &Reader<'_>, hosts: &Hosts, drifts: &mut Vec<Span>) -> Self {
        let mut rules = Vec::new();
        for (pattern, span, value) in tables.entries() {
            let set = hosts.read_one(tables.errors, pattern, span);
            let Some(table) = tables.child(pattern, value) else {
                continue;
            };
            let receive_buffer = table.whole("receive_buffer");
            let clock = table.table("clock");
            let offset = clock.as_ref().and_then(|clock| clock.signed("offset"));
            let drift = clock.as_ref().and_then(|clock| clock.drift("drift"));
            if let (Some(clock), true) = (&clock, drift.is_some()) {
                drifts.push(clock.key_span("drift"));
            }
            if let Some(hosts) = set {
                rules.push(HostRule { hosts, receive_buffer, offset, drift });
            }
        }
        HostRules(rules)
    }

    /// The plans of `hosts`, under `seed`.
    pub(super) fn plan(
        &self,
        hosts: &[HostId],
        name: impl Fn(HostId) -> String,
        seed: u64,
    ) -> Vec<HostPlan> {
        let host = |host: &HostId| HostPlan::new(name(*host));
        let mut plans: Vec<HostPlan> = hosts.iter().map(host).collect();
        for rule in &self.0 {
            let tuned = plans.iter_mut().zip(hosts).filter(|(_, host)| rule.hosts.contains(**host));
            for (plan, _) in tuned {
                plan.receive_buffer = at_or(&rule.receive_buffer, seed, plan.receive_buffer);
                plan.clock_offset = at_or(&rule.offset, seed, plan.clock_offset);
                plan.clock_drift_ppm = at_or(&rule.drift, seed, plan.clock_drift_ppm);
            }
        }
        plans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_part_of_a_name() {
        let yes = [
            ("server", "server"),
            ("*", ""),
            ("client-*", "client-12"),
            ("*-1", "client-1"),
            ("c*t-*", "client-3"),
            ("**", "x"),
            ("*1*", "client-213"),
            ("*ab*ab", "abab"),
            ("a*a", "aa"),
        ];
        let no = [
            ("server", "serve"),
            ("client-*", "server"),
            ("*-1", "client-11"),
            ("a*a", "a"),
            ("*ab*ab", "xab"),
            ("", "x"),
        ];
        for (pattern, name) in yes {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in no {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn names_are_resolved_to_numbers() {
        let other = |name, possible| Other { name, possible };
        let hosts = Hosts::new(12, vec![other("absent", false), other("mapper", true)]);
        let ids = |pattern| {
            let set = hosts.find(pattern);
            set.map(|set| set.iter(15).collect::<Vec<_>>())
        };
        assert_eq!(ids("server"), Ok(vec![0]));
        assert_eq!(ids("client-12"), Ok(vec![12]));
        assert_eq!(ids("client-1*"), Ok(vec![1, 10, 11, 12]));
        assert_eq!(ids("mapper"), Ok(vec![14]));
        assert_eq!(ids("*e*r"), Ok(vec![0, 14]), "what the options leave out is no host");
        assert_eq!(ids("*").map(|all| all.len()), Ok(15));
        for none in [
            "absent",
            "mappe",
            "client-13",
            "client-0",
            "client-01",
            "client-+1",
            "",
            "server*x",
            "Server",
        ] {
            assert!(ids(none).is_err(), "{none}");
        }
    }
}
