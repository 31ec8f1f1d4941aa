//! Congestion control as Jacobson describes it ("Congestion Avoidance and Control", SIGCOMM 1988),
//! in the words of RFC 5681: slow start, additive increase and multiplicative decrease, fast
//! retransmit and fast recovery.

use crate::mutants::{self, Mutant};

/// How many bytes may be in flight for the network's sake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Congestion {
    /// True if it limits anything.
    on: bool,
    /// The sender's maximum segment size, SMSS, bytes.
    segment: usize,
    /// cwnd, bytes.
    window: usize,
    /// ssthresh, bytes: above it, the window grows by one segment in a round trip.
    threshold: usize,
    /// Bytes acknowledged since the window last grew above the threshold.
    credit: usize,
    duplicates: u32,
    in_recovery: bool,
}

/// Duplicate acknowledgements that mean a loss (RFC 5681, section 3.2).
const DUPLICATES: u32 = 3;

impl Congestion {
    /// Begins with slow start. If it is not `on`, the window has no limit, but duplicate
    /// acknowledgements still show losses.
    pub fn new(on: bool, segment: usize) -> Self {
        // The initial window of RFC 5681, section 3.1.
        let segments = match segment {
            0..=1095 => 4,
            1096..=2190 => 3,
            _ => 2,
        };
        Congestion {
            on,
            segment,
            window: segments * segment,
            threshold: usize::MAX,
            credit: 0,
            duplicates: 0,
            in_recovery: false,
        }
    }

    /// How many bytes may be in flight.
    pub fn window(&self) -> usize {
        if self.on { self.window } else { usize::MAX }
    }

    /// `bytes` were acknowledged for the first time.
    pub fn handle_ack(&mut self, bytes: usize) {
        self.duplicates = 0;
        if std::mem::take(&mut self.in_recovery) {
            // Section 3.2, step 6: deflate.
            self.window = self.threshold;
        } else if self.window < self.threshold {
            // Slow start, section 3.1, equation 2.
            self.window += bytes.min(self.segment);
        } else {
            // Congestion avoidance: one segment for each window acknowledged.
            self.credit += bytes;
            if self.credit >= self.window {
                self.credit -= self.window;
                self.window += self.segment;
            }
        }
    }

    /// An acknowledgement said nothing new, with `in_flight` bytes unacknowledged. True if the oldest
    /// segment is to be sent again now.
    pub fn handle_duplicate(&mut self, in_flight: usize) -> bool {
        self.duplicates += 1;
        if self.in_recovery {
            // Section 3.2, step 4: a segment has left the network.
            self.window += self.segment;
            return false;
        }
        let enough = if mutants::is(Mutant::FirstDuplicateIsALoss) { 1 } else { DUPLICATES };
        if self.duplicates < enough {
            return false;
        }
        self.halve(in_flight);
        self.window = self.threshold + DUPLICATES as usize * self.segment;
        self.in_recovery = true;
        true
    }

    /// The timer ran out with `in_flight` bytes unacknowledged: one segment, and slow start again.
    pub fn handle_timeout(&mut self, in_flight: usize) {
        self.halve(in_flight);
        self.window = self.segment;
        self.duplicates = 0;
        self.in_recovery = false;
    }

    /// Section 3.1, equation 4.
    fn halve(&mut self, in_flight: usize) {
        self.threshold = (in_flight / 2).max(2 * self.segment);
        self.credit = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reno() -> Congestion {
        Congestion::new(true, 1000)
    }

    #[test]
    fn slow_start_doubles_and_avoidance_adds_one_segment_in_a_round_trip() {
        let mut congestion = reno();
        assert_eq!(congestion.window(), 4000);
        (0..4).for_each(|_| congestion.handle_ack(1000));
        assert_eq!(congestion.window(), 8000);
        congestion.handle_timeout(8000);
        assert_eq!(congestion.window(), 1000);
        (0..3).for_each(|_| congestion.handle_ack(1000));
        assert_eq!(congestion.window(), 4000);
        (0..4).for_each(|_| congestion.handle_ack(1000));
        assert_eq!(congestion.window(), 5000);
        (0..5).for_each(|_| congestion.handle_ack(1000));
        assert_eq!(congestion.window(), 6000);
    }

    #[test]
    fn the_third_duplicate_is_a_loss_and_halves_the_window() {
        let mut congestion = reno();
        (0..12).for_each(|_| congestion.handle_ack(1000));
        let in_flight = congestion.window();
        assert_eq!(in_flight, 16_000);
        assert!(!congestion.handle_duplicate(in_flight));
        assert!(!congestion.handle_duplicate(in_flight));
        assert!(congestion.handle_duplicate(in_flight));
        assert_eq!(congestion.window(), 11_000);
        assert!(!congestion.handle_duplicate(in_flight));
        assert_eq!(congestion.window(), 12_000);
        congestion.handle_ack(4000);
        assert_eq!(congestion.window(), 8000);
    }

    #[test]
    fn the_threshold_is_at_least_two_segments() {
        let mut congestion = reno();
        congestion.handle_timeout(0);
        // Slow start adds what was acknowledged; avoidance would add nothing yet.
        congestion.handle_ack(500);
        assert_eq!(congestion.window(), 1500);
        // Below the threshold of 2,000 still.
        congestion.handle_ack(500);
        assert_eq!(congestion.window(), 2000);
    }

    #[test]
    fn the_first_window_depends_on_the_segment() {
        let windows = [1, 1095, 1096, 2190, 2191].map(|size| Congestion::new(true, size).window());
        assert_eq!(windows, [4, 4 * 1095, 3 * 1096, 3 * 2190, 2 * 2191]);
    }

    #[test]
    fn an_acknowledgement_of_much_opens_the_window_by_one_segment() {
        let mut congestion = reno();
        congestion.handle_ack(3000);
        assert_eq!(congestion.window(), 5000);
        // Above the threshold, what is more than a window counts for the next segment.
        congestion.handle_timeout(8000);
        (0..3).for_each(|_| congestion.handle_ack(1000));
        assert_eq!(congestion.window(), 4000);
        let windows = [3000, 3000, 3000].map(|bytes| {
            congestion.handle_ack(bytes);
            congestion.window()
        });
        assert_eq!(windows, [4000, 5000, 6000]);
    }

    #[test]
    fn duplicates_are_counted_in_a_row() {
        for timeout in [false, true] {
            let mut congestion = reno();
            assert!(!congestion.handle_duplicate(4000) && !congestion.handle_duplicate(4000));
            match timeout {
                true => congestion.handle_timeout(4000),
                false => congestion.handle_ack(1000),
            }
            assert!(!congestion.handle_duplicate(4000) && !congestion.handle_duplicate(4000));
            assert!(congestion.handle_duplicate(4000));
        }
    }

    #[test]
    fn a_timeout_ends_recovery_and_forgets_what_was_acknowledged_since_the_window_grew() {
        let mut congestion = reno();
        assert!([(); 3].map(|()| congestion.handle_duplicate(8000))[2]);
        congestion.handle_timeout(8000);
        congestion.handle_ack(1000);
        assert_eq!(congestion.window(), 2000, "slow start, not the end of a recovery");
        (0..2).for_each(|_| congestion.handle_ack(1000));
        congestion.handle_ack(3000);
        congestion.handle_timeout(8000);
        (0..3).for_each(|_| congestion.handle_ack(1000));
        congestion.handle_ack(1000);
        assert_eq!(congestion.window(), 4000);
    }

    #[test]
    fn without_it_the_window_has_no_limit_but_losses_are_seen() {
        let mut congestion = Congestion::new(false, 1000);
        congestion.handle_timeout(8000);
        assert_eq!(congestion.window(), usize::MAX);
        let seen: Vec<bool> = (0..4).map(|_| congestion.handle_duplicate(8000)).collect();
        assert_eq!(seen, [false, false, true, false]);
    }
}
