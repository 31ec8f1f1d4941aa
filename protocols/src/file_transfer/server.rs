//! The receiving end.

use std::cell::RefCell;
use std::io;
use std::net::Ipv4Addr;

use squall_sim::fs;
use squall_sim::net::UdpSocket;
use squall_sim::protocol::{HostResult, Server, expose, memory_entries, report};
use squall_sim::task::{Either, select};

use super::chunk::{Chunk, EndCheck, Transfer, Verdict, digest};
use super::store::{OnChunk, Store};
use super::{CHECK_PORT, Lower};
use crate::channel::{Channel, HEADER_ROOM, Settings};
use crate::mutants::{self, Mutant};

/// Pieces after which the file is synced: a simulated disk remembers every write until then.
const SYNC_EVERY: u64 = 256;

/// What the server runs.
pub(super) async fn run(server: Server) -> HostResult {
    let lower = Lower::from_options(server.options());
    let store = RefCell::new(Store::default());
    let mut written = 0;
    let receive = async |message: &[u8]| receive(&server, &store, message, &mut written).await;
    match select(lower.serve(&server, receive), answer(&server, &store)).await {
        Either::First(ended) | Either::Second(ended) => Ok(ended?),
    }
}

fn path(transfer: Transfer) -> String {
    format!("{:016x}-{}", transfer.id, transfer.attempt)
}

/// Stores a piece. Without a check at the ends the file is the application's once it is whole.
async fn receive(
    server: &Server,
    store: &RefCell<Store>,
    message: &[u8],
    written: &mut u64,
) -> io::Result<()> {
    let Some(chunk) = Chunk::decode(message) else {
        return Ok(());
    };
    let decision = store.borrow_mut().handle_chunk(&chunk);
    memory_entries(store.borrow().entries() as u64);
    if decision == OnChunk::Ignore {
        return Ok(());
    }
    // Whatever checked the datagram is behind us; from here on the bytes are on their own.
    let mut bytes = chunk.bytes.to_vec();
    expose("chunk-received", &mut bytes);
    let path = path(chunk.transfer);
    fs::write_at(&path, chunk.offset, &bytes).await?;
    *written += 1;
    if decision == OnChunk::WriteLast || written.is_multiple_of(SYNC_EVERY) {
        fs::sync(&path).await?;
    }
    if decision == OnChunk::WriteLast {
        report("stored");
        let unasked = mutants::is(Mutant::AcceptsBeforeTheCheck);
        if !server.options().flag("end_to_end") || unasked {
            let file = fs::read(&path).await?;
            accept(server, store, chunk.transfer, &file);
        }
    }
    Ok(())
}

/// Hands a file to the application, once.
fn accept(server: &Server, store: &RefCell<Store>, transfer: Transfer, file: &[u8]) {
    if store.borrow_mut().accept(transfer.id) {
        server.deliver(file);
    }
}

/// Answers the questions of the senders, for ever.
async fn answer(server: &Server, store: &RefCell<Store>) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, CHECK_PORT)).await?;
    let settings = Settings { fragment: None, ..Settings::from_options(server.options()) };
    let mut channel = Channel::new(socket, settings, HEADER_ROOM);
    loop {
        let (bytes, from) = channel.recv_from().await?;
        let Some(EndCheck::Question { transfer, digest }) = EndCheck::decode(bytes) else {
            continue;
        };
        let verdict = compare(server, store, transfer, digest).await?;
        channel.send_to(EndCheck::Answer { transfer, verdict }.encode(), from).await?;
    }
}

/// Reads back what was stored.
async fn compare(
    server: &Server,
    store: &RefCell<Store>,
    transfer: Transfer,
    wanted: u128,
) -> io::Result<Verdict> {
    if store.borrow().is_accepted(transfer.id) {
        // The first answer was lost.
        return Ok(Verdict::Same);
    }
    if !store.borrow().is_whole(transfer) {
        return Ok(Verdict::Different);
    }
    let file = fs::read(path(transfer)).await?;
    if digest(&file) != wanted {
        return Ok(Verdict::Different);
    }
    accept(server, store, transfer, &file);
    Ok(Verdict::Same)
}
