//! The host `server`: the bank or the counter.

use std::sync::Arc;

use squall_sim::protocol::{HostResult, Server, report};
use squall_sim::task;

use super::{mapper, settings};
use crate::rpc::programs::Ledger;
use crate::rpc::programs::bank::{Bank, BankV1Server};
use crate::rpc::programs::counter::{Counter, CounterV1Server};
use crate::rpc::server::serve;
use crate::rpc::{Endpoint, Program};

/// Where the bank keeps its journal.
const JOURNAL: &str = "journal";

/// What the server runs.
pub(super) async fn run(server: Server) -> HostResult {
    let options = server.options().clone();
    let address = server.address();
    let ledger = Ledger::new(move |memo| {
        server.execute(memo);
    });
    let mut settings = settings::server_settings(&options);
    let program: Arc<dyn Program> = if options.word("application") == "counter" {
        let counter = Counter::new(options.duration("service"), ledger);
        Arc::new(CounterV1Server(counter))
    } else {
        let (bank, opened) = Bank::open(JOURNAL, settings::bank_settings(&options), ledger).await?;
        if opened.damaged > 0 {
            report("journal-damaged");
        }
        settings.recovered = opened.replies;
        Arc::new(BankV1Server(bank))
    };
    let endpoint = Endpoint::bind(address, settings::endpoint(&options)).await?;
    if options.flag("mapper") {
        let of_mapper = settings::mapper_settings(&options);
        task::spawn(mapper::register(
            of_mapper,
            program.program(),
            program.version(),
            address.port(),
        ));
    }
    Ok(serve(endpoint, vec![program], settings).await?)
}
