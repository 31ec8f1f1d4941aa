//! Strategies for random scenarios: protocols with options, links, faults.

use proptest::prelude::*;
use proptest::sample::select;

pub fn host() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("server"), Just("client-1"), Just("client-*"), Just("*")]
}

pub fn time() -> impl Strategy<Value = String> {
    (1u64..3000).prop_map(|ms| format!("{ms}ms"))
}

pub fn pick() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        (1u32..6).prop_map(|n| format!("nth = {n}\n")),
        (1u32..6).prop_map(|n| format!("first = {n}\n")),
        (1u32..6).prop_map(|n| format!("every = {n}\n")),
        (0u32..100).prop_map(|percent| format!("chance = '{percent}%'\n")),
    ]
}

pub fn trigger() -> impl Strategy<Value = String> {
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

pub fn packet_action() -> impl Strategy<Value = String> {
    let action = prop_oneof![
        Just("action = 'drop'".to_owned()),
        (1u32..4, time()).prop_map(|(n, after)| {
            format!("action = 'duplicate'\ncopies = {n}\nafter = '{after}'")
        }),
        time().prop_map(|by| format!("action = 'delay'\nby = '{by}'")),
        (1u32..9).prop_map(|bits| format!("action = 'corrupt'\nbits = {bits}")),
        (1u32..99).prop_map(|bits| format!("action = 'corrupt'\nburst = {bits}")),
        select(&["swap-bytes", "truncate"][..])
            .prop_map(|mode| format!("action = 'corrupt'\n{mode} = true")),
        time().prop_map(|length| format!("action = 'hold'\nfor = '{length}'")),
    ];
    (host(), host(), pick(), action).prop_map(|(from, to, pick, action)| {
        format!("packet = {{ from = '{from}', to = '{to}' }}\n{pick}{action}")
    })
}

pub fn world_action() -> impl Strategy<Value = String> {
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

pub fn link() -> impl Strategy<Value = String> {
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

/// How a sender waits.
pub fn timer() -> impl Strategy<Value = String> {
    prop_oneof![
        (20u32..300).prop_map(|ms| format!("timeout = '{ms}ms'\n")),
        (20u32..300, 10u32..40, 0u32..50).prop_map(|(initial, factor, jitter)| {
            let factor = f64::from(factor) / 10.0;
            format!(
                "backoff = {{ initial = '{initial}ms', factor = {factor}, max = '2s', jitter = \
                 '{jitter}%' }}\n"
            )
        }),
        (1u32..300).prop_map(|min| format!("timeout = 'adaptive'\nmin_timeout = '{min}ms'\n")),
    ]
}

/// Checksum, and pieces of which most messages need some.
fn channel(checksums: &'static [&'static str]) -> impl Strategy<Value = String> {
    let fragment = proptest::option::of(40u32..150);
    (select(checksums), fragment).prop_map(|(checksum, fragment)| {
        let fragment = fragment.map_or(String::new(), |size| format!("fragment = '{size}B'\n"));
        format!("checksum = '{checksum}'\n{fragment}")
    })
}

fn window() -> impl Strategy<Value = String> {
    (1u32..20, 0u32..3).prop_map(|(window, pace)| format!("window = {window}\npace = '{pace}ms'\n"))
}

fn stream() -> impl Strategy<Value = String> {
    // Smaller ones take long.
    let sizes = (20u32..300, 20u32..2000, 1u32..1000, 20u32..300, 0u32..20);
    (sizes, any::<bool>()).prop_map(|(sizes, reno)| {
        let (segment, receive, send, read, interval) = sizes;
        let congestion = if reno { "reno" } else { "none" };
        format!(
            "segment = '{segment}B'\nreceive_window = '{receive}B'\nsend_buffer = '{send}B'\n\
             read_size = '{read}B'\nread_interval = '{interval}ms'\ncongestion = '{congestion}'\n"
        )
    })
}

/// A protocol that retransmits until it is acknowledged and suppresses duplicates, and its options.
/// `checksums` are those that it may use.
pub fn exactly_once_protocol(
    checksums: &'static [&'static str],
) -> impl Strategy<Value = (&'static str, String)> {
    let with = |name: &'static str| move |parts: (String, String)| (name, parts.0 + &parts.1);
    let windowed = |name: &'static str| {
        (timer(), channel(checksums), window())
            .prop_map(move |(timer, channel, window)| (name, timer + &channel + &window))
    };
    let checksum = select(checksums).prop_map(|checksum| format!("checksum = '{checksum}'\n"));
    prop_oneof![
        (timer(), channel(checksums)).prop_map(with("unique-id")),
        (timer(), channel(checksums)).prop_map(with("stop-and-wait")),
        windowed("go-back-n"),
        windowed("selective-repeat"),
        (timer(), stream(), checksum)
            .prop_map(|(timer, stream, checksum)| ("stream", timer + &stream + &checksum)),
    ]
}

/// Every checksum.
pub const CHECKSUMS: [&str; 6] =
    ["none", "sum", "internet", "fletcher-16", "fletcher-32", "crc-32"];

/// A shipped protocol and its options.
pub fn protocol() -> impl Strategy<Value = (&'static str, String)> {
    prop_oneof![
        1 => channel(&CHECKSUMS).prop_map(|channel| ("udp", channel)),
        1 => (timer(), channel(&CHECKSUMS)).prop_map(|(timer, channel)| ("ack", timer + &channel)),
        1 => (timer(), channel(&CHECKSUMS)).prop_map(|(timer, channel)| ("retry", timer + &channel)),
        5 => exactly_once_protocol(&CHECKSUMS),
    ]
}
