//! Options of the shipped protocols that are wrong, or do not go together: errors at their place.

use squall::Registry;

/// What is said about a scenario with these lines after title and protocol.
fn errors(protocol: &str, rest: &str) -> String {
    let text = format!("title = 't'\nprotocol = '{protocol}'\n{rest}");
    match Registry::shipped().parse("bad.toml", &text) {
        Ok(_) => panic!("this is right:\n{text}"),
        Err(errors) => errors.render(false),
    }
}

#[test]
fn wrong_options_are_explained_at_their_place() {
    let cases = [
        ("window of nothing", "go-back-n", "options = { window = 0 }"),
        ("window too large", "go-back-n", "options = { window = 8, sequence_bits = 3 }"),
        (
            "window too large",
            "selective-repeat",
            "options = { window = '3..6', sequence_bits = 3 }",
        ),
        (
            "window beyond all numbers",
            "selective-repeat",
            "options = { window = 9, sequence_bits = 3, unsafe_window = true }",
        ),
        ("factor below 1", "retry", "options = { backoff = { factor = 0.5 } }"),
        (
            "back-off that shrinks",
            "retry",
            "options = { backoff = { initial = '2s', max = '1s' } }",
        ),
        ("two timeouts", "ack", "[options]\ntimeout = '1s'\nbackoff = { initial = '1s' }"),
        ("no timeout", "ack", "options = { timeout = '0s' }"),
        ("neither time nor word", "stream", "options = { timeout = 'adaptiv' }"),
        (
            "fragment over the MTU",
            "udp",
            "options = { fragment = '1KiB' }\nlink = [{ mtu = '1000..1400' }, { mtu = 1500 }]",
        ),
        (
            "too many fragments",
            "udp",
            "options = { fragment = '32B' }\nworkload = { size = '4MiB' }",
        ),
        ("message over a datagram", "stop-and-wait", "workload = { size = '100KiB' }"),
        (
            "segment over the MTU",
            "stream",
            "options = { segment = '1490B' }\nlink = [{ mtu = 1500 }]",
        ),
        (
            "fragment of the lower protocol",
            "file-transfer",
            "options = { fragment = '1473B', chunk = '9KiB' }\nlink = [{ mtu = 1500 }]",
        ),
        (
            "window of the lower protocol",
            "file-transfer",
            "options = { over = 'go-back-n', window = 2, sequence_bits = 1 }",
        ),
        ("no such file", "file-transfer", "workload = { file = 'no-such-file' }"),
        ("a message for the counter", "rpc", "options = { application = 'counter' }"),
        (
            "a procedure of the bank",
            "rpc",
            "options = { application = 'counter', procedure = 'transfer' }\nworkload = { size = '8B' }",
        ),
        (
            "receipts of the counter",
            "rpc",
            "options = { application = 'counter', result_size = '1KiB' }\nworkload = { size = '8B' }",
        ),
        (
            "a counter on disk",
            "rpc",
            "options = { application = 'counter', semantics = 'exactly-once' }\nworkload = { size = '8B' }",
        ),
        ("results before they are known", "rpc", "options = { reply = 'before-execution' }"),
        ("deposits issued anew", "rpc", "options = { reissue = 'always' }"),
        (
            "issued anew and sent again",
            "rpc",
            "options = { application = 'counter', reissue = 'always' }\nworkload = { size = '8B' }",
        ),
        ("refused and run", "rpc", "options = { semantics = 'exactly-once', boot_epoch = true }"),
        ("sent twice, maybe", "rpc", "options = { semantics = 'maybe', max_attempts = '1..=2' }"),
        ("nothing to commit", "rpc", "options = { semantics = 'at-least-once', durable = true }"),
        ("pieces over the MTU", "rpc", "options = { fragment = '1473B' }\nlink = [{ mtu = 1500 }]"),
        (
            "too many pieces",
            "rpc",
            "options = { fragment = '256B', result_size = '1MiB' }\nworkload = { size = '900KiB' }",
        ),
        ("no port mapper", "rpc", "fault = [{ at = '1s', action = 'crash', host = 'mapper' }]"),
        ("no such checksum", "ack", "options = { checksum = 'crc32' }"),
    ];
    let all = cases.map(|(what, protocol, rest)| {
        format!("--- {protocol}: {what}\n{}\n", errors(protocol, rest))
    });
    super::snapshot_settings().bind(|| insta::assert_snapshot!("bad_options", all.join("\n")));
}
