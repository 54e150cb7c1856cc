//! The gains of PROBE_BW: a round trip faster than the bandwidth, one slower, six at it.

use super::super::Ack;
use crate::{Duration, Instant};

const GAINS: [f64; 8] = [1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];

#[derive(Clone, Copy, Debug)]
pub struct Cycle {
    phase: usize,
    since: Instant,
}

impl Default for Cycle {
    fn default() -> Self {
        Cycle::start(Instant::ZERO, 0)
    }
}

impl Cycle {
    /// Begins in any phase but the slow one, for the queue was drained just now. The draft draws it by lot, that flows
    /// may not probe in step; what a flow has delivered so far differs from flow to flow just as well.
    pub fn start(now: Instant, delivered: u64) -> Self {
        let phase = match (delivered % 7) as usize {
            0 => 0,
            other => other + 1,
        };
        Cycle { phase, since: now }
    }

    pub fn gain(&self) -> f64 {
        GAINS[self.phase]
    }

    pub fn is_probing(&self) -> bool {
        self.phase == 0
    }

    /// `here`: what is in flight at gain 1; `probed`: at the gain of this phase.
    pub fn handle_ack(&mut self, ack: &Ack, min_rtt: Option<Duration>, here: u64, probed: u64) {
        let long = ack.now > self.since + min_rtt.unwrap_or(Duration::ZERO);
        let over = match self.phase {
            // The faster phase goes on until it has filled the pipe so far, unless the pipe bursts.
            0 => long && (ack.lost > 0 || ack.prior_in_flight >= probed),
            // The slower one ends as soon as the queue that the faster one made is gone.
            1 => long || ack.prior_in_flight <= here,
            _ => long,
        };
        if over {
            self.phase = (self.phase + 1) % GAINS.len();
            self.since = ack.now;
        }
    }
}
