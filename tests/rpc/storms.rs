//! Whatever the network and the server do: with a durable cache each call runs exactly once in the end;
//! with a boot epoch none runs twice, and none that ran is said to have failed.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use squall::check::{Finding, Verdict};
use squall::plan::Guarantee;
use squall::{Outcome, Registry, Settings};

use crate::schedules::{pick, timer};

const KINDS: [&str; 9] =
    ["call", "reply", "denied", "piece", "received", "ask", "working", "forgotten", "ack"];

/// At which the server may crash.
const EVENTS: [&str; 5] =
    ["received", "executed", "replied", "retransmission", "duplicate-suppressed"];

/// Bytes of a message: most are small, for the sake of time.
fn size(least: u32) -> impl Strategy<Value = u32> {
    prop_oneof![10 => least..300, 4 => 300u32..5000, 1 => 5000u32..102_400]
}

/// Not before clients that ask the port mapper have found the server.
fn at() -> impl Strategy<Value = String> {
    (300u64..3000).prop_map(|ms| format!("{ms}ms"))
}

fn length() -> impl Strategy<Value = String> {
    (1u64..3000).prop_map(|ms| format!("{ms}ms"))
}

/// Two hosts of which neither is the port mapper.
fn pair() -> impl Strategy<Value = (&'static str, &'static str)> {
    let client = select(&["client-1", "client-*"][..]);
    (client, any::<bool>())
        .prop_map(|(client, up)| if up { (client, "server") } else { ("server", client) })
}

fn packet_fault() -> impl Strategy<Value = String> {
    let kind = prop_oneof![
        Just(String::new()),
        select(&KINDS[..]).prop_map(|kind| format!(", kind = '{kind}'")),
    ];
    let action = prop_oneof![
        Just("action = 'drop'".to_owned()),
        (1u32..4, length()).prop_map(|(n, after)| format!(
            "action = 'duplicate'\ncopies = {n}\nafter = '{after}'"
        )),
        length().prop_map(|by| format!("action = 'delay'\nby = '{by}'")),
        length().prop_map(|length| format!("action = 'hold'\nfor = '{length}'")),
    ];
    (pair(), kind, pick(), action).prop_map(|((from, to), kind, pick, action)| {
        format!("packet = {{ from = '{from}', to = '{to}'{kind} }}\n{pick}{action}")
    })
}

/// A partition, a pause or a crash, at a time or at an event. Some of `crashes` may crash.
fn world_fault(crashes: &'static [&'static str]) -> impl Strategy<Value = String> {
    let event = (select(&EVENTS[..]), pick())
        .prop_map(|(name, pick)| format!("event = {{ host = 'server', name = '{name}' }}\n{pick}"));
    let trigger = prop_oneof![2 => event, 1 => at().prop_map(|at| format!("at = '{at}'\n"))];
    let action = prop_oneof![
        1 => Just("action = 'partition'\ngroups = [['client-*'], ['server']]".to_owned()),
        1 => Just("action = 'partition'\nfrom = 'server'\nto = 'client-1'".to_owned()),
        1 => select(&["server", "client-1"][..])
            .prop_map(|host| format!("action = 'pause'\nhost = '{host}'")),
        3 => select(crashes).prop_map(|host| format!("action = 'crash'\nhost = '{host}'")),
    ];
    (trigger, action, length())
        .prop_map(|(trigger, action, length)| format!("{trigger}{action}\nfor = '{length}'"))
}

fn faults(crashes: &'static [&'static str]) -> impl Strategy<Value = String> {
    let one = prop_oneof![packet_fault(), world_fault(crashes)];
    proptest::collection::vec(one, 0..6).prop_map(|faults| {
        let table = |fault: &String| format!("[[fault]]\noptional = true\n{fault}\n");
        faults.iter().map(table).collect()
    })
}

/// The links between clients and server; damage is noticed.
fn links() -> impl Strategy<Value = String> {
    let one = (pair(), 0u32..50, 0u32..30, 0u32..40, 0u32..30).prop_map(
        |((from, to), delay, jitter, loss, other)| {
            format!(
                "[[link]]\nfrom = '{from}'\nto = '{to}'\ndelay = '{delay}ms'\njitter = '{jitter}ms'\n\
                 loss = '{loss}%'\nduplicate = '{other}%'\nreorder = '{other}%'\ncorrupt = '{other}%'\n"
            )
        },
    );
    proptest::collection::vec(one, 0..3).prop_map(|links| links.concat())
}

fn organization() -> impl Strategy<Value = String> {
    let service = (0u32..50, 1u32..4)
        .prop_map(|(ms, every)| format!("service = '{ms}ms'\nslow_every = {every}\n"));
    let kind = prop_oneof![
        Just("organization = 'iterative'\n".to_owned()),
        (1u32..4, 1u32..6).prop_map(|(workers, queue)| format!(
            "organization = 'thread-pool'\nworkers = {workers}\nqueue = {queue}\n"
        )),
        (any::<bool>(), 1u32..6).prop_map(|(blocks, queue)| format!(
            "organization = 'event-driven'\nblocks = {blocks}\nqueue = {queue}\n"
        )),
    ];
    (kind, service).prop_map(|(kind, service)| kind + &service)
}

/// Everything that must not matter.
fn options() -> impl Strategy<Value = String> {
    let words = (
        select(&["udp", "reliable"][..]),
        select(&["random", "one"][..]),
        select(&["deposit", "transfer", "set-limit"][..]),
    );
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let numbers = (256u32..3000, size(0), 1u32..4, 10u32..1500);
    (timer(), organization(), words, flags, numbers).prop_map(
        |(timer, organization, words, flags, numbers)| {
            let (transport, first_xid, procedure) = words;
            let (mapper, match_arguments, stale) = flags;
            let (fragment, result, outstanding, ask) = numbers;
            format!(
                "{timer}{organization}transport = '{transport}'\nfirst_xid = '{first_xid}'\n\
                 procedure = '{procedure}'\nmapper = {mapper}\nmatch_arguments = {match_arguments}\n\
                 retransmit_on_stale_reply = {stale}\nfragment = '{fragment}B'\n\
                 result_size = '{result}B'\noutstanding = {outstanding}\nask_interval = '{ask}ms'\n\
                 reply_cache = 100000\nreassembly_buffer = '16MiB'\n"
            )
        },
    )
}

fn workload() -> impl Strategy<Value = String> {
    (1u32..4, 1u32..12, size(8), 0u32..300).prop_map(|(clients, calls, size, interval)| {
        format!(
            "[workload]\nclients = {clients}\ncalls = {calls}\nsize = '{size}B'\ninterval = \
             '{interval}ms'\n"
        )
    })
}

fn scenario(
    semantics: &'static str,
    more: impl Strategy<Value = String>,
    crashes: &'static [&'static str],
) -> impl Strategy<Value = String> {
    (any::<u32>(), more, options(), workload(), links(), faults(crashes)).prop_map(
        move |(seed, more, options, workload, links, faults)| {
            format!(
                "title = 'random'\nprotocol = 'rpc'\nduration = '2h'\nseed = {seed}\n\
                 [options]\nsemantics = '{semantics}'\n{more}{options}{workload}\
                 [expect]\nguarantee = '{semantics}'\ncompletes = true\n{links}{faults}\
                 [[fault]]\nat = '6s'\naction = 'calm'\noptional = true\n"
            )
        },
    )
}

fn run(text: &str) -> Result<Outcome, TestCaseError> {
    let registry = Registry::shipped();
    let parsed = registry.parse("random", text);
    prop_assert!(parsed.is_ok(), "{}\n{text}", parsed.unwrap_err());
    Ok(registry.run(&parsed.unwrap(), Settings::default()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_once_whatever_goes_wrong(
        text in scenario("exactly-once", Just(String::new()), &["server"]),
    ) {
        let outcome = run(&text)?;
        prop_assert_eq!(outcome.verdict(), Verdict::Pass, "{:?}\n{}", outcome.report.failures, text);
        let reports = &outcome.run.counts.reports;
        prop_assert_eq!(reports.get("wrong-balance"), None, "{}", text);
        prop_assert!(reports.contains_key("balance-right"), "{}", text);
    }

    #[test]
    fn at_most_once_whatever_goes_wrong(
        text in scenario(
            "at-most-once",
            (0u32..6, any::<bool>()).prop_map(|(attempts, durable)| {
                format!("boot_epoch = true\nmax_attempts = {attempts}\ndurable = {durable}\n")
            }),
            &["server", "client-1"],
        ).prop_map(|text| text.replace("first_xid = 'one'\n", "")),
    ) {
        let outcome = run(&text)?;
        let finding = outcome.report.finding(Guarantee::AtMostOnce);
        prop_assert!(!matches!(finding, Finding::Violated { .. }), "{:?}\n{}", finding, text);
        prop_assert_eq!(&outcome.run.errors, &Vec::<String>::new());
        prop_assert_ne!(outcome.verdict(), Verdict::Fail, "{:?}\n{}", outcome.report.failures, text);
    }
}
