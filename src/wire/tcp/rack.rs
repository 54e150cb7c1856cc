//! RACK: finds lost segments by the time at which they left, and not by the number of ACKs after them (RFC 8985, 6).

use super::scoreboard::Sent;
use super::seq::Seq;
use crate::{Duration, Instant};

/// The number of SACKed segments behind a hole that make it a loss, as long as no reordering was seen (RFC 5681, 3.2).
pub const DUPLICATE_THRESHOLD: usize = 3;
/// Recoveries for which a window that a D-SACK has widened stays wide (RFC 8985, 6.2, step 4).
const PERSIST: u8 = 16;

pub struct Rack {
    /// The time at which the last-sent of the arrived segments left.
    sent_at: Instant,
    /// The end of that segment.
    end: Seq,
    rtt: Duration,
    /// The highest sequence number that has arrived.
    highest: Seq,
    reordering_seen: bool,
    /// The reordering window in quarters of the shortest round trip.
    quarters: u32,
    persist: u8,
    /// The end of the round trip in which a D-SACK has widened the window: only one a round trip does.
    round: Option<Seq>,
}

/// The state about the newest arrived segment from before a retransmission, which could be taken for its original.
#[derive(Clone, Copy)]
pub struct Mark {
    sent_at: Instant,
    end: Seq,
    rtt: Duration,
}

impl Rack {
    pub fn new(now: Instant, iss: Seq) -> Self {
        Rack {
            sent_at: now,
            end: iss,
            rtt: Duration::ZERO,
            highest: iss,
            reordering_seen: false,
            quarters: 1,
            persist: PERSIST,
            round: None,
        }
    }

    pub fn mark(&self) -> Mark {
        Mark {
            sent_at: self.sent_at,
            end: self.end,
            rtt: self.rtt,
        }
    }

    /// Restores a mark, when the segments that have arrived since were originals. A retransmission that was taken for
    /// one of them would make all others look late.
    pub fn restore(&mut self, mark: Mark) {
        (self.sent_at, self.end, self.rtt) = (mark.sent_at, mark.end, mark.rtt);
    }

    /// Handles an arrived segment (steps 2 and 3). `original`: a timestamp says that it is not the retransmission.
    pub fn handle_delivered(&mut self, now: Instant, sent: &Sent, original: bool, shortest: Option<Duration>) {
        if sent.end() > self.highest {
            self.highest = sent.end();
        } else if !sent.retransmitted {
            self.reordering_seen = true;
        }
        let rtt = now - sent.sent_at;
        // An ACK that comes so soon after the retransmission is about the original.
        if sent.retransmitted && (original || shortest.is_some_and(|shortest| rtt < shortest)) {
            return;
        }
        if later((sent.sent_at, sent.end()), (self.sent_at, self.end)) {
            self.sent_at = sent.sent_at;
            self.end = sent.end();
            self.rtt = rtt;
        }
    }

    /// Widens the window, because a segment has arrived twice (step 4).
    pub fn handle_duplicate(&mut self, una: Seq, nxt: Seq) {
        if self.round.is_some_and(|round| una < round) {
            return;
        }
        self.round = Some(nxt);
        self.quarters = self.quarters.saturating_add(1);
        self.persist = PERSIST;
    }

    pub fn handle_recovered(&mut self) {
        self.persist = self.persist.saturating_sub(1);
        if self.persist == 0 {
            self.quarters = 1;
        }
    }

    /// The reordering window: how late a segment may be. `hasty`: a recovery is under way, and no recovery was spurious
    /// so far.
    pub fn window(&self, hasty: bool, shortest: Option<Duration>, smoothed: Option<Duration>) -> Duration {
        if !self.reordering_seen && hasty {
            return Duration::ZERO;
        }
        let shortest = shortest.unwrap_or(Duration::ZERO);
        let window = Duration::from_micros(shortest.total_micros() / 4 * u64::from(self.quarters));
        smoothed.map_or(window, |smoothed| window.min(smoothed))
    }

    /// True where a segment left before the newest one that is known to have arrived.
    pub fn is_earlier(&self, sent: &Sent) -> bool {
        later((self.sent_at, self.end), (sent.sent_at, sent.end()))
    }

    /// The time at which a segment that has not arrived counts as lost (step 5).
    pub fn lost_at(&self, sent: &Sent, window: Duration) -> Instant {
        sent.sent_at + self.rtt + window
    }
}

fn later(one: (Instant, Seq), other: (Instant, Seq)) -> bool {
    one.0 > other.0 || one.0 == other.0 && one.1 > other.1
}
