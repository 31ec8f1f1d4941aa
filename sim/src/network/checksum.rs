//! The Internet checksum, as UDP uses it (RFC 768, RFC 1071).

/// The one's complement sum of the 16-bit words of `bytes`, an odd last byte padded with zero. Zero,
/// which has two forms there, is 0.
///
/// UDP's pseudo-header is left out: but for the length, it is the same at both ends.
pub fn ones_complement_sum(bytes: &[u8]) -> u16 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let words = pairs.iter().map(|pair| u64::from(u16::from_be_bytes(*pair)));
    let mut sum: u64 = words.sum();
    sum += rest.first().map_or(0, |last| u64::from(*last) << 8);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    if sum == 0xffff { 0 } else { sum as u16 }
}

/// True if a receiver notices that what arrives is not what was sent, so that it drops it: the
/// checksums differ, or the datagram is not as long as its UDP header says.
pub(super) fn notices(sent: &[u8], received: &[u8]) -> bool {
    sent.len() != received.len() || ones_complement_sum(sent) != ones_complement_sum(received)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_rfc_1071_section_3() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(ones_complement_sum(&bytes), 0xddf2);
    }

    #[test]
    fn every_single_bit_is_noticed_and_some_pairs_are_not() {
        let sent = [0x12, 0x34, 0x56, 0x78, 0x9a];
        for bit in 0..40 {
            let mut received = sent;
            received[bit / 8] ^= 1 << (bit % 8);
            assert!(notices(&sent, &received), "bit {bit}");
        }
        // The same bit of two words, once 0 -> 1 and once 1 -> 0, cancels out.
        assert!(!notices(&[0, 0b10, 0, 0b00], &[0, 0b00, 0, 0b10]));
    }

    #[test]
    fn bytes_that_change_places_are_noticed_only_at_places_of_different_parity() {
        let sent = [1, 2, 3, 4, 5];
        for (one, other) in [(0, 1), (0, 2), (0, 3), (1, 3), (1, 4), (2, 4), (3, 4)] {
            let mut received = sent;
            received.swap(one, other);
            let differs = (other - one) % 2 == 1;
            assert_eq!(notices(&sent, &received), differs, "{one} and {other}");
        }
    }

    /// Zero has two forms in one's complement: all bits of a word may flip and nobody notices.
    #[test]
    fn a_word_of_zeros_and_a_word_of_ones_are_the_same() {
        assert_eq!(ones_complement_sum(&[0xff, 0xff]), 0);
        assert_eq!(ones_complement_sum(&[0xff, 0xfe, 0, 1]), 0);
        assert!(!notices(&[0x12, 0x34, 0, 0], &[0x12, 0x34, 0xff, 0xff]));
        assert!(!notices(&[0, 0], &[0xff, 0xff]));
    }

    #[test]
    fn a_missing_end_is_noticed_even_if_it_adds_nothing_to_the_sum() {
        assert!(notices(&[1, 2, 0, 0], &[1, 2]));
        assert!(notices(&[1, 2, 0xff, 0xff], &[1, 2]));
        assert!(notices(&[0], &[]));
    }
}
