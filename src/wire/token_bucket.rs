//! Limits a rate: so many a second, and so many at once.

use smoltcp::time::Instant;

pub struct TokenBucket {
    per_second: u64,
    burst: u64,
    /// Millionths of a token, so that a short interval is not rounded away.
    micro_tokens: u64,
    last: Instant,
}

const MICRO: u64 = 1_000_000;

impl TokenBucket {
    pub fn new(per_second: u64, burst: u64) -> Self {
        TokenBucket {
            per_second,
            burst,
            micro_tokens: burst * MICRO,
            last: Instant::ZERO,
        }
    }

    pub fn take(&mut self, now: Instant) -> bool {
        if now > self.last {
            let gained = (now - self.last).total_micros().saturating_mul(self.per_second);
            self.micro_tokens = self.micro_tokens.saturating_add(gained).min(self.burst * MICRO);
            self.last = now;
        }
        if self.micro_tokens < MICRO {
            return false;
        }
        self.micro_tokens -= MICRO;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_burst_and_then_the_rate() {
        let mut bucket = TokenBucket::new(10, 3);
        let at = |ms| Instant::from_millis(ms);
        assert_eq!((0..5).filter(|_| bucket.take(at(0))).count(), 3);
        assert!(!bucket.take(at(99)));
        assert!(bucket.take(at(100)));
        assert!(!bucket.take(at(100)));
        assert_eq!((0..50).filter(|_| bucket.take(at(100_000))).count(), 3);
    }
}
