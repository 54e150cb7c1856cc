//! Shares one server between two threads: the thread that holds the engine's lock does the work.
//!
//! Node hands its commands over and takes events in one call. When the lock is free, Node's thread performs the
//! commands itself, down to the UDP socket: no other thread is woken. When the task holds the lock, the commands wait
//! in the inbox, and the task takes them before it releases the lock. So neither thread ever waits for the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use midwire_wire::Instant;
use tokio::sync::Notify;

use crate::engine::Engine;
use crate::outbox::Outbox;

/// The task is woken for a deadline that is nearer than its own by at least this.
const SLACK_MICROS: i64 = 1000;

pub struct Shared {
    /// `None` once the server has ended: then sockets, flows and buffers are dropped, too.
    engine: Mutex<Option<Engine>>,
    inbox: Mutex<Vec<u8>>,
    pub outbox: Arc<Outbox>,
    /// Wakes the task.
    pub notify: Notify,
    pub stopping: AtomicBool,
    panic: AtomicBool,
    /// The message of a panic on Node's thread, for which the task ends the server.
    failed: Mutex<Option<String>>,
    /// The time at which the task wakes by itself, in microseconds since the engine's epoch.
    armed: AtomicI64,
}

/// The events that the task has to wait for after a turn.
#[derive(Clone, Copy, Default)]
pub struct Next {
    pub at: Option<Instant>,
    pub blocked: Option<bool>,
}

impl Shared {
    pub fn new(engine: Engine, outbox: Arc<Outbox>) -> Self {
        Shared {
            engine: Mutex::new(Some(engine)),
            inbox: Mutex::default(),
            outbox,
            notify: Notify::new(),
            stopping: AtomicBool::new(false),
            panic: AtomicBool::new(false),
            failed: Mutex::default(),
            armed: AtomicI64::new(i64::MAX),
        }
    }

    /// Performs a turn of the task. `None` when the server has ended.
    pub fn turn(&self, work: impl FnOnce(&mut Engine, Instant)) -> Option<Next> {
        let mut next = {
            let mut guard = self.lock();
            let engine = guard.as_mut()?;
            let now = engine.now();
            #[expect(clippy::panic, reason = "a test asked for it")]
            if self.panic.load(Ordering::Acquire) {
                panic!("panicked for a test in a task");
            }
            work(engine, now);
            self.settle(engine)
        };
        // These commands came while the lock was held.
        while !self.inbox().is_empty() {
            let mut guard = self.lock();
            next = self.settle(guard.as_mut()?);
        }
        self.armed
            .store(next.at.map_or(i64::MAX, |at| at.total_micros()), Ordering::Relaxed);
        Some(next)
    }

    /// Takes Node's commands. Returns at once in any case.
    pub fn submit(&self, commands: &[u8]) {
        if commands.is_empty() {
            return;
        }
        let Some(mut guard) = self.try_lock() else {
            self.inbox().extend_from_slice(commands);
            // The holder of the lock may have emptied the inbox just before, so the lock is tried again.
            if let Some(mut guard) = self.try_lock() {
                self.work_here(&mut guard, &[]);
            }
            return;
        };
        self.work_here(&mut guard, commands);
    }

    /// Called when Node has made room in the outbox for events that had none.
    pub fn make_room(&self) {
        self.notify.notify_one();
    }

    /// Performs a call of Node's that needs the engine, and waits for the lock. Such calls are rare.
    pub fn with_engine<T>(&self, work: impl FnOnce(&mut Engine) -> T) -> Option<T> {
        let mut guard = self.lock();
        let result = work(guard.as_mut()?);
        self.work_here(&mut guard, &[]);
        Some(result)
    }

    /// Ends the server, and drops the engine with all that it holds. `died`: the reason, when the server was not asked
    /// to end.
    pub fn finish(&self, died: Option<&str>) {
        // After a panic the engine is dropped without a look at its state. A second panic, in the drop, must not
        // escape.
        let engine = self.lock().take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(engine)));
        self.outbox.finish(died);
    }

    fn work_here(&self, guard: &mut MutexGuard<'_, Option<Engine>>, commands: &[u8]) {
        let Some(engine) = guard.as_mut() else { return };
        let next = {
            self.take_inbox(engine);
            let now = engine.now();
            engine.handle_commands(now, commands);
            self.settle(engine)
        };
        let at = next.at.map_or(i64::MAX, |at| at.total_micros());
        let sooner = at.saturating_add(SLACK_MICROS) < self.armed.load(Ordering::Relaxed);
        if sooner || next.blocked.is_some() {
            self.notify.notify_one();
        }
    }

    /// Called when a call of Node's has panicked.
    pub fn fail(&self, reason: &str) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        self.notify.notify_one();
    }

    pub fn failure(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Makes the next turn of the task panic, for a test.
    pub fn panic_in_task(&self) {
        self.panic.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    fn settle(&self, engine: &mut Engine) -> Next {
        self.take_inbox(engine);
        let now = engine.now();
        engine.settle(now, &self.outbox);
        Next {
            at: engine.poll_timeout(now),
            blocked: engine.egress.blocked(),
        }
    }

    fn take_inbox(&self, engine: &mut Engine) {
        let commands = std::mem::take(&mut *self.inbox());
        if !commands.is_empty() {
            engine.handle_commands(engine.now(), &commands);
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Vec<u8>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the engine. A poisoned lock is that of an engine whose task has panicked; it is about to be dropped.
    fn lock(&self) -> MutexGuard<'_, Option<Engine>> {
        self.engine.lock().unwrap_or_else(|poisoned| {
            let mut guard = poisoned.into_inner();
            drop(guard.take());
            self.engine.clear_poison();
            guard
        })
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Option<Engine>>> {
        match self.engine.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Poisoned(_)) => Some(self.lock()),
        }
    }
}
