//! The receiving half of a connection: it puts data in order, offers the window, and decides when an ACK is due.

use super::assembler::Assembler;
use super::options::Blocks;
use super::queue::ByteQueue;
use super::seq::{Range, Seq};
use crate::buffers::{GUARANTEED, Pool};
use crate::{Duration, Instant};

mod window;

/// The receive window of a new connection (Linux: tcp_rmem, 131072).
pub const INITIAL_CAPACITY: usize = 2 * GUARANTEED;
/// The time that an ACK may wait for data to go with, or for another segment (RFC 9293, 3.8.6.3; Linux:
/// TCP_DELACK_MIN).
pub const DELAYED_ACK: Duration = Duration::from_millis(40);
/// The time that an ACK waits where the other side's congestion window is small, only for an owner that answers at
/// once: slow start grows with ACKs.
const QUICK_ACK: Duration = Duration::from_millis(2);
/// The number of quick ACKs at the start, after a duplicate, at a hole, and after a silence (Linux: TCP_MAX_QUICKACKS).
const QUICK_ACKS: u8 = 16;
/// A sender that was silent for so long has had a time-out, or begins anew, so its congestion window is small.
const SILENCE: Duration = Duration::from_millis(200);
/// The most bytes that rounding may add to a window, far more than it adds to one that is filled with full-sized
/// segments.
pub const ROUNDING: usize = GUARANTEED;
/// Beside timestamps, an ACK has room for three blocks: the newest range, and so many that changed before it.
const MOST_UNTOLD: u8 = 2;
/// The least bytes of a full-sized segment (RFC 9293, 3.7.1: the default MSS).
const LEAST_FULL: u32 = 536;

pub struct Receiver {
    /// RCV.NXT.
    pub nxt: Seq,
    /// The right edge of the offered window, which never moves left (RFC 9293, 3.8.6).
    edge: Seq,
    queue: ByteQueue,
    assembler: Assembler,
    /// The number of the other side's FIN, which may lie behind a hole.
    fin: Option<Seq>,
    /// True once the FIN, and all data before it, has arrived.
    finished: bool,
    /// Our window counts in units of 2 to this power (RFC 7323, 2).
    pub shift: u8,
    /// The bytes that the queue may hold now.
    capacity: usize,
    /// The bytes that `capacity` may grow to.
    max: usize,
    /// RCV.NXT of the last ACK that left (Last.ACK.sent).
    pub acked: Seq,
    due: Due,
    /// Bytes of the longest segment that has arrived.
    full: u32,
    quick: u8,
    /// The time at which data last arrived.
    heard_at: Instant,
    /// The number of ranges ahead of holes that have changed since the last ACK.
    untold: u8,
    /// The range that has arrived twice (RFC 2883).
    duplicate: Option<Range>,
    tuning: Tuning,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    Nothing,
    At(Instant),
    /// The number of ACKs that are due at once: a side without SACK counts them (RFC 5681, 3.2).
    Now(u32),
}

/// Makes the window follow the bytes that the owner reads in a round trip (dynamic right-sizing, as in Linux's
/// tcp_rcv_space_adjust).
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

    /// Called when the other side's SYN has arrived.
    pub fn start(&mut self, irs: Seq) {
        self.nxt = irs + 1;
        self.acked = self.nxt;
        self.edge = self.nxt;
    }

    /// The smallest shift with which the largest window fits into a header.
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

    /// True once the FIN, and all data before it, has arrived. Data that was not read yet is in the queue.
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

    /// Handles data, and maybe a FIN, of which at least a part lies in the window.
    pub fn handle_data(&mut self, now: Instant, seq: Seq, payload: &[u8], fin: bool, pool: &mut Pool) {
        let whole = Range::new(seq, payload.len() as u32);
        // A FIN before data that has arrived already is ignored, because the other side contradicts itself.
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
            // The FIN of a segment with data is answered together with the data: another ACK would count as a
            // duplicate.
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
            // The sender waits for the ACK that tells of the hole (RFC 5681, 4.2).
            self.acknowledge_now();
        } else {
            self.acknowledge_soon(now, bytes.len() as u32);
        }
    }

    /// Makes an ACK due at once: for a hole, a duplicate, or a segment that is out of place.
    pub fn acknowledge_now(&mut self) {
        self.due = match self.due {
            Due::Now(count) => Due::Now(count + 1),
            _ => Due::Now(1),
        };
    }

    /// Makes an ACK due for in-order data: at once for every second full-sized segment (RFC 9293, 3.8.6.3).
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

    /// True when an ACK is due that cannot wait for the rest of a batch: the other side needs each of the next ACKs, or
    /// this one has no room for more changed ranges. A range that no ACK tells of would be sent again.
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

    /// Called when a segment leaves with our ACK. `counted`: the other side has no SACK, and counts duplicate ACKs.
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

    /// The SACK blocks for a segment that has room for so many.
    pub fn blocks(&self, room: usize) -> Blocks {
        if self.assembler.is_empty() && self.duplicate.is_none() {
            return Blocks::default();
        }
        self.assembler.blocks(self.duplicate, room)
    }
}
