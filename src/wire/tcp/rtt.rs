//! The round-trip time and the retransmission time-out that follows from it (RFC 6298), with Linux's values.

use std::collections::VecDeque;

use crate::{Duration, Instant};

/// The time-out before the first sample (RFC 6298, 2.1).
pub const INITIAL_RTO: Duration = Duration::from_secs(1);
/// The shortest time-out. RFC 6298 asks for a second; this is Linux's value, which the rest of this file builds on.
pub const MIN_RTO: Duration = Duration::from_millis(200);
pub const MAX_RTO: Duration = Duration::from_secs(120);
/// The time for which the shortest round trip is remembered (Linux: tcp_min_rtt_wlen).
const MIN_WINDOW: Duration = Duration::from_secs(300);
/// The number of candidates for the shortest round trip, which are in the order of their time and of their length.
const CANDIDATES: usize = 3;

#[derive(Default)]
pub struct Rtt {
    smoothed: Option<Duration>,
    variation: Duration,
    minimum: VecDeque<(Instant, Duration)>,
    /// The number of expiries since the last sample (RFC 6298, 5.5).
    backoff: u32,
    /// The number of expiries since the last progress.
    expiries: u32,
    expired_at: Option<Instant>,
}

impl Rtt {
    /// Takes a sample, of data that was sent once, or that a timestamp tells apart (RFC 6298, 3; RFC 7323, 4).
    /// `shortest`: the round trip of the last-sent data that the same ACK acknowledges, which includes no wait for a
    /// delayed ACK.
    pub fn handle_sample(&mut self, now: Instant, sample: Duration, shortest: Duration) {
        let sample = sample.max(Duration::from_micros(1));
        self.backoff = 0;
        self.smoothed = Some(match self.smoothed {
            None => {
                self.variation = sample / 2;
                sample
            }
            Some(smoothed) => {
                let difference = if sample > smoothed {
                    sample - smoothed
                } else {
                    smoothed - sample
                };
                // A sample that is much shorter than usual says little about the longest round trips, and counts an
                // eighth of another one (Linux: tcp_rtt_estimator).
                let weight = if sample + self.variation < smoothed { 32 } else { 4 };
                self.variation = if difference > self.variation {
                    self.variation + (difference - self.variation) / weight
                } else {
                    self.variation - (self.variation - difference) / 4
                };
                (smoothed * 7 + sample) / 8
            }
        });
        while self.minimum.back().is_some_and(|(_, known)| *known >= shortest) {
            self.minimum.pop_back();
        }
        if self.minimum.len() < CANDIDATES {
            self.minimum.push_back((now, shortest));
        }
        while self.minimum.len() > 1 && self.minimum.front().is_some_and(|(at, _)| *at + MIN_WINDOW < now) {
            self.minimum.pop_front();
        }
    }

    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    pub fn minimum(&self) -> Option<Duration> {
        self.minimum.front().map(|(_, shortest)| *shortest)
    }

    /// The time-out for a segment that is sent now, with the back-off.
    pub fn timeout(&self) -> Duration {
        let timeout = self.base() * (1 << self.backoff.min(10));
        timeout.min(MAX_RTO)
    }

    /// The time-out without the back-off.
    pub fn base(&self) -> Duration {
        match self.smoothed {
            None => INITIAL_RTO,
            Some(smoothed) => (smoothed + (self.variation * 4).max(MIN_RTO)).min(MAX_RTO),
        }
    }

    pub fn handle_expiry(&mut self, now: Instant) {
        self.backoff += 1;
        self.expiries += 1;
        self.expired_at = Some(now);
    }

    /// Called when new data was acknowledged. The time-out stays backed off until there is a sample (RFC 6298, 5;
    /// Karn's algorithm): on a path that has become slower, the other ACKs are for data that was sent twice.
    pub fn handle_progress(&mut self) {
        self.expiries = 0;
    }

    /// Forgets the expiries, whose cause is over and was not the path.
    pub fn forget_expiries(&mut self) {
        (self.backoff, self.expiries) = (0, 0);
    }

    /// The number of expiries since the last progress.
    pub fn expiries(&self) -> u32 {
        self.expiries
    }

    /// False for a segment that left before the last expiry. Its own ACK may have been lost, and it was then
    /// acknowledged together with a segment that left after the expiry: the sample would include the wait for the
    /// timer.
    pub fn may_be_sample(&self, sent_at: Instant) -> bool {
        self.expired_at.is_none_or(|expired| sent_at >= expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_time_out_follows_the_samples_and_has_a_floor() {
        let mut rtt = Rtt::default();
        assert_eq!(rtt.timeout(), INITIAL_RTO);
        rtt.handle_sample(Instant::ZERO, MS(400), MS(400));
        assert_eq!(rtt.timeout(), MS(400 + 4 * 200));
        for _ in 0..100 {
            rtt.handle_sample(Instant::ZERO, MS(50), MS(50));
        }
        let timeout = rtt.timeout();
        assert!(timeout >= MS(250) && timeout < MS(260), "{timeout}");
    }

    #[test]
    fn it_doubles_with_every_expiry_up_to_its_bound_and_comes_back_with_a_sample() {
        let mut rtt = Rtt::default();
        rtt.handle_sample(Instant::ZERO, MS(50), MS(50));
        let base = rtt.base();
        for expiries in 0..4 {
            assert_eq!(rtt.timeout(), base * (1 << expiries));
            rtt.handle_expiry(Instant::ZERO);
        }
        for _ in 0..100 {
            rtt.handle_expiry(Instant::ZERO);
        }
        assert_eq!(rtt.timeout(), MAX_RTO);
        rtt.handle_progress();
        assert_eq!(rtt.timeout(), MAX_RTO);
        rtt.handle_sample(Instant::ZERO, MS(50), MS(50));
        assert_eq!(rtt.timeout(), rtt.base());
    }

    #[test]
    fn the_shortest_is_forgotten_after_five_minutes() {
        let mut rtt = Rtt::default();
        rtt.handle_sample(Instant::ZERO, MS(10), MS(10));
        rtt.handle_sample(Instant::from_secs(200), MS(30), MS(30));
        assert_eq!(rtt.minimum(), Some(MS(10)));
        rtt.handle_sample(Instant::from_secs(301), MS(40), MS(40));
        assert_eq!(rtt.minimum(), Some(MS(30)));
    }
}
