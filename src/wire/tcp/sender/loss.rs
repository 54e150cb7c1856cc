//! What was lost is found and sent again, and what only seemed lost is taken back (RFC 6675, 8985, 5682, 3522).

use super::{Recovery, Sender, Timer, Trial, Undo};
use crate::tcp::clock::Clock;
use crate::tcp::congestion::Phase;
use crate::tcp::options::MAX_OPTIONS;
use crate::tcp::rack::DUPLICATE_THRESHOLD;
use crate::tcp::seq::Range;
use crate::{Duration, Instant};

/// RFC 5682, 2.1, step 2b.
pub(super) const TRIAL_SEGMENTS: u8 = 2;

impl Sender {
    /// After an ACK: ends a recovery or finds that it was for nothing, and looks for losses.
    pub(super) fn recover(
        &mut self,
        now: Instant,
        advanced: bool,
        told: bool,
        original_arrived: bool,
        echo: Option<u32>,
        clock: &Clock,
    ) {
        match self.recovery.phase {
            Phase::Open if !self.all_were_duplicates() => {}
            _ if self.was_spurious(advanced, echo, clock) => self.undo(now),
            Phase::Loss if self.recovery.may_be_spurious && original_arrived => self.undo(now),
            _ if self.una >= self.recovery.until => self.end_recovery(now),
            Phase::Loss if self.recovery.may_be_spurious && told => {
                let first = advanced && self.recovery.trial == Trial::Off;
                // With timestamps the ACK itself would have told.
                self.recovery.may_be_spurious = first && !clock.on;
                self.recovery.trial = if first && !clock.on {
                    Trial::Sending(TRIAL_SEGMENTS)
                } else {
                    Trial::Off
                };
            }
            _ if !self.sack && advanced => {
                // A partial acknowledgement: the next hole begins here (RFC 6582, 3.2).
                self.board.lose_first();
            }
            _ => {}
        }
        self.detect_losses(now);
    }

    /// RFC 8985, 6.2; without SACK three duplicate ACKs (RFC 5681, 3.2).
    pub(super) fn detect_losses(&mut self, now: Instant) {
        self.reorder_at = None;
        let lost = if self.sack {
            self.detect_by_time(now)
        } else if self.duplicates as usize == DUPLICATE_THRESHOLD && self.recovery.phase == Phase::Open {
            self.board.lose_first()
        } else {
            0
        };
        if lost > 0 && self.recovery.phase == Phase::Open {
            self.begin_recovery(now);
        }
    }

    fn detect_by_time(&mut self, now: Instant) -> u64 {
        let window = self.reordering_window();
        let rack = &self.rack;
        let (lost, next) = self
            .board
            .detect_losses(|sent| rack.is_earlier(sent) && rack.lost_at(sent, window) <= now);
        self.reorder_at = next
            .filter(|sent| rack.is_earlier(sent))
            .map(|sent| rack.lost_at(&sent, window));
        lost
    }

    /// RFC 8985 (6.2, step 4) also has none where three segments behind the hole have arrived and no reordering was seen.
    /// Here the first late segment of a connection is given its quarter of a round trip, too: a path that reorders shows
    /// it first in slow start, when a reduction for nothing costs most.
    fn reordering_window(&self) -> Duration {
        let hasty = self.recovery.phase != Phase::Open;
        self.rack.window(hasty, self.rtt.minimum(), self.rtt.smoothed())
    }

    pub(super) fn begin_recovery(&mut self, now: Instant) {
        self.recovery = Recovery {
            phase: Phase::Recovery,
            until: self.nxt,
            undo: Some(self.may_undo()),
            may_be_spurious: false,
            trial: Trial::Off,
        };
        let outstanding = u64::from(self.nxt - self.una);
        let in_flight = self.in_flight();
        self.congestion.handle_loss(now, outstanding, in_flight);
    }

    fn end_recovery(&mut self, now: Instant) {
        self.recovery.phase = Phase::Open;
        self.recovery.trial = Trial::Off;
        self.rack.handle_recovered();
        let in_flight = self.in_flight();
        self.congestion.handle_recovered(now, in_flight);
    }

    /// The retransmission timer has expired (RFC 6298, 5.4): the first segment is lost, and so is all that left a round
    /// trip ago.
    pub(super) fn handle_expiry(&mut self, now: Instant) {
        let Some(first) = self.board.first().copied() else {
            self.timer = Timer::Off;
            return;
        };
        if first.is_sacked() {
            self.board.forget_sacks();
        }
        let window = self.reordering_window();
        let rack = &self.rack;
        self.board.lose_first();
        self.board.detect_losses(|sent| rack.lost_at(sent, window) <= now);
        self.duplicates = 0;
        self.tail = None;
        self.reorder_at = None;
        let fresh = self.stalled.is_none() && (self.recovery.phase != Phase::Loss || self.una >= self.recovery.until);
        self.stalled.get_or_insert(first.first_sent_at);
        if fresh {
            self.recovery.undo = Some(self.may_undo());
        }
        self.recovery.phase = Phase::Loss;
        self.recovery.until = self.nxt;
        self.recovery.may_be_spurious = fresh && self.sack;
        self.recovery.trial = Trial::Off;
        self.rtt.handle_expiry(now);
        self.timer = Timer::Retransmission(now + self.rtt.timeout());
        // One SYN that takes longer than the first time-out says nothing of the path, which was not measured yet; the second
        // that does, does (RFC 6928, 2; so does Linux).
        let handshake = self.una < self.front;
        let first = if handshake { self.rtt.expiries() == 2 } else { fresh };
        if !handshake || self.rtt.expiries() > 1 {
            let in_flight = self.in_flight();
            self.congestion.handle_timeout(now, in_flight, first);
        }
    }

    /// A timestamp that is older than the first retransmission (RFC 3522, 3.2), or a D-SACK for each of them.
    fn was_spurious(&self, advanced: bool, echo: Option<u32>, clock: &Clock) -> bool {
        let Some(undo) = &self.recovery.undo else { return false };
        let Some(since) = undo.since else { return false };
        let old_echo = echo.is_some_and(|echo| echo != 0 && Clock::is_before(echo, since));
        clock.on && advanced && old_echo || self.all_were_duplicates()
    }

    /// Each retransmission of the last recovery arrived twice.
    fn all_were_duplicates(&self) -> bool {
        let undo = self.recovery.undo.as_ref();
        undo.is_some_and(|undo| undo.since.is_some() && undo.resent == 0)
    }

    fn may_undo(&self) -> Undo {
        Undo {
            una: self.una,
            resent: 0,
            since: None,
            rack: self.rack.mark(),
        }
    }

    fn undo(&mut self, now: Instant) {
        self.board.forget_losses();
        self.recovery.phase = Phase::Open;
        self.recovery.trial = Trial::Off;
        if let Some(undo) = self.recovery.undo.take() {
            self.rack.restore(undo.rack);
        }
        self.congestion.handle_undo(now);
        self.arm(now);
    }

    /// A segment arrived twice (RFC 2883): the reordering window was too narrow. When each retransmission of a recovery was
    /// one too many, so was the recovery, even if it is over.
    pub(super) fn handle_duplicate(&mut self, duplicate: Range) {
        self.rack.handle_duplicate(self.una, self.nxt);
        if let Some(undo) = &mut self.recovery.undo
            && duplicate.start >= undo.una
            && duplicate.start < self.recovery.until
        {
            undo.resent = undo.resent.saturating_sub(1);
        }
    }

    /// How often the retransmission timer has expired since the first segment left, when nothing of full size has arrived
    /// since: a path that swallows what is long and says nothing (RFC 2923, 2.1).
    pub fn full_size_lost(&self) -> u32 {
        let Some(first) = self.board.first() else { return 0 };
        let arrived = self.full_arrived_at.is_some_and(|at| at >= first.first_sent_at);
        // Into a closed window nothing arrives, whatever its size.
        let open = self.window > 0;
        if first.length >= self.full_size() && open && !arrived {
            self.rtt.expiries()
        } else {
            0
        }
    }

    /// The least bytes of a segment that counts as full-sized, because SACK blocks may take some of its room.
    pub(super) fn full_size(&self) -> u32 {
        self.mss.saturating_sub(MAX_OPTIONS as u32).max(1)
    }

    /// Handles an ICMP error that says that the path takes less. Segments that are too long leave again at once, and
    /// their loss counts neither as congestion nor as a time-out.
    pub fn handle_too_big(&mut self, now: Instant, mss: u32) {
        if mss < self.mss {
            self.set_mss(mss);
            self.rtt.forget_expiries();
            self.stalled = None;
            self.arm(now);
        }
    }
}
