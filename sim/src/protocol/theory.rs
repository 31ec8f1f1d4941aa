//! What a textbook says that a run comes to.

use crate::plan::Plan;

/// What theory predicts for a plan, if the plan is what its formulas assume.
pub type Predict = fn(&Plan) -> Option<Theory>;

/// What theory predicts for a run, on average over the network's draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theory {
    /// The probability that a sending is not the last of its operation, whatever became of others: how often
    /// operations are sent is geometric.
    pub failure: f64,
    /// Nanoseconds from the start until the last operation has ended; `None` if it does not say.
    pub time: Option<f64>,
}

impl Theory {
    /// The shares of operations that take 1, 2, ... sendings, for the first `most` numbers.
    pub fn attempts(&self, most: usize) -> impl Iterator<Item = f64> {
        // Multiplied rather than raised to a power: exact on every platform.
        let share = (1.0 - self.failure, self.failure);
        let all = std::iter::successors(Some(share.0), move |last| Some(last * share.1));
        all.take(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_geometric() {
        let theory = Theory { failure: 0.25, time: None };
        assert_eq!(theory.attempts(3).collect::<Vec<_>>(), [0.75, 0.1875, 0.046875]);
        let never = Theory { failure: 0.0, ..theory };
        assert_eq!(never.attempts(2).collect::<Vec<_>>(), [1.0, 0.0]);
    }
}
