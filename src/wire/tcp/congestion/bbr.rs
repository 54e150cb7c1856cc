//! BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00, and what Linux's `bbr` has beyond it).
//!
//! BBR paces at the bandwidth that it measures and keeps in flight what that bandwidth and the shortest round trip need.
//! Loss is no signal. Linux's detection of policers (lt_bw) is left out: it takes a lossy path for a policer, and such
//! paths are what BBR is chosen for. Nor does startup conserve packets: losses at random would end it far too soon.

use super::{Ack, Congestion, RateSample, initial_window};
use crate::{Duration, Instant};

mod aggregation;
mod cycle;
mod filters;
mod min_rtt;
mod pipe;
#[cfg(test)]
mod tests;

use aggregation::{Aggregation, Arrival, bytes_in};
use cycle::Cycle;
use filters::{Mark, MaxBandwidth, Progress};
use min_rtt::MinRtt;
use pipe::FullPipe;

/// 2 / ln 2: the least gain that doubles the rate each round.
const HIGH_GAIN: f64 = 2.885;
const DRAIN_GAIN: f64 = 1.0 / HIGH_GAIN;
/// Delayed and lost ACKs need a second BDP in flight.
const CWND_GAIN: f64 = 2.0;
/// A little below the estimate, so that queues drain (Linux: bbr_pacing_margin_percent).
const PACING_MARGIN: f64 = 0.99;
/// Segments in flight while the round-trip time is probed, and always.
const MIN_SEGMENTS: u64 = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Startup,
    Drain,
    ProbeBw,
    ProbeRtt,
}

/// In the first round of a recovery no more leaves than is delivered (packet conservation).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Conservation {
    Off,
    /// The next ACK begins the round.
    Begins,
    Until(Mark),
}

#[derive(Debug)]
pub struct Bbr {
    mss: u64,
    mode: Mode,
    window: u64,
    /// Bytes a second; `None` until the first ACK: what leaves before it is the initial window.
    pacing_rate: Option<u64>,
    /// A round-trip time has entered the pacing rate.
    has_seen_rtt: bool,
    bandwidth: MaxBandwidth,
    rounds: u64,
    pipe: FullPipe,
    cycle: Cycle,
    min_rtt: MinRtt,
    aggregation: Aggregation,
    progress: Progress,
    conservation: Conservation,
    /// In a recovery, or after a time-out.
    recovering: bool,
    /// The window before that, or before a probe of the round-trip time. It is given back at the end of either.
    prior_window: u64,
    /// Idle until now: that the shortest round trip is old then needs no probe.
    idle_restart: bool,
}

impl Bbr {
    pub fn new(mss: u64) -> Self {
        let mss = mss.max(1);
        Bbr {
            mss,
            mode: Mode::Startup,
            window: initial_window(mss),
            pacing_rate: None,
            has_seen_rtt: false,
            bandwidth: MaxBandwidth::default(),
            rounds: 0,
            pipe: FullPipe::default(),
            cycle: Cycle::default(),
            min_rtt: MinRtt::default(),
            aggregation: Aggregation::default(),
            progress: Progress::default(),
            conservation: Conservation::Off,
            recovering: false,
            prior_window: 0,
            idle_restart: false,
        }
    }

    fn pacing_gain(&self) -> f64 {
        match self.mode {
            Mode::Startup => HIGH_GAIN,
            Mode::Drain => DRAIN_GAIN,
            Mode::ProbeBw => self.cycle.gain(),
            Mode::ProbeRtt => 1.0,
        }
    }

    fn cwnd_gain(&self) -> f64 {
        match self.mode {
            Mode::Startup | Mode::Drain => HIGH_GAIN,
            Mode::ProbeBw => CWND_GAIN,
            Mode::ProbeRtt => 1.0,
        }
    }

    fn least_window(&self) -> u64 {
        MIN_SEGMENTS * self.mss
    }

    /// What leaves in one go (draft, 4.2.2): a millisecond's worth, at most 64 KiB.
    fn quantum(&self) -> u64 {
        match self.pacing_rate.unwrap_or(0) {
            rate if rate < 150_000 => self.mss,
            rate if rate < 3_000_000 => 2 * self.mss,
            rate => (rate / 1000).min(64 * 1024).max(2 * self.mss),
        }
    }

    /// What is in flight at this gain: the BDP, and room for bursts on either end.
    fn inflight(&self, gain: f64) -> u64 {
        let Some(rtt) = self.min_rtt.get() else {
            return initial_window(self.mss);
        };
        let bdp = (bytes_in(self.bandwidth.get(), rtt) as f64 * gain) as u64;
        let probing = if self.mode == Mode::ProbeBw && self.cycle.is_probing() {
            2 * self.mss
        } else {
            0
        };
        bdp + 3 * self.quantum() + probing
    }

    fn handle_sample(&mut self, ack: &Ack, sample: RateSample) {
        let rate = u128::from(sample.delivered) * 1_000_000 / u128::from(sample.interval.total_micros().max(1));
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        let app_limited = sample.app_limited || self.min_rtt.holds_back();
        if !app_limited || rate >= self.bandwidth.get() {
            self.bandwidth.handle_sample(self.rounds, rate);
        }
        self.aggregation.handle_ack(&Arrival {
            now: ack.now,
            delivered: ack.delivered,
            round: ack.round,
            bandwidth: self.bandwidth.get(),
            window: self.window(),
            startup: !self.pipe.is_full(),
            mss: self.mss,
        });
        if ack.round && !app_limited {
            self.pipe.handle_round(self.bandwidth.get());
        }
    }

    fn change_mode(&mut self, ack: &Ack) {
        if self.mode == Mode::ProbeBw {
            let (here, probed) = (self.inflight(1.0), self.inflight(self.cycle.gain()));
            self.cycle.handle_ack(ack, self.min_rtt.get(), here, probed);
        }
        if self.mode == Mode::Startup && self.pipe.is_full() {
            self.mode = Mode::Drain;
        }
        if self.mode == Mode::Drain && ack.in_flight <= self.inflight(1.0) {
            self.probe_bandwidth(ack.now);
        }
    }

    fn probe_bandwidth(&mut self, now: Instant) {
        self.mode = Mode::ProbeBw;
        self.cycle = Cycle::start(now, self.progress.total() / self.mss);
    }

    fn probe_rtt(&mut self, ack: &Ack) {
        let expired = self.min_rtt.handle_ack(ack);
        if expired && !self.idle_restart && self.mode != Mode::ProbeRtt {
            self.save_window();
            self.mode = Mode::ProbeRtt;
            self.min_rtt.begin_probe();
        }
        self.min_rtt
            .handle_progress(ack, &self.progress, self.mode == Mode::ProbeRtt, self.least_window());
        self.end_probe(ack.now);
        if ack.delivered > 0 {
            self.idle_restart = false;
        }
    }

    fn end_probe(&mut self, now: Instant) {
        if self.mode != Mode::ProbeRtt || !self.min_rtt.end_probe(now) {
            return;
        }
        // Also in a recovery, or the path would stay as empty as the probe left it.
        self.restore_window();
        if self.pipe.is_full() {
            self.probe_bandwidth(now);
        } else {
            self.mode = Mode::Startup;
        }
    }

    fn pace(&mut self, ack: &Ack) {
        if !self.has_seen_rtt {
            self.has_seen_rtt = ack.smoothed_rtt.is_some();
            self.pacing_rate = Some(self.first_rate(ack.smoothed_rtt));
        }
        let rate = (self.bandwidth.get() as f64 * self.pacing_gain() * PACING_MARGIN) as u64;
        // In startup a low sample is no reason to slow down.
        if rate > 0 && (self.pipe.is_full() || self.pacing_rate.is_none_or(|last| rate > last)) {
            self.pacing_rate = Some(rate);
        }
    }

    /// Before there is a sample: the initial window in a round trip, or in a millisecond.
    fn first_rate(&self, rtt: Option<Duration>) -> u64 {
        let micros = rtt.map_or(1000, |rtt| rtt.total_micros().max(1));
        (initial_window(self.mss) as f64 * HIGH_GAIN * 1e6 / micros as f64) as u64
    }

    fn set_window(&mut self, ack: &Ack) {
        self.window = self.window.saturating_sub(ack.lost).max(self.mss);
        if let Conservation::Begins = self.conservation {
            self.conservation = Conservation::Until(self.progress.mark(ack.in_flight));
        } else if let Conservation::Until(mark) = self.conservation
            && self.progress.has_reached(mark)
        {
            self.conservation = Conservation::Off;
        }
        if self.conservation != Conservation::Off {
            self.window = self.window.max(ack.in_flight + ack.delivered);
        } else if self.mode != Mode::ProbeRtt && ack.delivered > 0 {
            self.grow_to_target(ack);
        }
    }

    fn grow_to_target(&mut self, ack: &Ack) {
        let grown = self.window + ack.delivered;
        if self.pipe.is_full() {
            let target = self.inflight(self.cwnd_gain()) + self.aggregation.extra(self.bandwidth.get());
            self.window = grown.min(target);
        } else if self.window < self.inflight(self.cwnd_gain()) || ack.total_delivered < initial_window(self.mss) {
            self.window = grown;
        }
        self.window = self.window.max(self.least_window());
    }

    /// The window of a recovery or of a probe is none to come back to.
    fn save_window(&mut self) {
        self.prior_window = if self.recovering || self.mode == Mode::ProbeRtt {
            self.prior_window.max(self.window)
        } else {
            self.window
        };
    }

    fn restore_window(&mut self) {
        self.window = self.window.max(self.prior_window);
    }

    fn end_recovery(&mut self) {
        if std::mem::take(&mut self.recovering) {
            self.conservation = Conservation::Off;
            self.restore_window();
        }
    }
}

impl Congestion for Bbr {
    fn window(&self) -> u64 {
        match self.mode {
            Mode::ProbeRtt => self.window.min(self.least_window()),
            _ => self.window,
        }
    }

    fn pacing_rate(&self) -> Option<u64> {
        Some(self.pacing_rate.unwrap_or_else(|| self.first_rate(None)))
    }

    fn handle_ack(&mut self, ack: &Ack) {
        self.progress.handle_ack(ack.delivered, ack.lost);
        self.rounds += u64::from(ack.round);
        if let Some(sample) = ack.rate {
            self.handle_sample(ack, sample);
        }
        self.change_mode(ack);
        self.probe_rtt(ack);
        self.pace(ack);
        self.set_window(ack);
    }

    fn handle_sent(&mut self, _now: Instant, _bytes: u64, _in_flight: u64) {}

    fn handle_loss(&mut self, _now: Instant, _outstanding: u64, in_flight: u64) {
        self.save_window();
        self.recovering = true;
        // In startup the window goes on growing, less what is lost.
        if !self.pipe.is_full() {
            return;
        }
        self.conservation = Conservation::Begins;
        // The first retransmission leaves at once.
        self.window = in_flight + self.mss;
    }

    fn handle_recovered(&mut self, _now: Instant, _in_flight: u64) {
        self.end_recovery();
    }

    fn handle_timeout(&mut self, _now: Instant, in_flight: u64, _first: bool) {
        self.save_window();
        self.recovering = true;
        self.pipe.restart();
        self.conservation = Conservation::Off;
        self.window = in_flight + self.mss;
    }

    fn handle_undo(&mut self, _now: Instant) {
        self.pipe.restart();
        self.end_recovery();
    }

    /// The window stays, for pacing alone keeps a burst from the path (so does Linux): the flow goes on at the bandwidth
    /// that was last measured.
    fn handle_idle(&mut self, now: Instant, _idle: Duration, _rto: Duration) {
        self.idle_restart = true;
        self.aggregation.restart(now);
        let rate = (self.bandwidth.get() as f64 * PACING_MARGIN) as u64;
        if self.mode == Mode::ProbeBw && rate > 0 {
            self.pacing_rate = Some(rate);
        }
        self.end_probe(now);
    }

    fn set_mss(&mut self, mss: u64) {
        self.mss = mss.max(1);
        if self.pacing_rate.is_none() {
            self.window = initial_window(self.mss);
        }
        self.window = self.window.max(self.mss);
    }
}
