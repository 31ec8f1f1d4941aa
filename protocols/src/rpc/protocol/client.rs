//! The hosts `client-1` and so on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use squall_sim::protocol::{Client as Host, HostResult, Message, report};
use squall_sim::task;
use squall_sim::time::SystemTime;
use tokio::sync::Semaphore;

use super::audit::Books;
use super::settings::BankProcedure;
use super::{mapper, settings};
use crate::oncrpc::{Auth, AuthSys};
use crate::rpc::programs::bank::{Account, BANK, BANK_V1, BankV1Client, Cents};
use crate::rpc::programs::bank::{DepositArgs, LimitArgs, TransferArgs};
use crate::rpc::programs::counter::{COUNTER, COUNTER_V1, CounterV1Client};
use crate::rpc::{CallError, Client, Endpoint};

/// What a client runs.
pub(super) async fn run(mut host: Host) -> HostResult {
    let options = host.options().clone();
    let caller = Arc::new(open(&host).await?);
    let outstanding = options.number("outstanding") as usize;
    let permits = Arc::new(Semaphore::new(outstanding));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await?;
        let Some(message) = host.next().await else { break };
        if outstanding == 1 {
            caller.call(&host, message).await;
            continue;
        }
        let (caller, host) = (Arc::clone(&caller), host.clone());
        task::spawn(async move {
            caller.call(&host, message).await;
            drop(permit);
        });
    }
    let _all_ended = permits.acquire_many(outstanding as u32).await?;
    if options.flag("audit") {
        caller.audit(host.incarnation()).await;
    }
    Ok(())
}

/// A client, and what it calls.
struct Caller {
    number: u32,
    born: u32,
    procedure: BankProcedure,
    is_counter: bool,
    /// Absent if the server was not found: then no call is sent.
    client: Option<Client>,
    books: Books,
}

/// Opens a host's client.
async fn open(host: &Host) -> io::Result<Caller> {
    let options = host.options();
    let born = life_stamp();
    let is_counter = options.word("application") == "counter";
    let server = if options.flag("mapper") {
        let (program, version) = if is_counter { (COUNTER, COUNTER_V1) } else { (BANK, BANK_V1) };
        mapper::find_server(host, program, version).await?
    } else {
        Some(host.server())
    };
    let client = match server {
        Some(server) => Some(connect(host, server, born).await?),
        None => None,
    };
    let procedure = settings::bank_procedure(options);
    let books = Books::default();
    Ok(Caller { number: host.number(), born, procedure, is_counter, client, books })
}

/// A client of the server at this address.
pub(super) async fn connect(host: &Host, server: SocketAddr, born: u32) -> io::Result<Client> {
    let options = host.options();
    let port = u16::try_from(options.number("client_port")).unwrap_or(0);
    let endpoint =
        Endpoint::bind((Ipv4Addr::UNSPECIFIED, port), settings::endpoint(options)).await?;
    let credential = credential_of(host.number(), 0, born);
    Ok(Client::new(endpoint, server, settings::client_settings(options, credential)))
}

/// What a client says of itself: its number as the user, the operation's as the group, and when it began
/// this life, in milliseconds of its wall clock.
pub(super) fn credential_of(client: u32, operation: u32, born: u32) -> Auth {
    let machine = format!("client-{client}");
    let user = AuthSys { stamp: born, machine, uid: client, gid: operation, gids: Vec::new() };
    user.credential().expect("the name is short")
}

/// The stamp of a life that begins now.
pub(super) fn life_stamp() -> u32 {
    SystemTime::now().since_epoch().as_millis() as u32
}

impl Caller {
    /// Calls with a message, and says how that ended.
    async fn call(&self, host: &Host, message: Message) {
        let id = message.id;
        let Some(client) = &self.client else { return host.fail(id) };
        let ended = if self.is_counter {
            let credential = credential_of(self.number, id.number, self.born);
            CounterV1Client(client.with_credential(credential)).increment().await
        } else {
            let bank = BankV1Client(client.clone());
            self.bank(&bank, id.number, message.payload).await
        };
        match ended {
            Ok(()) => host.complete(id),
            Err(error) if error.is_definite() => host.fail(id),
            Err(_) => host.unknown(id),
        }
    }

    async fn bank(
        &self,
        bank: &BankV1Client,
        operation: u32,
        memo: Vec<u8>,
    ) -> Result<(), CallError> {
        // Of different amounts, so that one run twice does not make up for one that is missing.
        let amount = Cents::from(operation);
        let (own, other) = self.accounts();
        let began = self.books.begin();
        let ended = match self.procedure {
            BankProcedure::Transfer => {
                let args = TransferArgs { from: own, to: other, amount, memo };
                bank.transfer(&args).await
            }
            BankProcedure::SetLimit => {
                bank.set_limit(&LimitArgs { of: own, limit: amount, memo }).await
            }
            BankProcedure::Deposit => bank.deposit(&DepositArgs { to: own, amount, memo }).await,
        };
        let ended = ended.map(|_receipt| ());
        match self.procedure {
            BankProcedure::SetLimit => self.books.limited(began, amount, ended.as_ref().copied()),
            BankProcedure::Deposit | BankProcedure::Transfer => {
                self.books.moved(amount, ended.as_ref().copied());
            }
        }
        ended
    }

    /// The client's own account, and another one of its.
    fn accounts(&self) -> (Account, Account) {
        (2 * self.number, 2 * self.number + 1)
    }

    async fn audit(&self, incarnation: u32) {
        let (Some(client), false) = (&self.client, self.is_counter) else { return };
        if incarnation > 1 {
            // What earlier lives paid in is not in the books.
            return report("not-audited");
        }
        let (own, other) = self.accounts();
        let bank = BankV1Client(client.clone());
        self.books.audit(&bank, self.procedure, own, other).await;
    }
}
