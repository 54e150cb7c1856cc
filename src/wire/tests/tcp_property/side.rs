//! One side of a conversation: a machine, its memory, and an owner that writes, reads, pauses and closes as planned.

use std::net::SocketAddr;
use std::sync::LazyLock;

use midwire_wire::buffers::{HeapBuffers, Pool};
use midwire_wire::tcp::ROUNDING;
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::tcp::connection::{Config, Connection, State};
use midwire_wire::tcp::seq::Seq;
use midwire_wire::{Duration, Instant};

use super::plan::SidePlan;
use super::watcher::{Check, Watcher, ensure};
use crate::support::link::Link;

/// Memory that is always enough for both sides: the budget of a stack has tests of its own.
const BUDGET: usize = 64 << 20;

/// The bytes that are sent, in both directions but for a mask. No two places look alike over hundreds of bytes.
static SPEECH: LazyLock<Vec<u8>> = LazyLock::new(|| {
    (0..1_000_001u32)
        .map(|at| (at.wrapping_mul(0x9e37_79b1) >> 21) as u8)
        .collect()
});

pub struct Side {
    pub plan: SidePlan,
    pub address: SocketAddr,
    /// `None` until the SYN has come that the connection answers.
    pub connection: Option<Connection>,
    pub pool: Pool,
    pub watcher: Watcher,
    /// The link by which the side sends. The owner draws from the link's random numbers, too.
    pub out: Link,
    pub written: usize,
    pub read: usize,
    /// Bytes of this side that the other side has acknowledged.
    acknowledged: usize,
    /// Whether this side waits with its FIN for the other side's.
    pub closes_last: bool,
    pub finished: bool,
    write_at: Instant,
    read_at: Instant,
    next_pause: usize,
    /// The way out is shut until then.
    pub shut_until: Instant,
    /// The time at which the timer is served: the deadline, and a little more.
    pub timer: Option<(Instant, Instant)>,
}

impl Side {
    pub fn new(plan: SidePlan, address: SocketAddr, seed: u64, closes_last: bool) -> Self {
        let faults = plan.faults.faults();
        Side {
            address,
            connection: None,
            pool: Pool::new(Box::new(HeapBuffers), BUDGET),
            watcher: Watcher::default(),
            out: Link::new(seed, faults),
            written: 0,
            read: 0,
            acknowledged: 0,
            closes_last,
            finished: false,
            write_at: Instant::ZERO,
            read_at: Instant::ZERO,
            next_pause: 0,
            shut_until: Instant::ZERO,
            timer: None,
            plan,
        }
    }

    pub fn config(&self) -> Config {
        Config {
            mtu: self.plan.mtu,
            headers: if self.address.is_ipv4() { 40 } else { 60 },
            max_window: self.plan.max_window,
            congestion: self.plan.congestion,
            iss: Seq(self.plan.iss),
            clock: self.plan.clock,
        }
    }

    /// True when no bytes are left to send or to receive.
    pub fn is_over(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| {
            matches!(connection.state(), State::TimeWait | State::Closed) && connection.readable() == 0
        })
    }

    /// Performs the owner's next actions.
    pub fn act(&mut self, now: Instant, other: &SidePlan) -> Check {
        self.read(now, other)?;
        self.write(now);
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        let read_all = connection.has_finished() && connection.readable() == 0;
        if self.written == self.plan.bytes && !self.finished && (read_all || !self.closes_last) {
            self.finished = true;
            connection.finish();
        }
        Ok(())
    }

    fn write(&mut self, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        while now >= self.write_at && self.written < self.plan.bytes && connection.state() != State::Closed {
            let room = connection.capacity(&self.pool).saturating_sub(connection.queued());
            let wish = 1 + self.out.next() as usize % self.plan.write;
            let length = wish.min(room).min(self.plan.bytes - self.written);
            if length == 0 {
                return;
            }
            let bytes = &SPEECH[self.written..self.written + length];
            assert!(connection.write(bytes, &mut self.pool), "the heap has memory");
            self.written += length;
            if self.out.chance(self.plan.hesitation) {
                self.write_at = now + Duration::from_micros(1 + self.out.next() % 20_000);
            }
        }
    }

    fn read(&mut self, now: Instant, other: &SidePlan) -> Check {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        while connection.readable() > 0 {
            if let Some((at, time)) = self.plan.pauses.get(self.next_pause)
                && self.read * 1000 >= at * other.bytes
            {
                self.next_pause += 1;
                self.read_at = self.read_at.max(now + Duration::from_millis(*time));
            }
            if now < self.read_at {
                break;
            }
            let there = connection.peek();
            let length = there.len().min(1 + self.out.next() as usize % self.plan.read);
            let expected = SPEECH.get(self.read..self.read + length);
            ensure(expected == Some(&there[..length]), || {
                format!(
                    "what came is not what was said, in {length} bytes from {} on",
                    self.read
                )
            })?;
            connection.consume(length, &mut self.pool);
            self.read += length;
        }
        ensure(self.read <= other.bytes, || "more came than was said".into())
    }

    /// Checks the connection as the owner sees it from outside.
    pub fn check(&mut self, other: &SidePlan) -> Check {
        let Some(connection) = &self.connection else {
            return Ok(());
        };
        let acknowledged = self.written - connection.queued();
        ensure(acknowledged >= self.acknowledged, || "SND.UNA moved back".into())?;
        self.acknowledged = acknowledged;
        let readable = connection.readable();
        ensure(readable <= self.plan.max_window + ROUNDING, || {
            format!("{readable} bytes wait for a window of {}", self.plan.max_window)
        })?;
        ensure(
            !connection.has_finished() || self.read + connection.readable() == other.bytes,
            || "the end came before all that was said".into(),
        )
    }

    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let Some(connection) = &self.connection else {
            return None;
        };
        let writes = (self.written < self.plan.bytes && self.write_at > now).then_some(self.write_at);
        let reads = (connection.readable() > 0).then_some(self.read_at);
        let shut = (self.shut_until > now).then_some(self.shut_until);
        let timer = self.timer.map(|(_, served)| served);
        [writes, reads, shut, timer, self.out.next_arrival()]
            .into_iter()
            .flatten()
            .min()
    }

    pub fn describe(&self) -> String {
        let state = self.connection.as_ref().map(|connection| {
            (
                connection.state(),
                connection.end(),
                connection.queued(),
                connection.readable(),
                connection.poll_timeout(),
            )
        });
        let pace = if self.plan.congestion == Algorithm::Bbr {
            "bbr"
        } else {
            "cubic"
        };
        format!(
            "{pace}: (state, end, queued, readable, timeout) {state:?}, written {} of {}, read {}",
            self.written, self.plan.bytes, self.read
        )
    }
}
