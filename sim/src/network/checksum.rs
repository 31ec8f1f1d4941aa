//! The Internet checksum, as UDP uses it (RFC 768, RFC 1071).

/// The one's complement sum of the 16-bit words of `bytes`, an odd last byte padded with zero. Zero,
/// which has two forms there, is 0.
///
/// The pseudo-header of UDP is left out: it is the same at both ends.
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

/// True if flipping `bits` changes the checksum of `payload`, so that a receiver drops it.
pub(crate) fn notices(payload: &[u8], bits: &[u64]) -> bool {
    let mut flipped = payload.to_vec();
    flip(&mut flipped, bits);
    ones_complement_sum(payload) != ones_complement_sum(&flipped)
}

/// Flips bits, counted from the first byte, least significant bit first.
pub(crate) fn flip(payload: &mut [u8], bits: &[u64]) {
    for bit in bits {
        if let Some(byte) = payload.get_mut((bit / 8) as usize) {
            *byte ^= 1 << (bit % 8);
        }
    }
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
        let payload = [0x12, 0x34, 0x56, 0x78, 0x9a];
        assert!((0..40).all(|bit| notices(&payload, &[bit])));
        // The same bit of two words, once 0 -> 1 and once 1 -> 0, cancels out.
        let (first, second) = (0b10, 0b00);
        assert!(!notices(&[0, first, 0, second], &[9, 25]));
    }
}
