//! The sending end.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rand::Rng;
use squall_sim::net::UdpSocket;
use squall_sim::protocol::{Client, HostResult, Message, Options, expose, report};
use squall_sim::random;
use squall_sim::time::timeout_at;
use squall_sim::trace::OpId;

use super::chunk::{Chunk, EndCheck, Transfer, Verdict, digest};
use super::lower::LowerSender;
use super::{CHECK_PORT, Lower};
use crate::channel::{Channel, HEADER_ROOM, Settings};
use crate::clock::{Clock, Wait};
use crate::source::{Delivery, Source};
use crate::timer::{DefaultTimeout, Timer};

/// What a client runs: each message of the workload is a file.
pub(super) async fn run(mut client: Client) -> HostResult {
    let options = client.options().clone();
    let mut ends = Ends::open(&options, client.server()).await?;
    let session = u64::from(random::rng().next_u32()) << 32;
    while let Some(Message { id, payload }) = client.next().await {
        let number = session | u64::from(id.number);
        let delivery = ends.transfer(number, &payload).await?;
        client.ended(id, delivery);
    }
    Ok(())
}

/// How a client reaches its server: through the lower protocol, and beside it for the check.
struct Ends<'a> {
    options: &'a Options,
    server: SocketAddr,
    lower: Option<LowerSender>,
    /// How many transfers and repetitions there were.
    connections: u64,
    check: Channel,
}

/// Of the 16,384 free ports some are used again after as many senders, and the receiver would take
/// their numbers for old ones.
const MAX_CONNECTIONS: u64 = 16_000;

impl<'a> Ends<'a> {
    async fn open(options: &'a Options, server: SocketAddr) -> io::Result<Self> {
        let settings = Settings { fragment: None, ..Settings::from_options(options) };
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        let check = Channel::new(socket, settings, HEADER_ROOM);
        Ok(Ends { options, server, lower: None, connections: 0, check })
    }

    /// A sender of the lower protocol, at another port than the last: of that, the receiver may wait
    /// for what was given up, or have lost the counters in a crash. At a port that was used before,
    /// it goes on with the numbers.
    async fn lower(&mut self) -> io::Result<&mut LowerSender> {
        let may_change = self.options.number("client_port") == 0;
        let goes_on = !may_change || self.connections >= MAX_CONNECTIONS;
        let lower = match self.lower.take() {
            Some(lower) if goes_on => lower,
            _ => Lower::from_options(self.options).open(self.options, self.server).await?,
        };
        self.connections += 1;
        Ok(self.lower.insert(lower))
    }

    /// Sends a file until it is there, as far as the options let the sender know.
    async fn transfer(&mut self, id: u64, file: &[u8]) -> io::Result<Delivery> {
        let size = usize::try_from(self.options.number("chunk")).unwrap_or(usize::MAX);
        for attempt in 1.. {
            let transfer = Transfer { id, attempt };
            let mut chunks = Chunks::new(transfer, file, size);
            self.lower().await?.send_all(&mut chunks).await?;
            match chunks.delivery() {
                Delivery::Acknowledged if self.options.flag("end_to_end") => {}
                // What an earlier attempt brought may be there.
                Delivery::NeverSent if attempt > 1 => return Ok(Delivery::Unknown),
                delivery => return Ok(delivery),
            }
            match self.ask(transfer, digest(file)).await? {
                Some(Verdict::Same) => return Ok(Delivery::Acknowledged),
                Some(Verdict::Different) => report("transfer-repeated"),
                None => return Ok(Delivery::Unknown),
            }
        }
        Ok(Delivery::Unknown)
    }

    /// Asks the receiver whether it has the file, until it answers; `None` if it does not.
    async fn ask(&mut self, transfer: Transfer, digest: u128) -> io::Result<Option<Verdict>> {
        let peer = SocketAddr::from((self.server.ip(), CHECK_PORT));
        let clock = Clock::from_options(self.options);
        let mut timer = Timer::from_options(self.options, DefaultTimeout::Fixed);
        let question = EndCheck::Question { transfer, digest }.encode();
        for attempt in 1.. {
            self.check.send_to(question.clone(), peer).await?;
            let mut wait = Wait::begin(clock, timer.wait(attempt));
            while let Some(deadline) = wait.next() {
                let received = timeout_at(deadline, self.check.recv_from()).await;
                let Ok(received) = received else { continue };
                let (bytes, from) = received?;
                match EndCheck::decode(bytes).filter(|_| from == peer) {
                    Some(EndCheck::Answer { transfer: of, verdict }) if of == transfer => {
                        return Ok(Some(verdict));
                    }
                    _ => {}
                }
            }
            if timer.gives_up_after(attempt) {
                report("gave-up");
                break;
            }
            timer.handle_timeout();
            report("retransmission");
        }
        Ok(None)
    }
}

/// A file as messages of the lower protocol.
struct Chunks<'a> {
    transfer: Transfer,
    file: &'a [u8],
    size: usize,
    /// Where the next piece begins.
    offset: usize,
    /// Of how many pieces sending ended in which way.
    acknowledged: u64,
    unknown: u64,
    never_sent: u64,
}

impl<'a> Chunks<'a> {
    fn new(transfer: Transfer, file: &'a [u8], size: usize) -> Self {
        Chunks { transfer, file, size, offset: 0, acknowledged: 0, unknown: 0, never_sent: 0 }
    }

    /// How sending the file ended.
    fn delivery(&self) -> Delivery {
        match (self.acknowledged, self.unknown, self.never_sent) {
            (_, 0, 0) => Delivery::Acknowledged,
            (0, 0, _) => Delivery::NeverSent,
            _ => Delivery::Unknown,
        }
    }
}

impl Source for Chunks<'_> {
    async fn next(&mut self) -> Option<Message> {
        let rest = self.file.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let mut bytes = rest[..rest.len().min(self.size)].to_vec();
        // The sender's memory, too, may fail.
        expose("chunk-sent", &mut bytes);
        let (offset, length) = (self.offset as u64, self.file.len() as u64);
        let number = (self.offset / self.size) as u32 + 1;
        self.offset += bytes.len();
        let chunk = Chunk { transfer: self.transfer, offset, length, bytes: &bytes };
        Some(Message { id: OpId { client: 0, number }, payload: chunk.encode() })
    }

    fn ended(&mut self, _: OpId, delivery: Delivery) {
        match delivery {
            Delivery::Acknowledged => self.acknowledged += 1,
            Delivery::Unknown => self.unknown += 1,
            Delivery::NeverSent => self.never_sent += 1,
        }
    }
}
