//! What a scenario draws for each seed that the charts of a sweep are drawn against.

use super::Scenario;
use super::drawn::Drawn;
use crate::network::{HostId, Loss};
use crate::plan::Plan;

/// A value that a seed decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Varied {
    /// The probability that a datagram between the server and any client is lost, the same in both
    /// directions; millionths.
    Loss,
    /// The probability that one of two datagrams is lost, from any client to the server and back; millionths.
    RoundTripLoss,
    /// Operations of each client.
    Operations,
    /// The pause between operations, nanoseconds.
    Interval,
    /// How many clients there are.
    Clients,
}

/// What is certain, in the unit of losses.
const CERTAIN: f64 = 1e6;

impl Varied {
    /// What it is in a run; `None` if the run has none.
    pub fn value(self, plan: &Plan) -> Option<u64> {
        let loss = |from, to| match plan.link(from, to).loss {
            Some(Loss::Independent(loss)) => Some(loss),
            None => Some(0.0),
            Some(Loss::GilbertElliott { .. }) => None,
        };
        match self {
            Varied::Loss => Some(millionths(loss(1, 0)?)),
            Varied::RoundTripLoss => Some(millionths(round_trip(loss(1, 0)?, loss(0, 1)?))),
            Varied::Operations => Some(u64::from(plan.workload.operations)),
            Varied::Interval => Some(plan.workload.interval),
            Varied::Clients => Some(u64::from(plan.clients)),
        }
    }
}

fn millionths(probability: f64) -> u64 {
    (probability * CERTAIN).round() as u64
}

/// The probability that one of two datagrams is lost.
fn round_trip(there: f64, back: f64) -> f64 {
    1.0 - (1.0 - there) * (1.0 - back)
}

impl Scenario {
    /// What differs from seed to seed, with the smallest and the largest value.
    pub fn varied(&self) -> Vec<(Varied, u64, u64)> {
        let workload = &self.0.workload;
        let drawn = |varied, drawn: Option<&Drawn<u64>>| {
            drawn.map(|drawn| (varied, drawn.low(), drawn.high()))
        };
        let all = [
            self.varied_loss(),
            drawn(Varied::Operations, workload.drawn_operations()),
            drawn(Varied::Interval, workload.drawn_interval()),
            drawn(Varied::Clients, workload.drawn_clients()),
        ];
        all.into_iter().flatten().filter(|(_, low, high)| low < high).collect()
    }

    /// The loss between the server and the clients, if it is independent and the same for all of them.
    fn varied_loss(&self) -> Option<(Varied, u64, u64)> {
        let clients = self.0.workload.most_clients();
        let (there, back) = (self.loss_table(1, 0), self.loss_table(0, 1));
        let alike = |client: HostId| {
            self.loss_table(client, 0) == there && self.loss_table(0, client) == back
        };
        if !(2..=clients).all(alike) {
            return None;
        }
        let bounds = |table: Option<usize>| match table {
            None => Some((0.0, 0.0)),
            Some(table) => self.0.links[table].independent_loss(),
        };
        let ((there_low, there_high), (back_low, back_high)) = (bounds(there)?, bounds(back)?);
        Some(if there == back {
            (Varied::Loss, millionths(there_low), millionths(there_high))
        } else {
            let low = round_trip(there_low, back_low);
            (Varied::RoundTripLoss, millionths(low), millionths(round_trip(there_high, back_high)))
        })
    }

    /// The last `[[link]]` table that says what is lost on a link.
    fn loss_table(&self, from: HostId, to: HostId) -> Option<usize> {
        self.0.links.iter().rposition(|link| link.says_loss_of(from, to))
    }
}
