//! The sending end.

use std::io;
use std::net::SocketAddr;

use rand::Rng;
use squall_sim::protocol::{Client, HostResult, Message, Options, expose, report};
use squall_sim::random;
use squall_sim::time::{Instant, timeout_at};
use squall_sim::trace::OpId;

use super::chunk::{Chunk, EndCheck, Transfer, Verdict, digest};
use super::{CHECK_PORT, Lower};
use crate::channel::Settings;
use crate::sender;
use crate::source::{Delivery, Source};
use crate::timer::{DefaultTimeout, Timer};

/// What a client runs: each message of the workload is a file.
pub(super) async fn run(mut client: Client) -> HostResult {
    let options = client.options().clone();
    let peer = client.server();
    let session = u64::from(random::rng().next_u32()) << 32;
    while let Some(Message { id, payload }) = client.next().await {
        let number = session | u64::from(id.number);
        let delivery = transfer(&options, peer, number, &payload).await?;
        client.ended(id, delivery);
    }
    Ok(())
}

/// Sends a file until it is there, as far as the options let the sender know.
async fn transfer(
    options: &Options,
    peer: SocketAddr,
    id: u64,
    file: &[u8],
) -> io::Result<Delivery> {
    let lower = Lower::from_options(options);
    let size = usize::try_from(options.number("chunk")).unwrap_or(usize::MAX);
    for attempt in 1.. {
        let transfer = Transfer { id, attempt };
        let mut chunks = Chunks::new(transfer, file, size);
        lower.send(options, peer, &mut chunks).await?;
        match chunks.delivery() {
            Delivery::Acknowledged if options.flag("end_to_end") => {}
            // What an earlier attempt brought may be there.
            Delivery::NeverSent if attempt > 1 => return Ok(Delivery::Unknown),
            delivery => return Ok(delivery),
        }
        match ask(options, peer, transfer, digest(file)).await? {
            Some(Verdict::Same) => return Ok(Delivery::Acknowledged),
            Some(Verdict::Different) => report("transfer-repeated"),
            None => return Ok(Delivery::Unknown),
        }
    }
    Ok(Delivery::Unknown)
}

/// Asks the receiver whether it has the file, until it answers; `None` if it does not.
async fn ask(
    options: &Options,
    peer: SocketAddr,
    transfer: Transfer,
    digest: u128,
) -> io::Result<Option<Verdict>> {
    let settings = Settings { fragment: None, ..Settings::from_options(options) };
    let mut channel = sender::bind_with(options, settings).await?;
    let peer = SocketAddr::from((peer.ip(), CHECK_PORT));
    let timer = Timer::from_options(options, DefaultTimeout::Fixed);
    let question = EndCheck::Question { transfer, digest }.encode();
    for attempt in 1.. {
        channel.send_to(question.clone(), peer).await?;
        let deadline = Instant::now() + timer.wait(attempt);
        while let Ok(received) = timeout_at(deadline, channel.recv_from()).await {
            match EndCheck::decode(received?.0) {
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
        report("retransmission");
    }
    Ok(None)
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
