//! What leaves next: what was lost, a probe, new data, the FIN. Each as the windows and the pace allow.

use super::loss::TRIAL_SEGMENTS;
use super::{Probe, Sender, Tail, Timer, Trial};
use crate::tcp::clock::Clock;
use crate::tcp::congestion::Phase;
use crate::tcp::scoreboard::Sent;
use crate::tcp::seq::Seq;
use crate::{Duration, Instant};

/// A segment leaves up to so much before its time, so that a timer that is good to a millisecond keeps the pace.
const PACING_SLACK: Duration = Duration::from_millis(1);
/// A probe of a single segment waits for the other side's delayed ACK, too (RFC 8985, 7.2; Linux: its least time-out).
const SINGLE_PROBE_DELAY: Duration = Duration::from_millis(200);
const PROBE_DELAY: Duration = Duration::from_millis(2);

/// A piece of the sequence space that leaves now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    pub start: Seq,
    /// Bytes of data.
    pub length: u32,
    /// From the front of the queue.
    pub offset: usize,
    pub fin: bool,
    /// The queue has nothing behind it.
    pub push: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    Segment(Leaving),
    /// No data: a segment that the other side has to answer (RFC 9293, 3.8.6.1).
    WindowProbe,
}

impl Sender {
    /// The SYN leaves, for the first time or again.
    pub fn handle_syn_sent(&mut self, now: Instant, clock: &Clock) {
        if self.board.is_empty() {
            let stamp = self.rate.stamp(now, true);
            self.board.handle_sent(now, self.una, 1, stamp);
            self.nxt = self.una + 1;
            self.timer = Timer::Retransmission(now + self.rtt.timeout());
        } else if let Some((index, _)) = self.board.next_lost(1) {
            self.resend(now, index, 1, clock);
        }
    }

    /// The SYN leaves again: the other side has not seen the one that answers it.
    pub fn repeat_syn(&mut self) {
        self.board.lose_first();
    }

    /// True when the SYN is to leave.
    pub fn wants_syn(&self) -> bool {
        self.una < self.front && (self.board.is_empty() || self.board.has_lost())
    }

    /// `room`: payload bytes that fit beside the options of the next segment.
    pub fn poll(&mut self, now: Instant, room: u32, clock: &Clock) -> Option<Poll> {
        let room = room.min(self.mss).max(1);
        self.paced = false;
        let probe = match self.wanted.take() {
            Some(Probe::Window) => match self.poll_new(now, room, true) {
                // A window that is too small to be worth a segment has to do in the end (RFC 1122, 4.2.3.4: override).
                None => return Some(Poll::WindowProbe),
                leaving => leaving,
            },
            Some(Probe::Tail) => self.probe_tail(now, room, clock),
            None => None,
        };
        // The tail may have been heard of while the probe waited for its turn.
        probe
            .or_else(|| match self.recovery.trial {
                Trial::Off => self
                    .poll_lost(now, room, clock)
                    .or_else(|| self.poll_new(now, room, false)),
                Trial::Sending(left) => self.poll_trial(now, room, left, clock),
                Trial::Waiting => None,
            })
            .map(Poll::Segment)
    }

    fn poll_trial(&mut self, now: Instant, room: u32, left: u8, clock: &Clock) -> Option<Leaving> {
        let new = self.poll_new(now, room, false);
        self.recovery.trial = match (&new, left) {
            (Some(_), 2..) => Trial::Sending(left - 1),
            (None, TRIAL_SEGMENTS) => Trial::Off,
            _ => Trial::Waiting,
        };
        if self.recovery.trial == Trial::Off {
            // There is nothing to try it with.
            self.recovery.may_be_spurious = false;
            return self.poll_lost(now, room, clock);
        }
        new
    }

    fn poll_lost(&mut self, now: Instant, room: u32, clock: &Clock) -> Option<Leaving> {
        let (index, sent) = self.board.next_lost(room)?;
        let in_flight = self.in_flight();
        let fits = in_flight + u64::from(sent.length) <= self.congestion.window() || in_flight == 0;
        // The other side may have taken back its window; what it asks for first is sent all the same.
        let wanted = sent.start == self.una || sent.end() <= self.una + self.window;
        if !fits || !wanted || self.holds_pace(now) {
            return None;
        }
        self.resend(now, index, sent.length, clock);
        Some(self.again(&sent))
    }

    fn probe_tail(&mut self, now: Instant, room: u32, clock: &Clock) -> Option<Leaving> {
        if let Some(leaving) = self.poll_new(now, room, true) {
            self.tail = Some(Tail {
                end: self.nxt,
                resent: false,
            });
            return Some(leaving);
        }
        let (index, sent) = self.board.probe(room)?;
        self.tail = Some(Tail {
            end: self.nxt,
            resent: true,
        });
        self.resend(now, index, sent.length, clock);
        Some(self.again(&sent))
    }

    /// A segment of the scoreboard: data, or the FIN, which stands on it by itself.
    fn again(&self, sent: &Sent) -> Leaving {
        let end = self.front + self.queue.len() as u32;
        let fin = sent.start >= end;
        Leaving {
            start: sent.start,
            length: if fin { 0 } else { sent.length },
            offset: if fin { 0 } else { (sent.start - self.front) as usize },
            fin,
            push: sent.end() >= end,
        }
    }

    fn resend(&mut self, now: Instant, index: usize, length: u32, clock: &Clock) {
        let in_flight = self.in_flight();
        let stamp = self.rate.stamp(now, in_flight == 0);
        self.board.handle_resent(now, index, stamp);
        if let Some(undo) = &mut self.recovery.undo {
            undo.resent += 1;
            undo.since.get_or_insert(clock.at(now));
        }
        self.handle_left(now, length, in_flight);
        if self.sack && self.recovery.phase == Phase::Recovery && self.tail.is_none() {
            self.arm(now);
        } else if !matches!(self.timer, Timer::Retransmission(_)) {
            self.timer = Timer::Retransmission(now + self.rtt.timeout());
        }
    }

    /// `probe`: asks neither the congestion control nor whether the piece is worth a segment.
    fn poll_new(&mut self, now: Instant, room: u32, probe: bool) -> Option<Leaving> {
        if self.nxt < self.front || self.fin_sent() {
            return None;
        }
        let unsent = self.unsent();
        let edge = self.una + self.window;
        let usable = if edge > self.nxt { edge - self.nxt } else { 0 };
        let length = unsent.min(usable).min(room);
        let fin = self.finishing && length == unsent && usable > length;
        if length == 0 && !fin {
            if unsent > 0 || self.finishing {
                self.persist(now);
            } else if self.in_flight() < self.congestion.window() && !self.board.has_lost() {
                self.rate.handle_app_limited(self.in_flight());
            }
            return None;
        }
        // A small piece of a small window is not worth a segment (RFC 1122, 4.2.3.4); Nagle's algorithm is off.
        if !probe && length < room && length < unsent && length < self.max_window / 2 {
            self.persist(now);
            return None;
        }
        let in_flight = self.in_flight();
        if self.board.is_empty() && !probe {
            let idle = now - self.last_sent_at;
            if idle > self.rtt.base() {
                self.congestion.handle_idle(now, idle, self.rtt.base());
            }
        }
        if !probe {
            if in_flight > 0 && in_flight + u64::from(length) > self.congestion.window() {
                self.limited = true;
                return None;
            }
            if self.holds_pace(now) {
                return None;
            }
        }
        let start = self.nxt;
        let stamp = self.rate.stamp(now, in_flight == 0);
        if length > 0 {
            self.board.handle_sent(now, start, length, stamp);
        }
        if fin {
            self.board.handle_sent(now, start + length, 1, stamp);
        }
        self.nxt = start + length + u32::from(fin);
        self.handle_left(now, length + u32::from(fin), in_flight);
        match (self.timer, self.tail_delay()) {
            // With this segment the tail may be probed before the first one of them times out.
            (Timer::Retransmission(at), Some(delay)) if !probe && now + delay < at => {
                self.timer = Timer::Tail(now + delay)
            }
            (Timer::Retransmission(_), _) => {}
            _ => self.arm(now),
        }
        Some(Leaving {
            start,
            length,
            offset: (start - self.front) as usize,
            fin,
            push: length == unsent,
        })
    }

    fn handle_left(&mut self, now: Instant, length: u32, in_flight: u64) {
        self.last_sent_at = now;
        self.congestion.handle_sent(now, length.into(), in_flight);
        if let Some(rate) = self.congestion.pacing_rate() {
            // A turn that came late does not make a burst of all that it missed.
            let from = self.pace_at.max(now - PACING_SLACK);
            let micros = u64::from(length) * 1_000_000 / rate.max(1);
            self.pace_at = from + Duration::from_micros(micros);
        }
    }

    fn holds_pace(&mut self, now: Instant) -> bool {
        // The first window is small, and an answer that fits into it need not wait for a pace that is a guess still.
        let guessed = self.rate.delivered() <= 1;
        self.paced = !guessed && self.congestion.pacing_rate().is_some() && self.pace_at > now + PACING_SLACK;
        self.paced
    }

    /// Data waits, and the window is closed to it: once nothing is in flight, only a probe brings news.
    fn persist(&mut self, now: Instant) {
        if self.board.is_empty() && !matches!(self.timer, Timer::Persist(_)) {
            self.timer = Timer::Persist(now + self.rtt.timeout());
        }
    }

    /// The timer for what is in flight, from now on.
    pub(super) fn arm(&mut self, now: Instant) {
        if self.board.is_empty() {
            self.timer = Timer::Off;
            return;
        }
        let timeout = now + self.rtt.timeout();
        self.timer = match self.tail_delay() {
            Some(delay) if now + delay < timeout => Timer::Tail(now + delay),
            _ => Timer::Retransmission(timeout),
        };
    }

    /// How long the tail may be silent before it is probed (RFC 8985, 7.2). `None`: another mechanism is at work.
    ///
    /// In a recovery, too, which the RFC leaves to the time-out: where the window is full of what was SACKed, nothing leaves
    /// behind a retransmission that would tell that it was lost.
    fn tail_delay(&self) -> Option<Duration> {
        let quiet = match self.recovery.phase {
            Phase::Open => self.board.sacked_segments() == 0,
            Phase::Recovery => true,
            Phase::Loss => false,
        };
        let calm = quiet
            && self.sack
            && self.tail.is_none()
            && !self.board.has_lost()
            && self.rtt.expiries() == 0
            && self.nxt > self.front;
        let smoothed = self.rtt.smoothed().filter(|_| calm)?;
        let extra = if self.board.len() == 1 {
            SINGLE_PROBE_DELAY
        } else {
            PROBE_DELAY
        };
        Some(smoothed * 2 + extra)
    }
}
