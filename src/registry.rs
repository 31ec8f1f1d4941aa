//! Which protocols scenario files may name.

use std::io::Read;
use std::path::Path;

use squall_sim::protocol::{Dissect, Protocol, ProtocolSpec};
use squall_sim::scenario::{Diagnostics, Scenario};
use squall_sim::sweep::{Explore, Sweep, explore};
use squall_sim::{Outcome, RunError, Settings, simulate};

/// The largest scenario file that is read, bytes.
pub(crate) const MAX_FILE: u64 = 4 << 20;

/// The protocols that scenario files may name, and all that runs on them.
///
/// ```
/// use squall::{Registry, Settings};
///
/// let registry = Registry::shipped();
/// let scenario = registry.parse("inline", "title = 'One message'\nprotocol = 'ack'")?;
/// let outcome = registry.run(&scenario, Settings::default())?;
/// assert_eq!(outcome.verdict(), squall::check::Verdict::Pass);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    protocols: Vec<Protocol>,
    specs: Vec<ProtocolSpec>,
}

/// Why a scenario file could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It could not be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The path.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// It is wrong.
    #[error("{0}")]
    Wrong(Diagnostics),
}

impl Registry {
    /// No protocols.
    pub fn new() -> Self {
        Registry::default()
    }

    /// The shipped protocols.
    pub fn shipped() -> Self {
        squall_protocols::all().into_iter().fold(Registry::new(), Registry::with)
    }

    /// Adds a protocol; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, protocol: Protocol) -> Self {
        self.protocols.retain(|known| known.spec().name != protocol.spec().name);
        self.protocols.push(protocol);
        self.specs = self.protocols.iter().map(|known| known.spec().clone()).collect();
        self
    }

    /// The protocols, in the order in which they were added.
    pub fn protocols(&self) -> &[Protocol] {
        &self.protocols
    }

    /// The protocol of this name.
    pub fn protocol(&self, name: &str) -> Option<&Protocol> {
        self.protocols.iter().find(|known| known.spec().name == name)
    }

    /// How datagrams of the protocol of this name are read, if it says so.
    pub fn dissect(&self, name: &str) -> Option<Dissect> {
        self.protocol(name)?.dissect()
    }

    /// What the protocols say about themselves.
    pub fn specs(&self) -> &[ProtocolSpec] {
        &self.specs
    }

    /// Checks a scenario's text. Paths in it start at the working directory.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(&self, name: &str, text: &str) -> Result<Scenario, Diagnostics> {
        Scenario::parse(name, text, Path::new("."), &self.specs)
    }

    /// Reads and checks a scenario file. Paths in it start at its own folder.
    ///
    /// # Errors
    /// If it cannot be read, or is wrong.
    pub fn load(&self, path: &Path) -> Result<Scenario, LoadError> {
        let unreadable = |error| LoadError::Unreadable { path: path.display().to_string(), error };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let base = path.parent().unwrap_or(Path::new("."));
        let name = path.display().to_string();
        Scenario::parse_bytes(&name, &bytes, base, &self.specs).map_err(LoadError::Wrong)
    }

    /// Runs a scenario that this registry has loaded.
    ///
    /// # Errors
    /// If the engine cannot do what the scenario asks for, or no simulation can start on this
    /// thread.
    ///
    /// While it runs, panics of this thread are caught and become the verdict; the panic hook that
    /// this takes stays installed and leaves other panics to the hook before it.
    ///
    /// # Panics
    /// If the scenario's protocol is not in this registry.
    pub fn run(&self, scenario: &Scenario, settings: Settings) -> Result<Outcome, RunError> {
        let name = scenario.protocol();
        let protocol = self.protocol(name);
        let protocol = protocol.unwrap_or_else(|| panic!("no protocol `{name}` in this registry"));
        simulate(scenario, protocol, settings)
    }

    /// Runs a scenario that this registry has loaded under many seeds, on several threads.
    ///
    /// ```
    /// use squall::Registry;
    /// use squall::sweep::Explore;
    ///
    /// let registry = Registry::shipped();
    /// let scenario = registry.parse(
    ///     "lossy",
    ///     r#"
    ///     title    = "Stop-and-wait delivers each message once, however many are lost"
    ///     protocol = "stop-and-wait"
    ///     workload = { messages = 5 }
    ///     link     = [{ delay = "10ms", loss = "20%" }]
    ///     expect   = { guarantee = "exactly-once", sometimes = ["duplicate-suppressed"] }
    ///     "#,
    /// )?;
    /// let what = Explore { seeds: "0..200".parse()?, keep_going: false, jobs: 2 };
    /// let sweep = registry.explore(&scenario, what)?;
    /// assert_eq!(sweep.verdict(), squall::check::Verdict::Pass, "{:?}", sweep.failures);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Registry::run`].
    ///
    /// # Panics
    /// As [`Registry::run`].
    pub fn explore(&self, scenario: &Scenario, what: Explore) -> Result<Sweep, RunError> {
        let name = scenario.protocol();
        let protocol = self.protocol(name);
        let protocol = protocol.unwrap_or_else(|| panic!("no protocol `{name}` in this registry"));
        explore(scenario, protocol, what)
    }
}
