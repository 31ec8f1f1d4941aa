//! `[workload]`: what the clients do, and the file whose bytes they may send.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::drawn::{Drawn, at_or};
use super::reader::Reader;
use super::tables::{MAX_CLIENTS, MAX_MESSAGE, MAX_OPERATIONS, MAX_PAYLOAD_FILE};
use crate::plan::{Payload, WorkloadPlan};
use crate::text::quote;
use crate::workload;
use squall_diagnostic::Diagnostic;

/// Bytes per message if the file says nothing.
pub(crate) const SIZE: u64 = 64;

/// Bytes of each message that say which one it is.
const IDENTITY: u64 = workload::IDENTITY as u64;

/// `[workload]`, its ranges not yet drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Workload {
    clients: Option<Drawn<u64>>,
    most_clients: Option<u32>,
    operations: Option<Drawn<u64>>,
    size: Option<Drawn<u64>>,
    interval: Option<Drawn<u64>>,
    payload: Option<Payload>,
    /// The path of the payload's file, as the scenario has it.
    path: Option<String>,
}

/// Keys that can not stand together, and why.
const EXCLUSIVE: [(&str, &str, &str); 6] = [
    ("messages", "calls", "they are the same: keep one of them"),
    (
        "payload",
        "messages",
        "the number of messages follows from the length of the file and `size`",
    ),
    ("payload", "calls", "the number of messages follows from the length of the file and `size`"),
    ("payload", "file", "`payload` cuts a file into messages, `file` sends the whole as one"),
    ("file", "size", "a message is as long as the file"),
    ("file", "calls", "say with `messages` how often the file is sent"),
];

impl Workload {
    /// Reads the table; the paths of files start at `base`. Messages of `any_size` are those of a
    /// protocol that cuts them into datagrams.
    pub(super) fn read(table: &Reader<'_>, base: &Path, any_size: bool) -> Self {
        for (first, second, why) in EXCLUSIVE {
            if table.has(first) && table.has(second) {
                let message = format!("`{first}` and `{second}` exclude one another");
                let one = Diagnostic::new(table.key_span(second), message);
                let one = one.other(table.key_span(first), "the other one").help(why);
                table.errors.add(one);
            }
        }
        let clients = table.whole("clients");
        let most_clients = match &clients {
            Some(clients) => Some(clients.high() as u32),
            // A wrong number of clients must not make their names wrong as well.
            None => table.has("clients").then_some(MAX_CLIENTS),
        };
        let cut = read_payload(table, "payload", base).map(Payload::Cut);
        let whole = || read_payload(table, "file", base).map(Payload::Whole);
        let mut workload = Workload {
            clients,
            most_clients,
            operations: table.whole("messages").or(table.whole("calls")),
            size: table.whole("size"),
            interval: table.whole("interval"),
            payload: cut.or_else(whole),
            path: table.text("payload").or(table.text("file")).map(|(path, _)| path.to_owned()),
        };
        workload.check_payload(table);
        if !any_size && workload.most_bytes() > MAX_MESSAGE as u64 {
            let key = if table.has("file") { "file" } else { "size" };
            let message = "the messages are too large for this protocol's datagrams";
            let one = Diagnostic::new(table.value_span(key), message)
                .label(format!("too large, at most {MAX_MESSAGE}B"));
            table.errors.add(one);
        }
        workload
    }

    /// Checks that the payload fits into messages of the size asked for.
    fn check_payload(&mut self, table: &Reader<'_>) {
        let (Some(Payload::Cut(payload)), size) =
            (&self.payload, self.size.as_ref().map_or(SIZE, Drawn::low))
        else {
            return;
        };
        let span = table.value_span("payload");
        let label = match messages(payload, size) {
            None => format!(
                "with {size}B per message there is no room beside the {IDENTITY}-byte identity"
            ),
            Some(n) if n > MAX_OPERATIONS => {
                format!("{n} messages of {size}B; at most {MAX_OPERATIONS} are allowed")
            }
            Some(_) => return,
        };
        let one = Diagnostic::new(span, "the payload can not be cut into messages").label(label);
        table.errors.add(one.help("choose a larger `size`"));
        self.payload = None;
    }

    /// The most clients there may be.
    pub(super) fn most_clients(&self) -> u32 {
        self.most_clients.unwrap_or(1)
    }

    /// The most bytes that a message may have.
    pub(super) fn most_bytes(&self) -> u64 {
        match &self.payload {
            Some(Payload::Whole(file)) => IDENTITY + file.len() as u64,
            _ => self.size.as_ref().map_or(SIZE, Drawn::high),
        }
    }

    /// The path of the file that is sent, as the scenario has it.
    pub(super) fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Operations of each client, unless they follow from the file that is sent.
    pub(super) fn drawn_operations(&self) -> Option<&Drawn<u64>> {
        self.operations.as_ref().filter(|_| !matches!(self.payload, Some(Payload::Cut(_))))
    }

    /// The pause between operations.
    pub(super) fn drawn_interval(&self) -> Option<&Drawn<u64>> {
        self.interval.as_ref()
    }

    /// How many clients there are.
    pub(super) fn drawn_clients(&self) -> Option<&Drawn<u64>> {
        self.clients.as_ref()
    }

    /// How many clients there are under `seed`.
    pub(super) fn clients(&self, seed: u64) -> u32 {
        at_or(&self.clients, seed, 1) as u32
    }

    /// The workload, under `seed`.
    pub(super) fn at(&self, seed: u64) -> WorkloadPlan {
        let (mut size, mut operations) =
            (at_or(&self.size, seed, SIZE), at_or(&self.operations, seed, 1));
        match &self.payload {
            Some(Payload::Cut(payload)) => operations = messages(payload, size).unwrap_or(1),
            Some(Payload::Whole(_)) => size = self.most_bytes(),
            None => {}
        }
        WorkloadPlan {
            operations: operations as u32,
            size,
            interval: at_or(&self.interval, seed, 0),
            payload: self.payload.clone(),
        }
    }
}

/// How many messages of `size` bytes carry the payload; `None` if they have no room for any of it.
fn messages(payload: &[u8], size: u64) -> Option<u64> {
    let room = size.checked_sub(IDENTITY).filter(|room| *room > 0)?;
    Some((payload.len() as u64).div_ceil(room))
}

/// The bytes of the file that a key names.
fn read_payload(table: &Reader<'_>, key: &str, base: &Path) -> Option<Arc<[u8]>> {
    let (path, span) = table.text(key)?;
    let note = |label: String| {
        let one = Diagnostic::new(span.clone(), format!("can not send the file {}", quote(path)));
        table.errors.add(one.label(label).help("paths start at the scenario file's folder"));
    };
    match read_file(&base.join(path)) {
        Ok(bytes) if bytes.is_empty() => note("this file is empty".to_owned()),
        Ok(bytes) if bytes.len() as u64 > MAX_PAYLOAD_FILE => {
            note(format!("larger than {} MiB", MAX_PAYLOAD_FILE >> 20));
        }
        Ok(bytes) => return Some(bytes.into()),
        Err(error) => note(match error.kind() {
            std::io::ErrorKind::NotFound => "no such file".to_owned(),
            std::io::ErrorKind::PermissionDenied => "reading it is not permitted".to_owned(),
            _ => "this is not a readable file".to_owned(),
        }),
    }
    None
}

/// Reads a regular file, but no more than it takes to know that it is too large.
fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    // Opening a pipe would wait for somebody to write to it.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_PAYLOAD_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
