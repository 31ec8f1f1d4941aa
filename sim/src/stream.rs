//! Named streams: the one door for chance.
//!
//! A stream is keyed by the seed and its name (what is decided, and for which host or link). The
//! n-th draw is a pure function of key and n, so a draw depends neither on how often other streams
//! were used nor on whether earlier draws of this one were.

use rand::TryRng;
use std::convert::Infallible;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The odd number next to 2^64 divided by the golden ratio: steps of it visit every 64-bit value.
pub(crate) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The key of a named stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream(u64);

impl Stream {
    /// The stream named by `parts` under `seed`, such as `["link", "client-1", "server"]`.
    pub fn new(seed: u64, parts: &[&str]) -> Self {
        let mut key = mix(seed ^ GOLDEN);
        for part in parts {
            // The length keeps ["ab", "c"] and ["a", "bc"] apart.
            key = xxh3_64_with_seed(part.as_bytes(), mix(key ^ part.len() as u64));
        }
        Stream(key)
    }

    /// A stream of its own for one kind of decision within this one.
    #[inline]
    pub fn part(self, kind: u64) -> Stream {
        Stream(mix(self.0 ^ kind.wrapping_mul(GOLDEN)))
    }

    /// The n-th draw, as a generator: a decision may take several numbers from it.
    #[inline]
    pub fn draw(self, n: u64) -> Draw {
        Draw(mix(self.0 ^ mix(n.wrapping_mul(GOLDEN).wrapping_add(1))))
    }

    /// True with `probability` (0 is never, 1 is always), decided by the n-th draw.
    #[inline]
    pub fn chance(self, n: u64, probability: f64) -> bool {
        self.draw(n).unit() < probability
    }
}

/// One draw of a stream.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    #[inline]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// Uniform in `0.0..1.0`.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `0..n`; 0 if `n` is 0.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }
}

impl TryRng for Draw {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill(bytes, || self.next());
        Ok(())
    }
}

/// Fills bytes from a source of numbers.
pub(crate) fn fill(bytes: &mut [u8], mut next: impl FnMut() -> u64) {
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&next().to_le_bytes()[..chunk.len()]);
    }
}

/// David Stafford's "Mix13" finaliser, as in SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[inline]
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_seed_name_and_number_alone() {
        let stream = Stream::new(7, &["loss", "a", "b"]);
        assert_eq!(stream.draw(3).next(), stream.draw(3).next());
        assert_ne!(stream.draw(3).next(), stream.draw(4).next());
        assert_ne!(stream, Stream::new(8, &["loss", "a", "b"]));
        assert_ne!(stream, Stream::new(7, &["loss", "ab", ""]));
        assert_ne!(stream, Stream::new(7, &["loss", "", "ab"]));
    }

    #[test]
    fn chances_come_out_as_asked() {
        let stream = Stream::new(1, &["loss"]);
        let hits = (0..100_000).filter(|n| stream.chance(*n, 0.1)).count();
        // Four standard deviations of a binomial are 380.
        assert!((9_620..=10_380).contains(&hits), "{hits}");
        assert!((0..1000).all(|n| !stream.chance(n, 0.0) && stream.chance(n, 1.0)));
    }

    #[test]
    fn below_covers_its_range_evenly() {
        let stream = Stream::new(1, &["x"]);
        let mut seen = [0u32; 7];
        (0..70_000).for_each(|n| seen[stream.draw(n).below(7) as usize] += 1);
        assert!(seen.iter().all(|count| (9_600..10_400).contains(count)), "{seen:?}");
    }
}
