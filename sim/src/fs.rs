//! Files: on a simulated host, those of a disk of its own; elsewhere, those of the real file system,
//! through tokio.
//!
//! A simulated disk is empty at first, has files of at most [`MAX_FILE`] bytes in one directory, `/`,
//! in which relative paths start too, and takes no time. A crash takes away what was not synced; the
//! rest is there when the host restarts. On a host that has just crashed, no operation is ever ready.
//!
//! What a scenario's `corrupt-disk` flips in a file, no operation reports.

use std::io::{self, ErrorKind, SeekFrom};
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

pub use crate::world::MAX_FILE;

use crate::world::{self, Disk};

/// Reads a whole file.
///
/// # Errors
/// If there is no such file.
pub async fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let path = path.as_ref();
    match on_disk(|disk| disk.read(path)).await {
        Some(read) => read,
        None => tokio::fs::read(path).await,
    }
}

/// Makes `bytes` the content of a file, which is created if it is not there.
///
/// # Errors
/// If there is no such directory, or the file would be too large.
pub async fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let (path, bytes) = (path.as_ref(), bytes.as_ref());
    match on_disk(|disk| disk.write(path, bytes)).await {
        Some(written) => written,
        None => tokio::fs::write(path, bytes).await,
    }
}

/// Fills `buffer` from a file, from byte `offset` on. Gives the number of bytes read: fewer than asked
/// for if the file ends there.
///
/// # Errors
/// If there is no such file.
pub async fn read_at(path: impl AsRef<Path>, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let path = path.as_ref();
    if let Some(read) = on_disk(|disk| disk.read_at(path, offset, buffer)).await {
        return read;
    }
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(SeekFrom::Start(offset)).await?;
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

/// Writes all of `bytes` into a file, from byte `offset` on; the rest of it stays. The file is created
/// if it is not there, and bytes between its end and `offset` become zero.
///
/// # Errors
/// As [`write()`].
pub async fn write_at(path: impl AsRef<Path>, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    if let Some(written) = on_disk(|disk| disk.write_at(path, offset, bytes)).await {
        return written;
    }
    let mut options = tokio::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(false).open(path).await?;
    file.seek(SeekFrom::Start(offset)).await?;
    file.write_all(bytes).await?;
    file.flush().await
}

/// Makes what is now at `path` outlast a crash: the file with its content, or that it was removed. The
/// names of the directory's other files are kept with it, but not their content.
///
/// # Errors
/// If there is no such directory.
pub async fn sync(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    if let Some(synced) = on_disk(|disk| disk.sync(path)).await {
        return synced;
    }
    match tokio::fs::OpenOptions::new().write(true).open(path).await {
        Ok(file) => file.sync_all().await?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if cfg!(not(unix)) {
        // Only on Unix can a directory be opened and synced as a file is.
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    tokio::fs::File::open(parent.unwrap_or(Path::new("."))).await?.sync_all().await
}

/// Removes a file. If that is not synced, the file may be back after a crash.
///
/// # Errors
/// If there is no such file.
pub async fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    match on_disk(|disk| disk.remove(path)).await {
        Some(removed) => removed,
        None => tokio::fs::remove_file(path).await,
    }
}

/// Runs `f` once on the disk of the running host; `None` outside a simulation.
async fn on_disk<R>(f: impl FnOnce(&mut Disk) -> R) -> Option<R> {
    world::once(|world, host| f(world.disk(host))).await
}
