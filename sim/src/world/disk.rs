//! The disk of a simulated host: what was not synced is lost in a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Component, Path};

use crate::network::flip;
use crate::workload::IDENTITY;

/// The largest file on a simulated disk, bytes: as much as the largest message of a workload.
pub const MAX_FILE: u64 = (64 << 20) + IDENTITY as u64;

/// One host's disk: files in one directory.
#[derive(Default)]
pub(crate) struct Disk {
    /// The files as the host sees them.
    files: BTreeMap<OsString, File>,
    /// What outlasts a crash.
    kept: BTreeMap<OsString, Kept>,
    /// Names that were given to a file, or taken from one, since the last sync.
    renamed: BTreeSet<OsString>,
    /// How many files there have been.
    created: u64,
}

struct File {
    /// Tells a file from an earlier one of the same name.
    number: u64,
    content: Vec<u8>,
    /// What was written since the last sync.
    unsynced: Vec<Range<usize>>,
}

/// What a crash leaves of a file.
#[derive(Default)]
struct Kept {
    /// The file's; they count from 1, so that no file has this default.
    number: u64,
    content: Vec<u8>,
}

impl Disk {
    /// Reads a whole file.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.file(path)?.content.clone())
    }

    /// Reads what fits into `buffer`, and says how much it was; less only at the end of the file.
    pub fn read_at(&self, path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let content = &self.file(path)?.content;
        let rest = usize::try_from(offset).ok().and_then(|offset| content.get(offset..));
        let rest = rest.unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    /// Makes `bytes` the content of a file.
    pub fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        check_size(0, bytes)?;
        let file = self.file_or_new(path)?;
        file.content = bytes.to_vec();
        file.unsynced.clear();
        file.unsynced.push(0..bytes.len());
        Ok(())
    }

    /// Writes into a file from `offset` on; what lies between its end and that becomes zero.
    pub fn write_at(&mut self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = check_size(offset, bytes)?;
        let file = self.file_or_new(path)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let (start, before) = (end - bytes.len(), file.content.len());
        file.content.resize(before.max(end), 0);
        file.content[start..end].copy_from_slice(bytes);
        let changed = start.min(before)..end;
        match file.unsynced.last_mut() {
            Some(last) if last.end == changed.start => last.end = end,
            _ => file.unsynced.push(changed),
        }
        Ok(())
    }

    /// Makes a file's content, its name, or that it was removed, outlast a crash.
    pub fn sync(&mut self, path: &Path) -> io::Result<()> {
        let synced = name_of(path)?;
        for name in std::mem::take(&mut self.renamed) {
            let Some(file) = self.files.get(&name) else {
                self.kept.remove(&name);
                continue;
            };
            let kept = self.kept.entry(name).or_default();
            if kept.number != file.number {
                *kept = Kept { number: file.number, content: Vec::new() };
            }
        }
        if let (Some(file), Some(kept)) = (self.files.get_mut(synced), self.kept.get_mut(synced)) {
            kept.content.resize(file.content.len(), 0);
            for changed in file.unsynced.drain(..) {
                kept.content[changed.clone()].copy_from_slice(&file.content[changed]);
            }
        }
        Ok(())
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.file(path)?;
        let name = name_of(path)?;
        self.files.remove(name);
        self.renamed.insert(name.to_owned());
        Ok(())
    }

    /// Takes away what was not synced.
    pub fn crash(&mut self) {
        let file = |(name, kept): (&OsString, &Kept)| {
            let Kept { number, content } = kept;
            let file = File { number: *number, content: content.clone(), unsynced: Vec::new() };
            (name.clone(), file)
        };
        self.files = self.kept.iter().map(file).collect();
    }

    /// How many bytes all files hold.
    pub fn stored(&self) -> u64 {
        self.files.values().map(|file| file.content.len() as u64).sum()
    }

    /// Flips a bit of what is stored, counted from the first byte of the first file in the order of
    /// their names, the least significant bit of each byte first. A byte that was synced stays so.
    pub fn flip(&mut self, mut bit: u64) {
        for (name, file) in &mut self.files {
            let length = file.content.len() as u64 * 8;
            let Some(beyond) = bit.checked_sub(length) else {
                flip(&mut file.content, bit);
                let byte = (bit / 8) as usize;
                let synced = !file.unsynced.iter().any(|changed| changed.contains(&byte));
                if let Some(kept) = self.kept.get_mut(name).filter(|_| synced) {
                    flip(&mut kept.content, bit);
                }
                return;
            };
            bit = beyond;
        }
    }

    fn file(&self, path: &Path) -> io::Result<&File> {
        let missing =
            || io::Error::new(ErrorKind::NotFound, format!("{}: no such file", path.display()));
        self.files.get(name_of(path)?).ok_or_else(missing)
    }

    fn file_or_new(&mut self, path: &Path) -> io::Result<&mut File> {
        let name = name_of(path)?;
        Ok(self.files.entry(name.to_owned()).or_insert_with(|| {
            self.renamed.insert(name.to_owned());
            self.created += 1;
            File { number: self.created, content: Vec::new(), unsynced: Vec::new() }
        }))
    }
}

/// The name of a file in the only directory.
fn name_of(path: &Path) -> io::Result<&OsStr> {
    let is_here = |part: &Component<'_>| matches!(part, Component::RootDir | Component::CurDir);
    let mut parts = path.components().filter(|part| !is_here(part));
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) => Ok(name),
        _ => {
            let path = path.display();
            let message = format!("{path}: a simulated disk has files in `/`, and no directories");
            Err(io::Error::new(ErrorKind::NotFound, message))
        }
    }
}

/// Where the bytes end, if that is not too far.
fn check_size(offset: u64, bytes: &[u8]) -> io::Result<usize> {
    let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= MAX_FILE);
    end.map(|end| end as usize).ok_or_else(|| {
        let message = format!("a file on a simulated disk has at most {MAX_FILE} bytes");
        io::Error::new(ErrorKind::FileTooLarge, message)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn disk() -> Disk {
        Disk::default()
    }

    /// What files should be: each name's file has an identity, and contents.
    type Files = BTreeMap<&'static str, (usize, Vec<u8>)>;

    #[derive(Clone, Debug)]
    enum Step {
        Write(&'static str, Vec<u8>),
        WriteAt(&'static str, u64, Vec<u8>),
        Sync(&'static str),
        Remove(&'static str),
        Crash,
    }

    fn step() -> impl Strategy<Value = Step> {
        let name = || prop::sample::select(vec!["a", "b", "c"]);
        let bytes = || prop::collection::vec(1u8.., 0..6);
        prop_oneof![
            (name(), bytes()).prop_map(|(name, bytes)| Step::Write(name, bytes)),
            (name(), 0u64..12, bytes())
                .prop_map(|(name, at, bytes)| Step::WriteAt(name, at, bytes)),
            (name(), 0u64..12, bytes())
                .prop_map(|(name, at, bytes)| Step::WriteAt(name, at, bytes)),
            name().prop_map(Step::Sync),
            name().prop_map(Step::Sync),
            name().prop_map(Step::Remove),
            Just(Step::Crash),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2000,
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::default()
        })]

        #[test]
        fn files_are_what_was_written_and_after_a_crash_what_was_synced(
            steps in prop::collection::vec(step(), 0..40),
        ) {
            let mut disk = disk();
            let (mut seen, mut kept) = (Files::new(), Files::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Write(name, bytes) => {
                        disk.write(Path::new(name), &bytes).unwrap();
                        seen.entry(name).or_insert((number, Vec::new())).1 = bytes;
                    }
                    Step::WriteAt(name, offset, bytes) => {
                        disk.write_at(Path::new(name), offset, &bytes).unwrap();
                        let content = &mut seen.entry(name).or_insert((number, Vec::new())).1;
                        let end = offset as usize + bytes.len();
                        if content.len() < end && !bytes.is_empty() {
                            content.resize(end, 0);
                        }
                        if !bytes.is_empty() {
                            content[offset as usize..end].copy_from_slice(&bytes);
                        }
                    }
                    Step::Sync(name) => {
                        disk.sync(Path::new(name)).unwrap();
                        kept.retain(|name, _| seen.contains_key(name));
                        for (name, (identity, _)) in &seen {
                            let file = kept.entry(name).or_insert((*identity, Vec::new()));
                            if file.0 != *identity {
                                *file = (*identity, Vec::new());
                            }
                        }
                        if let Some(file) = seen.get(name) {
                            kept.insert(name, file.clone());
                        }
                    }
                    Step::Remove(name) => {
                        let removed = disk.remove(Path::new(name)).is_ok();
                        prop_assert_eq!(removed, seen.remove(name).is_some());
                    }
                    Step::Crash => {
                        disk.crash();
                        seen = kept.clone();
                    }
                }
                for name in ["a", "b", "c"] {
                    let expected = seen.get(name).map(|(_, content)| content);
                    let read = disk.read(Path::new(name));
                    prop_assert_eq!(read.as_ref().ok(), expected, "{} after step {}", name, number);
                    let mut part = [9; 4];
                    let read = disk.read_at(Path::new(name), 3, &mut part).ok();
                    let expected = expected.map(|content| content.get(3..).unwrap_or_default());
                    let length = expected.map(|rest| rest.len().min(4));
                    prop_assert_eq!(read, length);
                    let length = length.unwrap_or(0);
                    prop_assert_eq!(&part[..length], &expected.unwrap_or_default()[..length]);
                }
            }
        }
    }

    #[test]
    fn any_bit_may_flip_in_the_order_of_the_names() {
        let mut disk = disk();
        disk.write(Path::new("b"), &[0; 3]).unwrap();
        disk.write(Path::new("c"), &[]).unwrap();
        disk.write(Path::new("d"), &[0; 2]).unwrap();
        disk.write(Path::new("a"), &[0]).unwrap();
        disk.write(Path::new("gone"), &[0]).unwrap();
        disk.sync(Path::new("b")).unwrap();
        disk.remove(Path::new("gone")).unwrap();
        assert_eq!(disk.stored(), 6);
        for bit in 0..6 * 8 {
            disk.flip(bit);
            let all: Vec<u8> = ["a", "b", "c", "d"]
                .iter()
                .flat_map(|name| disk.read(Path::new(name)).unwrap())
                .collect();
            let mut expected = [0; 6];
            expected[bit as usize / 8] = 1 << (bit % 8);
            assert_eq!(all, expected);
            disk.flip(bit);
        }
        disk.flip(6 * 8);
        assert_eq!(disk.read(Path::new("d")).unwrap(), [0; 2], "there is no such bit");
    }

    #[test]
    fn a_flipped_bit_outlasts_a_crash_as_the_byte_does_in_which_it_is() {
        let file = Path::new("file");
        let synced = |bytes: &[u8]| {
            let mut disk = disk();
            disk.write(file, bytes).unwrap();
            disk.sync(file).unwrap();
            disk
        };
        let after_crash = |mut disk: Disk| {
            disk.crash();
            let once = disk.read(file).unwrap();
            disk.crash();
            assert_eq!(disk.read(file).unwrap(), once);
            once
        };

        let mut disk = synced(&[1, 2, 3]);
        disk.flip(8);
        disk.flip(9);
        assert_eq!(after_crash(disk), [1, 1, 3], "of what was synced");

        let mut disk = synced(&[1, 2, 3]);
        disk.write_at(file, 1, &[7]).unwrap();
        disk.flip(8);
        assert_eq!(disk.read(file).unwrap(), [1, 6, 3]);
        assert_eq!(after_crash(disk), [1, 2, 3], "of what was not");

        let mut disk = synced(&[1, 2, 3]);
        disk.write_at(file, 1, &[7]).unwrap();
        disk.flip(8);
        disk.sync(file).unwrap();
        assert_eq!(after_crash(disk), [1, 6, 3], "of what was synced later");

        let mut disk = synced(&[1, 2, 3]);
        disk.flip(8);
        disk.write_at(file, 1, &[7]).unwrap();
        assert_eq!(disk.read(file).unwrap(), [1, 7, 3]);
        assert_eq!(after_crash(disk), [1, 3, 3], "what was written over it was lost");

        let mut disk = synced(&[1, 2, 3]);
        disk.flip(8);
        disk.write_at(file, 1, &[2]).unwrap();
        disk.sync(file).unwrap();
        assert_eq!(after_crash(disk), [1, 2, 3], "what was written over it was synced");

        let mut disk = synced(&[1, 2, 3]);
        disk.flip(8);
        disk.remove(file).unwrap();
        disk.sync(file).unwrap();
        disk.crash();
        assert!(disk.read(file).is_err(), "the file was removed");
    }

    #[test]
    fn paths_and_sizes_that_no_disk_has_are_errors() {
        let mut disk = disk();
        disk.write(Path::new("./x"), b"1").unwrap();
        assert_eq!(disk.read(Path::new("/x")).unwrap(), b"1");
        for path in ["", "/", ".", "..", "a/b", "/tmp/x", "../x"] {
            let path = Path::new(path);
            assert_eq!(disk.write(path, b"1").unwrap_err().kind(), ErrorKind::NotFound);
            assert!(disk.write_at(path, 0, b"1").is_err() && disk.sync(path).is_err());
            assert!(disk.read(path).is_err() && disk.read_at(path, 0, &mut [0]).is_err());
            assert!(disk.remove(path).is_err());
        }
        assert_eq!(disk.read(Path::new("y")).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(disk.remove(Path::new("y")).unwrap_err().kind(), ErrorKind::NotFound);
        for offset in [MAX_FILE, u64::MAX] {
            let error = disk.write_at(Path::new("x"), offset, b"1").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        }
        assert_eq!(disk.stored(), 1);
    }
}
