//! The events on their way to Node: one bounded buffer of records, and one doorbell that is rung once until Node drains.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use midwire_wire::event::{Event, Rise};

use crate::messages::{self, event};

/// The most bytes of records that wait for Node. Beyond it TCP data stays in the receive buffers, and datagrams are
/// dropped. Openings, ends and resets are never lost: they are added all the same, and the number of flows bounds
/// theirs.
const CAPACITY: usize = 4 << 20;
/// The most log lines that wait for Node. Beyond it lines are dropped and counted.
const LOG_CAPACITY: usize = 1024;

/// The function that wakes Node's thread.
pub type Doorbell = Box<dyn Fn() + Send>;

pub struct Outbox {
    inner: Mutex<Inner>,
    logs: Mutex<Logs>,
}

#[derive(Default)]
struct Inner {
    records: Vec<u8>,
    /// The bytes of records that Node has taken already.
    taken: usize,
    /// True where Node was rung, or is draining, and will look again by itself.
    awake: bool,
    /// True where an event had no room: the drain that makes room has to tell the task.
    starved: bool,
    doorbell: Option<Doorbell>,
}

#[derive(Default)]
struct Logs {
    lines: VecDeque<(u32, String, String)>,
    dropped: u64,
}

/// The result of a drain.
pub struct Drained {
    pub bytes: usize,
    /// True where the task has to be told that there is room again.
    pub starved: bool,
}

impl Outbox {
    pub fn new(doorbell: Doorbell) -> Self {
        Outbox {
            inner: Mutex::new(Inner {
                doorbell: Some(doorbell),
                ..Inner::default()
            }),
            logs: Mutex::default(),
        }
    }

    /// Opens the outbox for one turn of the engine. `Rising::ring` rings the doorbell at the end if Node sleeps.
    pub fn open(&self) -> Rising<'_> {
        Rising {
            inner: self.lock(),
            outbox: self,
        }
    }

    /// Called when Node is about to drain, so that events from now on ring no bell.
    pub fn attend(&self) {
        self.lock().awake = true;
    }

    /// Fills Node's slab with whole records.
    pub fn drain(&self, slab: &mut [u8]) -> Drained {
        let mut inner = self.lock();
        self.move_logs(&mut inner);
        let waiting = &inner.records[inner.taken..];
        let bytes = messages::whole(waiting, slab.len());
        slab[..bytes].copy_from_slice(&waiting[..bytes]);
        inner.taken += bytes;
        if inner.taken == inner.records.len() {
            inner.records.clear();
            inner.taken = 0;
        }
        // Node calls again until a drain is empty, so it has to be rung only after that. With an empty slab Node passes
        // commands between two drains, and calls again, too.
        if !slab.is_empty() {
            inner.awake = bytes > 0;
        }
        let starved = inner.starved && inner.records.len() < CAPACITY / 2;
        if starved {
            inner.starved = false;
        }
        Drained { bytes, starved }
    }

    /// Adds a line for the log hook, or drops and counts it when too many wait. May be called with any other lock held.
    pub fn log(&self, level: u32, target: &str, message: String) {
        let mut logs = lock(&self.logs);
        if logs.lines.len() >= LOG_CAPACITY {
            logs.dropped += 1;
        } else {
            logs.lines.push_back((level, target.to_owned(), message));
        }
    }

    /// Adds the last event, then rings the doorbell and drops it, so that Node may exit.
    pub fn finish(&self, died: Option<&str>) {
        let mut inner = self.lock();
        self.move_logs(&mut inner);
        if let Some(reason) = died {
            messages::push(&mut inner.records, event::DIED, 0, &[reason.as_bytes()]);
        }
        messages::push(&mut inner.records, event::STOPPED, 0, &[]);
        if let Some(doorbell) = inner.doorbell.take() {
            doorbell();
        }
    }

    fn move_logs(&self, inner: &mut Inner) {
        let mut logs = lock(&self.logs);
        if logs.dropped > 0 {
            let message = format!("{} log lines were dropped", logs.dropped);
            logs.dropped = 0;
            logs.lines.push_back((2, "midwire".to_owned(), message));
        }
        while let Some((level, target, message)) = logs.lines.pop_front() {
            let (level, length) = (level.to_le_bytes(), (target.len() as u32).to_le_bytes());
            let parts: [&[u8]; 4] = [&level, &length, target.as_bytes(), message.as_bytes()];
            messages::push(&mut inner.records, event::LOG, 0, &parts);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

/// Locks in spite of poison: a panic elsewhere is reported through this very outbox.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The outbox, open for one turn.
pub struct Rising<'a> {
    inner: MutexGuard<'a, Inner>,
    outbox: &'a Outbox,
}

impl Rising<'_> {
    /// Closes the outbox, and rings the doorbell if Node sleeps and there are events.
    pub fn ring(mut self) {
        self.outbox.move_logs(&mut self.inner);
        let inner = &mut *self.inner;
        if inner.awake || inner.records.is_empty() {
            return;
        }
        if let Some(doorbell) = &inner.doorbell {
            doorbell();
            inner.awake = true;
        }
    }

    pub fn starve(&mut self) {
        self.inner.starved = true;
    }
}

impl Rise for Rising<'_> {
    fn room(&self) -> usize {
        CAPACITY.saturating_sub(self.inner.records.len())
    }

    fn rise(&mut self, what: Event<'_>) {
        let records = &mut self.inner.records;
        match what {
            Event::Opened {
                id,
                peer,
                source,
                destination,
                held,
            } => {
                let header = messages::address_header(peer, held, source, destination);
                messages::push(records, event::OPENED, id, &[&header]);
            }
            Event::Connected { id } => messages::push(records, event::CONNECTED, id, &[]),
            Event::Data { id, bytes } => messages::push(records, event::DATA, id, &[bytes]),
            Event::End { id } => messages::push(records, event::END, id, &[]),
            Event::Reset { id, reason } => {
                messages::push(records, event::RESET, id, &[&(reason as u32).to_le_bytes()]);
            }
            Event::Writable { id, bytes } => messages::push(records, event::WRITABLE, id, &[&bytes.to_le_bytes()]),
            Event::Closed { id } => messages::push(records, event::CLOSED, id, &[]),
            Event::Datagram {
                flow,
                peer,
                source,
                destination,
                bytes,
            } => {
                let header = messages::address_header(peer, false, source, destination);
                messages::push(records, event::DATAGRAM, flow, &[&header, bytes]);
            }
            Event::DatagramExpired { flow } => messages::push(records, event::DATAGRAM_EXPIRED, flow, &[]),
            Event::Icmp {
                peer,
                source,
                destination,
                bytes,
            } => {
                let header = messages::address_header(peer, false, source, destination);
                messages::push(records, event::ICMP, 0, &[&header, bytes]);
            }
        }
    }
}
