//! The queue in front of a link's rate: how much it drops, and how long it makes wait.

use std::sync::LazyLock;

use squall::network::{Impairments, Network};
use squall::stream::Stream;

use super::table::{Claim, Experiment, Subject, means};
use super::{MS, network, send};

pub static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    Subject::new(
        "Queues",
        "Datagrams of 1000 bits for a link of 1 Mbit/s, which takes D = 1 ms for each: a server with \
         a constant service time. `limit` is K, the size of the whole system, *the datagram being sent \
         included*: with `limit = 1` nothing waits. Loads are offered loads rho, so rho datagrams are \
         handed to the link in each millisecond. 20,000 datagrams in each run, after 1,000 that fill \
         the queue.\n\n\
         The loss with random arrivals is that of M/D/1/K by the chain embedded at departures: with \
         a_j = exp(-rho) rho^j / j!, the probabilities of leaving i behind follow from pi_j = pi_0 a_j \
         + sum of pi_i a_(j-i+1) for i = 1 .. j+1 and from their sum, i from 0 to K-1. A departure leaves the \
         system idle with probability pi_0, so that a datagram departs every D + pi_0/lambda, and the \
         rest of those that came in that time was turned away.",
        experiments(),
    )
});

#[test]
fn the_formulas_hold() {
    SUBJECT.assert_agreement();
}

#[test]
fn rates_off_by_three_percent_are_refused() {
    experiments().into_iter().for_each(Experiment::assert_refusals);
}

const DATAGRAMS: u64 = 20_000;
const WARM_UP: u64 = 1000;
const RATE: f64 = 1e6;

fn experiments() -> Vec<Experiment> {
    let blocking = |setting, rho, limit, measure| Experiment {
        setting,
        varied: "the rate",
        claims: vec![Claim {
            quantity: "share dropped as `queue-full`",
            formula: "1 - 1/(pi_0 + rho)",
            source: "Gross & Harris; Tijms, 9.4.1",
            predicted: md1k_blocking(rho, limit),
        }],
        measure,
    };
    vec![
        Experiment {
            setting: "a datagram every 0.8 ms, so rho = 1.25; K = 2 in the first run, up to 41 in the last",
            varied: "the rate",
            claims: vec![Claim {
                quantity: "share dropped as `queue-full`",
                formula: "1 - 1/rho, whatever K > 1",
                source: "what is not served is dropped",
                predicted: 0.2,
            }],
            measure: |error| means(|seed| overload(error, seed)),
        },
        blocking("Poisson arrivals, rho = 0.9, K = 1", 0.9, 1, |error| {
            means(|seed| poisson_loss(0.9, 1, error, seed))
        }),
        blocking("Poisson arrivals, rho = 0.9, K = 3", 0.9, 3, |error| {
            means(|seed| poisson_loss(0.9, 3, error, seed))
        }),
        blocking("Poisson arrivals, rho = 1.2, K = 8", 1.2, 8, |error| {
            means(|seed| poisson_loss(1.2, 8, error, seed))
        }),
        Experiment {
            setting: "Poisson arrivals, rho = 0.5, no `limit` (so 1,000, never reached)",
            varied: "the rate",
            claims: vec![Claim {
                quantity: "mean wait before being sent, ms",
                formula: "D rho / (2(1-rho))",
                source: "Pollaczek and Khinchin; Kleinrock",
                predicted: 0.5,
            }],
            measure: |error| means(|seed| poisson_wait(0.5, error, seed)),
        },
    ]
}

/// The blocking probability of M/D/1/K: Poisson arrivals, constant service, `limit` in the system.
fn md1k_blocking(rho: f64, limit: usize) -> f64 {
    // The a_j, as many as there are states.
    let mut arrivals = vec![libm::exp(-rho)];
    for j in 1..=limit {
        arrivals.push(arrivals[j - 1] * rho / j as f64);
    }
    // Each equation gives the next probability in units of the first.
    let mut left_behind = vec![1.0];
    for j in 0..limit - 1 {
        let known: f64 = (1..=j).map(|i| left_behind[i] * arrivals[j + 1 - i]).sum();
        left_behind.push((left_behind[j] - arrivals[j] - known) / arrivals[0]);
    }
    let idle = 1.0 / left_behind.iter().sum::<f64>();
    1.0 - 1.0 / (idle + rho)
}

/// Another way to the same figure: Brun and Garcia's closed form ("Analytical solution of finite
/// capacity M/D/1 queues", J. Appl. Prob. 37, 2000).
#[test]
fn the_chain_agrees_with_the_closed_form() {
    for (rho, limit) in [(0.9, 1), (0.3, 2), (0.9, 3), (1.2, 8), (2.0, 12)] {
        let mut b = 0.0;
        let mut factorial = 1.0;
        for k in 0..limit {
            factorial *= if k > 0 { k as f64 } else { 1.0 };
            let waiting = (limit - 1 - k) as f64;
            b += libm::pow(-rho * waiting, k as f64) / factorial * libm::exp(rho * waiting);
        }
        let closed = 1.0 - b / (1.0 + rho * b);
        let chain = md1k_blocking(rho, limit);
        assert!((closed - chain).abs() < 1e-9, "rho {rho}, K {limit}: {closed} and {chain}");
    }
}

fn queue(seed: u64, limit: Option<u64>, error: f64) -> Network {
    let rate = Some((RATE * (1.0 + error)) as u64);
    network(seed, Impairments { rate, limit, ..Impairments::default() })
}

/// True if the queue was full.
fn is_turned_away(network: &mut Network, at: u64) -> bool {
    send(network, at, 0, 1).overflowed > 0
}

fn overload(error: f64, seed: u64) -> [f64; 1] {
    let mut network = queue(seed, Some(seed + 1), error);
    let turned_away = |n: &u64| is_turned_away(&mut network, n * MS * 4 / 5) && *n >= WARM_UP;
    [(0..WARM_UP + DATAGRAMS).filter(turned_away).count() as f64 / DATAGRAMS as f64]
}

/// When a Poisson process with `rho` arrivals in a millisecond has them, nanoseconds.
fn poisson(rho: f64, seed: u64) -> impl Iterator<Item = u64> {
    let stream = Stream::new(seed, &["arrivals"]);
    let mut now = 0.0;
    (0..WARM_UP + DATAGRAMS).map(move |n| {
        now -= libm::log(1.0 - stream.draw(n).unit()) / rho * MS as f64;
        now as u64
    })
}

fn poisson_loss(rho: f64, limit: u64, error: f64, seed: u64) -> [f64; 1] {
    let mut network = queue(seed, Some(limit), error);
    let fates = poisson(rho, seed).map(|at| is_turned_away(&mut network, at));
    let lost = fates.skip(WARM_UP as usize).filter(|turned_away| *turned_away).count();
    [lost as f64 / DATAGRAMS as f64]
}

fn poisson_wait(rho: f64, error: f64, seed: u64) -> [f64; 1] {
    let mut network = queue(seed, None, error);
    let service = MS as f64 / (1.0 + error);
    let waits = poisson(rho, seed).map(|at| {
        let arrival = send(&mut network, at, 0, 1).arrivals.iter().next().unwrap();
        (arrival - at) as f64 - service
    });
    [waits.skip(WARM_UP as usize).sum::<f64>() / DATAGRAMS as f64 / MS as f64]
}
