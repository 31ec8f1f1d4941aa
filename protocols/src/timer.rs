//! How long to wait before sending again, and how often: the options of every protocol that
//! retransmits.

use rand::Rng;
use squall_sim::protocol::{OptionContext, OptionKind, OptionProblem, OptionSpec, OptionValue};
use squall_sim::protocol::{Options, Protocol};
use squall_sim::random;
use squall_sim::time::{Duration, Instant};

use crate::mutants::{self, Mutant};
use crate::rtt::RttEstimator;

/// The timeout of one message's attempts.
#[derive(Clone, Debug, PartialEq)]
pub enum Timeout {
    /// Always the same.
    Fixed(Duration),
    /// Longer with every attempt: what lets an overloaded network recover (Metcalfe and Boggs,
    /// "Ethernet", CACM 19(7), 1976).
    Backoff {
        /// After the first attempt.
        initial: Duration,
        /// How much longer each next one is; at least 1.
        factor: f64,
        /// Never longer than this.
        max: Duration,
        /// By which share of itself each wait is at random longer or shorter, so that senders that
        /// began together do not go on together.
        jitter: f64,
    },
    /// Follows the measured round-trip time.
    Adaptive(RttEstimator),
}

/// When to send again, and when to give up.
#[derive(Clone, Debug, PartialEq)]
pub struct Timer {
    /// The wait.
    pub timeout: Timeout,
    /// Sendings of one message in all; `None` is without end.
    pub max_attempts: Option<u64>,
}

impl Timer {
    /// Waits equally long between any number of attempts.
    pub fn fixed(timeout: Duration) -> Self {
        Timer { timeout: Timeout::Fixed(timeout), max_attempts: None }
    }

    /// As the options say that [`with_options`] declares, with the same `default`.
    pub fn from_options(options: &Options, default: DefaultTimeout) -> Self {
        let adaptive = || Timeout::Adaptive(RttEstimator::new(options.duration("min_timeout")));
        let timeout = match (options.table("backoff"), options.get("timeout")) {
            (Some(backoff), _) => Timeout::Backoff {
                initial: backoff.duration("initial"),
                factor: backoff.decimal("factor"),
                max: backoff.duration("max"),
                jitter: backoff.probability("jitter"),
            },
            (None, Some(OptionValue::Word(_))) => adaptive(),
            (None, Some(_)) => Timeout::Fixed(options.duration("timeout")),
            (None, None) if default == DefaultTimeout::Adaptive => adaptive(),
            (None, None) => Timeout::Fixed(TIMEOUT),
        };
        let attempts = options.number("max_attempts");
        Timer { timeout, max_attempts: (attempts > 0).then_some(attempts) }
    }

    /// How long to wait after the `attempt`-th sending of a message, counted from 1. Draws a random
    /// number of the host if there is jitter.
    pub fn wait(&self, attempt: u64) -> Duration {
        let jitter = match self.timeout {
            Timeout::Backoff { jitter, .. } if jitter > 0.0 => {
                let unit = (random::rng().next_u64() >> 11) as f64 / (1u64 << 53) as f64;
                jitter * (2.0 * unit - 1.0)
            }
            _ => 0.0,
        };
        self.wait_with(attempt, jitter)
    }

    /// As [`Timer::wait`]; `jitter` says by which share of itself the wait is longer.
    fn wait_with(&self, attempt: u64, jitter: f64) -> Duration {
        match &self.timeout {
            Timeout::Fixed(timeout) => *timeout,
            Timeout::Adaptive(rtt) => rtt.timeout(),
            Timeout::Backoff { initial, factor, max, .. } => {
                let mut wait = initial.as_nanos() as f64;
                let max = max.as_nanos() as f64;
                // Multiplied rather than raised to a power: exact on every platform.
                for _ in 1..attempt {
                    let same = mutants::is(Mutant::BackOffNeverGrows);
                    if same || wait >= max || *factor <= 1.0 {
                        break;
                    }
                    wait *= factor;
                }
                Duration::from_nanos((wait.min(max) * (1.0 + jitter)).max(1.0) as u64)
            }
        }
    }

    /// Until when to wait for the acknowledgement of what was sent at `sent_at`, where `deadline` is
    /// what [`Timer::wait`] said then: a round trip that was measured since may have shown that all
    /// need longer.
    pub fn deadline(&self, sent_at: Instant, deadline: Instant) -> Instant {
        match &self.timeout {
            Timeout::Adaptive(rtt) => deadline.max(sent_at + rtt.timeout()),
            Timeout::Fixed(_) | Timeout::Backoff { .. } => deadline,
        }
    }

    /// True if a message that was sent this often is not to be sent again.
    pub fn gives_up_after(&self, attempts: u64) -> bool {
        let attempts = attempts + u64::from(mutants::is(Mutant::GivesUpTooEarly));
        self.max_attempts.is_some_and(|max| attempts >= max)
    }

    /// A message was acknowledged this long after it was sent for the last time, of `attempts`.
    pub fn handle_ack(&mut self, rtt: Duration, attempts: u64) {
        let attempts = if mutants::is(Mutant::KarnForgotten) { 1 } else { attempts };
        if let (Timeout::Adaptive(estimator), 1) = (&mut self.timeout, attempts) {
            estimator.handle_sample(rtt);
        }
    }

    /// Nothing came in time.
    pub fn handle_timeout(&mut self) {
        if let Timeout::Adaptive(estimator) = &mut self.timeout {
            estimator.handle_timeout();
        }
    }
}

/// The fixed timeout, the first wait of a back-off, and the least of an adaptive one, unless the options
/// say otherwise.
const TIMEOUT: Duration = Duration::from_millis(200);

/// The timeout if the options give none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultTimeout {
    /// 200 ms.
    Fixed,
    /// That which follows the round-trip time.
    Adaptive,
}

/// Declares the options that [`Timer::from_options`] reads, and the events of whoever uses them.
pub fn with_options(protocol: Protocol, max_attempts: u64, default: DefaultTimeout) -> Protocol {
    let events = ["retransmission", "gave-up"];
    protocol.options(options(max_attempts, default)).check(check).events(&events)
}

fn options(max_attempts: u64, default: DefaultTimeout) -> Vec<OptionSpec> {
    let duration = || OptionKind::Duration { min: 1 };
    let nanos = |duration: Duration| OptionValue::Number(duration.as_nanos() as u64);
    let backoff = vec![
        OptionSpec::new("initial", duration(), nanos(TIMEOUT), "the wait after the first attempt"),
        OptionSpec::new(
            "factor",
            OptionKind::Decimal { min: 1.0, max: 1e6 },
            OptionValue::Decimal(2.0),
            "how much longer the wait is with each attempt",
        ),
        OptionSpec::new(
            "max",
            duration(),
            nanos(Duration::from_secs(60)),
            "no wait is longer, but for the jitter",
        ),
        OptionSpec::new(
            "jitter",
            OptionKind::Probability,
            OptionValue::Probability(0.0),
            "by which share of itself each wait may be longer or shorter at random",
        ),
    ];
    vec![
        OptionSpec::absent(
            "timeout",
            OptionKind::DurationOr { min: 1, words: vec!["adaptive"] },
            match default {
                DefaultTimeout::Fixed => {
                    "how long the sender waits for an acknowledgement; \"adaptive\" follows the \
                     measured round trips (RFC 6298, Karn's rule); absent: 200ms"
                }
                DefaultTimeout::Adaptive => {
                    "how long the sender waits for an acknowledgement; absent or \"adaptive\": as \
                     the measured round trips say (RFC 6298, Karn's rule)"
                }
            },
        ),
        OptionSpec::absent(
            "backoff",
            OptionKind::Table(backoff),
            "instead of `timeout`: a wait that grows with each attempt",
        ),
        OptionSpec::new(
            "min_timeout",
            duration(),
            nanos(TIMEOUT),
            "the least that an adaptive timeout falls to",
        ),
        OptionSpec::new(
            "max_attempts",
            OptionKind::Count { min: 0, max: 1_000_000 },
            OptionValue::Number(max_attempts),
            "how often a message is sent at the most before the sender gives up, which leaves its \
             outcome unknown; 0 is without end",
        ),
    ]
}

/// Checks that there is one timeout, and that a back-off begins below its maximum.
fn check(options: &Options, _: &OptionContext) -> Option<OptionProblem> {
    let backoff = options.table("backoff")?;
    let problem = |message: &str, help: &str| {
        Some(OptionProblem {
            blamed: "backoff",
            message: message.to_owned(),
            help: help.to_owned(),
        })
    };
    if options.get("timeout").is_some() {
        return problem(
            "`timeout` and `backoff` exclude one another",
            "`initial` in `backoff` is the first timeout",
        );
    }
    if backoff.number("initial") > backoff.number("max") {
        return problem(
            "the first wait of the back-off is longer than the longest",
            "`initial` must not be more than `max`",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn backoff(factor: f64) -> Timer {
        let timeout = Timeout::Backoff { initial: ms(100), factor, max: ms(1000), jitter: 0.5 };
        Timer { timeout, max_attempts: Some(3) }
    }

    #[test]
    fn a_back_off_grows_up_to_its_maximum() {
        let waits: Vec<Duration> = (1..=6).map(|n| backoff(2.0).wait_with(n, 0.0)).collect();
        assert_eq!(waits, [ms(100), ms(200), ms(400), ms(800), ms(1000), ms(1000)]);
        assert_eq!(backoff(1.0).wait_with(u64::MAX, 0.0), ms(100));
        assert_eq!(backoff(2.0).wait_with(u64::MAX, 0.5), ms(1500));
        assert_eq!(backoff(2.0).wait_with(1, -0.5), ms(50));
        assert_eq!(backoff(2.0).wait_with(1, -1.0), Duration::from_nanos(1), "no wait is nothing");
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let waits: Vec<Duration> = (0..500).map(|_| backoff(2.0).wait(1)).collect();
        assert!(waits.iter().all(|wait| (ms(50)..=ms(150)).contains(wait)));
        assert!(
            waits.iter().any(|wait| *wait < ms(75)) && waits.iter().any(|wait| *wait > ms(125))
        );
    }

    #[test]
    fn attempts_are_counted_from_the_first() {
        let timer = backoff(2.0);
        assert!(!timer.gives_up_after(2) && timer.gives_up_after(3));
        assert!(!Timer::fixed(ms(1)).gives_up_after(u64::MAX));
    }

    #[test]
    fn a_longer_round_trip_prolongs_what_is_already_on_the_way() {
        let start = Instant::now();
        let mut timer =
            Timer { timeout: Timeout::Adaptive(RttEstimator::new(ms(1))), max_attempts: None };
        timer.handle_ack(ms(10), 1);
        let deadline = start + timer.wait(1);
        assert_eq!(timer.deadline(start, deadline), start + ms(30));
        timer.handle_ack(ms(90), 1);
        // RTTVAR = 3/4 * 5 + 1/4 * 80, SRTT = 7/8 * 10 + 1/8 * 90.
        assert_eq!(timer.deadline(start, deadline), start + ms(20 + 95));
        (0..50).for_each(|_| timer.handle_ack(ms(10), 1));
        assert_eq!(timer.deadline(start, deadline), deadline, "it never comes earlier");
        assert_eq!(backoff(2.0).deadline(start, deadline), deadline);
    }

    #[test]
    fn a_message_sent_twice_measures_nothing() {
        let mut timer =
            Timer { timeout: Timeout::Adaptive(RttEstimator::new(ms(1))), max_attempts: None };
        timer.handle_ack(ms(10), 2);
        assert_eq!(timer.wait(1), ms(1000));
        timer.handle_ack(ms(10), 1);
        assert_eq!(timer.wait(1), ms(30));
        timer.handle_timeout();
        assert_eq!(timer.wait(2), ms(60));
    }
}
