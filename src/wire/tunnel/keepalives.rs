//! When a peer is owed a keepalive (whitepaper, 6.5): 10 s after data that nothing of ours has followed, and every so
//! often where one is configured.
//!
//! boringtun keeps these times, too, but stamps them with its last tick: data that came within the same tick as our last
//! packet was never answered, and the other side, which heard nothing for 15 s, made a new handshake. So boringtun
//! is told of no interval, and what it says of its own accord is not sent (`Tunnel::tick`).

use smoltcp::time::{Duration, Instant};

/// KEEPALIVE-TIMEOUT (whitepaper, 6.1).
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Keepalives {
    /// The persistent ones; `None` is none.
    interval: Option<Duration>,
    /// When the last persistent one left, or the peer was made.
    last: Instant,
    /// When the first data came that nothing of ours has followed. The first and not the last: the other side counts
    /// from its first unanswered packet, and one that sends without pause would never be answered.
    unanswered: Option<Instant>,
}

impl Keepalives {
    /// `seconds` between persistent ones; 0 is none.
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

    /// A data message with something in it has authenticated. A keepalive is none.
    pub fn handle_data(&mut self, now: Instant) {
        self.unanswered.get_or_insert(now);
    }

    /// A message that the other side can authenticate has left, whatever it carries.
    pub fn handle_sent(&mut self) {
        self.unanswered = None;
    }

    /// True once, when one is due: data has waited for an answer for long enough.
    pub fn poll_passive(&mut self, now: Instant) -> bool {
        self.unanswered
            .take_if(|since| now >= *since + KEEPALIVE_TIMEOUT)
            .is_some()
    }

    /// True once an interval.
    pub fn poll_persistent(&mut self, now: Instant) -> bool {
        let due = self.interval.is_some_and(|interval| now >= self.last + interval);
        if due {
            self.last = now;
        }
        due
    }
}
