//! The sending half of a connection: what waits, what is in flight, and when something is to leave.
//!
//! `acknowledge.rs` takes ACKs in, `loss.rs` finds and repairs losses, `transmit.rs` says what leaves next.

use super::congestion::{Algorithm, Congestion, Phase};
use super::queue::ByteQueue;
use super::rack::{Mark, Rack};
use super::rate::Rate;
use super::rtt::Rtt;
use super::scoreboard::Scoreboard;
use super::seq::Seq;
use crate::buffers::Pool;
use crate::{Duration, Instant};

mod acknowledge;
mod loss;
mod transmit;

pub use acknowledge::Verdict;
pub use transmit::Poll;

/// Data that is not acknowledged for so long, however often it is sent, has no reader (Linux gives up after about as
/// long: tcp_retries2).
pub const USER_TIMEOUT: Duration = Duration::from_secs(900);
/// A send queue never takes less from its owner.
pub const INITIAL_CAPACITY: usize = 256 * 1024;

pub struct Sender {
    /// SND.UNA, SND.NXT. The latter never moves back: what is sent again is found on the scoreboard.
    pub una: Seq,
    pub nxt: Seq,
    /// The number of the queue's first byte.
    front: Seq,
    queue: ByteQueue,
    /// A FIN follows the queue's last byte.
    finishing: bool,
    /// SND.WND in bytes, the largest ever seen, and the segment that it came with (SND.WL1).
    window: u32,
    max_window: u32,
    window_from: Seq,
    /// The other side's window counts in units of 2 to this power (RFC 7323, 2).
    pub shift: u8,
    /// SACK was agreed upon.
    pub sack: bool,
    /// Payload bytes of a segment, as far as the peer and the path are known.
    mss: u32,
    board: Scoreboard,
    rtt: Rtt,
    rate: Rate,
    rack: Rack,
    congestion: Box<dyn Congestion>,
    recovery: Recovery,
    timer: Timer,
    /// When the first segment of those that may be late only is lost.
    reorder_at: Option<Instant>,
    /// When the next segment may leave, where the congestion control paces.
    pace_at: Instant,
    /// The pace held back a segment when it was last asked for.
    paced: bool,
    last_sent_at: Instant,
    /// The probe of the tail that is under way (RFC 8985, 7).
    tail: Option<Tail>,
    /// What the timer has asked for.
    wanted: Option<Probe>,
    /// Duplicate ACKs of a peer without SACK (RFC 5681, 3.2).
    duplicates: u32,
    /// The window of the congestion control held back a segment, in this round trip or in the last one.
    limited: bool,
    was_limited: bool,
    /// Since when the other side owes progress: a timer has expired since it made some.
    stalled: Option<Instant>,
    /// When a full-sized segment has arrived last.
    full_arrived_at: Option<Instant>,
}

/// Loss recovery (RFC 6675, 5; RFC 5682): which kind, and until what is acknowledged.
struct Recovery {
    phase: Phase,
    until: Seq,
    undo: Option<Undo>,
    /// The first time-out for this data: an ACK may still show that it was spurious.
    may_be_spurious: bool,
    trial: Trial,
}

/// After a time-out that may be spurious, and without timestamps that would tell: data that never left goes before what was
/// lost, and what its ACK says decides (RFC 5682, 2.1, step 2b).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trial {
    Off,
    /// So many segments may leave.
    Sending(u8),
    Waiting,
}

/// What shows that a reduction was for nothing (RFC 3522; RFC 2883).
struct Undo {
    una: Seq,
    /// Retransmissions that no D-SACK has called a duplicate.
    resent: u32,
    /// The clock's value at the first retransmission.
    since: Option<u32>,
    rack: Mark,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timer {
    Off,
    /// RFC 6298, 5.
    Retransmission(Instant),
    /// RFC 8985, 7.2.
    Tail(Instant),
    /// The window is closed (RFC 9293, 3.8.6.1).
    Persist(Instant),
}

struct Tail {
    end: Seq,
    resent: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Probe {
    Tail,
    Window,
}

impl Sender {
    pub fn new(now: Instant, iss: Seq, mss: u16, algorithm: Algorithm) -> Self {
        Sender {
            una: iss,
            nxt: iss,
            front: iss + 1,
            queue: ByteQueue::default(),
            finishing: false,
            window: 1,
            max_window: 0,
            window_from: Seq::default(),
            shift: 0,
            sack: false,
            mss: mss.into(),
            board: Scoreboard::default(),
            rtt: Rtt::default(),
            rate: Rate::new(now),
            rack: Rack::new(now, iss),
            congestion: algorithm.start(mss.into()),
            recovery: Recovery {
                phase: Phase::Open,
                until: iss,
                undo: None,
                may_be_spurious: false,
                trial: Trial::Off,
            },
            timer: Timer::Off,
            reorder_at: None,
            pace_at: now,
            paced: false,
            last_sent_at: now,
            tail: None,
            wanted: None,
            duplicates: 0,
            limited: false,
            was_limited: false,
            stalled: None,
            full_arrived_at: None,
        }
    }

    /// What the handshake has agreed upon: payload bytes of a segment, and the first window.
    pub fn agree(&mut self, mss: u32, sack: bool, window: u32, from: Seq) {
        self.sack = sack;
        self.set_mss(mss);
        self.window = window;
        self.max_window = window;
        self.window_from = from;
    }

    pub fn mss(&self) -> u32 {
        self.mss
    }

    /// The path takes less, or more. What is in flight and too long for it is sent again in pieces.
    pub fn set_mss(&mut self, mss: u32) {
        if mss < self.mss {
            self.board.lose_longer(mss);
        }
        self.mss = mss;
        self.congestion.set_mss(mss.into());
    }

    /// Takes bytes of the owner's. False when the system has no memory for them.
    pub fn write(&mut self, bytes: &[u8], pool: &mut Pool) -> bool {
        self.queue.append(bytes, pool)
    }

    /// FIN after what was written.
    pub fn finish(&mut self) {
        self.finishing = true;
    }

    pub fn is_finishing(&self) -> bool {
        self.finishing
    }

    /// All that was written, and the FIN, is acknowledged.
    pub fn is_finished(&self) -> bool {
        self.finishing && self.una > self.front + self.queue.len() as u32
    }

    /// Bytes of the owner's that are not acknowledged.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How much the queue takes: twice the congestion window, so that the next round trip's data is there in time (Linux:
    /// tcp_sndbuf_expand), between the initial capacity and `max`.
    pub fn capacity(&self, max: usize) -> usize {
        let wanted = usize::try_from(self.congestion.window())
            .unwrap_or(max)
            .saturating_mul(2);
        wanted.clamp(INITIAL_CAPACITY.min(max), max)
    }

    pub fn queue(&self) -> &ByteQueue {
        &self.queue
    }

    pub fn release(&mut self, pool: &mut Pool) {
        self.queue.clear(pool);
    }

    pub fn smoothed_rtt(&self) -> Option<Duration> {
        self.rtt.smoothed()
    }

    /// Nothing is in flight and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.board.is_empty() && self.unsent() == 0
    }

    /// Data waits for a window, or for an ACK, since then; the peer has to answer within `USER_TIMEOUT`.
    pub fn stalled_since(&self) -> Option<Instant> {
        self.stalled
    }

    /// Bytes of the queue that never left.
    fn unsent(&self) -> u32 {
        if self.nxt < self.front || self.fin_sent() {
            return 0;
        }
        self.front + self.queue.len() as u32 - self.nxt
    }

    fn fin_sent(&self) -> bool {
        self.finishing && self.nxt > self.front + self.queue.len() as u32
    }

    fn in_flight(&self) -> u64 {
        let duplicates = u64::from(self.duplicates) * u64::from(self.mss);
        self.board.in_flight().saturating_sub(duplicates)
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let timer = match self.timer {
            Timer::Off => None,
            Timer::Retransmission(at) | Timer::Tail(at) | Timer::Persist(at) => Some(at),
        };
        let paced = self.paced.then_some(self.pace_at);
        [timer, self.reorder_at, paced].into_iter().flatten().min()
    }

    /// The clock has reached a deadline.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.reorder_at.is_some_and(|at| at <= now) {
            let before = (self.board.in_flight(), self.in_flight());
            self.detect_losses(now);
            let lost = before.0.saturating_sub(self.board.in_flight());
            self.tell(now, 0, lost, before.1, false, None);
        }
        match self.timer {
            Timer::Tail(at) if at <= now => {
                self.wanted = Some(Probe::Tail);
                self.timer = Timer::Retransmission(now + self.rtt.timeout());
            }
            Timer::Retransmission(at) if at <= now => self.handle_expiry(now),
            Timer::Persist(at) if at <= now => {
                self.rtt.handle_expiry(now);
                self.stalled.get_or_insert(now);
                self.wanted = Some(Probe::Window);
                self.timer = Timer::Persist(now + self.rtt.timeout());
            }
            _ => {}
        }
    }
}
