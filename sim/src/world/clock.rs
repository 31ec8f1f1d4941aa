//! A host's two clocks: one that only runs, perhaps too fast or slow, and one that shows the time
//! of day, which can also be set.

/// The time of day at the start of every simulation: 2000-01-01T00:00:00Z, nanoseconds since the
/// Unix epoch.
const START_OF_DAY: u64 = 946_684_800_000_000_000;

const BILLION: i128 = 1_000_000_000;

/// The clocks of one host. `now` is always true time, nanoseconds since the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    drift_ppb: i64,
    offset: i64,
}

impl Clock {
    pub fn new(offset: i64, drift_ppm: f64) -> Self {
        Clock { drift_ppb: (drift_ppm * 1000.0).round() as i64, offset }
    }

    /// What the running clock shows at true time `now`.
    #[inline]
    pub fn monotonic(&self, now: u64) -> u64 {
        if self.drift_ppb == 0 {
            return now;
        }
        let drift = i128::from(now) * i128::from(self.drift_ppb) / BILLION;
        u64::try_from(i128::from(now) + drift).unwrap_or(u64::MAX)
    }

    /// The earliest true time at which the running clock shows at least `shown`.
    #[inline]
    pub fn when(&self, shown: u64) -> u64 {
        if self.drift_ppb == 0 {
            return shown;
        }
        let speed = BILLION + i128::from(self.drift_ppb);
        let guess = i128::from(shown) * BILLION / speed;
        let mut now = u64::try_from(guess).unwrap_or(u64::MAX).saturating_sub(2);
        while now < u64::MAX && self.monotonic(now) < shown {
            now += 1;
        }
        now
    }

    /// The time of day, nanoseconds since the Unix epoch.
    pub fn wall(&self, now: u64) -> u64 {
        START_OF_DAY.saturating_add(self.monotonic(now)).saturating_add_signed(self.offset)
    }

    /// Steps the time of day.
    pub fn step(&mut self, by: i64) {
        self.offset = self.offset.saturating_add(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_is_the_inverse_of_monotonic() {
        for drift in [-50_000.0, -200.0, 0.0, 0.5, 200.0, 100_000.0] {
            let clock = Clock::new(0, drift);
            for shown in [0, 1, 2, 999, 1_000_000_007, 1 << 40] {
                let now = clock.when(shown);
                assert!(clock.monotonic(now) >= shown, "drift {drift}, {shown}");
                assert!(now == 0 || clock.monotonic(now - 1) < shown, "drift {drift}, {shown}");
            }
        }
        assert_eq!(Clock::new(0, 200.0).monotonic(1_000_000_000), 1_000_200_000);
    }

    #[test]
    fn steps_and_offsets_show_on_the_wall_alone() {
        let mut clock = Clock::new(5, 0.0);
        clock.step(-7);
        assert_eq!(clock.wall(10), START_OF_DAY + 8);
        assert_eq!(clock.monotonic(10), 10);
    }
}
