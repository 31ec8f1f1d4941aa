//! The text in which something is wrong: a file and those it includes, one behind the other, so that a
//! place in any of them is one number.

use std::ops::Range;

/// A place: bytes from the start of the file, or of all files.
pub type Span = Range<usize>;

/// Every file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    text: String,
    files: Vec<File>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    name: String,
    start: usize,
    end: usize,
}

impl Sources {
    /// One file.
    pub fn one(name: &str, text: &str) -> Self {
        let mut sources = Sources::default();
        sources.add(name, text);
        sources
    }

    /// Adds a file, and says where it begins.
    pub fn add(&mut self, name: &str, text: &str) -> usize {
        let start = self.text.len();
        self.text.push_str(text);
        self.files.push(File { name: name.to_owned(), start, end: self.text.len() });
        // The end of a file is then a place of its own.
        self.text.push('\n');
        start
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// True if no file was added.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The end of the first file.
    pub fn first_end(&self) -> usize {
        self.files.first().map_or(0, |file| file.end)
    }

    /// Which file a place is in, by number.
    pub(crate) fn file_of(&self, place: usize) -> usize {
        self.files.partition_point(|file| file.start <= place).saturating_sub(1)
    }

    /// All files: name, where it begins, text.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, usize, &str)> {
        let text = |file: &File| &self.text[file.start..file.end];
        self.files.iter().map(move |file| (file.name.as_str(), file.start, text(file)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_file_is_in_it() {
        let mut sources = Sources::default();
        assert_eq!(sources.add("a.x", "abc"), 0);
        assert_eq!(sources.add("b.x", "de"), 4);
        assert_eq!([3, 4, 99].map(|place| sources.file_of(place)), [0, 1, 1]);
        let files: Vec<_> = sources.files().collect();
        assert_eq!(files, [("a.x", 0, "abc"), ("b.x", 4, "de")]);
    }
}
