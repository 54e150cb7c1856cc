//! The one tokio runtime of the process: started with the first server, ended with the last.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

/// The threads of the runtime: two servers may be busy at once, and more threads would only take cores from Node and
/// others.
const WORKERS: usize = 2;

static RUNTIME: Mutex<Option<(Runtime, usize)>> = Mutex::new(None);

/// The runtime lives as long as any lease.
pub struct Lease {
    handle: Handle,
}

impl Lease {
    pub fn take() -> std::io::Result<Self> {
        let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((runtime, leases)) = runtime.as_mut() {
            *leases += 1;
            let handle = runtime.handle().clone();
            return Ok(Lease { handle });
        }
        let new = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("midwire")
            .enable_io()
            .enable_time()
            .build()?;
        let handle = new.handle().clone();
        *runtime = Some((new, 1));
        Ok(Lease { handle })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
        let last = match runtime.as_mut() {
            Some((_, leases)) => {
                *leases -= 1;
                *leases == 0
            }
            None => false,
        };
        // The last lease is dropped by the last task itself, so this cannot wait for the task's end.
        if last && let Some((ended, _)) = runtime.take() {
            ended.shutdown_background();
        }
    }
}
