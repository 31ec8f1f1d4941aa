//! Scenario files: what the good ones mean, and what is said about the bad ones.

use std::path::{Path, PathBuf};

use squall_sim::plan::{Engine, Plan};
use squall_sim::protocol::{HostSpec, OptionContext, OptionKind, OptionProblem, OptionSpec};
use squall_sim::protocol::{OptionValue, Options, ProtocolSpec};
use squall_sim::scenario::{self, Diagnostics, Notes, Scenario};

#[path = "scenario_files/fuzz.rs"]
mod fuzz;
#[path = "scenario_files/ranges.rs"]
mod ranges;
#[path = "scenario_files/schema.rs"]
mod schema;

fn option(name: &'static str, kind: OptionKind, default: Option<OptionValue>) -> OptionSpec {
    OptionSpec { name, kind, default, help: "an option" }
}

fn window_in_buffer(options: &Options, _: &OptionContext) -> Option<OptionProblem> {
    let (window, buffer) = (options.number("window"), options.number("buffer"));
    (window > buffer).then(|| OptionProblem {
        blamed: "window",
        message: format!("a window of {window} is more than the buffer of {buffer} bytes holds"),
        help: "enlarge `buffer`".to_owned(),
    })
}

fn buffer_in_mtu(options: &Options, context: &OptionContext) -> Option<OptionProblem> {
    let (pause, mtu) = (options.get("pause"), context.mtu?);
    let small = pause == Some(&OptionValue::Word("adaptive".to_owned())) && context.message > mtu;
    small.then(|| OptionProblem {
        blamed: "size",
        message: format!("a message of {} bytes is over the MTU of {mtu}", context.message),
        help: "make the messages smaller".to_owned(),
    })
}

/// A protocol with everything a protocol can declare, and one with nothing.
fn protocols() -> Vec<ProtocolSpec> {
    let choice = OptionKind::Choice(vec!["cumulative", "selective"]);
    let number = |n| Some(OptionValue::Number(n));
    let factor = OptionKind::Decimal { min: 1.0, max: 100.0 };
    let backoff = vec![
        option("initial", OptionKind::Duration { min: 1 }, number(200_000_000)),
        option("factor", factor, Some(OptionValue::Decimal(2.0))),
    ];
    vec![
        ProtocolSpec {
            name: "demo".to_owned(),
            summary: "Has one of each.".to_owned(),
            options: vec![
                option("timeout", OptionKind::Duration { min: 1 }, number(100_000_000)),
                option("window", OptionKind::Count { min: 1, max: 64 }, number(4)),
                option("buffer", OptionKind::Size { min: 16, max: 1 << 20 }, number(1024)),
                option(
                    "pause",
                    OptionKind::DurationOr { min: 1, words: vec!["adaptive", "none"] },
                    Some(OptionValue::Word("none".to_owned())),
                ),
                option("backoff", OptionKind::Table(backoff), None),
                option("spread", OptionKind::Probability, None),
                option("fast_ack", OptionKind::Flag, Some(OptionValue::Flag(false))),
                option("variant", choice, Some(OptionValue::Word("cumulative".to_owned()))),
                option("retries", OptionKind::Count { min: 0, max: 10 }, number(3)),
            ],
            kinds: vec!["data", "ack"],
            fields: vec!["seq", "call"],
            events: vec!["timeout"],
            hosts: vec![HostSpec { name: "mapper", when: |options| options.number("retries") > 7 }],
            checks: vec![window_in_buffer, buffer_in_mtu],
            any_message_size: true,
        },
        ProtocolSpec { name: "plain".to_owned(), ..ProtocolSpec::default() },
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn parse(name: &str, text: &str) -> Result<Scenario, Diagnostics> {
    Scenario::parse(name, text, &folder().join("good"), &protocols())
}

fn good_files() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder().join("good")).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("readable"))
    };
    let mut files: Vec<_> = paths.map(read).collect();
    files.sort();
    files
}

fn good(name: &str) -> Scenario {
    let text = std::fs::read_to_string(folder().join("good").join(name)).expect("readable");
    parse(name, &text).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn good_files_mean_what_they_say() {
    for (name, _) in good_files() {
        let plan: Plan = good(&name).plan(None);
        insta::assert_debug_snapshot!(format!("plan__{}", name.replace(".toml", "")), plan);
    }
}

/// Of every key there is, with every range drawn at several places.
#[test]
fn a_plan_written_as_a_file_is_read_as_the_same_plan() {
    for (name, _) in good_files() {
        let scenario = good(&name);
        let spec = protocols().into_iter().find(|spec| spec.name == scenario.protocol());
        for seed in 0..20 {
            let plan = scenario.plan(Some(seed));
            // A run may lack hosts that the file speaks of.
            let all: Vec<u32> = (0..plan.hosts.len() as u32).collect();
            let plan = scenario::on_hosts(&plan, &all);
            let head = vec!["a comment\nof two lines".to_owned()];
            let payload = scenario.payload_path().map(str::to_owned);
            let notes = Notes { head, payload, ..Notes::default() };
            let text = scenario::write(&plan, spec.as_ref().expect("known"), &notes);
            let again = parse(&name, &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
            assert_eq!(again.seed(), seed);
            let again = again.plan(None);
            assert_eq!(format!("{again:?}"), format!("{plan:?}"), "{text}");
        }
    }
}

#[test]
fn bad_files_are_explained() {
    let mut count = 0;
    insta::glob!("bad/*.toml", |path| {
        count += 1;
        let text = std::fs::read(path).expect("readable");
        let name = path.file_name().expect("a file").to_string_lossy();
        let base = path.parent().expect("in a folder");
        match Scenario::parse_bytes(&name, &text, base, &protocols()) {
            Ok(scenario) => panic!("{name} is good: {:?}", scenario.plan(None)),
            Err(errors) => insta::assert_snapshot!(errors.render(false)),
        }
    });
    assert!(count >= 45, "only {count} bad files");
}

#[test]
fn an_engine_chosen_later_is_checked_too() {
    let scenario = good("kitchen_sink.toml");
    assert!(scenario.check_engine(Engine::Event).is_ok());
    let errors = scenario.check_engine(Engine::Turmoil).expect_err("drift and pause");
    insta::assert_snapshot!(errors.render(false));
    assert!(good("smallest.toml").check_engine(Engine::Turmoil).is_ok());
}
