//! ACKs that come in bunches: how much more than the bandwidth explains arrives at once, so that the window covers it.
//!
//! Linux has this in tcp_bbr.c (bbr_update_ack_aggregation), the draft only from version 01 on. Here it matters more:
//! receivers behind GRO acknowledge up to 64 KiB at a time.

use crate::{Duration, Instant};

/// Each of the two windows of the maximum is so many rounds long.
const ROUNDS: u32 = 5;
/// An epoch ends when so much was acknowledged in it.
const EPOCH_SEGMENTS: u64 = 1 << 20;
/// No more is granted than arrives in that time.
const MOST: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub struct Aggregation {
    /// The most of this window of rounds, and of the one before it.
    extra: [u64; 2],
    rounds: u32,
    epoch_start: Option<Instant>,
    epoch_delivered: u64,
}

/// What an ACK says on this matter.
pub struct Arrival {
    pub now: Instant,
    pub delivered: u64,
    pub round: bool,
    /// The path's bandwidth as estimated, bytes a second.
    pub bandwidth: u64,
    /// The congestion window: more cannot have been held back.
    pub window: u64,
    /// In startup only the last round counts: the bandwidth is not known yet.
    pub startup: bool,
    pub mss: u64,
}

impl Aggregation {
    pub fn handle_ack(&mut self, arrival: &Arrival) {
        if arrival.delivered == 0 {
            return;
        }
        if arrival.round {
            self.rounds += 1;
            if self.rounds >= if arrival.startup { 1 } else { ROUNDS } {
                self.rounds = 0;
                self.extra = [0, self.extra[0]];
            }
        }
        let start = *self.epoch_start.get_or_insert(arrival.now);
        let mut expected = bytes_in(arrival.bandwidth, arrival.now - start);
        if self.epoch_delivered <= expected
            || self.epoch_delivered + arrival.delivered >= EPOCH_SEGMENTS.saturating_mul(arrival.mss)
        {
            self.restart(arrival.now);
            expected = 0;
        }
        self.epoch_delivered += arrival.delivered;
        let extra = self.epoch_delivered.saturating_sub(expected).min(arrival.window);
        self.extra[0] = self.extra[0].max(extra);
    }

    /// A new epoch: what was idle in between explains nothing.
    pub fn restart(&mut self, now: Instant) {
        self.epoch_start = Some(now);
        self.epoch_delivered = 0;
    }

    /// What the window needs on top.
    pub fn extra(&self, bandwidth: u64) -> u64 {
        self.extra[0].max(self.extra[1]).min(bytes_in(bandwidth, MOST))
    }
}

/// What passes at a rate in a time.
pub fn bytes_in(rate: u64, time: Duration) -> u64 {
    let bytes = u128::from(rate) * u128::from(time.total_micros()) / 1_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
