//! Files as they are read, with a bound on what one may have.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The longest text of a file and all that it includes, in bytes. The largest interfaces in use have
/// some 100,000.
pub(crate) const MAX_LENGTH: usize = 1 << 20;

/// Reads a file, but no more of it than tells that it is too long.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_LENGTH as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
