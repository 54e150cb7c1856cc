//! HyStart++ (RFC 9406): the initial slow start ends when the round-trip time grows, before the queue overflows.
//!
//! There is no L, the most segments that one ACK may count for (4.2, where it is infinite for paced senders and 8 for
//! others): receivers behind GRO acknowledge dozens of segments at once, and with L slow start would be several times
//! slower than Linux's, which has no such limit either.

use crate::Duration;

const MIN_RTT_THRESH: Duration = Duration::from_millis(4);
const MAX_RTT_THRESH: Duration = Duration::from_millis(16);
const MIN_RTT_DIVISOR: u32 = 8;
const N_RTT_SAMPLE: u32 = 8;
/// Growth in conservative slow start is so many times slower.
pub const CSS_GROWTH_DIVISOR: f64 = 4.0;
const CSS_ROUNDS: u32 = 5;
/// With fewer segments in the window the delay says nothing (Linux: hystart_low_window).
pub const LOW_WINDOW: f64 = 16.0;

/// How the window grows for this ACK.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// By all that was delivered.
    Exponential,
    /// By a fourth of it: the round trips have become longer, perhaps for good (CSS).
    Conservative,
    /// No more: the window as it is becomes the threshold.
    Leave,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    SlowStart,
    Conservative { baseline: Duration, rounds: u32 },
    Over,
}

#[derive(Debug)]
pub struct HyStart {
    stage: Stage,
    last_round_min: Option<Duration>,
    round_min: Option<Duration>,
    samples: u32,
}

impl Default for HyStart {
    fn default() -> Self {
        HyStart {
            stage: Stage::SlowStart,
            last_round_min: None,
            round_min: None,
            samples: 0,
        }
    }
}

impl HyStart {
    /// Loss was found, or slow start is over: later slow starts know their threshold (RFC 9406, 4.3).
    pub fn stop(&mut self) {
        self.stage = Stage::Over;
    }

    /// `round`: a round has begun with this ACK. `large`: the window has `LOW_WINDOW` segments.
    pub fn handle_ack(&mut self, round: bool, rtt: Option<Duration>, large: bool) -> Pace {
        if round && self.begin_round() {
            self.stop();
            return Pace::Leave;
        }
        if let Some(rtt) = rtt {
            self.round_min = Some(self.round_min.map_or(rtt, |min| min.min(rtt)));
            self.samples = self.samples.saturating_add(1);
        }
        if self.samples >= N_RTT_SAMPLE {
            self.compare(large);
        }
        match self.stage {
            Stage::Conservative { .. } => Pace::Conservative,
            Stage::SlowStart | Stage::Over => Pace::Exponential,
        }
    }

    /// True when the last round of conservative slow start is over. The round in which it began counts as one.
    fn begin_round(&mut self) -> bool {
        self.last_round_min = self.round_min.take();
        self.samples = 0;
        match &mut self.stage {
            Stage::Conservative { rounds, .. } => {
                *rounds += 1;
                *rounds >= CSS_ROUNDS
            }
            Stage::SlowStart | Stage::Over => false,
        }
    }

    fn compare(&mut self, large: bool) {
        let Some(current) = self.round_min else { return };
        match (self.stage, self.last_round_min) {
            (Stage::SlowStart, Some(last)) if large => {
                let threshold = (last / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESH, MAX_RTT_THRESH);
                if current >= last + threshold {
                    let baseline = current;
                    self.stage = Stage::Conservative { baseline, rounds: 0 };
                }
            }
            // The longer round trips were a spike.
            (Stage::Conservative { baseline, .. }, _) if current < baseline => self.stage = Stage::SlowStart,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: bool = true;

    /// A round of so many ACKs; the pace of its last one.
    fn round(hystart: &mut HyStart, acks: u32, rtt: u64, large: bool) -> Pace {
        let rtt = Some(Duration::from_millis(rtt));
        let mut pace = hystart.handle_ack(true, rtt, large);
        for _ in 1..acks {
            pace = hystart.handle_ack(false, rtt, large);
        }
        pace
    }

    #[test]
    fn longer_round_trips_slow_it_down_and_end_it_after_five_rounds() {
        let mut hystart = HyStart::default();
        assert_eq!(round(&mut hystart, 20, 50, LARGE), Pace::Exponential);
        // An eighth of 50 ms is 6.25 ms.
        assert_eq!(round(&mut hystart, 20, 56, LARGE), Pace::Exponential);
        assert_eq!(round(&mut hystart, 20, 63, LARGE), Pace::Conservative);
        for _ in 1..CSS_ROUNDS {
            assert_eq!(round(&mut hystart, 20, 63, LARGE), Pace::Conservative);
        }
        assert_eq!(hystart.handle_ack(true, None, LARGE), Pace::Leave);
        assert_eq!(round(&mut hystart, 20, 900, LARGE), Pace::Exponential);
    }

    #[test]
    fn after_a_spike_it_goes_on_as_before() {
        let mut hystart = HyStart::default();
        round(&mut hystart, 20, 50, LARGE);
        assert_eq!(round(&mut hystart, 20, 90, LARGE), Pace::Conservative);
        assert_eq!(round(&mut hystart, 20, 52, LARGE), Pace::Exponential);
        for _ in 0..9 {
            assert_eq!(round(&mut hystart, 20, 52, LARGE), Pace::Exponential);
        }
    }

    #[test]
    fn few_samples_small_windows_and_later_slow_starts_say_nothing() {
        let mut few = HyStart::default();
        let mut small = HyStart::default();
        let mut later = HyStart::default();
        later.stop();
        for rtt in [50, 90, 150, 300] {
            assert_eq!(round(&mut few, N_RTT_SAMPLE - 1, rtt, LARGE), Pace::Exponential);
            assert_eq!(round(&mut small, 12, rtt, false), Pace::Exponential);
            assert_eq!(round(&mut later, 20, rtt, LARGE), Pace::Exponential);
        }
    }

    #[test]
    fn the_threshold_is_between_4_and_16_milliseconds() {
        for (base, enough) in [(8, 4), (1000, 16)] {
            let mut hystart = HyStart::default();
            round(&mut hystart, 20, base, LARGE);
            assert_eq!(round(&mut hystart, 20, base + enough - 1, LARGE), Pace::Exponential);
            let mut hystart = HyStart::default();
            round(&mut hystart, 20, base, LARGE);
            assert_eq!(round(&mut hystart, 20, base + enough, LARGE), Pace::Conservative);
        }
    }
}
