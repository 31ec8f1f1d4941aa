//! What textbooks predict of a sender that sends one message at a time until it is acknowledged, as
//! `docs/theory.md` compares it with the simulation.

use squall_sim::network::{HEADERS, Impairments, Loss};
use squall_sim::plan::{Engine, Plan};
use squall_sim::protocol::{OptionValue, Options, Protocol, Theory};
use squall_sim::scenario::MAX_EVENTS;

use crate::channel;
use crate::timer::{DefaultTimeout, Timeout, Timer};

/// The formulas.
const SOURCE: &str = "a message takes k attempts with probability (1-q) q^(k-1), and on average the round \
    trip and q/(1-q) timeouts, where q = 1 - (1-p)(1-p') is the probability that the message or its \
    acknowledgement is lost (Schwartz, Telecommunication Networks, 1987, chapter 4)";

/// Declares what [`predict`] says.
pub(crate) fn with_theory(protocol: Protocol) -> Protocol {
    protocol.theory(SOURCE, predict)
}

/// `None` unless all that the formulas assume is so: nothing but independent losses and fixed delays between
/// hosts, a fixed timeout that is no shorter than a round trip, no limit on attempts, and time enough.
fn predict(plan: &Plan) -> Option<Theory> {
    let options = &plan.options;
    let Timer { timeout: Timeout::Fixed(timeout), max_attempts: None } =
        Timer::from_options(options, DefaultTimeout::Fixed)
    else {
        return None;
    };
    let timeout = u64::try_from(timeout.as_nanos()).ok()?;
    let exact = plan.engine == Engine::Event && plan.faults.is_empty() && is_plain(options);
    // A limit of the file's own may cut a run off in any place.
    let exact = exact && plan.max_events >= MAX_EVENTS;
    let steady = plan.hosts.iter().all(|host| host.clock_drift_ppm == 0.0);
    // Each client has one datagram on the way: there must be room for all.
    let room = plan.hosts.iter().all(|host| host.receive_buffer >= u64::from(plan.clients));
    if !exact || !steady || !room {
        return None;
    }
    let (delay, loss) = way(plan, 1, 0)?;
    let (delay_back, loss_back) = way(plan, 0, 1)?;
    let alike = |client| {
        way(plan, client, 0) == Some((delay, loss))
            && way(plan, 0, client) == Some((delay_back, loss_back))
    };
    let trip = delay.checked_add(delay_back)?;
    let failure = 1.0 - (1.0 - loss) * (1.0 - loss_back);
    if timeout < trip || failure >= 1.0 || !(2..=plan.clients).all(alike) {
        return None;
    }
    let operations = f64::from(plan.workload.operations);
    let pauses = (operations - 1.0).max(0.0) * plan.workload.interval as f64;
    let one = trip as f64 + timeout as f64 * failure / (1.0 - failure);
    let time = operations * one + pauses;
    // The variance of a geometric distribution, for each message.
    let deviation = timeout as f64 * (operations * failure).sqrt() / (1.0 - failure);
    if time + DEVIATIONS * deviation + timeout as f64 > plan.duration as f64 {
        return None;
    }
    Some(Theory { failure, time: (plan.clients == 1).then_some(time) })
}

/// How many standard deviations longer than on average a run must be able to take without being cut off.
const DEVIATIONS: f64 = 8.0;

/// True if nothing but the timer is other than usual.
fn is_plain(options: &Options) -> bool {
    let settings = channel::Settings::from_options(options);
    settings == channel::Settings::default()
        && options.duration("service").is_zero()
        && options.word("clock") == "monotonic"
        && options.get("mutant").is_none_or(|mutant| *mutant == OptionValue::Word("none".into()))
}

/// The delay from one host to another, nanoseconds, and the probability that a datagram is lost, if there is
/// nothing else.
fn way(plan: &Plan, from: u32, to: u32) -> Option<(u64, f64)> {
    let link = plan.link(from, to);
    let Impairments { delay, jitter, loss, duplicate, reorder, corrupt, rate, mtu, .. } = link;
    let never = |probability: Option<f64>| probability.is_none_or(|probability| probability == 0.0);
    let most = plan.workload.size + channel::HEADER_ROOM as u64 + HEADERS;
    let fits = mtu.is_none_or(|mtu| mtu >= most);
    let fixed = jitter.is_none_or(|jitter| jitter == 0) && rate.is_none();
    let loss = match loss {
        None => 0.0,
        Some(Loss::Independent(loss)) => loss,
        Some(Loss::GilbertElliott { .. }) => return None,
    };
    let plain = fits && fixed && [duplicate, reorder, corrupt].into_iter().all(never);
    plain.then_some((delay.unwrap_or(0), loss))
}
