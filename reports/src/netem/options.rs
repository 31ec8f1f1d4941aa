//! One link as netem's options.

use squall_sim::network::{Distribution, Loss};

use super::links::Link;

/// The longest delay that tc takes, nanoseconds: its clock has 32 bits of 64 nanoseconds.
pub(super) const LONGEST_DELAY: u64 = 274_000_000_000;

/// The largest jitter that the kernel takes, nanoseconds: 31 bits.
pub(super) const LARGEST_JITTER: u64 = 2_147_483_000;

/// Packets that a netem without a rate may delay at one time: more than ever are, since a simulated link
/// without a rate drops none for want of room.
const ROOM: u64 = 100_000;

/// Writes a table of the exponential distribution. Its values are a third of the true ones and its jitter is
/// three times as large, since a table ends at 4.
pub(super) const EXPONENTIAL_TABLE: &str = r#"
# tc has no table of the exponential distribution: here is one, in a folder of its own.
TABLES=$(mktemp -d)
trap 'rm -rf "$TABLES"' EXIT
awk 'BEGIN { for (i = 0; i < 4096; i++) printf "%d\n", -log(1 - (i + 0.5) / 4096) / 3 * 8192 + 0.5 }' \
    > "$TABLES/exponential.dist"
"#;

impl Link {
    /// The command that sets it at `PLACE`.
    pub fn command(&self) -> String {
        let tables = if self.needs_table() { "TC_LIB_DIR=\"$TABLES\" " } else { "" };
        format!("    {tables}tc qdisc add dev \"$DEV\" PLACE netem {}\n", self.options())
    }

    fn options(&self) -> String {
        let limit = if self.rate.is_some() { self.limit } else { ROOM };
        let mut words = vec![format!("limit {}", limit.min(u64::from(u32::MAX)))];
        words.extend(self.delays());
        words.extend(self.loss.map(loss));
        for (name, probability) in
            [("duplicate", self.duplicate), ("corrupt", self.corrupt), ("reorder", self.reorder)]
        {
            if probability > 0.0 {
                words.push(format!("{name} {}", percent(probability)));
            }
        }
        // Rates count IP datagrams; netem would count the Ethernet header, too.
        words.extend(self.rate.map(|rate| format!("rate {rate}bit -14")));
        words.join(" ")
    }

    fn delays(&self) -> Option<String> {
        let (mut delay, mut jitter) = (self.delay, self.jitter);
        if jitter == 0 {
            return (delay > 0).then(|| format!("delay {}", time(delay, LONGEST_DELAY)));
        }
        let table = match self.distribution {
            // Without a table the kernel draws evenly from delay - jitter to delay + jitter.
            Distribution::Uniform => "",
            Distribution::Normal => " distribution normal",
            // tc's table holds 4/3 (X - 3/2) for Pareto's X with shape 3, ours is delay + 2 jitter (X - 1).
            Distribution::Pareto => {
                delay = delay.saturating_add(jitter);
                jitter = jitter.saturating_add(jitter / 2);
                " distribution pareto"
            }
            Distribution::Exponential => {
                jitter = jitter.saturating_mul(3);
                " distribution exponential"
            }
        };
        // Without any delay tc refuses to reorder.
        delay = delay.max(1);
        Some(format!(
            "delay {} {}{table}",
            time(delay, LONGEST_DELAY),
            time(jitter, LARGEST_JITTER)
        ))
    }

    /// True if tc can not have its times as they are.
    pub fn has_too_long_times(&self) -> bool {
        let factor = match self.distribution {
            Distribution::Uniform | Distribution::Normal => 1,
            Distribution::Exponential | Distribution::Pareto => 3,
        };
        self.delay > LONGEST_DELAY || self.jitter.saturating_mul(factor) > LARGEST_JITTER
    }
}

fn loss(loss: Loss) -> String {
    match loss {
        Loss::Independent(probability) => format!("loss random {}", percent(probability)),
        Loss::GilbertElliott { p, r, loss_bad, loss_good } => {
            let [p, r, bad, good] = [p, r, loss_bad, loss_good].map(percent);
            format!("loss gemodel {p} {r} {bad} {good}")
        }
    }
}

/// A time for tc, which knows whole microseconds.
fn time(nanos: u64, most: u64) -> String {
    let micros = nanos.min(most).div_ceil(1000);
    match micros % 1000 {
        0 => format!("{}ms", micros / 1000),
        _ => format!("{micros}us"),
    }
}

fn percent(probability: f64) -> String {
    let digits = format!("{:.8}", probability * 100.0);
    format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'))
}
