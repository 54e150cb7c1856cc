//! The window that a receiver offers, and how it grows with what the owner reads in a round trip.

use super::{ROUNDING, Receiver};
use crate::buffers::{GUARANTEED, Pool};
use crate::{Duration, Instant};

impl Receiver {
    /// The window field of a segment that leaves now. `unscaled`: the segment is a SYN.
    pub fn offer(&mut self, pool: &Pool, unscaled: bool) -> u16 {
        let shift = if unscaled { 0 } else { self.shift };
        let kept = self.kept();
        let wanted = self.wanted(pool);
        let open = wanted > kept && wanted - kept >= self.worth();
        // Rounding up keeps the edge that was offered; rounding down offers no bytes that there is no room for.
        // Segments that are shorter than a unit would fill what rounding up adds, and the window would never close. So
        // in the end the edge seems to move left by less than a unit (RFC 7323, 2.4); data up to the former edge is
        // still taken.
        let up = kept.div_ceil(1 << shift);
        let grown = self.queue.len() + ((up as usize) << shift) > self.max + ROUNDING;
        let kept_units = if grown { kept >> shift } else { up };
        let units = if open {
            (wanted >> shift).max(kept_units)
        } else {
            kept_units
        };
        let field = units.min(u16::MAX.into());
        self.edge = self.edge.max(self.nxt + (field << shift));
        field as u16
    }

    /// True when the owner has made so much room that an ACK should tell the other side.
    pub fn wants_update(&self, pool: &Pool) -> bool {
        let (kept, wanted) = (self.kept(), self.wanted(pool));
        !self.finished && wanted >= kept + self.worth() && wanted / 2 >= kept
    }

    /// The smallest growth of the window that is told, because small windows lead to small segments (RFC 9293,
    /// 3.8.6.2.2).
    fn worth(&self) -> u32 {
        (2 * self.full).min(self.capacity as u32 / 2)
    }

    fn kept(&self) -> u32 {
        if self.edge > self.nxt { self.edge - self.nxt } else { 0 }
    }

    fn wanted(&self, pool: &Pool) -> u32 {
        let capacity = if pool.is_pressed() {
            self.capacity.min(GUARANTEED)
        } else {
            self.capacity
        };
        // Without window scaling, the header has no room for a larger window.
        let most = usize::from(u16::MAX) << self.shift;
        capacity.saturating_sub(self.queue.len()).min(most) as u32
    }

    /// Takes a round-trip time as this side measures it.
    pub fn handle_rtt(&mut self, sample: Duration) {
        self.tuning.rtt = Some(match self.tuning.rtt {
            Some(rtt) => (rtt * 7 + sample) / 8,
            None => sample,
        });
    }

    /// Called once a round trip. When the owner has read more than in any before, the window grows to three times that,
    /// so that a sender that doubles its rate is not held back.
    pub fn tune(&mut self, now: Instant, pool: &Pool) {
        let Some(rtt) = self.tuning.rtt else { return };
        if now < self.tuning.since + rtt {
            return;
        }
        let read = std::mem::take(&mut self.tuning.read);
        self.tuning.since = now;
        if read > self.tuning.most {
            self.tuning.most = read;
            if !pool.is_pressed() {
                let wanted = 3 * read + 16 * self.full as usize;
                self.capacity = self.capacity.max(wanted.min(self.max));
            }
        }
    }
}
