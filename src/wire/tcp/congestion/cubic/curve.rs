//! The curve on which CUBIC's window grows between two losses (RFC 9438, 4). All windows in bytes.

use crate::{Duration, Instant};

/// Segments a second cubed.
pub const C: f64 = 0.4;
/// What is left of the window after a loss.
pub const BETA: f64 = 0.7;
/// With it AIMD moves as much as Reno does in spite of the milder decrease (4.3).
const ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);
/// The window grows at most so many times in a round trip (4.4).
const MOST: f64 = 1.5;
/// While no loss has told what the path bears, the window grows by so much of what is delivered, as Linux's does: the
/// convex branch alone would need many seconds to leave a window that slow start left too early.
const EXPLORE: f64 = 0.05;

#[derive(Clone, Copy, PartialEq, Debug)]
struct Epoch {
    start: Instant,
    /// Seconds until the curve is at `origin` (K).
    k: f64,
    origin: f64,
    /// What Reno's window would be (W_est).
    w_est: f64,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Curve {
    /// Where the last loss was. `None`: there was none, or a time-out made it worthless (4.8).
    w_max: Option<f64>,
    /// The window just before the last reduction.
    cwnd_prior: f64,
    /// The time since congestion avoidance began after that reduction.
    epoch: Option<Epoch>,
}

impl Curve {
    /// Loss at this window.
    pub fn handle_loss(&mut self, window: f64) {
        // Fast convergence (4.7): a flow whose losses come earlier each time makes room for others.
        self.w_max = Some(match self.w_max {
            Some(w_max) if window < w_max => window * (1.0 + BETA) / 2.0,
            _ => window,
        });
        self.cwnd_prior = window;
        self.epoch = None;
    }

    /// A time-out at this window: what was known of the path holds no longer.
    pub fn handle_timeout(&mut self, window: f64) {
        *self = Curve {
            w_max: None,
            cwnd_prior: window,
            epoch: None,
        };
    }

    /// For so long the flow had nothing to send: the curve stands still meanwhile (5.8).
    pub fn handle_pause(&mut self, pause: Duration) {
        if let Some(epoch) = &mut self.epoch {
            epoch.start += pause;
        }
    }

    /// The segments have another length: the curve is drawn anew from where the window is.
    pub fn restart(&mut self) {
        self.epoch = None;
    }

    /// The window after so many bytes were delivered in congestion avoidance. `rtt`: how far ahead the curve is read.
    pub fn grow(&mut self, now: Instant, rtt: Duration, window: f64, delivered: f64, mss: f64) -> f64 {
        let w_max = self.w_max;
        let epoch = self.epoch.get_or_insert_with(|| {
            let origin = w_max.unwrap_or(window).max(window);
            Epoch {
                start: now,
                k: ((origin - window) / (C * mss)).cbrt(),
                origin,
                w_est: window,
            }
        });
        let ahead = seconds_between(epoch.start, now) + seconds(rtt) - epoch.k;
        let target = (epoch.origin + C * mss * ahead.powi(3)).clamp(window, MOST * window);
        let cubic = window + (target - window) * delivered / window;

        let alpha = if epoch.w_est < self.cwnd_prior { ALPHA } else { 1.0 };
        epoch.w_est += alpha * mss * delivered / window;

        let explored = if w_max.is_none() { EXPLORE * delivered } else { 0.0 };
        cubic.max(epoch.w_est).max(window + explored)
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.total_micros() as f64 / 1e6
}

/// Zero where `since` is later: an epoch that was moved by a pause may begin after an ACK that was on its way.
fn seconds_between(since: Instant, now: Instant) -> f64 {
    (now.total_micros() - since.total_micros()).max(0) as f64 / 1e6
}
