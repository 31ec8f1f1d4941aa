//! The disk of a simulated host: what was not synced is lost in a crash. The only file that uses
//! turmoil-fs.
//!
//! turmoil-fs 0.1 keeps changes in a list until they are synced, apart for contents and names, and
//! mixes up what was before and after a file was cut short or removed. Hence the order of things in
//! `sync`, `write_at` and `remove`.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

use turmoil_fs::Fs;
use turmoil_fs::shim::std::fs::{self as files, OpenOptions};

use crate::stream::Stream;

/// The largest file on a simulated disk, bytes: as much as the largest payload of a workload.
pub const MAX_FILE: u64 = 64 << 20;

/// One host's disk: files in one directory.
pub(crate) struct Disk {
    fs: Fs,
    /// Every name that a file has had; not all of them are still there.
    names: BTreeSet<PathBuf>,
    flips: Vec<Flip>,
}

/// A byte that was changed behind the host's back, and that the host has not synced since.
struct Flip {
    name: PathBuf,
    offset: u64,
    before: u8,
    after: u8,
}

impl Disk {
    /// The empty disk of a host.
    pub fn new(seed: u64, host: &str) -> Self {
        let mut draw = Stream::new(seed, &["disk", host]).draw(0);
        let fs = Fs::builder().seed(rand::Rng::next_u64(&mut draw)).build();
        Disk { fs, names: BTreeSet::new(), flips: Vec::new() }
    }

    /// Reads a whole file.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let _entered = self.fs.enter();
        files::read(name_of(path)?)
    }

    /// Reads what fits into `buffer`, and says how much it was; less only at the end of the file.
    pub fn read_at(&self, path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let _entered = self.fs.enter();
        let file = OpenOptions::new().read(true).open(name_of(path)?)?;
        file.read_at(buffer, offset)
    }

    /// Makes `bytes` the content of a file.
    pub fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let name = name_of(path)?;
        check_size(0, bytes)?;
        let _entered = self.fs.enter();
        files::write(&name, bytes)?;
        self.names.insert(name);
        Ok(())
    }

    /// Writes into a file from `offset` on; what lies between its end and that becomes zero.
    pub fn write_at(&mut self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let name = name_of(path)?;
        check_size(offset, bytes)?;
        let _entered = self.fs.enter();
        let file = OpenOptions::new().write(true).create(true).open(&name)?;
        self.names.insert(name);
        let end = file.metadata()?.len();
        if end < offset && !bytes.is_empty() {
            // Left to turmoil-fs, what the file held before it was cut short would show there.
            file.write_all_at(&vec![0; (offset - end) as usize], end)?;
        }
        file.write_all_at(bytes, offset)
    }

    /// Makes a file's content, its name, or that it was removed, outlast a crash.
    pub fn sync(&mut self, path: &Path) -> io::Result<()> {
        let name = name_of(path)?;
        let _entered = self.fs.enter();
        // The names first: the removal of an earlier file of this name would take the content along.
        files::sync_dir("/")?;
        if files::exists(&name) {
            OpenOptions::new().write(true).open(&name)?.sync_all()?;
        }
        self.flips.retain(|flip| flip.name != name);
        Ok(())
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &Path) -> io::Result<()> {
        let name = name_of(path)?;
        let _entered = self.fs.enter();
        // So that a later file of this name does not begin with this one's content.
        OpenOptions::new().write(true).open(&name)?.set_len(0)?;
        files::remove_file(&name)
    }

    /// Takes away what was not synced.
    pub fn crash(&mut self) {
        self.fs.crash();
        // A flipped byte was written over the right one, and now that is back.
        for flip in std::mem::take(&mut self.flips) {
            let mut byte = [0];
            let read = self.read_at(&flip.name, flip.offset, &mut byte);
            if read.is_ok_and(|length| length == 1) && byte[0] == flip.before {
                self.overwrite(&flip.name, flip.offset, flip.after);
                // It is the only change there is.
                drop(self.sync(&flip.name));
            }
        }
    }

    /// How many bytes all files hold.
    pub fn stored(&self) -> u64 {
        self.lengths().iter().map(|(_, length)| length).sum()
    }

    /// Flips a bit of what is stored, counted from the first byte of the first file in the order of
    /// their names, the least significant bit of each byte first.
    pub fn flip(&mut self, bit: u64) {
        let mut offset = bit / 8;
        let mut files = self.lengths().into_iter();
        let found = files.find(|(_, length)| {
            let is_here = offset < *length;
            offset -= if is_here { 0 } else { *length };
            is_here
        });
        let Some(name) = found.map(|(name, _)| name.to_owned()) else { return };
        let mut byte = [0];
        if self.read_at(&name, offset, &mut byte).is_ok_and(|length| length == 1) {
            let [before] = byte;
            let after = before ^ 1 << (bit % 8);
            self.overwrite(&name, offset, after);
            self.flips.push(Flip { name, offset, before, after });
        }
    }

    /// The files in the order of their names, with their lengths in bytes.
    fn lengths(&self) -> Vec<(&Path, u64)> {
        let _entered = self.fs.enter();
        let length = |name: &PathBuf| files::metadata(name).ok().map(|file| file.len());
        self.names.iter().filter_map(|name| Some((name.as_path(), length(name)?))).collect()
    }

    fn overwrite(&mut self, name: &Path, offset: u64, byte: u8) {
        let _entered = self.fs.enter();
        let file = OpenOptions::new().write(true).open(name);
        drop(file.and_then(|file| file.write_all_at(&[byte], offset)));
    }
}

/// The name of a file in the only directory.
fn name_of(path: &Path) -> io::Result<PathBuf> {
    let is_here = |part: &Component<'_>| matches!(part, Component::RootDir | Component::CurDir);
    let mut parts = path.components().filter(|part| !is_here(part));
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) => Ok(Path::new("/").join(name)),
        _ => {
            let path = path.display();
            let message = format!("{path}: a simulated disk has files in `/`, and no directories");
            Err(io::Error::new(ErrorKind::NotFound, message))
        }
    }
}

fn check_size(offset: u64, bytes: &[u8]) -> io::Result<()> {
    let end = offset.checked_add(bytes.len() as u64);
    match end.is_some_and(|end| end <= MAX_FILE) {
        true => Ok(()),
        false => {
            let message = format!("a file on a simulated disk has at most {MAX_FILE} bytes");
            Err(io::Error::new(ErrorKind::FileTooLarge, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn disk() -> Disk {
        Disk::new(1, "server")
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
