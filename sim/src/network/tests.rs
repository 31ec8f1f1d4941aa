//! The network as a whole: the order in which a datagram meets things, and that what is decided for
//! one link depends on nothing that happens to others.

use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;

fn names(hosts: u32) -> Arc<[String]> {
    (0..hosts).map(|host| format!("host-{host}")).collect()
}

fn network(hosts: u32, rules: &[LinkRule], faults: &[FaultSpec]) -> Network {
    Network::new(7, names(hosts), rules.into(), faults, None)
}

fn everywhere(set: Impairments) -> LinkRule {
    LinkRule { from: HostSet::all(), to: HostSet::all(), set }
}

/// A link that makes use of every kind of chance.
fn eventful() -> Impairments {
    Impairments {
        delay: Some(10 * MS),
        jitter: Some(3 * MS),
        distribution: Some(Distribution::Normal),
        loss: Some(Loss::GilbertElliott { p: 0.1, r: 0.3, loss_bad: 0.9, loss_good: 0.05 }),
        duplicate: Some(0.2),
        reorder: Some(0.1),
        corrupt: Some(0.2),
        ..Impairments::default()
    }
}

fn packet_fault(
    name: &str,
    from: HostId,
    to: HostId,
    pick: Pick,
    action: PacketAction,
) -> FaultSpec {
    let matching = PacketMatch {
        from: HostSet::from_iter([from]),
        to: HostSet::from_iter([to]),
        kind: None,
        fields: Vec::new(),
        attempt: None,
    };
    let trigger = Trigger::Packet { matching, pick };
    let action = Action::Packet(action);
    FaultSpec { name: name.into(), trigger, action, length: None, optional: false }
}

/// The fates of `count` datagrams from one host to another, a millisecond apart.
fn fates(network: &mut Network, from: HostId, to: HostId, count: u64) -> Vec<Fate> {
    (0..count)
        .map(|n| network.transmit(n * MS, &Packet { from, to, payload: &n.to_be_bytes() }))
        .collect()
}

/// The bits in which what arrives differs from what was sent.
fn flipped(sent: &[u8], fate: &Fate) -> Vec<u64> {
    let altered = fate.altered.as_deref().unwrap_or(sent);
    let differs = |bit: &u64| {
        let (byte, mask) = ((bit / 8) as usize, 1 << (bit % 8));
        (sent[byte] ^ altered[byte]) & mask != 0
    };
    (0..sent.len() as u64 * 8).filter(differs).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Another host, another link's rule, traffic elsewhere, or a fault elsewhere: nothing of it
    /// changes what happens from host 1 to host 0.
    #[test]
    fn draws_depend_on_their_own_link_alone(
        more_hosts in 0u32..100,
        traffic in proptest::collection::vec((0u32..3, 0u32..3), 0..50),
        pick in prop_oneof![Just(Pick::All), (1u64..9).prop_map(Pick::Nth), Just(Pick::Chance(0.5))],
    ) {
        let rules = [everywhere(eventful())];
        let expected = fates(&mut network(3, &rules, &[]), 1, 0, 100);
        let elsewhere = LinkRule {
            from: HostSet::from_iter([0, 2]),
            to: HostSet::all(),
            set: Impairments { loss: Some(Loss::Independent(0.5)), ..Impairments::default() },
        };
        let faults = [packet_fault("elsewhere", 0, 1, pick, PacketAction::Drop)];
        let mut other = network(3 + more_hosts, &[rules[0].clone(), elsewhere], &faults);
        for (from, to) in traffic {
            if (from, to) != (1, 0) {
                other.transmit(0, &Packet { from, to, payload: b"noise" });
            }
        }
        prop_assert_eq!(fates(&mut other, 1, 0, 100), expected);
    }

    /// A fault that drops some datagrams of a link leaves the fates of all others as they were.
    #[test]
    fn a_fault_changes_only_what_it_hits(n in 1u64..100, pick_all: bool, named in "[a-z]{1,8}") {
        let rules = [everywhere(eventful())];
        let expected = fates(&mut network(2, &rules, &[]), 1, 0, 100);
        let pick = if pick_all { Pick::First(n) } else { Pick::Nth(n) };
        let faults = [packet_fault(&named, 1, 0, pick, PacketAction::Drop)];
        let found = fates(&mut network(2, &rules, &faults), 1, 0, 100);
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let is_hit = if pick_all { (index as u64) < n } else { index as u64 + 1 == n };
            if is_hit {
                prop_assert_eq!(found.dropped, Some(DropReason::Fault(0)));
            } else {
                prop_assert_eq!(found, expected);
            }
        }
    }
}

#[test]
fn a_plain_link_only_delays() {
    let rules = [everywhere(Impairments { delay: Some(5 * MS), ..Impairments::default() })];
    let mut network = network(2, &rules, &[]);
    let fates = fates(&mut network, 1, 0, 3);
    let arrivals: Vec<Vec<u64>> = fates.iter().map(|fate| fate.arrivals.iter().collect()).collect();
    assert_eq!(arrivals, [[5 * MS], [6 * MS], [7 * MS]]);
    let own = network.transmit(3, &Packet { from: 1, to: 1, payload: b"" });
    assert_eq!(own.arrivals.iter().collect::<Vec<_>>(), [3], "to itself, at once");
}

#[test]
fn every_fault_counts_every_match_and_the_first_to_drop_is_named() {
    let faults = [
        packet_fault("second", 1, 0, Pick::Nth(2), PacketAction::Drop),
        packet_fault("all", 1, 0, Pick::Every(2), PacketAction::Drop),
    ];
    let mut network = network(2, &[], &faults);
    let reasons: Vec<_> = fates(&mut network, 1, 0, 4).iter().map(|fate| fate.dropped).collect();
    let (first, second) = (Some(DropReason::Fault(0)), Some(DropReason::Fault(1)));
    assert_eq!(reasons, [None, first, None, second]);
    let counts: Vec<_> =
        network.fault_counts().iter().map(|count| (count.opportunities, count.hits)).collect();
    assert_eq!(counts, [(4, 1), (4, 1)]);
}

#[test]
fn faults_come_before_partitions_and_those_before_the_link() {
    let loss =
        Impairments { loss: Some(Loss::Independent(1.0)), mtu: Some(30), ..Impairments::default() };
    let cut = (HostSet::from_iter([1]), HostSet::from_iter([0]));
    let partition = FaultSpec {
        name: "cut".into(),
        trigger: Trigger::At(0),
        action: Action::World(WorldAction::Partition { cuts: vec![cut] }),
        length: None,
        optional: false,
    };
    let faults = [packet_fault("first", 1, 0, Pick::Nth(1), PacketAction::Drop), partition];
    let mut network = network(2, &[everywhere(loss)], &faults);
    network.begin(1);
    let mut reason = |payload: &[u8]| {
        network.transmit(0, &Packet { from: 1, to: 0, payload }).dropped.map(DropReason::name)
    };
    assert_eq!(reason(b"x"), Some("fault"));
    assert_eq!(reason(b"x"), Some("partition"));
    network.end(1);
    let mut reason = |payload: &[u8]| {
        network.transmit(0, &Packet { from: 1, to: 0, payload }).dropped.map(DropReason::name)
    };
    assert_eq!(reason(b"xyz"), Some("too-big"));
    assert_eq!(reason(b"xy"), Some("loss"));
    network.calm();
    assert_eq!(network.transmit(0, &Packet { from: 1, to: 0, payload: b"xyz" }).dropped, None);
}

#[test]
fn delays_holds_and_copies_add_up() {
    let rules = [everywhere(Impairments { delay: Some(10 * MS), ..Impairments::default() })];
    let faults = [
        packet_fault("slow", 1, 0, Pick::Nth(1), PacketAction::Delay { by: 100 * MS }),
        packet_fault(
            "twice",
            1,
            0,
            Pick::Nth(2),
            PacketAction::Duplicate { copies: 2, after: 7 * MS },
        ),
        packet_fault("hold", 1, 0, Pick::Nth(3), PacketAction::Hold { length: 50 * MS }),
    ];
    let mut network = network(2, &rules, &faults);
    let arrivals: Vec<Vec<u64>> = fates(&mut network, 1, 0, 5)
        .iter()
        .map(|fate| fate.arrivals.iter().map(|at| at / MS).collect())
        .collect();
    let expected: [&[u64]; 5] = [&[110], &[11, 18, 25], &[62], &[62], &[62]];
    assert_eq!(arrivals, expected, "the held link lets go at 52 ms, in order");
}

#[test]
fn corruption_is_noticed_unless_the_checksum_is_off() {
    let corrupt = Impairments { corrupt: Some(1.0), ..Impairments::default() };
    let off = Impairments { udp_checksum: Some(false), ..corrupt.clone() };
    for (set, fails) in [(corrupt, true), (off, false)] {
        let mut network = network(2, &[everywhere(set)], &[]);
        let fate = network.transmit(0, &Packet { from: 1, to: 0, payload: &[0; 64] });
        assert_eq!((flipped(&[0; 64], &fate).len(), fate.checksum_fails), (1, fails));
        let empty = network.transmit(0, &Packet { from: 1, to: 0, payload: &[] });
        assert_eq!(empty.altered, None, "nothing to flip");
    }
}

#[test]
fn a_datagram_without_anything_to_corrupt_is_an_opportunity_without_a_hit() {
    let corrupt = |name, how| packet_fault(name, 1, 0, Pick::All, PacketAction::Corrupt(how));
    let faults = [
        corrupt("bits", Corruption::Bits(3)),
        corrupt("swap", Corruption::SwapBytes),
        corrupt("cut", Corruption::Truncate),
    ];
    let mut network = network(2, &[], &faults);
    let mut send = |payload: &[u8]| network.transmit(0, &Packet { from: 1, to: 0, payload });
    assert_eq!(send(&[]), Fate { arrivals: send(&[]).arrivals, ..Fate::default() });
    let fate = send(&[0; 9]);
    assert!(fate.altered.is_some_and(|altered| altered.len() < 9) && fate.checksum_fails);
    let counts: Vec<_> =
        network.fault_counts().iter().map(|count| (count.opportunities, count.hits)).collect();
    assert_eq!(counts, [(3, 1), (3, 1), (3, 1)]);
}

#[test]
fn faults_corrupt_one_after_another_and_the_link_what_they_leave() {
    let corrupt = |name, how| packet_fault(name, 1, 0, Pick::All, PacketAction::Corrupt(how));
    let faults = [corrupt("cut", Corruption::Truncate), corrupt("all", Corruption::Bits(9999))];
    let noise = Impairments { corrupt: Some(1.0), ..Impairments::default() };
    let mut network = network(2, &[everywhere(noise)], &faults);
    for _ in 0..50 {
        let fate = network.transmit(0, &Packet { from: 1, to: 0, payload: &[0; 9] });
        let altered = fate.altered.unwrap();
        let zeros: u32 = altered.iter().map(|byte| byte.count_zeros()).sum();
        assert_eq!(zeros, 1, "all were flipped, then the link flips one back: {altered:?}");
        let how: Vec<_> = fate
            .marks
            .iter()
            .map(|mark| match mark {
                Mark::Corrupted { by, how } => (*by, *how),
                other => panic!("{other:?}"),
            })
            .collect();
        let left = altered.len() as u32;
        let expected = [
            (Cause::Fault(0), Alteration::Truncate(9 - left)),
            (Cause::Fault(1), Alteration::Bits(left * 8)),
            (Cause::Link, Alteration::Bits(1)),
        ];
        assert_eq!(how, expected);
    }
}

#[test]
fn swapped_bytes_pass_the_checksum_if_an_even_number_apart() {
    let fault = packet_fault("swap", 1, 0, Pick::All, PacketAction::Corrupt(Corruption::SwapBytes));
    let mut network = network(2, &[], &[fault]);
    let mut seen = [0, 0];
    for _ in 0..200 {
        let fate = network.transmit(0, &Packet { from: 1, to: 0, payload: b"abcdefghi" });
        let Some(Mark::Corrupted { how: Alteration::SwapBytes(apart), .. }) = fate.marks.first()
        else {
            panic!("{fate:?}");
        };
        assert_eq!(fate.checksum_fails, apart % 2 == 1, "{apart}");
        seen[(apart % 2) as usize] += 1;
    }
    assert!(seen.iter().all(|times| *times > 60), "{seen:?}");
}

#[test]
fn several_faults_on_one_datagram_add_up() {
    let rules = [everywhere(Impairments { delay: Some(10 * MS), ..Impairments::default() })];
    let faults = [
        packet_fault("slow", 1, 0, Pick::Nth(1), PacketAction::Delay { by: MS }),
        packet_fault("slower", 1, 0, Pick::Nth(1), PacketAction::Delay { by: 2 * MS }),
        packet_fault(
            "late",
            1,
            0,
            Pick::Nth(2),
            PacketAction::Duplicate { copies: 1, after: 90 * MS },
        ),
        packet_fault("soon", 1, 0, Pick::Nth(2), PacketAction::Duplicate { copies: 1, after: 0 }),
        packet_fault("hold", 1, 0, Pick::Nth(3), PacketAction::Hold { length: 50 * MS }),
        packet_fault("shorter", 1, 0, Pick::Nth(4), PacketAction::Hold { length: MS }),
    ];
    let mut network = network(2, &rules, &faults);
    let arrivals: Vec<Vec<u64>> = fates(&mut network, 1, 0, 4)
        .iter()
        .map(|fate| fate.arrivals.iter().map(|at| at / MS).collect())
        .collect();
    let expected: [&[u64]; 4] = [&[13], &[11, 101, 11], &[62], &[62]];
    assert_eq!(arrivals, expected);
}

#[test]
fn the_same_bit_flipped_twice_is_not_flipped() {
    let corrupt = Impairments { corrupt: Some(1.0), ..Impairments::default() };
    let faults = [packet_fault("all", 1, 0, Pick::All, PacketAction::Corrupt(Corruption::Bits(8)))];
    let mut network = network(2, &[everywhere(corrupt)], &faults);
    let fate = network.transmit(0, &Packet { from: 1, to: 0, payload: &[0] });
    assert_eq!(flipped(&[0], &fate).len(), 7, "the link flips one of the eight back");
    let other = packet_fault("again", 1, 0, Pick::All, PacketAction::Corrupt(Corruption::Bits(8)));
    let mut twice = self::network(2, &[], &[faults[0].clone(), other]);
    let fate = twice.transmit(0, &Packet { from: 1, to: 0, payload: &[0] });
    assert_eq!((fate.altered, fate.checksum_fails), (None, false), "what was sent arrives");
}

#[test]
fn attempts_are_counted_per_link() {
    let mut fault = packet_fault("second", 1, 0, Pick::All, PacketAction::Drop);
    if let Trigger::Packet { matching, .. } = &mut fault.trigger {
        matching.attempt = Some(2);
    }
    let mut network = network(3, &[], &[fault]);
    let mut dropped = |from, to, payload: &[u8]| {
        network.transmit(0, &Packet { from, to, payload }).dropped.is_some()
    };
    assert!(!dropped(2, 0, b"x"), "another link");
    assert!(!dropped(1, 0, b"x"));
    assert!(!dropped(1, 0, b"y"), "another datagram");
    assert!(dropped(1, 0, b"x"));
    assert!(!dropped(1, 0, b"x"), "the third");
}

#[test]
fn reports_trigger_by_host_name_and_pick() {
    let trigger =
        Trigger::Event { hosts: HostSet::from_iter([1]), name: "tick".into(), pick: Pick::Nth(2) };
    let crash = FaultSpec {
        name: "crash".into(),
        trigger,
        action: Action::World(WorldAction::Calm),
        length: None,
        optional: false,
    };
    let mut network = network(3, &[], &[crash]);
    assert!(network.report(2, "tick").is_empty(), "another host");
    assert!(network.report(1, "tock").is_empty(), "another event");
    assert!(network.report(1, "tick").is_empty(), "the first");
    assert_eq!(network.report(1, "tick"), [0]);
    assert!(network.report(1, "tick").is_empty(), "the third");
}

#[test]
fn a_fault_whose_datagram_is_lost_anyway_has_not_hit() {
    let loss = Impairments { loss: Some(Loss::Independent(1.0)), ..Impairments::default() };
    let faults = [
        packet_fault("slow", 1, 0, Pick::All, PacketAction::Delay { by: MS }),
        packet_fault("twice", 1, 0, Pick::All, PacketAction::Duplicate { copies: 1, after: 0 }),
        packet_fault("flip", 1, 0, Pick::All, PacketAction::Corrupt(Corruption::Bits(1))),
        packet_fault("hold", 1, 0, Pick::All, PacketAction::Hold { length: MS }),
    ];
    let mut network = network(2, &[everywhere(loss)], &faults);
    let fate = network.transmit(0, &Packet { from: 1, to: 0, payload: b"x" });
    assert_eq!((fate.dropped, fate.marks.len()), (Some(DropReason::Loss), 0));
    assert_eq!(fate.altered, None);
    let hits: Vec<u64> = network.fault_counts().iter().map(|count| count.hits).collect();
    assert_eq!(hits, [0, 0, 0, 1], "a hold concerns what follows");
}

#[test]
fn an_override_hits_only_where_it_changes_something() {
    let rules = [everywhere(Impairments { delay: Some(MS), ..Impairments::default() })];
    let link = |name: &str, delay| FaultSpec {
        name: name.into(),
        trigger: Trigger::At(0),
        action: Action::World(WorldAction::Link {
            rules: vec![everywhere(Impairments { delay: Some(delay), ..Impairments::default() })],
        }),
        length: None,
        optional: false,
    };
    let mut network = network(2, &rules, &[link("same", MS), link("other", 2 * MS)]);
    network.begin(0);
    fates(&mut network, 1, 0, 1);
    network.end(0);
    network.begin(1);
    let fate = network.transmit(0, &Packet { from: 1, to: 0, payload: b"x" });
    assert_eq!(fate.arrivals.iter().collect::<Vec<_>>(), [2 * MS]);
    let counts: Vec<_> =
        network.fault_counts().iter().map(|count| (count.opportunities, count.hits)).collect();
    assert_eq!(counts, [(1, 0), (1, 1)]);
}

/// 1 Mbit/s: 97 + 28 bytes take 1 ms.
#[test]
fn links_share_a_queue_if_their_rule_says_so() {
    let rated = Impairments { rate: Some(1_000_000), limit: Some(2), ..Impairments::default() };
    let arrivals = |shared| {
        let mut network = network(4, &[everywhere(Impairments { shared, ..rated.clone() })], &[]);
        let mut send = |from| {
            let fate = network.transmit(0, &Packet { from, to: 0, payload: &[0; 97] });
            fate.arrivals.iter().next().map(|at| at / 1_000_000)
        };
        [1, 2, 3].map(&mut send)
    };
    assert_eq!(arrivals(None), [Some(1), Some(1), Some(1)]);
    assert_eq!(arrivals(Some(true)), [Some(1), Some(2), None]);
    assert_eq!(arrivals(Some(false)), arrivals(None));
}

#[test]
fn calm_lets_go_of_holds_and_queues() {
    let rules = [everywhere(Impairments { rate: Some(1_000_000_000), ..Impairments::default() })];
    let faults =
        [packet_fault("hold", 1, 0, Pick::Nth(1), PacketAction::Hold { length: 9000 * MS })];
    let mut network = network(2, &rules, &faults);
    fates(&mut network, 1, 0, 2);
    network.calm();
    let fate = network.transmit(50 * MS, &Packet { from: 1, to: 0, payload: b"x" });
    assert!(fate.arrivals.iter().all(|at| at < 51 * MS), "{fate:?}");
}

#[test]
fn calm_empties_shared_queues() {
    let rated = Impairments { rate: Some(1_000_000), shared: Some(true), ..Impairments::default() };
    let mut network = network(3, &[everywhere(rated)], &[]);
    let packet = |from| Packet { from, to: 0, payload: &[0; 97] };
    (0..5).for_each(|_| drop(network.transmit(0, &packet(1))));
    network.calm();
    let fate = network.transmit(0, &packet(2));
    assert_eq!(fate.arrivals.iter().collect::<Vec<_>>(), [1_000_000]);
}

#[test]
fn chances_of_a_fault_depend_on_link_and_content_not_on_place_or_others() {
    let chance = |name: &str| {
        let mut fault = packet_fault(name, 1, 0, Pick::Chance(0.5), PacketAction::Drop);
        if let Trigger::Packet { matching, .. } = &mut fault.trigger {
            matching.from = HostSet::all();
        }
        fault
    };
    let drops = |network: &mut Network| -> Vec<bool> {
        fates(network, 1, 0, 64).iter().map(|fate| fate.dropped.is_some()).collect()
    };
    let expected = drops(&mut network(3, &[], &[chance("fault-1")]));
    // Another unnamed fault in front, and another sender in between.
    let other = packet_fault("fault-1", 2, 1, Pick::All, PacketAction::Drop);
    let mut second = network(3, &[], &[other, chance("fault-2")]);
    fates(&mut second, 2, 0, 7);
    let found: Vec<bool> = drops(&mut second);
    assert_eq!(found, expected);
    assert_ne!(drops(&mut network(3, &[], &[chance("named")])), expected);
}

/// An unnamed fault's draws are keyed by what it says: whoever words it anew changes them.
#[test]
fn unnamed_faults_draw_what_they_always_drew() {
    let faults = [
        packet_fault("fault-1", 1, 0, Pick::Chance(0.5), PacketAction::Drop),
        packet_fault("fault-2", 1, 0, Pick::All, PacketAction::Corrupt(Corruption::Bits(1))),
    ];
    let fates = fates(&mut network(2, &[], &faults), 1, 0, 64);
    let dropped = fates.iter().fold(0u64, |all, fate| all << 1 | u64::from(fate.dropped.is_some()));
    let all = (0u64..).zip(&fates).filter(|(_, fate)| fate.dropped.is_none());
    let flipped: Vec<u64> = all.flat_map(|(n, fate)| flipped(&n.to_be_bytes(), fate)).collect();
    assert_eq!(dropped, 17_359_212_673_182_643_454);
    assert_eq!(flipped[..8], [12, 27, 58, 7, 36, 46, 36, 25]);
}

#[test]
fn every_bit_of_a_hosts_bytes_may_be_the_one_that_flips() {
    let spec = FaultSpec {
        name: "flip".into(),
        trigger: Trigger::At(0),
        action: WorldAction::CorruptMemory { hosts: HostSet::all() }.into(),
        length: None,
        optional: false,
    };
    let mut network = network(2, &[], &[spec]);
    for (length, expected) in [(0, None), (1, Some(8)), (3, Some(24))] {
        let bits = (0..500).map(|_| network.bit(0, 1, length));
        let bits: std::collections::BTreeSet<_> = bits.collect();
        let all: Vec<Option<u64>> = match expected {
            None => vec![None],
            Some(count) => (0..count).map(Some).collect(),
        };
        assert_eq!(bits.into_iter().collect::<Vec<_>>(), all);
    }
}

/// Faults on one datagram of one link are found by its number. The same faults with a second receiver, to
/// whom nothing goes, are shown every datagram; neither what they do nor what they count differs.
#[test]
fn faults_of_one_datagram_do_what_those_do_that_see_all() {
    let everyone = |network: &mut Network| {
        let mut all = fates(network, 1, 0, 40);
        all.extend(fates(network, 0, 1, 10));
        all.extend(fates(network, 1, 0, 20));
        (all, network.fault_counts())
    };
    let action = |n: u64| match n % 5 {
        0 => PacketAction::Drop,
        1 => PacketAction::Duplicate { copies: 2, after: n },
        2 => PacketAction::Delay { by: n * MS },
        3 => PacketAction::Corrupt(Corruption::Bits(3)),
        _ => PacketAction::Hold { length: n * MS },
    };
    // Several on one datagram, in another order than their numbers, some on none, one on every third.
    let numbers = [7, 3, 3, 50, 12, 3, 61, 19, 20, 21, 22, 23, 7];
    let exact = (0..)
        .zip(numbers)
        .map(|(index, n)| packet_fault(&format!("one-{index}"), 1, 0, Pick::Nth(n), action(index)));
    let mut exact: Vec<FaultSpec> = exact.collect();
    exact.insert(4, packet_fault("third", 1, 0, Pick::Every(3), PacketAction::Delay { by: 5 }));
    let mut seeing_all = exact.clone();
    for fault in &mut seeing_all {
        let Trigger::Packet { matching, .. } = &mut fault.trigger else { unreachable!() };
        matching.to = HostSet::from_iter([0, 2]);
    }
    let rules = [everywhere(eventful())];
    let [found, shown] =
        [&exact, &seeing_all].map(|faults| everyone(&mut network(3, &rules, faults)));
    assert_eq!(found.1, shown.1);
    assert!(found.1.iter().any(|count| (count.opportunities, count.hits) == (60, 1)));
    assert!(found == shown);
}
