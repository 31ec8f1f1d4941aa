//! Checksums, from the weakest up ("Operating Systems: Three Easy Pieces", "Data Integrity
//! and Protection").

use std::sync::LazyLock;

use crate::mutants::{self, Mutant};
use crc::{CRC_32_ISO_HDLC, Crc, Table};
use squall_sim::protocol::{OptionKind, OptionSpec, OptionValue, Options};

/// A checksum of a protocol's own, at the end of each of its datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// None: what arrives is taken for what was sent.
    #[default]
    None,
    /// The sum of all bytes, modulo 256.
    Sum,
    /// The one's complement of the one's complement sum of 16-bit words (RFC 1071).
    Internet,
    /// Two sums of bytes modulo 255, the second one weighted by place (Fletcher, IEEE Transactions
    /// on Communications 30(1), 1982).
    Fletcher16,
    /// The same of 16-bit words modulo 65,535; an odd last byte is padded with zero.
    Fletcher32,
    /// The remainder by the polynomial of IEEE 802.3, section 3.2.9.
    Crc32,
}

static CRC_32: LazyLock<Crc<u32, Table<1>>> =
    LazyLock::new(|| Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC));

impl Checksum {
    /// All of them; the index is the number on the wire.
    pub const ALL: [Checksum; 6] = [
        Checksum::None,
        Checksum::Sum,
        Checksum::Internet,
        Checksum::Fletcher16,
        Checksum::Fletcher32,
        Checksum::Crc32,
    ];

    /// The word in scenario files.
    pub fn name(self) -> &'static str {
        match self {
            Checksum::None => "none",
            Checksum::Sum => "sum",
            Checksum::Internet => "internet",
            Checksum::Fletcher16 => "fletcher-16",
            Checksum::Fletcher32 => "fletcher-32",
            Checksum::Crc32 => "crc-32",
        }
    }

    /// The option that chooses one.
    pub fn option() -> OptionSpec {
        OptionSpec::new(
            "checksum",
            OptionKind::Choice(Checksum::ALL.map(Checksum::name).to_vec()),
            OptionValue::Word(Checksum::None.name().to_owned()),
            "the protocol's own checksum; to see it work, set `udp_checksum = false` on the link",
        )
    }

    /// The one that the options choose.
    pub fn from_options(options: &Options) -> Self {
        let word = options.word("checksum");
        Checksum::ALL.into_iter().find(|one| one.name() == word).unwrap_or_default()
    }

    /// Its number on the wire.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Checksum::code`].
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Checksum::ALL.get(usize::from(code)).copied()
    }

    /// How many bytes it takes.
    pub fn width(self) -> usize {
        match self {
            Checksum::None => 0,
            Checksum::Sum => 1,
            Checksum::Internet | Checksum::Fletcher16 => 2,
            Checksum::Fletcher32 | Checksum::Crc32 => 4,
        }
    }

    /// The checksum of `bytes`, in the last [`Checksum::width`] bytes of the number.
    pub fn of(self, bytes: &[u8]) -> u32 {
        let header = if mutants::is(Mutant::ChecksumOverHeader) { 16 } else { usize::MAX };
        let bytes = &bytes[..bytes.len().min(header)];
        match self {
            Checksum::None => 0,
            Checksum::Sum => bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)).into(),
            Checksum::Internet => internet(bytes).into(),
            Checksum::Fletcher16 => fletcher::calc_fletcher16(bytes).into(),
            Checksum::Fletcher32 => fletcher32(bytes),
            Checksum::Crc32 => CRC_32.checksum(bytes),
        }
    }

    /// Appends the checksum of what is in `bytes`.
    pub(crate) fn append(self, bytes: &mut Vec<u8>) {
        let sum = self.of(bytes).to_be_bytes();
        bytes.extend_from_slice(&sum[4 - self.width()..]);
    }

    /// What stands before the checksum at the end of `bytes`, if that is right.
    pub(crate) fn strip(self, bytes: &[u8]) -> Option<&[u8]> {
        let (content, found) = bytes.split_at_checked(bytes.len().checked_sub(self.width())?)?;
        let sum = self.of(content).to_be_bytes();
        (sum[4 - self.width()..] == *found).then_some(content)
    }
}

fn internet(bytes: &[u8]) -> u16 {
    !squall_sim::network::ones_complement_sum(bytes)
}

fn fletcher32(bytes: &[u8]) -> u32 {
    let mut sums = fletcher::Fletcher::<u32>::new();
    // In pieces, so that no copy of the whole is made; the crate takes words.
    for piece in bytes.chunks(128) {
        let mut words = [0u16; 64];
        for (word, pair) in words.iter_mut().zip(piece.chunks(2)) {
            *word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        }
        sums.update(&words[..piece.len().div_ceil(2)]);
    }
    sums.value()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn published_values() {
        // RFC 1071, section 3.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Checksum::Internet.of(&bytes), 0x220d);
        // The check value of the catalogue of parametrised CRC algorithms.
        assert_eq!(Checksum::Crc32.of(b"123456789"), 0xcbf4_3926);
        // The usual examples of Fletcher's checksum; its words are little-endian there, ours are
        // in network order.
        assert_eq!(Checksum::Fletcher16.of(b"abcde"), 0xc8f0);
        assert_eq!(Checksum::Fletcher32.of(b"badcfe"), 0x5650_2d2a);
        assert_eq!(Checksum::Sum.of(&[200, 100]), 44);
    }

    #[test]
    fn names_and_numbers_come_back() {
        for one in Checksum::ALL {
            assert_eq!(Checksum::from_code(one.code()), Some(one));
        }
        assert_eq!(Checksum::from_code(6), None);
    }

    proptest! {
        #[test]
        fn what_was_appended_is_right_and_one_bit_less_is_not(
            bytes: Vec<u8>,
            bit: prop::sample::Index,
        ) {
            for one in Checksum::ALL {
                let mut sealed = bytes.clone();
                one.append(&mut sealed);
                prop_assert_eq!(sealed.len(), bytes.len() + one.width());
                prop_assert_eq!(one.strip(&sealed), Some(bytes.as_slice()));
                if one != Checksum::None {
                    let bit = bit.index(sealed.len() * 8);
                    sealed[bit / 8] ^= 1 << (bit % 8);
                    prop_assert_eq!(one.strip(&sealed), None);
                }
            }
        }

        #[test]
        fn fletcher_in_pieces_is_fletcher_at_once(bytes in prop::collection::vec(any::<u8>(), 0..999)) {
            let words: Vec<u16> = bytes
                .chunks(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]))
                .collect();
            prop_assert_eq!(Checksum::Fletcher32.of(&bytes), fletcher::calc_fletcher32(&words));
        }
    }
}
