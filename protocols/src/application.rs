//! The receiving application: it may take its time.

use std::io;

use squall_sim::protocol::{OptionKind, OptionSpec, OptionValue, Protocol, Server};
use squall_sim::time::{Duration, sleep};

/// Declares the option that [`Application::new`] reads.
pub(crate) fn with_options(protocol: Protocol) -> Protocol {
    protocol.options(vec![OptionSpec::new(
        "service",
        OptionKind::Duration { min: 0 },
        OptionValue::Number(0),
        "how long the receiving application takes for a message; meanwhile others wait",
    )])
}

/// The application behind a server.
pub(crate) struct Application<'a> {
    server: &'a Server,
    service: Duration,
}

impl<'a> Application<'a> {
    /// One that takes its time as the server's options say.
    pub fn new(server: &'a Server) -> Self {
        Application { server, service: server.options().duration("service") }
    }

    /// Lets it have a message.
    pub async fn deliver(&self, message: &[u8]) -> io::Result<()> {
        if !self.service.is_zero() {
            sleep(self.service).await;
        }
        self.server.deliver(message);
        Ok(())
    }
}
