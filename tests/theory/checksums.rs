//! Which two-bit errors checksums miss.

use std::sync::LazyLock;

use rand::Rng;
use squall::network::{Corruption, FaultSpec, HostSet, Network, Packet, PacketAction, PacketMatch};
use squall::network::{Pick, Trigger};
use squall::protocols::checksum::Checksum;
use squall::stream::Stream;

use super::table::{Claim, Experiment, Subject, means};

pub static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    Subject::new(
        "Checksums",
        "30,000 datagrams in each run with n = 64 random bytes, of which a fault flips two random bits; \
         the checksums themselves arrive unharmed. `udp` is the link's own check, the others are those \
         of `protocols/src/checksum.rs`. A sum of words does not notice two flips in the same column of \
         two words if one of them adds what the other takes away, which is every second pair; in the \
         column of a byte's highest bit, a sum modulo 256 notices none at all. One column is met again \
         with probability (n-1)/(8n-1) for bytes, and (n/2-1)/(8n-1) for 16-bit words. \"Off by 3%\" can only \
         be too few here.",
        experiments(),
    )
});

#[test]
fn the_formulas_hold() {
    SUBJECT.assert_agreement();
}

#[test]
fn datagrams_left_as_they_are_are_refused() {
    experiments().into_iter().for_each(Experiment::assert_refusals);
}

const DATAGRAMS: u64 = 30_000;

/// Bytes of each.
const SIZE: usize = 64;

fn experiments() -> Vec<Experiment> {
    let bytes = SIZE as f64;
    let missed = |quantity, formula, predicted| Claim {
        quantity,
        formula,
        source: "Maxino & Koopman",
        predicted,
    };
    let internet = (bytes / 2.0 - 1.0) / (8.0 * bytes - 1.0) / 2.0;
    vec![Experiment {
        setting: "two of 512 bits flipped",
        varied: "the share of datagrams that are corrupted",
        claims: vec![
            missed(
                "missed by `sum`",
                "(7/8 * 1/2 + 1/8) (n-1)/(8n-1)",
                9.0 / 16.0 * (bytes - 1.0) / (8.0 * bytes - 1.0),
            ),
            missed("missed by `internet`", "1/2 (n/2-1)/(8n-1)", internet),
            missed("missed by `udp`", "1/2 (n/2-1)/(8n-1)", internet),
            missed("missed by `fletcher-16`", "0, up to 255 bytes", 0.0),
            missed("missed by `fletcher-32`", "0, up to 65,535 words", 0.0),
            missed("missed by `crc-32`", "0, up to 2^32 - 1 bits", 0.0),
        ],
        measure: |error| means(|seed| shares_missed(1.0 - error.abs(), seed)),
    }]
}

/// A network that flips two bits in this share of all datagrams.
fn network(share: f64, seed: u64) -> Network {
    let matching = PacketMatch {
        from: HostSet::all(),
        to: HostSet::all(),
        kind: None,
        fields: Vec::new(),
        attempt: None,
    };
    let fault = FaultSpec {
        name: "flip".to_owned(),
        trigger: Trigger::Packet { matching, pick: Pick::Chance(share) },
        action: PacketAction::Corrupt(Corruption::Bits(2)).into(),
        length: None,
        optional: false,
    };
    Network::new(seed, ["a", "b"].map(str::to_owned).into(), [].into(), &[fault], None)
}

fn shares_missed(share: f64, seed: u64) -> [f64; 6] {
    use Checksum::{Crc32, Fletcher16, Fletcher32, Internet, Sum};
    let mut network = network(share, seed);
    let payloads = Stream::new(seed, &["payloads"]);
    let mut missed = [0u64; 6];
    for n in 0..DATAGRAMS {
        let mut payload = [0; SIZE];
        payloads.draw(n).fill_bytes(&mut payload);
        let fate = network.transmit(n, &Packet { from: 0, to: 1, payload: &payload });
        let arrived = fate.altered.as_deref().unwrap_or(&payload);
        let same = |sum: Checksum| sum.of(&payload) == sum.of(arrived);
        let silent = [
            same(Sum),
            same(Internet),
            !fate.checksum_fails,
            same(Fletcher16),
            same(Fletcher32),
            same(Crc32),
        ];
        missed.iter_mut().zip(silent).for_each(|(count, silent)| *count += u64::from(silent));
    }
    missed.map(|count| count as f64 / DATAGRAMS as f64)
}
