//! Capture files as Wireshark reads them. Without `tshark` these tests say so and pass, unless
//! `SQUALL_REQUIRE_TOOLS` is set, as in CI.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use pcap_file::pcapng::{Block, PcapNgReader};
use squall::reports::pcapng;
use squall::reports::story::Story;
use squall::trace::{Trace, What};
use squall::{Registry, Settings};

use crate::command::{folder, squall, text};

/// Whether there is `tshark`.
fn has_tshark() -> bool {
    let found = Command::new("tshark").arg("--version").output().is_ok();
    let required = std::env::var_os("SQUALL_REQUIRE_TOOLS").is_some();
    assert!(found || !required, "tshark is missing, and SQUALL_REQUIRE_TOOLS is set");
    if !found {
        println!("skipped: there is no tshark");
    }
    found
}

fn tshark(file: &Path, arguments: &[&str]) -> Vec<String> {
    let checked =
        ["udp.check_checksum:TRUE", "ip.check_checksum:TRUE", "rpc.dissect_unknown_programs:TRUE"];
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file).args(["-N", "n"]);
    for option in checked {
        command.args(["-o", option]);
    }
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

fn trace(scenario: &str) -> (Registry, Trace) {
    let registry = Registry::shipped();
    let scenario = registry.load(Path::new(scenario)).unwrap();
    let settings = Settings { keep_trace: true, ..Settings::default() };
    let trace = registry.run(&scenario, settings).unwrap().trace.unwrap();
    (registry, trace)
}

fn capture(story: &Story<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    pcapng::write(story, &mut bytes).unwrap();
    bytes
}

#[test]
fn tshark_reads_what_the_traces_say() {
    if !has_tshark() {
        return;
    }
    let folder = folder("wireshark");
    for scenario in [
        "crashes/receiver_crash_stop_and_wait",
        "partitions/partition_catches_what_is_on_the_way_udp",
        "rpc/large/call_lost_piece",
        "rpc/mapper/forgot",
        "fragments/in_pieces_stop_and_wait",
        "corruption/corrupting_link_stop_and_wait",
        "duplication/link_duplicates_retry",
        "streams/lost_segment_fast_retransmit_stream",
    ] {
        let (registry, trace) = trace(&format!("scenarios/{scenario}.toml"));
        let story = Story::new(&trace, registry.dissect(&trace.header.protocol));
        let file = folder.join("a.pcapng");
        std::fs::write(&file, capture(&story)).unwrap();
        let fields = [
            "ip.checksum.status",
            "udp.checksum.status",
            "frame.time_epoch",
            "ip.src_host",
            "frame.interface_name",
            "udp.payload",
            "frame.comment",
        ];
        let arguments = fields.iter().flat_map(|field| ["-e", field]);
        let packets =
            tshark(&file, &["-T", "fields"].into_iter().chain(arguments).collect::<Vec<_>>());
        let sent = trace.events().filter_map(|event| match event.what {
            What::Sent { id, from, payload, .. } => Some((event.at, id, from, payload)),
            _ => None,
        });
        let sent: Vec<_> = sent.collect();
        assert_eq!(packets.len(), sent.len(), "{scenario}");
        for (packet, (at, id, from, payload)) in packets.iter().zip(&sent) {
            let fields: Vec<&str> = packet.split('\t').collect();
            let good = |status: &str| status == "1" || status == "Good";
            assert!(good(fields[0]) && good(fields[1]), "{scenario}: {packet}");
            let time = format!("{}.{:09}", at / 1_000_000_000, at % 1_000_000_000);
            let host = trace.host(from.host);
            assert_eq!([fields[2], fields[3], fields[4]], [&time, host, host], "{scenario}");
            let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
            // Dissectors above UDP take the payload for themselves.
            assert!(fields[5].is_empty() || fields[5] == hex, "{scenario}: {packet}");
            assert!(fields[6].starts_with(&format!("#{id} {host} -> ")), "{scenario}: {packet}");
        }
        let wrong = tshark(&file, &["-Y", "_ws.malformed || _ws.expert.severity == error"]);
        assert_eq!(wrong, [""; 0], "{scenario}");
        let dropped = tshark(&file, &["-Y", "frame.comment contains \"dropped\""]).len();
        let lost = story
            .datagrams
            .iter()
            .filter(|datagram| datagram.ends.iter().any(|end| end.dropped.is_some()));
        assert_eq!(dropped, lost.count(), "{scenario}");
    }
}

/// Every scenario file below a folder.
fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => below(&path, found),
            false if path.extension().is_some_and(|extension| extension == "toml") => {
                found.push(path)
            }
            false => {}
        }
    }
}

#[test]
fn tshark_reads_every_scenario() {
    if !has_tshark() {
        return;
    }
    let mut scenarios = Vec::new();
    below(Path::new("scenarios"), &mut scenarios);
    scenarios.sort();
    // A capture file may have several sections: all traces are read at once.
    let (mut all, mut sent) = (Vec::new(), 0);
    for scenario in &scenarios {
        let (registry, trace) = trace(scenario.to_str().unwrap());
        let story = Story::new(&trace, registry.dissect(&trace.header.protocol));
        all.extend(capture(&story));
        sent += trace.events().filter(|event| matches!(event.what, What::Sent { .. })).count();
    }
    assert!(scenarios.len() >= 300 && sent > 10_000, "{} scenarios, {sent}", scenarios.len());
    let file = folder("wireshark_all").join("all.pcapng");
    std::fs::write(&file, all).unwrap();
    assert_eq!(tshark(&file, &["-T", "fields", "-e", "frame.number"]).len(), sent);
    let wrong = "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0";
    assert_eq!(tshark(&file, &["-Y", wrong]), [""; 0]);
}

#[test]
fn wireshark_knows_the_calls_of_rpc_by_themselves() {
    if !has_tshark() {
        return;
    }
    let (registry, trace) = trace("scenarios/rpc/mapper/forgot.toml");
    let file = folder("wireshark_rpc").join("a.pcapng");
    let story = Story::new(&trace, registry.dissect(&trace.header.protocol));
    std::fs::write(&file, capture(&story)).unwrap();
    let said = tshark(&file, &[]).join("\n");
    for words in
        ["Portmap", "GETPORT Call", "GETPORT Reply", "SET Call", "proc-1 Call", "proc-1 Reply"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// The comments of the packets.
fn comments(bytes: &[u8]) -> Vec<String> {
    use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption::Comment;
    let mut reader = PcapNgReader::new(bytes).unwrap();
    let mut comments = Vec::new();
    while let Some(block) = reader.next_block() {
        let Block::EnhancedPacket(packet) = block.unwrap() else { continue };
        assert_eq!(packet.data.len(), packet.original_len as usize);
        let options = packet.options.iter();
        comments.extend(options.filter_map(|option| match option {
            Comment(text) => Some(text.to_string()),
            _ => None,
        }));
    }
    comments
}

#[test]
fn comments_tell_what_became_of_each_datagram() {
    let said = |scenario: &str| {
        let (registry, trace) = trace(&format!("scenarios/{scenario}.toml"));
        let dissect = registry.dissect(&trace.header.protocol);
        comments(&capture(&Story::new(&trace, dissect)))
    };
    let lost = said("ladder/lost_ack_stop_and_wait");
    assert_eq!(lost[0], "#1 client-1 -> server: data seq=1; delivered at 10.000 ms");
    assert_eq!(lost[1], "#2 server -> client-1: ack seq=1; dropped: fault:lose-first-ack");
    let doubled = said("duplication/link_duplicates_retry");
    assert_eq!(
        doubled[0],
        "#1 client-1 -> server: data seq=1; duplicated: doubled (link); delivered at 10.000 ms; \
         copy 1 delivered at 10.000 ms"
    );
    let corrupted = said("corruption/corrupting_link_stop_and_wait");
    assert_eq!(
        corrupted[2],
        "#3 client-1 -> server: data seq=2; corrupted: 1 bit flipped (link) (here as it was sent); \
         dropped: checksum at 30.000 ms"
    );
    let caught = said("partitions/partition_catches_what_is_on_the_way_udp");
    assert!(caught.iter().any(|comment| comment.contains("dropped: partition at ")), "{caught:?}");
}

#[test]
fn any_text_and_any_size_can_be_in_it() {
    let (_, mut trace) = trace("scenarios/ladder/lost_ack_stop_and_wait.toml");
    trace.header.title = "t\0\n".repeat(40_000);
    trace.header.hosts = vec!["\0\u{1b}[31m\nname".to_owned(), String::new()];
    trace.header.faults = vec!["é".repeat(50_000); trace.header.faults.len()];
    let mut story = Story::new(&trace, None);
    let sizes = [0, 1, 65_507, 65_508, 65_535, 70_000];
    for (datagram, size) in story.datagrams.iter_mut().zip(sizes) {
        datagram.payload = vec![7; size];
    }
    let bytes = capture(&story);
    let comments = comments(&bytes);
    assert_eq!(comments.len(), story.datagrams.len());
    assert!(comments.iter().all(|comment| !comment.contains(char::is_control)));
    assert!(
        !comments[2].contains("fit") && comments[3].contains("65508 bytes do not fit"),
        "{comments:?}"
    );
    assert_eq!(capture(&story), bytes, "the same story, the same bytes");
    if has_tshark() {
        let file = folder("wireshark_sizes").join("a.pcapng");
        std::fs::write(&file, &bytes).unwrap();
        let lengths =
            tshark(&file, &["-T", "fields", "-e", "udp.length", "-e", "udp.checksum.status"]);
        let good = |size: usize| format!("{}\t", size.min(65_507) + 8);
        for (said, size) in lengths.iter().zip(sizes) {
            assert!(said.starts_with(&good(size)) && !said.ends_with("\t0"), "{said}");
        }
    }
}

#[test]
fn the_command_writes_files_and_pipes_bytes_as_they_are() {
    let folder = folder("report_formats");
    let trace = folder.join("a.trace");
    let (trace, out) = (trace.to_str().unwrap(), folder.join("out"));
    squall(&["run", "scenarios/duplication/link_duplicates_retry.toml", "--trace", trace]);
    for (format, ending) in [("pcapng", "pcapng"), ("mermaid", "mmd"), ("text", "txt")] {
        let saved = squall(&["report", trace, "--format", format, "-o", out.to_str().unwrap()]);
        assert_eq!(saved.status.code(), Some(0), "{}", text(&saved.stderr));
        let file = std::fs::read(out.join("a").with_extension(ending)).unwrap();
        let piped = squall(&["report", trace, "--format", format]);
        if format != "text" {
            assert!(file == piped.stdout, "{format}: the same bytes on standard output");
            let two = squall(&["report", trace, trace, "--format", format]);
            assert_eq!((two.status.code(), two.stdout.len()), (Some(64), 0));
            assert!(text(&two.stderr).contains("-o DIR"));
        }
    }
    // What looks like an escape sequence is part of a packet, too.
    let bytes = folder.join("b.trace");
    let scenario = "title = 'x'\nprotocol = 'udp'\n[workload]\npayload = 'odd'\nsize = '60B'\n";
    std::fs::File::create(folder.join("odd"))
        .unwrap()
        .write_all(&b"\x1b[31m red \x1b[0m".repeat(9))
        .unwrap();
    std::fs::write(folder.join("odd.toml"), scenario).unwrap();
    let odd = folder.join("odd.toml");
    squall(&["run", odd.to_str().unwrap(), "--trace", bytes.to_str().unwrap()]);
    let piped = squall(&["report", bytes.to_str().unwrap(), "--format", "pcapng"]);
    assert!(
        piped.stdout.windows(9).any(|bytes| bytes == b"\x1b[31m red"),
        "{}",
        text(&piped.stderr)
    );
}
