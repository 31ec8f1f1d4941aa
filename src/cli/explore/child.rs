//! A worker process, seen from the one that started it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use squall_sim::sweep::Seeds;

use super::job::{At, Job, Said};

/// The hidden subcommand that makes a process a worker.
pub(in crate::cli) const WORKER: &str = "explore-worker";

/// What comes from a worker.
pub(super) enum News {
    Said(Said),
    /// It has closed its output: it is gone, or about to be.
    Gone,
}

/// A worker process.
pub(super) struct Worker {
    child: Child,
    /// `None` once it is not to be told anything more.
    stdin: Option<ChildStdin>,
    /// Seeds that it was given and has not come back with, by the first of each range.
    pub given: BTreeMap<u64, Seeds>,
    /// Where it said last that it is, by the first seed of each range.
    at: BTreeMap<u64, At>,
    /// Ranges that it may have at a time.
    room: usize,
    /// True if it is given one seed at a time, to find out which one ends it.
    pub careful: bool,
    last_words: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
}

/// Bytes of a worker's last words that are kept.
const WORDS: usize = 4096;

impl Worker {
    /// Starts a worker. What it says goes to `news`, with its number.
    pub fn start(
        job: &Job,
        careful: bool,
        number: usize,
        news: &Sender<(usize, News)>,
    ) -> io::Result<Self> {
        let threads = if careful { 1 } else { job.threads };
        let mut job = job.clone();
        job.threads = threads;
        let mut child = Command::new(std::env::current_exe()?)
            .arg(WORKER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let last_words = Arc::new(Mutex::new(Vec::new()));
        let listener = child.stderr.take().map(|stderr| {
            let words = Arc::clone(&last_words);
            std::thread::spawn(move || listen(stderr, &words))
        });
        if let Some(stdout) = child.stdout.take() {
            let news = news.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    // Host software may print, too.
                    if let Ok(said) = serde_json::from_str(&line) {
                        let _ = news.send((number, News::Said(said)));
                    }
                }
                let _ = news.send((number, News::Gone));
            });
        }
        let mut worker = Worker {
            stdin: child.stdin.take(),
            child,
            given: BTreeMap::new(),
            at: BTreeMap::new(),
            room: if careful { 1 } else { threads * 2 },
            careful,
            last_words,
            listener,
        };
        worker.tell(&serde_json::to_string(&job).map_err(io::Error::other)?);
        Ok(worker)
    }

    fn tell(&mut self, line: &str) {
        // One that is gone says so itself.
        let told = self.stdin.as_mut().map(|stdin| writeln!(stdin, "{line}"));
        if told.is_some_and(|told| told.is_err()) {
            self.stdin = None;
        }
    }

    /// Gives it seeds to run.
    pub fn give(&mut self, seeds: Seeds) {
        self.given.insert(seeds.first, seeds);
        self.tell(&seeds.to_string());
    }

    /// True if it may be given more.
    pub fn has_room(&self) -> bool {
        self.given.len() < self.room
    }

    /// Notes where it says that it is: in ranges that it is not done with.
    pub fn beat(&mut self, places: &[At]) {
        let open = places.iter().filter(|at| self.given.contains_key(&at.first));
        self.at = open.map(|at| (at.first, *at)).collect();
    }

    /// It is done with the range that begins with this seed.
    pub fn is_done(&mut self, first: u64) {
        self.given.remove(&first);
        self.at.remove(&first);
    }

    /// How many seeds it has run of those that it was given.
    pub fn seeds_done(&self) -> u64 {
        self.at.values().map(|at| at.seed.saturating_sub(at.first)).sum()
    }

    /// The seed at which it said that it has been for longer than `timeout`. What it says later than that
    /// does not count: it may be elsewhere by now.
    pub fn stuck(&self, timeout: Duration) -> Option<u64> {
        let stuck = |at: &&At| Duration::from_millis(at.millis) > timeout;
        self.at.values().find(stuck).map(|at| at.seed)
    }

    /// Ends it, and says how it ended.
    pub fn end(&mut self) -> Option<ExitStatus> {
        self.stdin = None;
        let _ = self.child.kill();
        self.child.wait().ok()
    }

    /// How it ended by itself, in words that do not depend on when and where.
    pub fn what_ended_it(&mut self, max_memory: u64) -> String {
        self.stdin = None;
        let status = self.child.wait().ok();
        // All that it said is there once nobody says any more.
        let _ = self.listener.take().map(JoinHandle::join);
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let words = String::from_utf8_lossy(&words);
        if words.contains("has overflowed its stack") {
            return "the run overflowed its stack".to_owned();
        }
        if words.contains("memory allocation of") {
            let most = max_memory >> 20;
            return format!("the run took more memory than --max-memory allows, {most} MiB");
        }
        match status {
            Some(status) => format!("the run ended its process: {}", describe(status)),
            None => "the run ended its process".to_owned(),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// Keeps the end of what somebody says.
fn listen(mut from: impl Read, words: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(&buffer[..length]);
        let over = words.len().saturating_sub(WORDS);
        words.drain(..over);
    }
}

#[cfg(unix)]
fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    let name = match status.signal() {
        None => return status.to_string(),
        Some(4) => "SIGILL",
        Some(6) => "SIGABRT",
        Some(7) => "SIGBUS",
        Some(8) => "SIGFPE",
        Some(9) => "SIGKILL",
        Some(11) => "SIGSEGV",
        Some(15) => "SIGTERM",
        Some(number) => return format!("signal {number}"),
    };
    name.to_owned()
}

#[cfg(not(unix))]
fn describe(status: ExitStatus) -> String {
    status.to_string()
}
