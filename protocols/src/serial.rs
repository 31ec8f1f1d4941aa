//! Sequence numbers that wrap around (RFC 1982).

use crate::mutants::{self, Mutant};

/// The numbers of a counter with a given number of bits (RFC 1982's SERIAL_BITS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceSpace {
    mask: u32,
}

impl SequenceSpace {
    /// Numbers of `bits` bits, from 1 to 32.
    pub fn new(bits: u32) -> Self {
        SequenceSpace { mask: u32::MAX >> (32 - bits.clamp(1, 32)) }
    }

    /// How many numbers there are.
    pub fn size(self) -> u64 {
        u64::from(self.mask) + 1
    }

    /// True if the counter can have this value.
    pub fn contains(self, number: u32) -> bool {
        number <= self.mask
    }

    /// The number of the `count`-th, counted from 0.
    pub fn number(self, count: u64) -> u32 {
        count as u32 & self.mask
    }

    /// Addition (section 3.1).
    pub fn add(self, number: u32, n: u32) -> u32 {
        number.wrapping_add(n) & self.mask
    }

    /// How often `from` must be counted up to become `to`.
    pub fn distance(self, from: u32, to: u32) -> u32 {
        to.wrapping_sub(from) & self.mask
    }

    /// Comparison (section 3.2): true if `a` comes before `b`, that is, within the half of the
    /// numbers that ends before `b`. Numbers just half the space apart come each before the other;
    /// the RFC leaves that open.
    pub fn is_before(self, a: u32, b: u32) -> bool {
        if mutants::is(Mutant::NoWrapAround) {
            return a < b;
        }
        let distance = self.distance(a, b);
        distance != 0 && u64::from(distance) <= self.size() / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 1982, sections 5.1 and 5.2.
    #[test]
    fn two_and_eight_bits() {
        let two = SequenceSpace::new(2);
        for a in 0..4 {
            assert!(two.is_before(a, two.add(a, 1)));
            assert!(!two.is_before(two.add(a, 1), a));
        }
        let eight = SequenceSpace::new(8);
        for (a, b) in [(0, 1), (0, 44), (0, 100), (44, 100), (100, 200), (200, 255), (255, 0)] {
            assert!(eight.is_before(a, b) && !eight.is_before(b, a), "{a} {b}");
        }
        assert!(eight.is_before(255, 100) && eight.is_before(200, 0) && eight.is_before(200, 44));
        assert_eq!((eight.add(255, 1), eight.add(100, 100), eight.add(200, 100)), (0, 200, 44));
    }

    #[test]
    fn all_32_bits() {
        let space = SequenceSpace::new(32);
        assert_eq!(space.size(), 1 << 32);
        assert_eq!(space.add(u32::MAX, 1), 0);
        assert_eq!(space.distance(u32::MAX, 1), 2);
        assert!(space.is_before(u32::MAX, 0) && !space.is_before(0, u32::MAX));
        assert!(!space.is_before(7, 7));
    }

    #[test]
    fn only_so_many_numbers() {
        let space = SequenceSpace::new(3);
        assert!(space.contains(7) && !space.contains(8));
    }
}
