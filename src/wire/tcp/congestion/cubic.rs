//! CUBIC (RFC 9438): slow start by HyStart++, growth on a cubic curve, reduction by PRR.
//!
//! Where Linux moves more than the RFC asks, this does as Linux does; the comments say where. Segments are not paced:
//! they leave as fast as the window lets them.

use super::hystart::{CSS_GROWTH_DIVISOR, HyStart, LOW_WINDOW, Pace};
use super::prr::Prr;
use super::{Ack, Congestion, Phase, initial_window};
use crate::{Duration, Instant};

mod curve;
#[cfg(test)]
mod tests;

use curve::{BETA, Curve};

/// What a spurious reduction gives back.
#[derive(Clone, Copy, Debug)]
struct Saved {
    window: f64,
    ssthresh: f64,
    curve: Curve,
}

/// Windows in bytes; fractions of a byte are kept, so that no growth is ever rounded away.
#[derive(Debug)]
pub struct Cubic {
    mss: f64,
    window: f64,
    ssthresh: f64,
    curve: Curve,
    hystart: HyStart,
    /// While a recovery lasts: it then decides on the window.
    prr: Option<Prr>,
    saved: Option<Saved>,
    /// Until then it is settled which time counts for the curve and which does not: since the last ACK, or since the
    /// flow last began to send with nothing in flight. `None` before the first ACK.
    settled: Option<Instant>,
}

impl Cubic {
    pub fn new(mss: u64) -> Self {
        let mss = mss.max(1);
        Cubic {
            mss: mss as f64,
            window: initial_window(mss) as f64,
            ssthresh: f64::INFINITY,
            curve: Curve::default(),
            hystart: HyStart::default(),
            prr: None,
            saved: None,
            settled: None,
        }
    }

    /// The threshold after a loss at this window.
    fn reduced(&self, window: f64) -> f64 {
        // Linux takes the window, and not what is in flight: a loss costs the same however the ACKs are spread.
        (window * BETA).round().max(2.0 * self.mss)
    }

    fn save(&mut self, window: f64) {
        self.saved = Some(Saved {
            window,
            ssthresh: self.ssthresh,
            curve: self.curve,
        });
    }

    /// Slow start. Gives back what was delivered beyond the threshold.
    fn grow_to_threshold(&mut self, bytes: f64) -> f64 {
        let growth = bytes.min(self.ssthresh - self.window);
        self.window += growth;
        bytes - growth
    }

    fn avoid_congestion(&mut self, ack: &Ack, delivered: f64) {
        let rtt = ack.smoothed_rtt.or(ack.min_rtt).unwrap_or(Duration::ZERO);
        self.window = self.curve.grow(ack.now, rtt, self.window, delivered, self.mss);
    }

    /// The time since the last ACK does not count for the curve.
    fn pause_curve(&mut self, now: Instant) {
        if let Some(settled) = self.settled
            && now > settled
        {
            self.curve.handle_pause(now - settled);
            self.settled = Some(now);
        }
    }

    fn handle_open_ack(&mut self, ack: &Ack) {
        let pace = if self.ssthresh.is_finite() {
            Pace::Exponential
        } else {
            let large = self.window >= LOW_WINDOW * self.mss;
            self.hystart.handle_ack(ack.round, ack.rtt, large)
        };
        if pace == Pace::Leave {
            self.ssthresh = self.window;
        }
        if !ack.window_limited {
            // The time in which the window need not grow is none of the curve's.
            self.pause_curve(ack.now);
        }
        // As Linux: a segment that only arrived behind a hole lets nothing grow before the hole is explained.
        if !(ack.window_limited && ack.advanced) {
            return;
        }
        let mut delivered = ack.delivered as f64;
        if self.window < self.ssthresh {
            let divisor = if pace == Pace::Conservative {
                CSS_GROWTH_DIVISOR
            } else {
                1.0
            };
            delivered = self.grow_to_threshold(delivered / divisor);
        }
        if delivered > 0.0 {
            self.avoid_congestion(ack, delivered);
        }
    }

    /// After a time-out: slow start up to the threshold. All that waits there waits for the window.
    fn handle_loss_ack(&mut self, ack: &Ack) {
        let mut delivered = ack.delivered as f64;
        if self.window < self.ssthresh {
            delivered = self.grow_to_threshold(delivered);
        }
        if ack.window_limited && ack.advanced && delivered > 0.0 {
            self.avoid_congestion(ack, delivered);
        }
    }
}

impl Congestion for Cubic {
    fn window(&self) -> u64 {
        self.window as u64
    }

    fn pacing_rate(&self) -> Option<u64> {
        None
    }

    fn handle_ack(&mut self, ack: &Ack) {
        match (ack.phase, &mut self.prr) {
            (Phase::Recovery, Some(prr)) => {
                self.window = (ack.in_flight + prr.handle_ack(ack, self.mss as u64)) as f64;
            }
            (Phase::Recovery, None) => {}
            (Phase::Open, _) => self.handle_open_ack(ack),
            (Phase::Loss, _) => self.handle_loss_ack(ack),
        }
        self.settled = Some(ack.now);
    }

    fn handle_sent(&mut self, now: Instant, bytes: u64, in_flight: u64) {
        // Time of idleness does not count (Linux: bictcp_cwnd_event). A sender that only waited for its window sends
        // in the moment of the ACK, and so loses nothing here.
        if in_flight == 0 {
            self.pause_curve(now);
        }
        if let Some(prr) = &mut self.prr {
            prr.handle_sent(bytes);
        }
    }

    fn handle_loss(&mut self, _now: Instant, outstanding: u64, in_flight: u64) {
        // The window of a recovery that goes on is PRR's, and says nothing about the path.
        let window = if self.prr.is_some() { self.ssthresh } else { self.window };
        self.save(window);
        self.hystart.stop();
        self.curve.handle_loss(window);
        self.ssthresh = self.reduced(window);
        self.prr = Some(Prr::new(self.ssthresh as u64, outstanding));
        // The first retransmission leaves at once, whatever is in flight.
        self.window = in_flight as f64 + self.mss;
    }

    fn handle_recovered(&mut self, _now: Instant, _in_flight: u64) {
        // A loss phase ends in slow start or beyond it, and goes on from where it is.
        if self.prr.take().is_some() {
            self.window = self.ssthresh;
        }
    }

    fn handle_timeout(&mut self, _now: Instant, in_flight: u64, first: bool) {
        // A recovery has lowered the threshold already for what has now timed out (so does Linux).
        let reduced = self.prr.take().is_some();
        if reduced {
            self.curve.handle_timeout(self.ssthresh / BETA);
        } else if first {
            self.save(self.window);
            self.curve.handle_timeout(self.window);
            self.ssthresh = self.reduced(self.window);
        }
        self.hystart.stop();
        self.window = in_flight as f64 + self.mss;
    }

    fn handle_undo(&mut self, _now: Instant) {
        let Some(saved) = self.saved.take() else { return };
        self.window = self.window.max(saved.window);
        self.ssthresh = saved.ssthresh;
        self.curve = saved.curve;
        self.prr = None;
    }

    fn handle_idle(&mut self, _now: Instant, idle: Duration, rto: Duration) {
        if self.prr.is_some() {
            return;
        }
        // As Linux's tcp_slow_start_after_idle: half the window for each time-out, and slow start back to three fourths.
        let least = self.window.min(initial_window(self.mss as u64) as f64);
        let timeouts = idle.total_micros() / rto.total_micros().max(1);
        if self.ssthresh.is_finite() {
            self.ssthresh = self.ssthresh.max(0.75 * self.window);
        }
        let halved = self.window / 2f64.powi(timeouts.min(64) as i32);
        self.window = halved.max(least);
    }

    fn set_mss(&mut self, mss: u64) {
        let mss = mss.max(1);
        if self.settled.is_none() && self.saved.is_none() {
            self.window = initial_window(mss) as f64;
        }
        self.mss = mss as f64;
        self.curve.restart();
        self.window = self.window.max(self.mss);
        self.ssthresh = self.ssthresh.max(2.0 * self.mss);
    }
}
