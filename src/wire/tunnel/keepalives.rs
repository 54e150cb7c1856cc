//! Decides when a keepalive is sent to a peer (whitepaper, 6.5): 10 s after data of the peer's to which no message of
//! ours has gone back, and at an interval where one is configured.
//!
//! boringtun keeps these times, too, but stamps them with its last tick: data that came within the same tick as our last
//! packet was never answered, and the other side, which heard nothing for 15 s, made a new handshake. So boringtun
//! is told of no interval, and what it says of its own accord is not sent (`Tunnel::tick`).

use smoltcp::time::{Duration, Instant};

/// KEEPALIVE-TIMEOUT (whitepaper, 6.1).
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Keepalives {
    /// The interval of persistent keepalives; `None` without them.
    interval: Option<Duration>,
    /// The time at which the last persistent keepalive left, or at which the peer was made.
    last: Instant,
    /// The time of the first data that no message of ours has followed. It is the first and not the last, because the
    /// other side counts from its first unanswered packet, and a side that sends without pause would never be answered.
    unanswered: Option<Instant>,
}

impl Keepalives {
    /// `seconds` is the interval of persistent keepalives; 0 is none.
    pub fn new(now: Instant, seconds: Option<u16>) -> Self {
        Keepalives {
            interval: seconds
                .filter(|seconds| *seconds > 0)
                .map(|seconds| Duration::from_secs(seconds.into())),
            last: now,
            unanswered: None,
        }
    }

    pub fn is_persistent(&self) -> bool {
        self.interval.is_some()
    }

    /// Called for an authenticated data message that is not empty, so not for a keepalive.
    pub fn handle_data(&mut self, now: Instant) {
        self.unanswered.get_or_insert(now);
    }

    /// Called when a message that the other side can authenticate has left, with or without data.
    pub fn handle_sent(&mut self) {
        self.unanswered = None;
    }

    /// True, once, when data of the peer's has gone unanswered for so long that a keepalive is due.
    pub fn poll_passive(&mut self, now: Instant) -> bool {
        self.unanswered
            .take_if(|since| now >= *since + KEEPALIVE_TIMEOUT)
            .is_some()
    }

    /// True, once an interval, when a persistent keepalive is due.
    pub fn poll_persistent(&mut self, now: Instant) -> bool {
        let due = self.interval.is_some_and(|interval| now >= self.last + interval);
        if due {
            self.last = now;
        }
        due
    }
}
