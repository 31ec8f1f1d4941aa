//! What a run came to, as it is written behind the events of its trace: for those who read traces and run
//! nothing. It is no part of the trace hash. Fields that a later version adds are overlooked.

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Conclusion {
    /// `pass`, `fail`, `inconclusive` or `invalid`.
    pub verdict: String,
    /// Why the verdict is not pass, most important first.
    pub failures: Vec<String>,
    /// What the scenario expects, a sentence each. Empty if it says nothing.
    pub expected: Vec<String>,
    /// What was found about each guarantee.
    pub guarantees: Vec<Found>,
    /// What each fault does, and how often it did, in file order.
    pub faults: Vec<FaultFound>,
    /// Where to look: at what failed the run, or at the violation that the scenario asks for.
    pub look_at: Option<Place>,
    /// How long the run took, simulated nanoseconds.
    pub sim_time: u64,
    /// The command that repeats the run.
    pub replay: String,
}

/// A place on the timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// Nanoseconds since the start.
    pub at: u64,
    /// The operation that it is about, if it is about one: its client's number and its own.
    pub operation: Option<(u32, u32)>,
}

/// What was found about a guarantee.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Found {
    /// Its name.
    pub guarantee: String,
    /// `held`, `violated` or `undecided`.
    pub finding: String,
    /// The operation and the events that prove a violation, or why it is undecided.
    pub because: Option<String>,
}

/// What a fault came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FaultFound {
    /// Its name.
    pub name: String,
    /// Its action, as in scenario files: `drop`, `partition`, ...
    pub action: String,
    /// Matches of its trigger.
    pub opportunities: u64,
    /// How often it had an effect.
    pub hits: u64,
    /// The hosts that it concerns, by number, if it lies on the network; empty for all.
    #[serde(default)]
    pub hosts: Vec<u32>,
}
