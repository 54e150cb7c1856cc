//! The receiving half of a connection: data put in order, the window that is offered, and when an ACK is due.

use super::assembler::Assembler;
use super::options::Blocks;
use super::queue::ByteQueue;
use super::seq::{Range, Seq};
use crate::buffers::{GUARANTEED, Pool};
use crate::{Duration, Instant};

mod window;

/// The receive window of a new connection (Linux: tcp_rmem, 131072).
pub const INITIAL_CAPACITY: usize = 2 * GUARANTEED;
/// An ACK may wait for data to go with it, or for another segment (RFC 9293, 3.8.6.3; Linux: TCP_DELACK_MIN).
pub const DELAYED_ACK: Duration = Duration::from_millis(40);
/// Where the other side's window is small it waits only for an owner that answers at once: slow start feeds on ACKs.
const QUICK_ACK: Duration = Duration::from_millis(2);
/// So many ACKs are quick: at the start, after a duplicate, at a hole, and after a silence (Linux: TCP_MAX_QUICKACKS).
const QUICK_ACKS: u8 = 16;
/// A sender that was silent for so long has had a time-out, or begins anew: its window is small, and feeds on ACKs.
const SILENCE: Duration = Duration::from_millis(200);
/// Rounding may add so much to a window; far more than it does to one that full-sized segments fill.
pub const ROUNDING: usize = GUARANTEED;
/// An ACK has room for three blocks beside timestamps: the newest range, and so many that changed before it.
const MOST_UNTOLD: u8 = 2;
/// A full-sized segment has at least so many bytes (RFC 9293, 3.7.1: the default MSS).
const LEAST_FULL: u32 = 536;

pub struct Receiver {
    /// RCV.NXT.
    pub nxt: Seq,
    /// The right edge of the window as it was offered. It never moves left (RFC 9293, 3.8.6).
    edge: Seq,
    queue: ByteQueue,
    assembler: Assembler,
    /// The number of the other side's FIN, which may lie behind a hole.
    fin: Option<Seq>,
    /// The FIN, and all before it, is here.
    finished: bool,
    /// Our window counts in units of 2 to this power (RFC 7323, 2).
    pub shift: u8,
    /// How much the queue may hold now, and at most.
    capacity: usize,
    max: usize,
    /// RCV.NXT when an ACK left last (Last.ACK.sent).
    pub acked: Seq,
    due: Due,
    /// The longest segment that came.
    full: u32,
    quick: u8,
    /// When data came last.
    heard_at: Instant,
    /// Ranges ahead of holes that have changed since the last ACK.
    untold: u8,
    /// What came twice (RFC 2883).
    duplicate: Option<Range>,
    tuning: Tuning,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    Nothing,
    At(Instant),
    /// So many: a side without SACK counts them (RFC 5681, 3.2).
    Now(u32),
}

/// The window follows what the owner reads in a round trip (dynamic right-sizing, as Linux's tcp_rcv_space_adjust).
struct Tuning {
    since: Instant,
    read: usize,
    most: usize,
    rtt: Option<Duration>,
}

impl Receiver {
    /// `max`: bytes that the window may grow to.
    pub fn new(now: Instant, max: usize) -> Self {
        Receiver {
            nxt: Seq::default(),
            edge: Seq::default(),
            queue: ByteQueue::default(),
            assembler: Assembler::default(),
            fin: None,
            finished: false,
            shift: 0,
            capacity: INITIAL_CAPACITY.min(max),
            max,
            acked: Seq::default(),
            due: Due::Nothing,
            full: LEAST_FULL,
            quick: QUICK_ACKS,
            heard_at: now,
            untold: 0,
            duplicate: None,
            tuning: Tuning {
                since: now,
                read: 0,
                most: 0,
                rtt: None,
            },
        }
    }

    /// The other side's SYN has come.
    pub fn start(&mut self, irs: Seq) {
        self.nxt = irs + 1;
        self.acked = self.nxt;
        self.edge = self.nxt;
    }

    /// The smallest shift with which the largest window can be said.
    pub fn wanted_shift(max: usize) -> u8 {
        let mut shift = 0;
        while shift < super::options::MAX_SHIFT && max > usize::from(u16::MAX) << shift {
            shift += 1;
        }
        shift
    }

    pub fn edge(&self) -> Seq {
        self.edge
    }

    pub fn readable(&self) -> usize {
        self.queue.len()
    }

    /// The FIN came, and all before it; what is not read yet is in the queue.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    pub fn peek(&self) -> &[u8] {
        self.queue.slice(0)
    }

    pub fn consume(&mut self, length: usize, pool: &mut Pool) {
        self.queue.consume(length, pool);
        self.tuning.read += length;
        if self.queue.is_empty() && self.assembler.is_empty() {
            self.queue.clear(pool);
        }
    }

    pub fn release(&mut self, pool: &mut Pool) {
        self.queue.clear(pool);
        self.assembler = Assembler::default();
    }

    /// Data, and maybe a FIN, that lie in the window at least in part.
    pub fn handle_data(&mut self, now: Instant, seq: Seq, payload: &[u8], fin: bool, pool: &mut Pool) {
        let whole = Range::new(seq, payload.len() as u32);
        // A FIN in front of what has come already contradicts the side that says it.
        if fin && whole.end >= self.nxt && whole.end <= self.edge.max(self.nxt) {
            self.fin = Some(whole.end);
        }
        if !payload.is_empty() {
            self.handle_payload(now, whole, payload, pool);
        }
        if !self.finished && self.fin.is_some_and(|fin| fin <= self.nxt) {
            self.nxt += 1;
            self.finished = true;
            self.acknowledge_now();
        } else if fin && payload.is_empty() {
            // What came with data is answered with it: an ACK more would count as a duplicate.
            self.acknowledge_now();
        }
    }

    fn handle_payload(&mut self, now: Instant, whole: Range, payload: &[u8], pool: &mut Pool) {
        let limit = self.fin.map_or(self.edge, |fin| fin.min(self.edge));
        let piece = Range {
            start: whole.start.max(self.nxt),
            end: whole.end.min(limit),
        };
        if whole.start < self.nxt || now > self.heard_at + SILENCE {
            self.quick = QUICK_ACKS;
        }
        self.heard_at = now;
        if whole.start < self.nxt {
            self.duplicate = Some(Range {
                start: whole.start,
                end: whole.end.min(self.nxt),
            });
        }
        if piece.is_empty() || whole.start < self.nxt {
            self.acknowledge_now();
        }
        if piece.is_empty() {
            return;
        }
        let from = (piece.start - whole.start) as usize;
        let bytes = payload
            .get(from..from + (piece.end - piece.start) as usize)
            .unwrap_or_default();
        let offset = self.queue.len() + (piece.start - self.nxt) as usize;
        if piece.start > self.nxt {
            if self.assembler.is_empty() {
                self.quick = QUICK_ACKS;
            }
            self.acknowledge_now();
            if self.assembler.covers(&piece) {
                self.duplicate = Some(piece);
            } else if !self.assembler.has_room(&piece) || !self.queue.write(offset, bytes, pool) {
                pool.refused += bytes.len() as u64;
            } else {
                self.untold = self.untold.saturating_add(u8::from(self.assembler.insert(piece)));
            }
            return;
        }
        if !self.queue.write(offset, bytes, pool) {
            pool.refused += bytes.len() as u64;
            return;
        }
        let filled = !self.assembler.is_empty();
        let there = if filled {
            self.assembler.absorb(piece.end)
        } else {
            piece.end
        };
        self.queue.advance((there - self.nxt) as usize);
        self.nxt = there;
        if filled {
            // The sender waits for the news (RFC 5681, 4.2).
            self.acknowledge_now();
        } else {
            self.acknowledge_soon(now, bytes.len() as u32);
        }
    }

    /// An ACK at once: a hole, a duplicate, a segment that is out of place.
    pub fn acknowledge_now(&mut self) {
        self.due = match self.due {
            Due::Now(count) => Due::Now(count + 1),
            _ => Due::Now(1),
        };
    }

    /// In-order data: every second full-sized segment is acknowledged at once (RFC 9293, 3.8.6.3).
    fn acknowledge_soon(&mut self, now: Instant, length: u32) {
        self.full = self.full.max(length);
        let quick = self.quick > 0;
        if self.nxt - self.acked >= 2 * self.full || quick && length >= self.full {
            if !matches!(self.due, Due::Now(_)) {
                self.due = Due::Now(1);
            }
        } else if self.due == Due::Nothing {
            self.due = Due::At(now + if quick { QUICK_ACK } else { DELAYED_ACK });
        }
    }

    /// An ACK is due, and cannot wait for the rest of a batch: each of the next ones counts, or it is full of news. Ranges that
    /// no ACK tells of are lost to the other side, which then sends again what is here.
    pub fn owes_each(&self) -> bool {
        (self.quick > 0 || self.untold >= MOST_UNTOLD) && matches!(self.due, Due::Now(_))
    }

    /// Whether a bare ACK is to leave now.
    pub fn is_due(&self, now: Instant) -> bool {
        match self.due {
            Due::Nothing => false,
            Due::At(at) => at <= now,
            Due::Now(_) => true,
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.due {
            Due::At(at) => Some(at),
            Due::Nothing | Due::Now(_) => None,
        }
    }

    /// A segment leaves with our ACK. `counted`: the other side has no SACK, and counts ACKs that repeat each other.
    pub fn handle_acknowledged(&mut self, counted: bool) {
        self.due = match self.due {
            Due::Now(count) if counted && count > 1 && self.acked == self.nxt => Due::Now(count - 1),
            _ => Due::Nothing,
        };
        self.acked = self.nxt;
        self.quick = self.quick.saturating_sub(1);
        self.untold = 0;
        self.duplicate = None;
    }

    /// The SACK blocks of a segment with room for so many.
    pub fn blocks(&self, room: usize) -> Blocks {
        if self.assembler.is_empty() && self.duplicate.is_none() {
            return Blocks::default();
        }
        self.assembler.blocks(self.duplicate, room)
    }
}
