//! Ten thousand random scenarios: none panics or hangs, none is judged without reason, and each is
//! the same run twice.

use proptest::prelude::*;
use squall::check::Verdict;
use squall::{Registry, Settings};

use crate::schedules::{link, packet_action, protocol, world_action};

fn scenario() -> impl Strategy<Value = String> {
    let faults = proptest::collection::vec(prop_oneof![packet_action(), world_action()], 0..6);
    let links = proptest::collection::vec(link(), 0..3);
    let shape = (1u32..4, 1u32..6, 8u32..200, 0u32..50, any::<bool>(), any::<u32>());
    (protocol(), shape, links, faults).prop_map(|((protocol, options), shape, links, faults)| {
        let (clients, messages, size, interval, random, seed) = shape;
        let schedule = if random { "random" } else { "fifo" };
        let faults: String = faults.iter().map(|fault| format!("[[fault]]\n{fault}\n")).collect();
        format!(
            "title = 'random'\nprotocol = '{protocol}'\nduration = '5s'\nseed = {seed}\n\
             schedule = '{schedule}'\n[options]\n{options}[workload]\nclients = {clients}\n\
             messages = {messages}\nsize = '{size}B'\ninterval = '{interval}ms'\n[hosts.server]\n\
             receive_buffer = 3\n{}{faults}",
            links.concat()
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_scenarios_neither_panic_nor_hang_and_repeat(text in scenario()) {
        let registry = Registry::shipped();
        let parsed = registry.parse("random", &text);
        prop_assert!(parsed.is_ok(), "{}\n{text}", parsed.unwrap_err());
        let scenario = parsed.unwrap();
        let first = registry.run(&scenario, Settings::default()).unwrap();
        let settings = Settings { keep_trace: true, ..Settings::default() };
        let second = registry.run(&scenario, settings).unwrap();
        prop_assert_eq!(first.run.trace_hash, second.run.trace_hash);
        prop_assert_eq!(first.run.trace_hash, second.trace.as_ref().unwrap().hash());
        prop_assert_eq!(first.to_json(), second.to_json());
        let pass = first.verdict() == Verdict::Pass;
        prop_assert_eq!(pass, first.report.failures.is_empty());
        let broken = matches!(first.run.ending, squall::engine::Ending::Broken(_));
        prop_assert!(!broken, "{:?}\n{text}", first.run.ending);
        let counts = &first.run.counts;
        let made = counts.sent + counts.duplicated;
        prop_assert!(counts.delivered + counts.dropped <= made);
        if first.run.ending == squall::engine::Ending::Quiet {
            prop_assert_eq!(counts.delivered + counts.dropped, made);
        }
    }
}
