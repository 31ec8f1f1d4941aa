//! Scenario files: from TOML text to a checked [`Scenario`], and from that to a [`Plan`].
//!
//! Only this module knows the file format. `tables`, `actions` and `words` declare every key once;
//! `reader` and `numbers` read one table by its declaration and collect `errors`; `workload`, `hosts`, `link`,
//! `fault`, `expect` and `options` read one table each, `units` the quantities in them; `drawn`
//! holds values that ranges stand for until a seed is known, `present` which hosts a run then has;
//! `diagnostic` draws what is wrong; `schema` writes the declarations down for editors, and `write` a
//! plan as a file.

mod actions;
mod drawn;
mod errors;
mod expect;
mod fault;
mod hosts;
mod keys;
mod link;
mod numbers;
mod options;
mod present;
mod reader;
mod schema;
mod tables;
mod units;
mod varied;
mod words;
mod workload;
mod write;

pub use present::on_hosts;
pub use schema::schema;
use squall_diagnostic::Sources;
pub use squall_diagnostic::{Diagnostic, Diagnostics, Span};
pub use varied::Varied;
pub(crate) use workload::SIZE as MESSAGE_SIZE;
pub use write::{Notes, write};

use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;
use xxhash_rust::xxh3::xxh3_128;

use self::errors::Errors;
use self::fault::Surroundings;
use self::hosts::{HostRules, Hosts, Other};
use self::options::DrawnOptions;
use self::present::Present;
use self::reader::Reader;
use self::words::Vocabulary;
use self::workload::Workload;
use crate::plan::{Engine, Expect, Plan, Schedule};
use crate::protocol::{HostSpec, OptionContext, OptionValue, ProtocolSpec};

/// The largest scenario file, bytes.
const MAX_FILE: usize = 4 << 20;

/// When a run is cut off if the file says nothing, nanoseconds.
const DURATION: u64 = 60_000_000_000;

/// How many events a run may take if the file says nothing.
pub const MAX_EVENTS: u64 = 10_000_000;

/// The seed if neither the file nor the caller gives one.
const SEED: u64 = 1;

/// A checked scenario file, its ranges not yet drawn. Cloning shares everything.
#[derive(Clone, Debug)]
pub struct Scenario(Arc<Checked>);

#[derive(Clone, Debug)]
struct Checked {
    name: String,
    text: Arc<str>,
    title: String,
    protocol: String,
    duration: u64,
    seed: u64,
    engine: Engine,
    schedule: Schedule,
    max_events: u64,
    options: DrawnOptions,
    workload: Workload,
    hosts: HostRules,
    /// The protocol's hosts besides server and clients.
    others: Vec<HostSpec>,
    links: Vec<link::Link>,
    faults: Vec<fault::Fault>,
    expect: Expect,
    /// What the turmoil engine can not do, and where the file asks for it.
    event_only: Vec<(Span, &'static str)>,
}

impl Scenario {
    /// Checks the scenario file `name` (its path, or `-`), whose content is `text`.
    ///
    /// Paths in it start at `base`. It may use the protocols of `protocols`.
    ///
    /// # Errors
    /// Everything that is wrong with the file, at once.
    pub fn parse(
        name: &str,
        text: &str,
        base: &Path,
        protocols: &[ProtocolSpec],
    ) -> Result<Scenario, Diagnostics> {
        let text: Arc<str> = text.into();
        let wrong = |list, left_out| Diagnostics::new(Sources::one(name, &text), list, left_out);
        if text.len() > MAX_FILE {
            let message = format!("a scenario file may have at most {} MiB", MAX_FILE >> 20);
            return Err(wrong(vec![Diagnostic::new(0..0, message)], 0));
        }
        let (table, syntax) = DeTable::parse_recoverable(&text);
        let errors = Errors::new(&text, syntax.iter().map(|error| syntax_error(error, &text)));
        let checked = check(&errors, name, &text, table.get_ref(), base, protocols);
        match (checked, errors.into_list()) {
            (Some(checked), (list, _)) if list.is_empty() => {
                let scenario = Scenario(Arc::new(checked));
                scenario.check_engine(scenario.engine())?;
                Ok(scenario)
            }
            (_, (list, left_out)) => Err(wrong(list, left_out)),
        }
    }

    /// As [`Scenario::parse`], for the bytes of a file.
    ///
    /// # Errors
    /// As [`Scenario::parse`]; also if the bytes are not UTF-8.
    pub fn parse_bytes(
        name: &str,
        bytes: &[u8],
        base: &Path,
        protocols: &[ProtocolSpec],
    ) -> Result<Scenario, Diagnostics> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Scenario::parse(name, text, base, protocols),
            Err(error) => {
                let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_FILE)]);
                let start = error.valid_up_to();
                let one = Diagnostic::new(start..start + 1, "the file is not UTF-8 text");
                let one = one.label("this byte is not part of a character");
                Err(Diagnostics::new(Sources::one(name, &text), vec![one], 0))
            }
        }
    }

    /// The file's name, as it was given to [`Scenario::parse`].
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The file's content.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// What the scenario shows, in one sentence.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// The name of the protocol the hosts run.
    pub fn protocol(&self) -> &str {
        &self.0.protocol
    }

    /// What the file expects of a run.
    pub fn expect(&self) -> &Expect {
        &self.0.expect
    }

    /// The engine the file asks for.
    pub fn engine(&self) -> Engine {
        self.0.engine
    }

    /// The seed when none is given.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// The same scenario with another value of an option of its protocol. The text stays what it is.
    pub fn with_option(&self, name: &'static str, value: OptionValue) -> Scenario {
        let mut checked = Checked::clone(&self.0);
        checked.options.fix(name, value);
        Scenario(Arc::new(checked))
    }

    /// The same scenario without its faults. The text stays what it is.
    pub fn without_faults(&self) -> Scenario {
        Scenario(Arc::new(Checked { faults: Vec::new(), ..Checked::clone(&self.0) }))
    }

    /// The path of the file that the clients send, as the scenario has it.
    pub fn payload_path(&self) -> Option<&str> {
        self.0.workload.path()
    }

    /// The 128-bit xxh3 hash of the file's content.
    pub fn hash(&self) -> u128 {
        hash(&self.0.text)
    }

    /// Checks that `engine` can produce what the file asks for, for when the engine is not the one
    /// that the file names.
    ///
    /// # Errors
    /// Each place at which the file asks for something that the engine can not do.
    pub fn check_engine(&self, engine: Engine) -> Result<(), Diagnostics> {
        if engine == Engine::Event || self.0.event_only.is_empty() {
            return Ok(());
        }
        let refuse = |(span, what): &(Span, &str)| {
            let message = format!("the turmoil engine can not {what}");
            Diagnostic::new(span.clone(), message).help("use engine = \"event\"")
        };
        let list = self.0.event_only.iter().map(refuse).collect();
        Err(Diagnostics::new(Sources::one(&self.0.name, &self.0.text), list, 0))
    }

    /// The plan under `seed`, or under the file's seed: every range is drawn.
    pub fn plan(&self, seed: Option<u64>) -> Plan {
        let this = &*self.0;
        let seed = seed.unwrap_or(this.seed);
        let (options, clients) = (this.options.at(seed), this.workload.clients(seed));
        let most_clients = this.workload.most_clients();
        let present = Present::new(clients, most_clients, &this.others, &options);
        let mut links: Vec<_> = this.links.iter().flat_map(|link| link.rules(seed)).collect();
        let mut faults: Vec<_> = this.faults.iter().map(|fault| fault.at(seed)).collect();
        present.renumber(&mut links, &mut faults);
        let others: Vec<&str> = this.others.iter().map(|other| other.name).collect();
        let name = |host| hosts::host_name(host, most_clients, &others);
        Plan {
            scenario: this.name.clone(),
            title: this.title.clone(),
            protocol: this.protocol.clone(),
            seed,
            engine: this.engine,
            schedule: this.schedule,
            duration: this.duration,
            max_events: this.max_events,
            options,
            workload: this.workload.at(seed),
            clients,
            hosts: this.hosts.plan(present.hosts(), name, seed),
            links,
            faults,
            expect: this.expect.clone(),
        }
    }
}

/// Reads a duration as scenario files have it, such as `1.5s`.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    quantity(units::Unit::Duration, text).map(std::time::Duration::from_nanos)
}

/// Reads a size as scenario files have it, such as `4KiB`, in bytes.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn size(text: &str) -> Result<u64, String> {
    quantity(units::Unit::Size, text)
}

fn quantity(unit: units::Unit, text: &str) -> Result<u64, String> {
    let value = unit.read(text).map_err(|problem| match problem.help {
        Some(help) => format!("{}; {help}", problem.label),
        None => problem.label,
    })?;
    u64::try_from(value).map_err(|_| "out of range".to_owned())
}

/// The 128-bit xxh3 hash of a scenario's text.
pub fn hash(text: &str) -> u128 {
    xxh3_128(text.as_bytes())
}

/// What the TOML parser says, as an error of ours.
fn syntax_error(error: &toml::de::Error, text: &str) -> Diagnostic {
    let (what, expected) = match error.message().split_once(", expected ") {
        Some((what, expected)) => (what, expected),
        None => (error.message(), "nothing"),
    };
    let span = error.span().unwrap_or(text.len()..text.len());
    let is_gap = text.get(span.clone()).is_none_or(|found| found.trim().is_empty());
    let one = |message: &str| Diagnostic::new(span.clone(), message);
    match (what, expected) {
        ("duplicate key", _) => one("this is given twice").label("the second time"),
        ("string values must be quoted", _) if is_gap => one("a value is missing"),
        ("string values must be quoted", _) => one("a text must stand in quotes")
            .help("texts, durations, sizes, rates and ranges are written in quotes"),
        ("invalid basic string" | "invalid literal string", "`\"`" | "`'`") => {
            one("the closing quote is missing")
        }
        ("cannot recurse further; max recursion depth met", _) => one("this is nested too deeply"),
        (_, "nothing") => one(&format!("this is not TOML: {what}")),
        _ => one(&format!("this is not TOML: {what}")).label(format!("expected {expected}")),
    }
}

/// Reads the whole file. `None` if something is missing without which there is no scenario; then
/// `errors` says so.
fn check(
    errors: &Errors<'_>,
    name: &str,
    text: &Arc<str>,
    table: &DeTable<'_>,
    base: &Path,
    protocols: &[ProtocolSpec],
) -> Option<Checked> {
    // Which keys and words are right depends on the protocol, so it must be known first.
    let known = table.get("protocol").and_then(|value| value.get_ref().as_str());
    let known = protocols.iter().find(|spec| Some(spec.name.as_str()) == known);
    let words = Vocabulary::of(known);
    let keys = tables::file(&words);
    let file = Reader::open(errors, &keys, table, 0..0, String::new());

    let title = file.text("title");
    let protocol = file.text("protocol");
    if let (Some((word, span)), None) = (&protocol, known) {
        let names: Vec<&str> = protocols.iter().map(|spec| spec.name.as_str()).collect();
        file.unknown_word("protocol", word, span.clone(), &names);
    }
    let engine = file.word("engine").and_then(Engine::named).unwrap_or_default();
    let mut event_only = Vec::new();
    let schedule = file.word("schedule").and_then(Schedule::named).unwrap_or_default();
    if schedule == Schedule::Random {
        event_only.push((file.value_span("schedule"), "run ready tasks in random order"));
    }
    let duration = file.whole("duration").map_or(DURATION, |one| one.low());
    let max_events = file.whole("max_events").map_or(MAX_EVENTS, |one| one.low());
    let seed = file.whole("seed").map_or(SEED, |one| one.low());

    let errors_before = errors.count();
    let options = file.table("options");
    let options_table = options;
    let options = known.map(|spec| DrawnOptions::read(options_table.as_ref(), &spec.options));
    let options_are_right = errors.count() == errors_before;
    let any_size = known.is_none_or(|spec| spec.any_message_size);
    let table = file.table("workload");
    let workload =
        table.as_ref().map(|table| Workload::read(table, base, any_size)).unwrap_or_default();
    // What a wrong option or an unknown protocol would want is not known: any name may be right.
    let specs = known.map_or(protocols, std::slice::from_ref).iter().flat_map(|spec| &spec.hosts);
    let others = specs.map(|spec| Other {
        name: spec.name,
        possible: !options_are_right || options.as_ref().is_none_or(|all| all.may_hold(spec.when)),
    });
    let known_hosts = Hosts::new(workload.most_clients(), others.collect());
    let (mut drifts, mut pauses) = (Vec::new(), Vec::new());
    let hosts = file.table("hosts");
    let hosts = hosts.map(|tables| HostRules::read(&tables, &known_hosts, &mut drifts));
    let links = file.tables("link", link::paths());
    let links: Vec<link::Link> =
        links.iter().filter_map(|table| link::Link::read(table, &known_hosts)).collect();
    if let (Some(options), Some(spec)) = (&options, known) {
        let mtu = links.iter().filter_map(link::Link::smallest_mtu).min();
        let context = OptionContext { message: workload.most_bytes(), mtu };
        let tables: Vec<&Reader<'_>> =
            [&options_table, &table].into_iter().flatten().chain([&file]).collect();
        options.check(spec, &context, &tables);
    }
    let around = Surroundings { hosts: &known_hosts, words: &words };
    let (links_given, faults_given) = (file.entry_count("link"), file.entry_count("fault"));
    let faults = fault::read_all(&file, &around, &mut pauses);
    let expect = file.table("expect").map(|table| expect::read(&table)).unwrap_or_default();
    event_only.extend(drifts.into_iter().map(|span| (span, "make clocks drift")));
    event_only.extend(pauses.into_iter().map(|span| (span, "pause hosts")));

    // Whoever leaves a table out must have said why.
    debug_assert!(
        !errors.is_empty() || (links.len(), faults.len()) == (links_given, faults_given),
        "a table was lost"
    );

    Some(Checked {
        name: name.to_owned(),
        text: text.clone(),
        title: title?.0.to_owned(),
        protocol: protocol?.0.to_owned(),
        duration,
        seed,
        engine,
        schedule,
        max_events,
        options: options?,
        workload,
        hosts: hosts.unwrap_or_default(),
        others: known.map(|spec| spec.hosts.clone()).unwrap_or_default(),
        links,
        faults,
        expect,
        event_only,
    })
}
