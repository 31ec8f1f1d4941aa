//! Protocols as the simulation sees them: what they say about themselves, and the software that
//! they run on server and clients.

mod dissect;
mod host;
mod spec;
mod theory;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::plan::Plan;
pub use dissect::{Dissect, Dissection};
pub(crate) use host::RETRANSMISSION;
pub use host::{Client, Message, ORPHAN, SERVER_PORT, Server, expose, memory_entries, report};
pub use spec::{HostSpec, OptionCheck, OptionContext, OptionKind, OptionProblem, OptionSpec};
pub use spec::{OptionValue, Options, ProtocolSpec};
pub use theory::{Predict, Theory};

/// What host software gives back when it ends.
pub type HostResult = Result<(), Box<dyn std::error::Error>>;

pub(crate) type HostFuture = Pin<Box<dyn Future<Output = HostResult>>>;

type Start<C> = Arc<dyn Fn(C) -> HostFuture + Send + Sync>;

/// A protocol under test.
///
/// ```
/// # use squall_sim as squall;
/// use squall::net::UdpSocket;
/// use squall::protocol::{Client, Protocol, Server};
///
/// let shout = Protocol::new("shout", "Sends each message once and hopes.")
///     .server(async |server: Server| {
///         let socket = UdpSocket::bind(server.address()).await?;
///         let mut buffer = [0; 2048];
///         loop {
///             let (length, _) = socket.recv_from(&mut buffer).await?;
///             server.deliver(&buffer[..length]);
///         }
///     })
///     .client(async |mut client: Client| {
///         let socket = UdpSocket::bind("0.0.0.0:0").await?;
///         while let Some(message) = client.next().await {
///             socket.send_to(&message.payload, client.server()).await?;
///             client.unknown(message.id);
///         }
///         Ok(())
///     });
/// assert_eq!(shout.spec().name, "shout");
/// ```
#[derive(Clone)]
pub struct Protocol {
    spec: Arc<ProtocolSpec>,
    dissect: Option<Dissect>,
    server: Start<Server>,
    client: Start<Client>,
    /// What each of the spec's further hosts runs, in its order.
    hosts: Vec<Start<Server>>,
    before_start: Option<fn(&Options)>,
    theory: Option<(&'static str, Predict)>,
}

impl Protocol {
    /// A protocol whose hosts do nothing yet. `summary` is one sentence.
    pub fn new(name: impl Into<String>, summary: impl Into<String>) -> Self {
        let spec =
            ProtocolSpec { name: name.into(), summary: summary.into(), ..ProtocolSpec::default() };
        Protocol {
            spec: Arc::new(spec),
            dissect: None,
            server: Arc::new(|_| Box::pin(async { Ok(()) })),
            client: Arc::new(|_| Box::pin(async { Ok(()) })),
            hosts: Vec::new(),
            before_start: None,
            theory: None,
        }
    }

    /// What the server runs, from the start and again after each restart.
    pub fn server<F>(mut self, start: impl Fn(Server) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = HostResult> + 'static,
    {
        self.server = Arc::new(move |server| Box::pin(start(server)));
        self
    }

    /// What each client runs, from the start and again after each restart.
    pub fn client<F>(mut self, start: impl Fn(Client) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = HostResult> + 'static,
    {
        self.client = Arc::new(move |client| Box::pin(start(client)));
        self
    }

    /// Adds a host besides server and clients, such as a port mapper, to the runs with options for
    /// which `when` holds. It runs `start` from the beginning and again after each restart, has an
    /// address of its own, and scenario files may name it wherever they name hosts.
    ///
    /// # Panics
    /// If `name` is the server's, a client's or taken, or has other characters than small letters,
    /// digits and `-` after a first letter.
    pub fn host<F>(
        mut self,
        name: &'static str,
        when: fn(&Options) -> bool,
        start: impl Fn(Server) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = HostResult> + 'static,
    {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let named = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain);
        assert!(named && name.len() <= 64, "a further host can not have the name {name:?}");
        let taken = name == "server" || name.starts_with("client-");
        let taken = taken || self.spec.hosts.iter().any(|host| host.name == name);
        assert!(!taken, "another host has the name {name:?} already");
        self.spec_mut().hosts.push(HostSpec { name, when });
        self.hosts.push(Arc::new(move |server| Box::pin(start(server))));
        self
    }

    /// Calls `hook` with the options whenever the software of a host starts, on the thread that runs it.
    pub fn before_start(mut self, hook: fn(&Options)) -> Self {
        self.before_start = Some(hook);
        self
    }

    /// Adds an option that scenarios may set under `[options]`.
    pub fn option(
        mut self,
        name: &'static str,
        kind: OptionKind,
        default: OptionValue,
        help: &'static str,
    ) -> Self {
        self.spec_mut().options.push(OptionSpec::new(name, kind, default, help));
        self
    }

    /// Adds options that scenarios may set under `[options]`.
    pub fn options(mut self, options: Vec<OptionSpec>) -> Self {
        self.spec_mut().options.extend(options);
        self
    }

    /// Adds a check of the options together.
    pub fn check(mut self, check: OptionCheck) -> Self {
        self.spec_mut().checks.push(check);
        self
    }

    /// Says that messages may be larger than a datagram carries: the protocol cuts them.
    pub fn any_message_size(mut self) -> Self {
        self.spec_mut().any_message_size = true;
        self
    }

    /// Names the events that its software reports with [`report`]. A protocol that names some may report
    /// no others; faults can wait for those that it names.
    pub fn events(mut self, names: &[&'static str]) -> Self {
        self.spec_mut().events.extend(names);
        self
    }

    /// Says how its datagrams are read, which kinds there are, and which fields they have.
    pub fn dissector(
        mut self,
        kinds: &[&'static str],
        fields: &[&'static str],
        dissect: Dissect,
    ) -> Self {
        let spec = self.spec_mut();
        spec.kinds.extend(kinds);
        spec.fields.extend(fields);
        self.dissect = Some(dissect);
        self
    }

    /// Says what theory predicts for a run, beside which reports of sweeps draw what was measured. `source`
    /// gives the formulas and where they are from, in a sentence. `predict` gives `None` for a plan that is not
    /// what the formulas assume.
    pub fn theory(mut self, source: &'static str, predict: Predict) -> Self {
        self.theory = Some((source, predict));
        self
    }

    /// Where its theory is from, if it has one.
    pub fn theory_source(&self) -> Option<&'static str> {
        self.theory.map(|(source, _)| source)
    }

    /// What theory predicts for a run, if there is one whose assumptions hold.
    pub fn theory_of(&self, plan: &Plan) -> Option<Theory> {
        self.theory.and_then(|(_, predict)| predict(plan))
    }

    fn spec_mut(&mut self) -> &mut ProtocolSpec {
        Arc::make_mut(&mut self.spec)
    }

    /// What it says about itself.
    pub fn spec(&self) -> &ProtocolSpec {
        &self.spec
    }

    /// How its datagrams are read, if it says so.
    pub fn dissect(&self) -> Option<Dissect> {
        self.dissect
    }

    /// The software of a host is about to start.
    pub(crate) fn starts(&self, options: &Options) {
        if let Some(hook) = self.before_start {
            hook(options);
        }
    }

    pub(crate) fn start_server(&self, server: Server) -> HostFuture {
        (self.server)(server)
    }

    pub(crate) fn start_client(&self, client: Client) -> HostFuture {
        (self.client)(client)
    }

    /// Starts the software of a further host.
    pub(crate) fn start_host(&self, name: &str, server: Server) -> HostFuture {
        match self.spec.hosts.iter().position(|host| host.name == name) {
            Some(index) => (self.hosts[index])(server),
            None => panic!("the protocol has no host `{name}`"),
        }
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protocol").field("spec", &self.spec).finish_non_exhaustive()
    }
}
