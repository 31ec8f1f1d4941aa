//! The receiving application: it may take its time.

use std::io;

use squall_sim::protocol::{OptionKind, OptionSpec, OptionValue, Protocol, Server};
use squall_sim::time::sleep;

/// Declares the option that [`deliver`] reads.
pub(crate) fn with_options(protocol: Protocol) -> Protocol {
    protocol.options(vec![OptionSpec::new(
        "service",
        OptionKind::Duration { min: 0 },
        OptionValue::Number(0),
        "how long the receiving application takes for a message; meanwhile others wait",
    )])
}

/// Lets the application have a message.
pub(crate) async fn deliver(server: &Server, message: &[u8]) -> io::Result<()> {
    let service = server.options().duration("service");
    if !service.is_zero() {
        sleep(service).await;
    }
    server.deliver(message);
    Ok(())
}
