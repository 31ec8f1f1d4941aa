//! The text that is compiled: a file and those it includes, one behind the other, so that a place in any
//! of them is one number.

use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

/// The longest text of a file and all that it includes, in bytes. The largest interfaces in use have
/// some 100,000.
pub(crate) const MAX_LENGTH: usize = 1 << 20;

/// A place: bytes from the start of all files.
pub(crate) type Span = Range<usize>;

/// Every file that was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    text: String,
    files: Vec<File>,
}

#[derive(Clone, Debug)]
struct File {
    name: String,
    start: usize,
    end: usize,
}

impl Sources {
    /// Adds a file, and says where it begins.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> usize {
        let start = self.text.len();
        self.text.push_str(text);
        self.files.push(File { name: name.to_owned(), start, end: self.text.len() });
        // The end of a file is then a place of its own.
        self.text.push('\n');
        start
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// The end of the first file.
    pub(crate) fn first_end(&self) -> usize {
        self.files.first().map_or(0, |file| file.end)
    }

    /// The file that a place is in: its name, where it begins, and its text.
    pub(crate) fn file_of(&self, place: usize) -> (&str, usize, &str) {
        let after = self.files.partition_point(|file| file.start <= place);
        match self.files.get(after.saturating_sub(1)) {
            Some(file) => (&file.name, file.start, &self.text[file.start..file.end]),
            None => ("", 0, ""),
        }
    }
}

/// Reads a file, but no more of it than tells that it is too long.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_LENGTH as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_file_is_in_it() {
        let mut sources = Sources::default();
        assert_eq!(sources.add("a.x", "abc"), 0);
        assert_eq!(sources.add("b.x", "de"), 4);
        assert_eq!(sources.file_of(3), ("a.x", 0, "abc"));
        assert_eq!(sources.file_of(4), ("b.x", 4, "de"));
        assert_eq!(sources.file_of(99), ("b.x", 4, "de"));
    }
}
