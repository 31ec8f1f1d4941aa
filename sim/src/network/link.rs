//! One directed link: what it remembers, and what it does to the datagrams that were not dropped
//! by a fault or partition.

use std::collections::VecDeque;

use super::classes::Spec;
use super::config::{Distribution, Loss};
use crate::stream::{Draw, Stream};

/// Bytes of the IPv4 and UDP headers, which count against rate and MTU.
pub const HEADERS: u64 = 28;

/// Datagrams that may wait for a rate when no `limit` is given: netem's default.
pub const DEFAULT_LIMIT: u64 = 1000;

/// The decisions a link draws, each from a stream of its own.
#[derive(Clone, Copy)]
enum Kind {
    Loss = 1,
    State,
    Corrupt,
    CorruptBit,
    Duplicate,
    Reorder,
    Delay,
}

/// One directed link.
pub(super) struct Link {
    stream: Stream,
    /// Datagrams sent on this link so far, dropped ones included. It numbers every draw, so that
    /// a fault that takes a datagram away does not shift the draws for the next ones.
    count: u64,
    /// True while the Gilbert-Elliott chain is in its bad state.
    bad: bool,
    queue: Queue,
    /// Nothing leaves before this time.
    pub held_until: u64,
}

impl Link {
    pub fn new(seed: u64, from: &str, to: &str) -> Self {
        Link {
            stream: Stream::new(seed, &["link", from, to]),
            count: 0,
            bad: false,
            queue: Queue::default(),
            held_until: 0,
        }
    }

    /// Lets go of what it holds, and forgets what waits for the rate.
    pub fn release(&mut self) {
        self.held_until = 0;
        self.queue.clear();
    }

    /// The number of the datagram being sent, from 0.
    #[inline]
    pub fn next(&mut self) -> u64 {
        self.count += 1;
        self.count - 1
    }

    #[inline]
    fn chance(&self, kind: Kind, n: u64, probability: f64) -> bool {
        probability > 0.0 && self.stream.part(kind as u64).chance(n, probability)
    }

    /// Whether the n-th datagram is lost. To be asked once for every datagram, also for those that
    /// something else drops: the Gilbert-Elliott chain steps with each.
    #[inline]
    pub fn loses(&mut self, n: u64, spec: &Spec) -> bool {
        match spec.loss {
            None => false,
            Some(Loss::Independent(probability)) => self.chance(Kind::Loss, n, probability),
            Some(Loss::GilbertElliott { p, r, loss_bad, loss_good }) => {
                let turn = if self.bad { r } else { p };
                self.bad ^= self.chance(Kind::State, n, turn);
                self.chance(Kind::Loss, n, if self.bad { loss_bad } else { loss_good })
            }
        }
    }

    /// The bit of an n-th datagram of `length` bytes that the link flips, if it does.
    pub fn corrupts(&self, n: u64, length: usize, spec: &Spec) -> Option<u64> {
        if length == 0 || !self.chance(Kind::Corrupt, n, spec.corrupt) {
            return None;
        }
        Some(self.stream.part(Kind::CorruptBit as u64).draw(n).below(length as u64 * 8))
    }

    /// Whether the n-th datagram is sent twice.
    pub fn duplicates(&self, n: u64, spec: &Spec) -> bool {
        self.chance(Kind::Duplicate, n, spec.duplicate)
    }

    /// When a datagram handed over at `now` has left the queue, or the one that the link shares with
    /// others; `None` if the queue is full.
    pub fn departs(
        &mut self,
        now: u64,
        length: usize,
        spec: &Spec,
        shared: Option<&mut Queue>,
    ) -> Option<u64> {
        let start = now.max(self.held_until);
        let Some(rate) = spec.rate else {
            return Some(start);
        };
        let limit = spec.limit.unwrap_or(DEFAULT_LIMIT);
        shared.unwrap_or(&mut self.queue).departs(now, start, length, rate, limit)
    }

    /// The delay of copy `copy` of the n-th datagram, and whether it skips the link's delay.
    pub fn delay(&self, n: u64, copy: u64, spec: &Spec) -> (u64, bool) {
        // Copies draw from numbers far beyond those of any original.
        let n = n | copy << 40;
        if self.chance(Kind::Reorder, n, spec.reorder) {
            return (0, true);
        }
        if spec.jitter == 0 {
            return (spec.delay, false);
        }
        let mut draw = self.stream.part(Kind::Delay as u64).draw(n);
        let jitter = spec.jitter as f64;
        let extra = match spec.distribution {
            Distribution::Uniform => {
                let width = spec.jitter.saturating_mul(2).saturating_add(1);
                let delay = spec.delay.saturating_add(draw.below(width));
                return (delay.saturating_sub(spec.jitter), false);
            }
            Distribution::Normal => normal(&mut draw) * jitter,
            Distribution::Exponential => exponential(&mut draw) * jitter,
            // A Lomax with shape 3 and scale s has mean s / 2.
            Distribution::Pareto => (pareto(&mut draw) - 1.0) * 2.0 * jitter,
        };
        // Float to integer casts saturate, so a negative delay becomes 0.
        ((spec.delay as f64 + extra) as u64, false)
    }
}

/// The queue in front of a rate.
#[derive(Default)]
pub(super) struct Queue {
    /// When each datagram in the queue will have been sent, ascending.
    departures: VecDeque<u64>,
}

impl Queue {
    /// When a datagram has been sent that is handed over at `now` and may go from `start` on, at a
    /// rate in bits per second; `None` if there are `limit` already.
    fn departs(
        &mut self,
        now: u64,
        start: u64,
        length: usize,
        rate: u64,
        limit: u64,
    ) -> Option<u64> {
        while self.departures.front().is_some_and(|departure| *departure <= now) {
            self.departures.pop_front();
        }
        if self.departures.len() as u64 >= limit {
            return None;
        }
        let bits = (length as u64 + HEADERS) * 8;
        let sending = (u128::from(bits) * 1_000_000_000).div_ceil(u128::from(rate));
        let start = start.max(self.departures.back().copied().unwrap_or(0));
        let departure = start.saturating_add(u64::try_from(sending).unwrap_or(u64::MAX));
        self.departures.push_back(departure);
        Some(departure)
    }

    /// Forgets what waits.
    pub fn clear(&mut self) {
        self.departures.clear();
    }
}

// Draws from distributions by inversion and by Box and Muller's transform (1958), with mathematics of
// our own binary: the platform's, which rand_distr uses when any crate in the build asks num-traits
// for it, may differ in the last bit.

/// Uniform in `0.0 < u <= 1.0`, so that it has a logarithm.
fn positive(draw: &mut Draw) -> f64 {
    1.0 - draw.unit()
}

/// Mean 0, standard deviation 1.
fn normal(draw: &mut Draw) -> f64 {
    let radius = (-2.0 * libm::log(positive(draw))).sqrt();
    radius * libm::cos(std::f64::consts::TAU * draw.unit())
}

/// Mean 1.
fn exponential(draw: &mut Draw) -> f64 {
    -libm::log(positive(draw))
}

/// Scale 1, shape 3, the smallest whole shape with a finite variance: `u^(-1/3)`.
fn pareto(draw: &mut Draw) -> f64 {
    1.0 / libm::cbrt(positive(draw))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn link() -> Link {
        Link::new(1, "a", "b")
    }

    #[test]
    fn the_queue_sends_one_after_another_and_overflows() {
        // 1 Mbit/s: 97 + 28 bytes take 1 ms.
        let spec = Spec { rate: Some(1_000_000), limit: Some(2), ..Spec::default() };
        let mut link = link();
        assert_eq!(link.departs(0, 97, &spec, None), Some(MS));
        assert_eq!(link.departs(0, 97, &spec, None), Some(2 * MS));
        assert_eq!(link.departs(0, 97, &spec, None), None);
        assert_eq!(link.departs(MS, 97, &spec, None), Some(3 * MS));
        assert_eq!(link.departs(9 * MS, 97, &spec, None), Some(10 * MS));
    }

    #[test]
    fn a_held_link_lets_go_at_the_end() {
        let mut link = link();
        link.held_until = 5;
        assert_eq!(link.departs(1, 10, &Spec::default(), None), Some(5));
        assert_eq!(link.departs(7, 10, &Spec::default(), None), Some(7));
    }

    #[test]
    fn distributions_have_the_means_they_document() {
        for (distribution, mean) in [
            (Distribution::Uniform, 100.0),
            (Distribution::Normal, 100.0),
            (Distribution::Exponential, 110.0),
            (Distribution::Pareto, 110.0),
        ] {
            let spec = Spec { delay: 100 * MS, jitter: 10 * MS, distribution, ..Spec::default() };
            let link = link();
            let total: u64 = (0..20_000).map(|n| link.delay(n, 0, &spec).0).sum();
            let measured = total as f64 / 20_000.0 / MS as f64;
            assert!((measured - mean).abs() < 0.5, "{distribution:?}: {measured} ms");
        }
    }

    /// Bit for bit: on every platform, in every build, whatever features other crates ask for.
    #[test]
    fn draws_are_the_same_everywhere() {
        let draw = || Stream::new(1, &["x"]).draw(1);
        let bits =
            [normal(&mut draw()), exponential(&mut draw()), pareto(&mut draw())].map(f64::to_bits);
        assert_eq!(
            bits,
            [4_611_924_191_202_510_893, 4_616_800_122_082_184_510, 4_616_803_495_033_471_951]
        );
    }

    #[test]
    fn gilbert_elliott_loses_in_bursts_with_the_stationary_share() {
        let loss = Loss::GilbertElliott { p: 0.02, r: 0.2, loss_bad: 1.0, loss_good: 0.0 };
        let spec = Spec { loss: Some(loss), ..Spec::default() };
        let mut link = link();
        let lost: Vec<bool> = (0..200_000).map(|n| link.loses(n, &spec)).collect();
        let share = lost.iter().filter(|lost| **lost).count() as f64 / lost.len() as f64;
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
        let length = share * lost.len() as f64 / bursts;
        assert!((share - 0.02 / 0.22).abs() < 0.005, "share {share}");
        assert!((length - 5.0).abs() < 0.25, "mean burst {length}");
    }
}
