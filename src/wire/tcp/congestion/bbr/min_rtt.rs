//! The shortest round trip of ten seconds, and the pause that finds it again when queues may hide it (PROBE_RTT).

use super::super::Ack;
use super::filters::{Mark, Progress};
use crate::{Duration, Instant};

/// For so long a round trip counts (RTpropFilterLen).
const LENGTH: Duration = Duration::from_secs(10);
/// For so long, and for a round trip at least, hardly anything is in flight.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, Default)]
enum Probe {
    #[default]
    None,
    /// What is in flight has to become little first.
    Draining,
    /// Little is in flight until then; `round`: and until that has left, where it has not yet.
    Holding { until: Instant, round: Option<Mark> },
}

#[derive(Debug, Default)]
pub struct MinRtt {
    rtt: Option<(Duration, Instant)>,
    probe: Probe,
    /// Rounds yet to go, and the end of this one, in which samples of the bandwidth only show the probe's own restraint.
    held_back: Option<(u8, Mark)>,
}

impl MinRtt {
    pub fn get(&self) -> Option<Duration> {
        self.rtt.map(|(rtt, _)| rtt)
    }

    /// A probe lasts, or lasted when what is delivered now was sent: bandwidth samples are lower bounds.
    pub fn holds_back(&self) -> bool {
        self.held_back.is_some()
    }

    /// True when the shortest round trip was too old.
    pub fn handle_ack(&mut self, ack: &Ack) -> bool {
        let expired = self.rtt.is_some_and(|(_, stamp)| ack.now > stamp + LENGTH);
        if let Some(rtt) = ack.rtt
            && (expired || self.rtt.is_none_or(|(min, _)| rtt < min))
        {
            self.rtt = Some((rtt, ack.now));
        }
        expired
    }

    pub fn begin_probe(&mut self) {
        self.probe = Probe::Draining;
    }

    /// `probing`: the mode is PROBE_RTT; `little`: with so much in flight no queue can stand.
    pub fn handle_progress(&mut self, ack: &Ack, progress: &Progress, probing: bool, little: u64) {
        let mark = progress.mark(ack.in_flight);
        self.held_back = match self.held_back {
            // What is in flight when the probe ends, and what is sent while that is delivered.
            _ if probing => Some((2, mark)),
            Some((rounds, end)) if progress.has_reached(end) => (rounds > 1).then_some((rounds - 1, mark)),
            other => other,
        };
        match &mut self.probe {
            Probe::Draining if ack.in_flight <= little => {
                let until = ack.now + PAUSE;
                let round = Some(mark);
                self.probe = Probe::Holding { until, round };
            }
            Probe::Holding { round, .. } if round.is_some_and(|round| progress.has_reached(round)) => *round = None,
            _ => {}
        }
    }

    /// True when the probe has lasted long enough; what it found then counts from now on.
    pub fn end_probe(&mut self, now: Instant) -> bool {
        let Probe::Holding { until, round: None } = self.probe else {
            return false;
        };
        if now <= until {
            return false;
        }
        self.probe = Probe::None;
        if let Some((_, stamp)) = &mut self.rtt {
            *stamp = now;
        }
        true
    }
}
