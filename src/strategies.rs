//! Strategies of the crate proptest: fault schedules and whole scenarios, for property tests of your own.
//! With the feature `proptest`.
//!
//! They make text, as scenario files have it, so that what fails can be put into a file. They shrink well:
//! first faults are left out, then those that are left come earlier and get shorter, and clients and
//! operations become fewer.
//!
//! ```
//! use proptest::prelude::*;
//! use proptest::test_runner::TestRunner;
//! use squall::strategies::{Limits, scenarios};
//! use squall::{Registry, Settings, check::Verdict};
//!
//! let registry = Registry::shipped();
//! let strategy = scenarios("stop-and-wait", "expect = { guarantee = 'exactly-once' }", Limits::default());
//! let mut runner = TestRunner::deterministic();
//! // In a test of yours, `proptest! { fn holds(scenario in scenarios(..)) { .. } }`.
//! runner.run(&strategy, |scenario| {
//!     let scenario = registry.parse("generated", scenario.text()).expect("it is a scenario");
//!     let outcome = registry.run(&scenario, Settings::default()).expect("it runs");
//!     prop_assert_ne!(outcome.verdict(), Verdict::Fail, "{:?}", outcome.report.failures);
//!     Ok(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use proptest::prelude::*;

/// How much there may be in what is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Faults.
    pub faults: usize,
    /// Faults of datagrams are placed on the first so many of each direction.
    pub datagrams: u64,
    /// Faults at a time begin before this, milliseconds of simulated time.
    pub millis: u64,
    /// Clients.
    pub clients: u32,
    /// Operations of each client.
    pub operations: u32,
    /// Whether the server may crash, and come back.
    pub crashes: bool,
}

impl Default for Limits {
    /// Up to ten faults, of datagrams or partitions, among two clients with ten operations each.
    fn default() -> Self {
        Limits {
            faults: 10,
            datagrams: 30,
            millis: 2_000,
            clients: 2,
            operations: 10,
            crashes: false,
        }
    }
}

/// Where datagrams go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// To the server.
    Server,
    /// From the server to a client.
    Clients,
}

impl fmt::Display for To {
    /// As a table of a scenario file says which datagrams it means.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            To::Server => "packet = { to = \"server\" }",
            To::Clients => "packet = { from = \"server\" }",
        })
    }
}

/// One fault. Times are milliseconds; the datagrams of each direction are numbered from 1, as they are
/// sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A datagram is lost.
    Drop {
        /// Of those that go there
        to: To,
        /// this one.
        nth: u64,
    },
    /// A datagram arrives twice.
    Duplicate {
        /// Of those that go there
        to: To,
        /// this one.
        nth: u64,
        /// How much later the copy comes.
        after: u64,
    },
    /// A datagram arrives late.
    Delay {
        /// Of those that go there
        to: To,
        /// this one.
        nth: u64,
        /// How much later.
        by: u64,
    },
    /// Nothing passes between the server and the clients.
    Partition {
        /// From when on.
        at: u64,
        /// For how long.
        length: u64,
    },
    /// The server loses its memory.
    Crash {
        /// When.
        at: u64,
        /// For how long it is down.
        length: u64,
    },
}

impl fmt::Display for Fault {
    /// As a table of a scenario file. None has to hit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trigger, action) = match self {
            Fault::Drop { to, nth } => {
                (format!("{to}\nnth = {nth}"), "action = \"drop\"".to_owned())
            }
            Fault::Duplicate { to, nth, after } => (
                format!("{to}\nnth = {nth}"),
                format!("action = \"duplicate\"\nafter = \"{after}ms\""),
            ),
            Fault::Delay { to, nth, by } => {
                (format!("{to}\nnth = {nth}"), format!("action = \"delay\"\nby = \"{by}ms\""))
            }
            Fault::Partition { at, length } => (
                format!("at = \"{at}ms\"\nfor = \"{length}ms\""),
                "action = \"partition\"\ngroups = [[\"client-*\"], [\"server\"]]".to_owned(),
            ),
            Fault::Crash { at, length } => (
                format!("at = \"{at}ms\"\nfor = \"{length}ms\""),
                "action = \"crash\"\nhost = \"server\"".to_owned(),
            ),
        };
        write!(f, "[[fault]]\n{trigger}\n{action}\noptional = true\n")
    }
}

/// Schedules of faults.
pub fn faults(limits: Limits) -> impl Strategy<Value = Vec<Fault>> {
    let which =
        move || (prop_oneof![Just(To::Server), Just(To::Clients)], 1..=limits.datagrams.max(1));
    let at = move || 0..=limits.millis;
    let length = || 1..=500u64;
    let packet = prop_oneof![
        4 => which().prop_map(|(to, nth)| Fault::Drop { to, nth }),
        2 => (which(), 0..=500u64).prop_map(|((to, nth), after)| Fault::Duplicate { to, nth, after }),
        2 => (which(), length()).prop_map(|((to, nth), by)| Fault::Delay { to, nth, by }),
    ];
    let partition = (at(), length()).prop_map(|(at, length)| Fault::Partition { at, length });
    let crash = (at(), length()).prop_map(|(at, length)| Fault::Crash { at, length });
    let crashes = u32::from(limits.crashes);
    let one = prop_oneof![8 => packet, 1 => partition, crashes => crash];
    proptest::collection::vec(one, 0..=limits.faults)
}

/// A scenario that was made.
#[derive(Clone, PartialEq, Eq)]
pub struct Generated {
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Clients.
    pub clients: u32,
    /// Operations of each.
    pub operations: u32,
    text: String,
}

impl Generated {
    /// The scenario file.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Generated {
    /// The file: what proptest prints of a failure can be kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.text)
    }
}

/// Scenarios of a protocol over a line of 10 ms. `rest` are further lines of the file, such as `options` and
/// `expect` as inline tables.
pub fn scenarios(protocol: &str, rest: &str, limits: Limits) -> impl Strategy<Value = Generated> {
    let head = format!("title = \"A generated scenario\"\nprotocol = \"{protocol}\"\n{rest}\n");
    let (clients, operations) = (1..=limits.clients.max(1), 1..=limits.operations.max(1));
    (faults(limits), clients, operations, 0..1000u64).prop_map(
        move |(faults, clients, operations, seed)| {
            let tables: Vec<String> = faults.iter().map(|fault| format!("\n{fault}")).collect();
            let text = format!(
                "{head}seed = {seed}\nworkload = {{ clients = {clients}, messages = {operations} }}\n\
                 link = [{{ delay = \"10ms\" }}]\n{}",
                tables.concat()
            );
            Generated { faults, clients, operations, text }
        },
    )
}
