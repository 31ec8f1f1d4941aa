//! What corruption does to a payload on its way.
//!
//! Bits are counted from the payload's first byte, the least significant bit of each byte first, as
//! Ethernet sends them (IEEE 802.3).

use std::collections::BTreeSet;

use super::config::Corruption;
use crate::stream::Draw;

/// What was done to a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// So many different bits were flipped.
    Bits(u32),
    /// A burst of errors, so many bits long from the first flipped bit to the last.
    Burst(u32),
    /// Two different bytes changed places; so many bytes lie from one to the other. If the number is
    /// even, the Internet checksum does not notice.
    SwapBytes(u32),
    /// So many bytes were cut off at the end.
    Truncate(u32),
}

impl Alteration {
    /// The key in scenario files that does this, and how much was done.
    pub fn parts(self) -> (&'static str, u32) {
        match self {
            Alteration::Bits(bits) => ("bits", bits),
            Alteration::Burst(bits) => ("burst", bits),
            Alteration::SwapBytes(apart) => ("swap-bytes", apart),
            Alteration::Truncate(bytes) => ("truncate", bytes),
        }
    }

    /// The inverse of [`Alteration::parts`].
    pub(crate) fn from_parts(mode: &str, amount: u32) -> Option<Self> {
        let all = [Self::Bits, Self::Burst, Self::SwapBytes, Self::Truncate];
        all.into_iter().map(|one| one(amount)).find(|one| one.parts().0 == mode)
    }
}

/// Corrupts a payload; `None` if there is nothing in it to corrupt in this way.
pub(super) fn corrupt(payload: &mut Vec<u8>, how: &Corruption, draw: Draw) -> Option<Alteration> {
    match how {
        Corruption::Bits(count) => flip_bits(payload, *count, draw),
        Corruption::Burst(length) => burst(payload, *length, draw),
        Corruption::SwapBytes => swap_bytes(payload, draw),
        Corruption::Truncate => truncate(payload, draw),
        Corruption::Flip(bits) => flip_these(payload, bits),
        Corruption::Keep(length) => cut(payload, usize::try_from(*length).unwrap_or(usize::MAX)),
    }
}

/// Flips `count` different bits; all of them if there are no more.
fn flip_bits(payload: &mut [u8], count: u64, mut draw: Draw) -> Option<Alteration> {
    let total = payload.len() as u64 * 8;
    let mut bits = BTreeSet::new();
    // Floyd's sampling without replacement (CACM 30(9), 1987).
    for upper in total - count.min(total)..total {
        let bit = draw.below(upper + 1);
        if !bits.insert(bit) {
            bits.insert(upper);
        }
    }
    bits.iter().for_each(|bit| flip(payload, *bit));
    (!bits.is_empty()).then_some(Alteration::Bits(bits.len() as u32))
}

/// An error burst after Peterson and Brown, "Cyclic Codes for Error Detection" (Proc. IRE 49(1),
/// 1961): its first and last bits are wrong, and those between may be.
fn burst(payload: &mut [u8], length: u64, mut draw: Draw) -> Option<Alteration> {
    let total = payload.len() as u64 * 8;
    let length = length.min(total);
    if length == 0 {
        return None;
    }
    let first = draw.below(total - length + 1);
    let last = first + length - 1;
    for bit in first..=last {
        if bit == first || bit == last || draw.below(2) == 1 {
            flip(payload, bit);
        }
    }
    Some(Alteration::Burst(length as u32))
}

/// Exchanges a byte with one of those that differ from it.
fn swap_bytes(payload: &mut [u8], mut draw: Draw) -> Option<Alteration> {
    let one = draw.below(payload.len() as u64) as usize;
    let others = (0..payload.len()).filter(|other| payload[*other] != payload[one]);
    let others: Vec<usize> = others.collect();
    let other = *others.get(draw.below(others.len() as u64) as usize)?;
    payload.swap(one, other);
    Some(Alteration::SwapBytes(one.abs_diff(other) as u32))
}

/// Cuts off at least one byte, and leaves at least one if there are more.
fn truncate(payload: &mut Vec<u8>, mut draw: Draw) -> Option<Alteration> {
    let length = payload.len();
    let left = match length {
        0 => return None,
        1 => 0,
        _ => 1 + draw.below(length as u64 - 1) as usize,
    };
    cut(payload, left)
}

/// Cuts off what is behind `left` bytes.
fn cut(payload: &mut Vec<u8>, left: usize) -> Option<Alteration> {
    let off = payload.len().checked_sub(left).filter(|off| *off > 0)?;
    payload.truncate(left);
    Some(Alteration::Truncate(off as u32))
}

/// Flips each of these bits that the payload has.
fn flip_these(payload: &mut [u8], bits: &[u64]) -> Option<Alteration> {
    let total = payload.len() as u64 * 8;
    let bits: BTreeSet<u64> = bits.iter().copied().filter(|bit| *bit < total).collect();
    bits.iter().for_each(|bit| flip(payload, *bit));
    (!bits.is_empty()).then_some(Alteration::Bits(bits.len() as u32))
}

/// What makes `altered` of `sent`, with its places: the inverse of corruption.
pub(super) fn difference(sent: &[u8], altered: &[u8]) -> Vec<Corruption> {
    let cut = altered.len() < sent.len();
    let cut = cut.then_some(Corruption::Keep(altered.len() as u64));
    let differing = (0..).zip(sent.iter().zip(altered)).filter(|(_, (a, b))| a != b);
    let bits: Vec<u64> = differing
        .flat_map(|(place, (a, b))| {
            let flipped = (0..8).filter(move |bit| (a ^ b) >> bit & 1 == 1);
            flipped.map(move |bit| place * 8 + bit)
        })
        .collect();
    let flips = (!bits.is_empty()).then(|| Corruption::Flip(bits.into()));
    cut.into_iter().chain(flips).collect()
}

/// Flips one bit, if the payload has it.
pub(crate) fn flip(payload: &mut [u8], bit: u64) {
    if let Some(byte) = payload.get_mut((bit / 8) as usize) {
        *byte ^= 1 << (bit % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;

    fn draws() -> impl Iterator<Item = Draw> {
        (0..2000).map(|n| Stream::new(1, &["test"]).draw(n))
    }

    /// The flipped bits of a payload of `length` zeros.
    fn flipped(payload: &[u8]) -> Vec<u64> {
        let is_set = |bit: &u64| payload[(bit / 8) as usize] >> (bit % 8) & 1 == 1;
        (0..payload.len() as u64 * 8).filter(is_set).collect()
    }

    #[test]
    fn as_many_different_bits_as_asked_for_are_flipped() {
        for (length, count, expected) in [(64, 20, 20), (2, 20, 16), (1, 1, 1)] {
            for draw in draws() {
                let mut payload = vec![0; length];
                let done = corrupt(&mut payload, &Corruption::Bits(count), draw);
                assert_eq!(done, Some(Alteration::Bits(expected)));
                assert_eq!(flipped(&payload).len(), expected as usize);
            }
        }
    }

    #[test]
    fn a_burst_has_its_length_and_every_bit_within_is_hit_half_the_time() {
        let (mut starts, mut inner) = (BTreeSet::new(), [0u32; 12]);
        for draw in draws() {
            let mut payload = vec![0; 4];
            let done = corrupt(&mut payload, &Corruption::Burst(12), draw);
            assert_eq!(done, Some(Alteration::Burst(12)));
            let bits = flipped(&payload);
            let (first, last) = (bits[0], bits[bits.len() - 1]);
            assert_eq!(last - first + 1, 12);
            starts.insert(first);
            bits.iter().for_each(|bit| inner[(bit - first) as usize] += 1);
        }
        assert_eq!(starts, (0..=20).collect(), "every place where it fits");
        assert_eq!([inner[0], inner[11]], [2000; 2]);
        // Four standard deviations of a binomial are 90.
        assert!(inner[1..11].iter().all(|hits| (910..=1090).contains(hits)), "{inner:?}");
        let mut one = vec![0];
        let draw = Stream::new(1, &["test"]).draw(0);
        let done = corrupt(&mut one, &Corruption::Burst(12), draw);
        assert_eq!(done, Some(Alteration::Burst(8)), "no longer than the payload");
        assert_eq!(one[0] & 0x81, 0x81);
    }

    #[test]
    fn two_different_bytes_change_places() {
        let mut pairs = BTreeSet::new();
        for draw in draws() {
            let before = vec![1, 2, 2, 3];
            let mut payload = before.clone();
            let done = corrupt(&mut payload, &Corruption::SwapBytes, draw);
            let changed: Vec<usize> = (0..4).filter(|i| payload[*i] != before[*i]).collect();
            let [one, other] = changed[..] else { panic!("{changed:?}") };
            assert_eq!((payload[one], payload[other]), (before[other], before[one]));
            assert_eq!(done, Some(Alteration::SwapBytes((other - one) as u32)));
            pairs.insert((one, other));
        }
        assert_eq!(pairs.into_iter().collect::<Vec<_>>(), [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]);
    }

    #[test]
    fn the_end_is_cut_off_anywhere() {
        let mut lengths = BTreeSet::new();
        for draw in draws() {
            let mut payload = vec![1, 2, 3, 4, 5];
            let done = corrupt(&mut payload, &Corruption::Truncate, draw);
            assert_eq!(done, Some(Alteration::Truncate(5 - payload.len() as u32)));
            assert_eq!(payload, [1, 2, 3, 4, 5][..payload.len()]);
            lengths.insert(payload.len());
        }
        assert_eq!(lengths, (1..=4).collect());
        let mut one = vec![7];
        let draw = Stream::new(1, &["test"]).draw(0);
        assert_eq!(corrupt(&mut one, &Corruption::Truncate, draw), Some(Alteration::Truncate(1)));
        assert!(one.is_empty());
    }

    #[test]
    fn given_places_are_hit_and_no_others() {
        let draw = || Stream::new(1, &["test"]).draw(0);
        let mut payload = vec![0; 2];
        let flip = Corruption::Flip([3, 15, 16].into());
        assert_eq!(corrupt(&mut payload, &flip, draw()), Some(Alteration::Bits(2)));
        assert_eq!(payload, [8, 128], "the payload has no bit 16");
        let mut payload = vec![1, 2, 3];
        let kept = corrupt(&mut payload, &Corruption::Keep(2), draw());
        assert_eq!((kept, payload), (Some(Alteration::Truncate(1)), vec![1, 2]));
    }

    #[test]
    fn the_difference_repeats_what_was_done() {
        let sent: Vec<u8> = (0..40).collect();
        for how in [
            Corruption::Bits(5),
            Corruption::Burst(20),
            Corruption::SwapBytes,
            Corruption::Truncate,
        ] {
            for draw in draws().take(50) {
                let (mut altered, mut again) = (sent.clone(), sent.clone());
                corrupt(&mut altered, &how, draw.clone());
                for place in difference(&sent, &altered) {
                    corrupt(&mut again, &place, draw.clone());
                }
                assert_eq!(again, altered, "{how:?}");
            }
        }
        assert_eq!(difference(&sent, &sent), []);
        let both = difference(&[1, 2, 3], &[1, 6]);
        assert_eq!(both, [Corruption::Keep(2), Corruption::Flip([10].into())]);
    }

    #[test]
    fn what_has_nothing_to_corrupt_is_not_hit() {
        use Corruption::{Bits, Burst, Flip, Keep, SwapBytes, Truncate};
        for (payload, how) in [
            (&[][..], Bits(3)),
            (&[], Burst(3)),
            (&[], SwapBytes),
            (&[5], SwapBytes),
            (&[5, 5, 5], SwapBytes),
            (&[], Truncate),
            (&[5], Flip([8].into())),
            (&[5], Keep(1)),
        ] {
            for draw in draws().take(20) {
                let mut altered = payload.to_vec();
                assert_eq!(corrupt(&mut altered, &how, draw), None);
                assert_eq!(altered, payload);
            }
        }
    }
}
