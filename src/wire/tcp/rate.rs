//! Measures the delivery rate, and finds the beginnings of round trips (draft-cheng-iccrg-delivery-rate-estimation-02).

use super::congestion::RateSample;
use crate::{Duration, Instant};

/// The state of the estimator at the moment at which a segment left.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    app_limited: bool,
}

pub struct Rate {
    /// Bytes that are delivered: acknowledged or SACKed.
    delivered: u64,
    delivered_at: Instant,
    /// The time at which the newest delivered segment had left.
    first_sent_at: Instant,
    /// The sender had nothing to send: samples are lower bounds until so many bytes are delivered.
    app_limited_until: Option<u64>,
    /// The round ends with the delivery of a segment that left when at least so many bytes had been delivered.
    round_at: u64,
    newest: Option<Newest>,
}

/// The segment that was sent last of those that an ACK delivers.
struct Newest {
    stamp: Stamp,
    sent_at: Instant,
}

impl Rate {
    pub fn new(now: Instant) -> Self {
        Rate {
            delivered: 0,
            delivered_at: now,
            first_sent_at: now,
            app_limited_until: None,
            round_at: 0,
            newest: None,
        }
    }

    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Makes the stamp of a segment that leaves. `idle`: nothing is in flight.
    pub fn stamp(&mut self, now: Instant, idle: bool) -> Stamp {
        if idle {
            self.delivered_at = now;
            self.first_sent_at = now;
        }
        Stamp {
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            app_limited: self.app_limited_until.is_some(),
        }
    }

    /// Called when all data was sent, and the window has room for more.
    pub fn handle_app_limited(&mut self, in_flight: u64) {
        self.app_limited_until = Some((self.delivered + in_flight).max(1));
    }

    /// A segment was delivered.
    pub fn handle_delivered(&mut self, now: Instant, stamp: &Stamp, sent_at: Instant, bytes: u64) {
        self.delivered += bytes;
        self.delivered_at = now;
        let newer = self.newest.as_ref().is_none_or(|newest| sent_at >= newest.sent_at);
        if newer {
            self.newest = Some(Newest { stamp: *stamp, sent_at });
        }
    }

    /// Called after all segments that an ACK has delivered. Gives the sample, and whether a round has begun.
    pub fn poll_sample(&mut self, min_rtt: Option<Duration>) -> (Option<RateSample>, bool) {
        if self.app_limited_until.is_some_and(|until| self.delivered > until) {
            self.app_limited_until = None;
        }
        let Some(Newest { stamp, sent_at }) = self.newest.take() else {
            return (None, false);
        };
        let round = stamp.delivered >= self.round_at;
        if round {
            self.round_at = self.delivered;
        }
        self.first_sent_at = sent_at;
        let sending = if sent_at > stamp.first_sent_at {
            sent_at - stamp.first_sent_at
        } else {
            Duration::ZERO
        };
        let acknowledging = self.delivered_at - stamp.delivered_at;
        let interval = sending.max(acknowledging);
        // An interval that is shorter than the shortest round trip comes of an ACK that was held up and came with
        // others.
        let sound = interval > Duration::ZERO && min_rtt.is_none_or(|shortest| interval >= shortest);
        let sample = sound.then(|| RateSample {
            delivered: self.delivered - stamp.delivered,
            interval,
            app_limited: stamp.app_limited,
        });
        (sample, round)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(i64) -> Instant = Instant::from_millis;

    #[test]
    fn a_sample_spans_a_round_trip() {
        let mut rate = Rate::new(MS(0));
        let first = rate.stamp(MS(0), true);
        let second = rate.stamp(MS(10), false);
        rate.handle_delivered(MS(50), &first, MS(0), 1000);
        let (sample, round) = rate.poll_sample(None);
        let measured = |sample: Option<RateSample>| sample.map(|sample| (sample.delivered, sample.interval));
        assert_eq!(measured(sample), Some((1000, Duration::from_millis(50))));
        assert!(round);
        rate.handle_delivered(MS(60), &second, MS(10), 1000);
        let (sample, round) = rate.poll_sample(None);
        assert_eq!(measured(sample), Some((2000, Duration::from_millis(60))));
        assert!(!round, "the second one left in the same round");
    }

    #[test]
    fn what_left_while_there_was_nothing_more_to_send_says_so() {
        let limited = |rate: &mut Rate| rate.poll_sample(None).0.map(|sample| sample.app_limited);
        let mut rate = Rate::new(MS(0));
        let busy = rate.stamp(MS(0), true);
        rate.handle_app_limited(1000);
        let idle = rate.stamp(MS(1), false);
        rate.handle_delivered(MS(50), &busy, MS(0), 1000);
        assert_eq!(limited(&mut rate), Some(false));
        rate.handle_delivered(MS(51), &idle, MS(1), 1000);
        assert_eq!(limited(&mut rate), Some(true));
        let later = rate.stamp(MS(60), true);
        rate.handle_delivered(MS(110), &later, MS(60), 1000);
        assert_eq!(limited(&mut rate), Some(false));
    }

    #[test]
    fn acks_that_come_in_a_heap_give_no_sample() {
        let mut rate = Rate::new(MS(0));
        let stamp = rate.stamp(MS(0), true);
        rate.handle_delivered(MS(20), &stamp, MS(0), 1000);
        assert_eq!(rate.poll_sample(Some(Duration::from_millis(50))).0, None);
    }
}
