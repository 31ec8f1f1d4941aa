//! The Internet checksum, as UDP uses it (RFC 768, RFC 1071).

/// The one's complement sum of the payload's 16-bit words, an odd last byte padded with zero.
///
/// The pseudo-header is left out: it is the same at both ends.
fn sum(payload: impl Iterator<Item = u8>) -> u16 {
    let mut sum = 0u64;
    for (index, byte) in payload.enumerate() {
        sum += if index % 2 == 0 { u64::from(byte) << 8 } else { u64::from(byte) };
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // 0 and 0xffff are both zero in one's complement arithmetic.
    if sum == 0xffff { 0 } else { sum as u16 }
}

/// True if flipping `bits` changes the checksum of `payload`, so that a receiver drops it.
pub(crate) fn notices(payload: &[u8], bits: &[u64]) -> bool {
    let mut flipped = payload.to_vec();
    flip(&mut flipped, bits);
    sum(payload.iter().copied()) != sum(flipped.into_iter())
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
        assert_eq!(sum(bytes.into_iter()), 0xddf2);
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
