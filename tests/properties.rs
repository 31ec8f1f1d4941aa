//! Ten thousand random scenarios: none panics or hangs, none is judged without reason, and each is
//! the same run twice.

use proptest::prelude::*;
use squall::check::Verdict;
use squall::{Registry, Settings};

fn host() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("server"), Just("client-1"), Just("client-*"), Just("*")]
}

fn time() -> impl Strategy<Value = String> {
    (1u64..3000).prop_map(|ms| format!("{ms}ms"))
}

fn pick() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        (1u32..6).prop_map(|n| format!("nth = {n}\n")),
        (1u32..6).prop_map(|n| format!("first = {n}\n")),
        (1u32..6).prop_map(|n| format!("every = {n}\n")),
        (0u32..100).prop_map(|percent| format!("chance = '{percent}%'\n")),
    ]
}

fn trigger() -> impl Strategy<Value = String> {
    let packet = (host(), host(), pick()).prop_map(|(from, to, pick)| {
        format!("packet = {{ from = '{from}', to = '{to}' }}\n{pick}")
    });
    let events =
        prop_oneof![Just("invoked"), Just("delivered"), Just("completed"), Just("unknown")];
    let event = (host(), events, pick()).prop_map(|(host, name, pick)| {
        format!("event = {{ host = '{host}', name = '{name}' }}\n{pick}")
    });
    prop_oneof![packet, event, time().prop_map(|at| format!("at = '{at}'\n"))]
}

fn corruption() -> impl Strategy<Value = String> {
    prop_oneof![
        (1u32..9).prop_map(|bits| format!("bits = {bits}")),
        (1u32..40).prop_map(|length| format!("burst = {length}")),
        Just("swap-bytes = true".to_owned()),
        Just("truncate = true".to_owned()),
    ]
}

fn packet_action() -> impl Strategy<Value = String> {
    let action = prop_oneof![
        Just("action = 'drop'".to_owned()),
        (1u32..4, time()).prop_map(|(n, after)| {
            format!("action = 'duplicate'\ncopies = {n}\nafter = '{after}'")
        }),
        time().prop_map(|by| format!("action = 'delay'\nby = '{by}'")),
        corruption().prop_map(|how| format!("action = 'corrupt'\n{how}")),
        time().prop_map(|length| format!("action = 'hold'\nfor = '{length}'")),
    ];
    (host(), host(), pick(), action).prop_map(|(from, to, pick, action)| {
        format!("packet = {{ from = '{from}', to = '{to}' }}\n{pick}{action}")
    })
}

fn world_action() -> impl Strategy<Value = String> {
    let lasting = prop_oneof![
        Just("action = 'partition'\ngroups = [['client-1'], ['server']]".to_owned()),
        (host(), host()).prop_map(|(from, to)| {
            format!("action = 'partition'\nfrom = '{from}'\nto = '{to}'")
        }),
        host().prop_map(|host| format!("action = 'crash'\nhost = '{host}'")),
        host().prop_map(|host| format!("action = 'pause'\nhost = '{host}'")),
        (host(), host()).prop_map(|(from, to)| {
            format!("action = 'link'\nfrom = '{from}'\nto = '{to}'\nloss = '30%'\njitter = '9ms'")
        }),
    ];
    let lasting = (lasting, proptest::option::of(time())).prop_map(|(action, length)| {
        let length = length.map_or(String::new(), |length| format!("\nfor = '{length}'"));
        format!("{action}{length}")
    });
    let action = prop_oneof![
        5 => lasting,
        1 => host().prop_map(|host| format!("action = 'clock-step'\nhost = '{host}'\nby = '-1s'")),
        1 => host().prop_map(|host| format!("action = 'corrupt-disk'\nhost = '{host}'")),
        1 => Just("action = 'calm'".to_owned()),
    ];
    (trigger(), action).prop_map(|(trigger, action)| format!("{trigger}{action}"))
}

fn link() -> impl Strategy<Value = String> {
    let distribution =
        prop_oneof![Just("uniform"), Just("normal"), Just("exponential"), Just("pareto")];
    (host(), host(), 0u32..50, 0u32..50, distribution, 0u32..60, 0u32..40, proptest::option::of(1u32..500))
        .prop_map(|(from, to, delay, jitter, distribution, loss, other, rate)| {
            let rate = rate.map_or(String::new(), |rate| format!("rate = '{rate}kbit'\nlimit = 4\n"));
            format!(
                "[[link]]\nfrom = '{from}'\nto = '{to}'\ndelay = '{delay}ms'\njitter = '{jitter}ms'\n\
                 distribution = '{distribution}'\nloss = '{loss}%'\nduplicate = '{other}%'\n\
                 reorder = '{other}%'\ncorrupt = '{other}%'\nudp_checksum = {}\n{rate}",
                other % 2 == 0
            )
        })
}

fn scenario() -> impl Strategy<Value = String> {
    let protocol = prop_oneof![Just("udp"), Just("ack"), Just("retry"), Just("stop-and-wait")];
    let faults = proptest::collection::vec(prop_oneof![packet_action(), world_action()], 0..6);
    let links = proptest::collection::vec(link(), 0..3);
    let shape = (1u32..4, 1u32..6, 8u32..200, 0u32..50, any::<bool>(), any::<u32>());
    (protocol, shape, links, faults).prop_map(|(protocol, shape, links, faults)| {
        let (clients, messages, size, interval, random, seed) = shape;
        let schedule = if random { "random" } else { "fifo" };
        let faults: String = faults.iter().map(|fault| format!("[[fault]]\n{fault}\n")).collect();
        format!(
            "title = 'random'\nprotocol = '{protocol}'\nduration = '5s'\nseed = {seed}\n\
             schedule = '{schedule}'\n[workload]\nclients = {clients}\nmessages = {messages}\n\
             size = '{size}B'\ninterval = '{interval}ms'\n[hosts.server]\nreceive_buffer = 3\n\
             {}{faults}",
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
