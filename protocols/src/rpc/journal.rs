//! The log in which a server's programs commit what calls do: with `durable`, each record has the reply
//! besides the effect, so that both are there after a crash or neither is (Gray, "Notes on Data Base
//! Operating Systems", 1978; Birrell, Jones and Wobber, "A Simple and Efficient Implementation for Small
//! Databases", SOSP 1987).
//!
//! ```text
//! record:  bytes 0-3  length of the rest of the record, big-endian
//!          bytes 4-7  CRC-32 of the record before's CRC-32 and of the content
//!          bytes 8-   content, in XDR: opaque change<>, bool with the reply or without; if with: string
//!                     client<64>, unsigned xid, program, version, procedure, unsigned hyper digest,
//!                     opaque results<>
//! ```
//!
//! A record that is torn or damaged ends the log: what follows it is not believed, since it may be left
//! from an earlier life of the file.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use squall_sim::fs;
use tokio::sync::Mutex;

use super::cache::CallKey;
use super::program::{Call, Procedure};
use crate::checksum::Checksum;
use crate::mutants::{self, Mutant};
use crate::xdr::{self, DecodeError, Decoder, EncodeError, Xdr};

/// How a journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// Whether the reply is committed with the effect.
    pub durable: bool,
    /// Whether a commit waits until the disk has it. If not, a crash takes it away.
    pub sync: bool,
}

impl Default for JournalSettings {
    fn default() -> Self {
        JournalSettings { durable: false, sync: true }
    }
}

/// What was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The call that has run and its encoded results, if the journal is durable.
    pub replied: Option<(CallKey, Vec<u8>)>,
    /// The effect, as the program wrote it.
    pub change: Vec<u8>,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    settings: JournalSettings,
    end: Mutex<End>,
}

/// Where the next record goes, and the CRC-32 of the last.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    offset: u64,
    crc: u32,
}

/// What a journal was found to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The records, the oldest first.
    pub records: Vec<Record>,
    /// Bytes behind the last good record: of one that was torn or damaged, and what came after it.
    pub damaged: usize,
}

impl Journal {
    /// Opens the journal at `path`, which need not be there, and reads what it holds.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn open(
        path: impl AsRef<Path>,
        settings: JournalSettings,
    ) -> io::Result<(Journal, Recovered)> {
        let path = path.as_ref().to_owned();
        let bytes = match fs::read(&path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let (recovered, end) = recover(&bytes);
        Ok((Journal { path, settings, end: Mutex::new(end) }, recovered))
    }

    /// Commits what a call does, in one atomic step with its encoded `results` if the journal is
    /// durable. After a crash, the whole of it is there or nothing of it.
    ///
    /// # Errors
    /// Those of the disk, and if the record would be too long: then it is not known whether it was
    /// committed.
    pub async fn commit(&self, call: &Call, change: &[u8], results: &[u8]) -> io::Result<()> {
        let replied = self.settings.durable.then(|| (call.key, results.to_vec()));
        let record = Record { replied, change: change.to_vec() };
        let mut end = self.end.lock().await;
        let (bytes, crc) = encode(&record, end.crc).map_err(io::Error::other)?;
        fs::write_at(&self.path, end.offset, &bytes).await?;
        if self.settings.sync && !mutants::is(Mutant::JournalNotSynced) {
            fs::sync(&self.path).await?;
        }
        *end = End { offset: end.offset + bytes.len() as u64, crc };
        Ok(())
    }
}

/// The checksum of a record that follows the one with the checksum `before`.
fn crc(before: u32, content: &[u8]) -> u32 {
    Checksum::Crc32.of(&[&before.to_be_bytes(), content].concat())
}

/// A record's bytes, and its checksum.
fn encode(record: &Record, before: u32) -> Result<(Vec<u8>, u32), EncodeError> {
    let content = xdr::to_bytes(record)?;
    let crc = crc(before, &content);
    let mut bytes = Vec::with_capacity(8 + content.len());
    let length = u32::try_from(content.len() + 4)
        .map_err(|_| EncodeError::TooLong { length: content.len(), max: u32::MAX as usize })?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&crc.to_be_bytes());
    bytes.extend_from_slice(&content);
    Ok((bytes, crc))
}

/// The records up to the first that is not whole.
fn recover(bytes: &[u8]) -> (Recovered, End) {
    let (mut recovered, mut end, mut rest) = (Recovered::default(), End::default(), bytes);
    while let Some((record, length, crc)) = decode(rest, end.crc) {
        recovered.records.push(record);
        end = End { offset: end.offset + length as u64, crc };
        rest = &rest[length..];
    }
    recovered.damaged = rest.len();
    (recovered, end)
}

/// The first record, its length, and its checksum.
fn decode(bytes: &[u8], before: u32) -> Option<(Record, usize, u32)> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = u32::from_be_bytes(*length) as usize;
    let (found, content) = rest.get(..length)?.split_first_chunk()?;
    let found = u32::from_be_bytes(*found);
    if found != crc(before, content) && !mutants::is(Mutant::JournalNotChecked) {
        return None;
    }
    Some((xdr::from_bytes(content).ok()?, 4 + length, found))
}

/// The most bytes of a change or of results.
const MAX: usize = u32::MAX as usize;

impl Xdr for Record {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        xdr::put_opaque(out, &self.change, MAX)?;
        self.replied.is_some().encode(out)?;
        let Some((key, results)) = &self.replied else { return Ok(()) };
        xdr::put_string(out, &key.client.to_string(), 64)?;
        let Procedure { program, version, number } = key.procedure;
        [key.xid, program, version, number].iter().try_for_each(|part| part.encode(out))?;
        key.digest.encode(out)?;
        xdr::put_opaque(out, results, MAX)
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let change = xdr::get_opaque(input, MAX)?;
        if !bool::decode(input)? {
            return Ok(Record { replied: None, change });
        }
        let client: SocketAddr =
            xdr::get_string(input, 64)?.parse().map_err(|_| DecodeError::Text)?;
        let xid = Xdr::decode(input)?;
        let procedure = Procedure {
            program: Xdr::decode(input)?,
            version: Xdr::decode(input)?,
            number: Xdr::decode(input)?,
        };
        let key = CallKey { xid, client, procedure, digest: Xdr::decode(input)? };
        Ok(Record { replied: Some((key, xdr::get_opaque(input, MAX)?)), change })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(xid: u32, durable: bool) -> Record {
        let client = SocketAddr::from(([10, 0, 0, 2], 1000));
        let procedure = Procedure { program: 1, version: 2, number: 3 };
        let key = CallKey { xid, client, procedure, digest: 5 };
        let replied = durable.then(|| (key, vec![8; (xid % 7) as usize]));
        Record { replied, change: vec![xid as u8; 12] }
    }

    fn log(records: &[Record]) -> Vec<u8> {
        let (mut bytes, mut before) = (Vec::new(), 0);
        for record in records {
            let (one, crc) = encode(record, before).unwrap();
            bytes.extend(one);
            before = crc;
        }
        bytes
    }

    proptest! {
        #[test]
        fn a_torn_log_ends_at_its_last_whole_record(count in 1..6u32, durable: bool, cut: usize) {
            let records: Vec<Record> = (0..count).map(|xid| record(xid, durable)).collect();
            let bytes = log(&records);
            let cut = cut % (bytes.len() + 1);
            let (recovered, end) = recover(&bytes[..cut]);
            let whole = (0..=records.len()).rfind(|n| log(&records[..*n]).len() <= cut).unwrap();
            prop_assert_eq!(&recovered.records[..], &records[..whole]);
            prop_assert_eq!(end.offset as usize, log(&records[..whole]).len());
            prop_assert_eq!(recovered.damaged, cut - end.offset as usize);
        }

        #[test]
        fn a_flipped_bit_is_noticed(count in 1..6u32, at: usize, bit in 0..8) {
            let records: Vec<Record> = (0..count).map(|xid| record(xid, true)).collect();
            let mut bytes = log(&records);
            let at = at % bytes.len();
            bytes[at] ^= 1u8 << bit;
            let (recovered, _) = recover(&bytes);
            prop_assert!(recovered.records.len() < records.len());
            prop_assert_eq!(&recovered.records[..], &records[..recovered.records.len()]);
        }

        #[test]
        fn any_bytes_are_a_log(bytes: Vec<u8>) {
            recover(&bytes);
        }
    }

    #[test]
    fn what_an_earlier_life_left_behind_is_not_believed() {
        let mut bytes = log(&[record(1, true), record(2, true), record(3, true)]);
        let (first, second) = (log(&[record(1, true)]), log(&[record(1, true), record(9, true)]));
        bytes[first.len() + 10] ^= 1;
        let (recovered, end) = recover(&bytes);
        assert_eq!((recovered.records.len(), end.offset as usize), (1, first.len()));
        // The next record is as long as the damaged one, so that the third follows it again.
        bytes[..second.len()].copy_from_slice(&second);
        let (recovered, _) = recover(&bytes);
        assert_eq!(recovered.records, [record(1, true), record(9, true)]);
    }
}
