//! The retransmission timeout that follows the round-trip time (RFC 6298; Jacobson, "Congestion
//! Avoidance and Control", SIGCOMM 1988).

use squall_sim::time::Duration;

use crate::mutants::{self, Mutant};

/// The timeout before the first measurement (RFC 6298, rule 2.1).
const INITIAL: Duration = Duration::from_secs(1);

/// The largest timeout (rule 2.5 allows a limit of at least 60 s), unless the smallest is larger.
const MAX: Duration = Duration::from_secs(60);

/// An estimate of the round-trip time, and the timeout that follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RttEstimator {
    /// SRTT and RTTVAR, once there was a measurement.
    smoothed: Option<(Duration, Duration)>,
    timeout: Duration,
    min: Duration,
}

impl RttEstimator {
    /// No measurement yet. The timeout never falls below `min`: RFC 6298, rule 2.4, says one second;
    /// Linux takes 200 ms.
    pub fn new(min: Duration) -> Self {
        RttEstimator { smoothed: None, timeout: INITIAL.max(min), min }
    }

    /// The present retransmission timeout, RTO.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The smoothed round-trip time, SRTT.
    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed.map(|(srtt, _)| srtt)
    }

    /// A round trip was measured: of a message that was sent once, since the acknowledgement of one
    /// that was sent again may be that of any copy (Karn and Partridge, SIGCOMM 1987).
    pub fn handle_sample(&mut self, rtt: Duration) {
        let (srtt, rttvar) = match self.smoothed {
            // Rule 2.2.
            None => (rtt, rtt / 2),
            // Rule 2.3: alpha is 1/8, beta is 1/4; RTTVAR comes first, with the old SRTT.
            Some((srtt, rttvar)) => {
                let error = srtt.abs_diff(rtt);
                (srtt * 7 / 8 + rtt / 8, rttvar * 3 / 4 + error / 4)
            }
        };
        self.smoothed = Some((srtt, rttvar));
        let before = self.timeout;
        let room = if mutants::is(Mutant::VarianceForgotten) { Duration::ZERO } else { 4 * rttvar };
        self.timeout = (srtt + room).min(MAX).max(self.min);
        if mutants::is(Mutant::BackOffNeverReset) {
            self.timeout = self.timeout.max(before);
        }
    }

    /// The timer ran out: back off (rule 5.5), and stay there until a round trip is measured (Karn's
    /// second rule).
    pub fn handle_timeout(&mut self) {
        self.timeout = (self.timeout * 2).min(MAX).max(self.min);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_first_measurement_sets_three_times_the_round_trip() {
        let mut rtt = RttEstimator::new(ms(1));
        assert_eq!(rtt.timeout(), ms(1000));
        rtt.handle_sample(ms(100));
        assert_eq!((rtt.smoothed(), rtt.timeout()), (Some(ms(100)), ms(300)));
        rtt.handle_sample(ms(180));
        // RTTVAR = 3/4 * 50 + 1/4 * 80, SRTT = 7/8 * 100 + 1/8 * 180.
        assert_eq!((rtt.smoothed(), rtt.timeout()), (Some(ms(110)), ms(110 + 4 * 57) + ms(2)));
    }

    #[test]
    fn it_never_falls_below_the_minimum_and_backs_off_up_to_a_minute() {
        let mut rtt = RttEstimator::new(ms(200));
        (0..50).for_each(|_| rtt.handle_sample(ms(10)));
        assert_eq!(rtt.timeout(), ms(200));
        rtt.handle_timeout();
        rtt.handle_timeout();
        assert_eq!(rtt.timeout(), ms(800));
        rtt.handle_sample(ms(10));
        assert_eq!(rtt.timeout(), ms(200));
        (0..20).for_each(|_| rtt.handle_timeout());
        assert_eq!(rtt.timeout(), ms(60_000));
        rtt.handle_sample(ms(100_000));
        assert_eq!(rtt.timeout(), ms(60_000));
    }

    #[test]
    fn a_minimum_above_a_minute_is_the_maximum_as_well() {
        let mut rtt = RttEstimator::new(ms(90_000));
        rtt.handle_timeout();
        assert_eq!(rtt.timeout(), ms(90_000));
        rtt.handle_sample(ms(10));
        assert_eq!(rtt.timeout(), ms(90_000));
    }
}
