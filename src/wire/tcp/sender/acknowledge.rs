//! An ACK comes: what it acknowledges and SACKs, what that says of the path, and the window that it brings.

use super::{Sender, Timer};
use crate::buffers::Pool;
use crate::tcp::clock::Clock;
use crate::tcp::congestion::{Ack, Phase};
use crate::tcp::options::Blocks;
use crate::tcp::rack::Rack;
use crate::tcp::rate::Rate;
use crate::tcp::rtt::Rtt;
use crate::tcp::scoreboard::Sent;
use crate::tcp::segment::{FIN, SYN, Segment};
use crate::tcp::seq::{Range, Seq};
use crate::{Duration, Instant};

/// What to make of the acknowledgement number of a segment (RFC 9293, 3.10.7.4; RFC 5961, 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Taken,
    /// It acknowledges what was never sent, or was acknowledged longer ago than a window: it may be forged.
    Impossible,
}

/// What one ACK has delivered, as it is found out.
struct Tally<'a> {
    now: Instant,
    rate: &'a mut Rate,
    rack: &'a mut Rack,
    /// The value of the segment's timestamp echo, where there is one.
    echo: Option<u32>,
    clock: &'a Clock,
    shortest: Option<Duration>,
    /// A segment of so many bytes is a full-sized one.
    full: u32,
    /// What was sent before the recovery began ends here.
    until: Seq,
    rtt: &'a Rtt,
    delivered: u64,
    /// The departures of what was delivered and left only once: the first of them, and the last.
    first: Option<Instant>,
    last: Option<Instant>,
    full_arrived: bool,
    resent_arrived: bool,
    /// Something arrived that left once only, and before the recovery began.
    original_arrived: bool,
}

impl Tally<'_> {
    fn deliver(&mut self, sent: &Sent) {
        let bytes = u64::from(sent.length);
        self.delivered += bytes;
        self.full_arrived |= sent.length >= self.full;
        self.rate.handle_delivered(self.now, &sent.stamp, sent.sent_at, bytes);
        let original = sent.retransmitted
            && self
                .echo
                .is_some_and(|echo| Clock::is_before(echo, self.clock.at(sent.sent_at)));
        self.rack.handle_delivered(self.now, sent, original, self.shortest);
        self.resent_arrived |= sent.retransmitted;
        if !sent.retransmitted && self.rtt.may_be_sample(sent.sent_at) {
            self.first = Some(self.first.map_or(sent.sent_at, |first| first.min(sent.sent_at)));
            self.last = self.last.max(Some(sent.sent_at));
        }
        if !sent.retransmitted {
            self.original_arrived |= sent.end() <= self.until;
        }
    }
}

impl Sender {
    pub fn handle_ack(&mut self, now: Instant, segment: &Segment<'_>, clock: &Clock, pool: &mut Pool) -> Verdict {
        let Some(ack) = segment.ack else { return Verdict::Taken };
        if ack > self.nxt || ack + self.max_window < self.una {
            return Verdict::Impossible;
        }
        let advanced = ack > self.una;
        let moved_window = self.handle_window(now, segment, ack);
        let prior_in_flight = self.in_flight();
        let (duplicate, blocks) = self.split_sack(ack, &segment.options.sack);
        let echo = segment
            .options
            .timestamp
            .filter(|_| clock.on)
            .map(|timestamp| timestamp.echo);

        let shortest = self.rtt.minimum();
        let full = self.full_size();
        let mut tally = Tally {
            now,
            rate: &mut self.rate,
            rack: &mut self.rack,
            echo,
            clock,
            shortest,
            full,
            until: self.recovery.until,
            rtt: &self.rtt,
            delivered: 0,
            first: None,
            last: None,
            full_arrived: false,
            resent_arrived: false,
            original_arrived: false,
        };
        if advanced {
            self.board.handle_acknowledged(ack, |sent| tally.deliver(sent));
            if tally.resent_arrived {
                // What lay behind the hole has arrived long before: it waited for the retransmission, and says nothing of
                // the round trip. Else the time-out would be its own next sample, and double with each.
                (tally.first, tally.last) = (None, None);
            }
        }
        if self.sack {
            self.board.handle_sack(&blocks, |sent| tally.deliver(sent));
        }
        let Tally {
            mut delivered,
            first,
            last,
            full_arrived,
            original_arrived,
            ..
        } = tally;
        if full_arrived {
            self.full_arrived_at = Some(now);
        }
        if advanced {
            self.una = ack;
            let data = ack.min(self.front + self.queue.len() as u32);
            if data > self.front {
                self.queue.consume((data - self.front) as usize, pool);
                self.front = data;
            }
            if self.queue.is_empty() {
                self.queue.clear(pool);
            }
            self.rtt.handle_progress();
            self.stalled = None;
        }
        let bare = segment.payload.is_empty() && !segment.has(SYN | FIN);
        if !self.sack && !advanced && bare && !moved_window && !self.board.is_empty() {
            self.duplicates += 1;
            delivered += u64::from(self.mss);
        } else if advanced {
            self.duplicates = 0;
        }
        let rtt = self.handle_times(now, advanced, first, last, echo, clock);
        if let Some(duplicate) = duplicate {
            self.handle_duplicate(duplicate);
        }
        self.handle_tail(now, ack, duplicate.is_some(), advanced || delivered > 0);
        let lost_before = self.board.in_flight();
        self.recover(now, advanced, delivered > 0, original_arrived, echo, clock);
        let lost = lost_before.saturating_sub(self.board.in_flight());
        if delivered > 0 {
            self.tell(now, delivered, lost, prior_in_flight, advanced, rtt);
        }
        let probing = matches!(self.timer, Timer::Tail(_)) || self.sack && self.recovery.phase == Phase::Recovery;
        if advanced || probing && delivered > 0 || self.timer == Timer::Off {
            self.arm(now);
        }
        Verdict::Taken
    }

    /// Takes the window of a segment that is newer than the one that brought the last (RFC 9293, 3.10.7.4). Where the numbers
    /// are the same a larger one counts, and a closed one, as in Linux: the order of such two is not known. True when the window has changed.
    fn handle_window(&mut self, now: Instant, segment: &Segment<'_>, ack: Seq) -> bool {
        // The window of a SYN is never scaled (RFC 7323, 2.2).
        let shift = if segment.has(SYN) { 0 } else { self.shift };
        let window = u32::from(segment.window) << shift;
        let same = segment.seq == self.window_from && ack == self.una;
        let newer = ack > self.una || ack == self.una && segment.seq > self.window_from;
        if ack < self.una || !newer && !(same && (window > self.window || window == 0)) {
            // Whatever it says, the other side lives: its window is still closed, and it is probed further.
            if self.window == 0 && ack == self.una {
                self.keep_probing(now);
            }
            return false;
        }
        let changed = window != self.window;
        self.window = window;
        self.window_from = segment.seq;
        self.max_window = self.max_window.max(window);
        if window == 0 {
            self.keep_probing(now);
        } else if matches!(self.timer, Timer::Persist(_)) {
            self.timer = Timer::Off;
            self.rtt.forget_expiries();
            self.stalled = None;
        }
        changed
    }

    /// The user time-out counts from the last answer of a side that keeps its window closed (RFC 9293, 3.8.6.1).
    fn keep_probing(&mut self, now: Instant) {
        if let Some(since) = &mut self.stalled {
            *since = now;
        }
    }

    /// A duplicate that the first block tells of (RFC 2883, 4), and the blocks about what is in flight.
    fn split_sack(&self, ack: Seq, sack: &Blocks) -> (Option<Range>, Blocks) {
        let mut duplicate = None;
        let mut blocks = Blocks::default();
        if !self.sack {
            return (duplicate, blocks);
        }
        for (at, block) in sack.as_slice().iter().enumerate() {
            let inside = |other: &Range| other.covers(block);
            if block.is_empty() || block.end > self.nxt {
                continue;
            }
            if at == 0 && (block.end <= ack || sack.as_slice().get(1).is_some_and(inside)) {
                duplicate = Some(*block);
            } else if block.start >= ack {
                blocks.push(*block);
            }
        }
        // They come newest first; what they tell together is no sign of reordering.
        blocks.sort_from(ack);
        (duplicate, blocks)
    }

    /// The samples of the round-trip time: the one of what was acknowledged late counts for the time-out, the other one for
    /// all else.
    fn handle_times(
        &mut self,
        now: Instant,
        advanced: bool,
        first: Option<Instant>,
        last: Option<Instant>,
        echo: Option<u32>,
        clock: &Clock,
    ) -> Option<Duration> {
        let since = |at: Instant| now - at;
        let by_clock = || {
            // Only where the ACK moves on (RFC 7323, 4.1), for a side that is silent echoes an old value.
            let echo = echo.filter(|echo| advanced && *echo != 0)?;
            let elapsed = clock.at(now).wrapping_sub(echo);
            let sample = Duration::from_millis(u64::from(elapsed.max(1)));
            // A clock that counts milliseconds says nothing more precise.
            let at_latest = now + Duration::from_millis(1) - sample;
            (elapsed < i32::MAX as u32 && self.rtt.may_be_sample(at_latest)).then_some(sample)
        };
        let sample = first.map(since).or_else(by_clock)?;
        self.rtt.handle_sample(now, sample, last.map_or(sample, since));
        Some(last.map_or(sample, since))
    }

    /// Tells the congestion control.
    pub(super) fn tell(
        &mut self,
        now: Instant,
        delivered: u64,
        lost: u64,
        prior_in_flight: u64,
        advanced: bool,
        rtt: Option<Duration>,
    ) {
        let (rate, round) = self.rate.poll_sample(self.rtt.minimum());
        if round {
            self.was_limited = std::mem::take(&mut self.limited);
        }
        self.congestion.handle_ack(&Ack {
            now,
            delivered,
            total_delivered: self.rate.delivered(),
            lost,
            in_flight: self.in_flight(),
            prior_in_flight,
            advanced,
            phase: self.recovery.phase,
            rtt,
            smoothed_rtt: self.rtt.smoothed(),
            min_rtt: self.rtt.minimum(),
            round,
            window_limited: self.limited || self.was_limited,
            rate,
        });
    }

    /// The end of a probe of the tail (RFC 8985, 7.4.2): when the probe itself repaired a loss, that was congestion.
    fn handle_tail(&mut self, now: Instant, ack: Seq, duplicate: bool, told: bool) {
        let Some(tail) = &self.tail else { return };
        if self.recovery.phase == Phase::Recovery && told {
            // A recovery goes on: the next silence in it is probed, too.
            self.tail = None;
            return;
        }
        if ack < tail.end {
            return;
        }
        if tail.resent && !duplicate && ack > tail.end && self.recovery.phase == Phase::Open {
            self.begin_recovery(now);
        } else if tail.resent && !duplicate && ack == tail.end && told {
            // The ACK of the probe, or a late one of what it repeats: the next one, or a D-SACK, tells which.
            return;
        }
        self.tail = None;
    }
}
