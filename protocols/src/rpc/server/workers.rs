//! Who runs the calls: the receiving task, workers, or a task for each call.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use squall_sim::task;
use tokio::sync::Semaphore;

use super::{Job, Organization, Shared};

/// The workers of a server. They end when this is dropped.
pub(super) struct Workers {
    queue: Arc<Queue>,
}

/// Calls that wait for a worker.
struct Queue {
    waiting: Mutex<Waiting>,
    /// A permit for each of them; of one task per call, a permit for each that may yet begin.
    permits: Arc<Semaphore>,
}

struct Waiting {
    jobs: VecDeque<Job>,
    /// Workers without a call: each is about to take one of those that wait.
    idle: usize,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.permits.close();
    }
}

impl Workers {
    pub fn new(shared: &Arc<Shared>) -> Self {
        let room = shared.settings.queue.min(Semaphore::MAX_PERMITS);
        let (workers, permits) = match shared.settings.organization {
            Organization::Iterative => (0, 0),
            Organization::ThreadPool(workers) => (workers, 0),
            Organization::EventDriven { .. } => (0, room),
        };
        let permits = Arc::new(Semaphore::new(permits));
        let waiting = Mutex::new(Waiting { jobs: VecDeque::new(), idle: workers });
        let queue = Arc::new(Queue { waiting, permits });
        for _ in 0..workers {
            task::spawn(work(Arc::clone(&queue), Arc::clone(shared)));
        }
        Workers { queue }
    }

    /// Runs a call, or sees to it that it is run.
    pub async fn run(&self, shared: &Arc<Shared>, job: Job) {
        match shared.settings.organization {
            Organization::Iterative | Organization::EventDriven { blocks: true } => {
                shared.run(job).await;
            }
            Organization::ThreadPool(_) => {
                let mut waiting = self.queue.lock();
                let room = shared.settings.queue.saturating_add(waiting.idle);
                if waiting.jobs.len() < room {
                    waiting.jobs.push_back(job);
                    self.queue.permits.add_permits(1);
                    return;
                }
                drop(waiting);
                refuse(shared, &job);
            }
            Organization::EventDriven { blocks: false } => {
                let Ok(permit) = Arc::clone(&self.queue.permits).try_acquire_owned() else {
                    return refuse(shared, &job);
                };
                let shared = Arc::clone(shared);
                task::spawn(async move {
                    shared.run(job).await;
                    drop(permit);
                });
            }
        }
    }
}

/// There is no room for a call: the client will send it again.
fn refuse(shared: &Shared, job: &Job) {
    shared.lock().forget(&job.call.key);
    shared.outlet.reject_full();
}

async fn work(queue: Arc<Queue>, shared: Arc<Shared>) {
    while let Ok(permit) = queue.permits.acquire().await {
        permit.forget();
        let job = {
            let mut waiting = queue.lock();
            waiting.idle -= 1;
            waiting.jobs.pop_front()
        };
        if let Some(job) = job {
            shared.run(job).await;
        }
        queue.lock().idle += 1;
    }
}
