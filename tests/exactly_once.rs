//! Whatever the network does, the upper rungs deliver each message exactly once and in order, once
//! the network is calm.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use squall::check::Verdict;
use squall::{Registry, Settings};

use crate::schedules::{exactly_once_protocol, link, packet_action, time};

/// Checksums that let hardly any of the errors through that are made here: the weaker ones do, and
/// show it in scenarios.
const STRONG: [&str; 1] = ["crc-32"];

/// Faults of the network, partitions and pauses; no crashes, which take the counters with them.
fn faults() -> impl Strategy<Value = String> {
    let lasting = prop_oneof![
        Just("action = 'partition'\ngroups = [['client-*'], ['server']]"),
        Just("action = 'partition'\nfrom = 'server'\nto = 'client-1'"),
        Just("action = 'pause'\nhost = 'server'"),
        Just("action = 'pause'\nhost = 'client-1'"),
    ];
    let lasting = (time(), lasting, time())
        .prop_map(|(at, action, length)| format!("at = '{at}'\n{action}\nfor = '{length}'"));
    let one = prop_oneof![3 => packet_action(), 1 => lasting];
    proptest::collection::vec(one, 0..6).prop_map(|faults| {
        let table = |fault: &String| format!("[[fault]]\noptional = true\n{fault}\n");
        faults.iter().map(table).collect()
    })
}

fn scenario() -> impl Strategy<Value = String> {
    // A rate stays when all else is calm, and with a timeout that is too short for it a sender may
    // overload it for ever: that is shown elsewhere.
    let without_rate = |link: String| {
        let lines =
            link.lines().filter(|line| !line.starts_with("rate") && !line.starts_with("limit"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let links = proptest::collection::vec(link().prop_map(without_rate), 0..3);
    let shape = (1u32..4, 1u32..30, 8u32..400, any::<u32>());
    (exactly_once_protocol(&STRONG), shape, links, faults()).prop_map(
        |((protocol, options), (clients, messages, size, seed), links, faults)| {
            let order = if protocol == "unique-id" { "" } else { "order = 'fifo'\n" };
            format!(
                "title = 'random'\nprotocol = '{protocol}'\nduration = '2h'\nseed = {seed}\n\
                 [options]\n{options}[workload]\nclients = {clients}\nmessages = {messages}\n\
                 size = '{size}B'\n[expect]\nguarantee = 'exactly-once'\n{order}completes = true\n\
                 {}{faults}\
                 [[fault]]\nat = '5s'\naction = 'calm'\noptional = true\n",
                links.concat()
            )
        },
    )
}

/// A network that loses, corrupts and repeats at once, but lets nothing overtake, and few numbers:
/// then numbers may be used again as soon as the window allows.
fn few_numbers() -> impl Strategy<Value = String> {
    let window = prop_oneof![
        (1u32..6).prop_flat_map(|bits| (Just("go-back-n"), Just(bits), 1..1u32 << bits)),
        (1u32..6).prop_flat_map(|bits| (
            Just("selective-repeat"),
            Just(bits),
            1..=1u32 << (bits - 1)
        )),
    ];
    let shape = (1u32..60, 0u32..50, 0u32..40, any::<u32>());
    (window, shape).prop_map(|((protocol, bits, window), (messages, loss, duplicate, seed))| {
        format!(
            "title = 'random'\nprotocol = '{protocol}'\nduration = '2h'\nseed = {seed}\n\
             [options]\nsequence_bits = {bits}\nwindow = {window}\ntimeout = '50ms'\n[workload]\n\
             messages = {messages}\n[[link]]\ndelay = '10ms'\nloss = '{loss}%'\n\
             duplicate = '{duplicate}%'\ncorrupt = '5%'\n[expect]\nguarantee = 'exactly-once'\n\
             order = 'fifo'\ncompletes = true\n"
        )
    })
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let registry = Registry::shipped();
    let parsed = registry.parse("random", text);
    prop_assert!(parsed.is_ok(), "{}\n{text}", parsed.unwrap_err());
    let outcome = registry.run(&parsed.unwrap(), Settings::default()).unwrap();
    prop_assert_eq!(outcome.verdict(), Verdict::Pass, "{:?}\n{}", outcome.report.failures, text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_once_and_in_order_after_any_schedule_of_faults(text in scenario()) {
        check(&text)?;
    }

    #[test]
    fn numbers_may_be_used_again_as_soon_as_the_window_allows(text in few_numbers()) {
        check(&text)?;
    }
}
