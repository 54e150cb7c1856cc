//! A path with a bottleneck, a queue and loss by a seed, and a bulk sender with SACK on it.

use std::collections::{BTreeSet, VecDeque};

use super::super::*;

#[derive(Clone, Copy)]
pub struct Path {
    /// Bytes a second.
    pub rate: u64,
    /// The round trip without any queue.
    pub rtt: Duration,
    /// Bytes that the bottleneck's queue holds.
    pub buffer: u64,
    /// The share of segments that is lost at random.
    pub loss: f64,
    pub seed: u64,
    /// ACKs of so long a time arrive as one.
    pub gather: Duration,
}

pub const MSS: u64 = 1380;

/// 100 Mbit/s and 50 ms, without loss, and with a queue of one bandwidth-delay product.
pub const USUAL: Path = Path {
    rate: 12_500_000,
    rtt: Duration::from_millis(50),
    buffer: 625_000,
    loss: 0.0,
    seed: 1,
    gather: Duration::ZERO,
};

#[derive(Clone, Copy)]
struct Sent {
    order: u64,
    sequence: u64,
    at: Instant,
    first_sent: Instant,
    delivered: u64,
    delivered_at: Instant,
    again: bool,
}

/// A sender that always has something to send. It finds losses as RACK does: three later segments have arrived.
pub struct Bulk {
    pub control: Box<dyn Congestion>,
    pub now: Instant,
    pub delivered: u64,
    pub timeouts: u32,
    pub losses: u32,
    /// Set to zero by the test, which looks at the highest value after that.
    pub most_in_flight: u64,
    /// The queue's longest delay, as `most_in_flight`.
    pub longest_rtt: Duration,
    pub path: Path,
    random: u64,
    busy: f64,
    next_send: f64,
    in_flight: VecDeque<Sent>,
    arrivals: VecDeque<(Instant, u64)>,
    lost: BTreeSet<u64>,
    received: BTreeSet<u64>,
    next: u64,
    una: u64,
    order: u64,
    recover: u64,
    phase: Phase,
    round_end: u64,
    first_sent: Instant,
    delivered_at: Instant,
    limited_at: Option<Instant>,
    heard: Instant,
    smoothed: Option<Duration>,
    shortest: Option<Duration>,
    window_time: f64,
}

fn micros(at: f64) -> Instant {
    Instant::from_micros(at.ceil() as i64)
}

impl Bulk {
    pub fn new(algorithm: Algorithm, path: Path) -> Self {
        Bulk {
            control: algorithm.start(MSS),
            now: Instant::ZERO,
            delivered: 0,
            timeouts: 0,
            losses: 0,
            most_in_flight: 0,
            longest_rtt: Duration::ZERO,
            path,
            random: path.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            busy: 0.0,
            next_send: 0.0,
            in_flight: VecDeque::new(),
            arrivals: VecDeque::new(),
            lost: BTreeSet::new(),
            received: BTreeSet::new(),
            next: 0,
            una: 0,
            order: 0,
            recover: 0,
            phase: Phase::Open,
            round_end: 0,
            first_sent: Instant::ZERO,
            delivered_at: Instant::ZERO,
            limited_at: None,
            heard: Instant::ZERO,
            smoothed: None,
            shortest: None,
            window_time: 0.0,
        }
    }

    fn pipe(&self) -> u64 {
        self.in_flight.len() as u64 * MSS
    }

    /// Runs for a time, and gives the delivery rate in bytes a second, and the mean window.
    pub fn run(&mut self, time: Duration) -> (f64, f64) {
        let (until, delivered) = (self.now + time, self.delivered);
        self.window_time = 0.0;
        while self.step(until) {}
        let seconds = time.total_micros() as f64 / 1e6;
        (
            (self.delivered - delivered) as f64 / seconds,
            self.window_time / seconds,
        )
    }

    /// Until the next ACK has been handled. False when the time is over first.
    pub fn step(&mut self, until: Instant) -> bool {
        self.send();
        let rto = self.heard + self.smoothed.unwrap_or(Duration::from_secs(1)) * 2 + Duration::from_millis(200);
        let ack = self.arrivals.front().map(|&(at, _)| at + self.path.gather);
        let open = self.pipe() + MSS <= self.control.window();
        let pace = open.then(|| micros(self.next_send));
        let Some(next) = [Some(rto), ack, pace].into_iter().flatten().min() else {
            return false;
        };
        let at = next.min(until).max(self.now);
        self.window_time += (at - self.now).total_micros() as f64 / 1e6 * self.control.window() as f64;
        self.now = at;
        if next > until {
            return false;
        }
        if Some(next) == ack {
            self.acknowledge();
        } else if Some(next) != pace {
            self.time_out();
        }
        true
    }

    fn send(&mut self) {
        loop {
            if self.pipe() + MSS > self.control.window() {
                self.limited_at = Some(self.now);
                return;
            }
            if micros(self.next_send) > self.now {
                return;
            }
            let again = self.lost.pop_first();
            let sequence = again.unwrap_or(self.next);
            self.next += u64::from(again.is_none());
            if self.in_flight.is_empty() {
                (self.first_sent, self.delivered_at) = (self.now, self.now);
                self.heard = self.now;
            }
            self.control.handle_sent(self.now, MSS, self.pipe());
            self.transmit(sequence, again.is_some());
            let start = self.next_send.max(self.now.total_micros() as f64);
            let rate = self.control.pacing_rate().unwrap_or(u64::MAX);
            self.next_send = start + MSS as f64 * 1e6 / rate as f64;
        }
    }

    fn transmit(&mut self, sequence: u64, again: bool) {
        self.order += 1;
        self.in_flight.push_back(Sent {
            order: self.order,
            sequence,
            at: self.now,
            first_sent: self.first_sent,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            again,
        });
        self.most_in_flight = self.most_in_flight.max(self.pipe());
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let dropped = ((self.random >> 11) as f64 / (1u64 << 53) as f64) < self.path.loss;
        let now = self.now.total_micros() as f64;
        let queued = (self.busy - now).max(0.0) * self.path.rate as f64 / 1e6;
        if dropped || queued > self.path.buffer as f64 {
            return;
        }
        self.busy = self.busy.max(now) + MSS as f64 * 1e6 / self.path.rate as f64;
        self.arrivals.push_back((micros(self.busy) + self.path.rtt, self.order));
    }

    fn acknowledge(&mut self) {
        let (prior_in_flight, una) = (self.pipe(), self.una);
        let mut newest: Option<Sent> = None;
        let mut rtt = None;
        let mut delivered = 0;
        while self.arrivals.front().is_some_and(|&(at, _)| at <= self.now) {
            let Some((_, order)) = self.arrivals.pop_front() else {
                break;
            };
            // A segment that a time-out has declared lost, and that arrives all the same, is ignored.
            let Some(index) = self.in_flight.iter().position(|sent| sent.order == order) else {
                continue;
            };
            let Some(sent) = self.in_flight.remove(index) else {
                continue;
            };
            self.received.insert(sent.sequence);
            delivered += MSS;
            if !sent.again {
                rtt = Some(self.now - sent.at);
            }
            newest = Some(sent);
        }
        while self.received.remove(&self.una) {
            self.una += 1;
        }
        let Some(newest) = newest else { return };
        self.heard = self.now;
        self.delivered += delivered;
        let interval = (newest.at - newest.first_sent).max(self.now - newest.delivered_at);
        self.first_sent = newest.at;
        self.delivered_at = self.now;
        let round = newest.delivered >= self.round_end;
        if round {
            self.round_end = self.delivered;
        }
        self.measure(rtt);
        let before = self.in_flight.len();
        while let Some(first) = self.in_flight.front().filter(|first| first.order + 3 <= newest.order) {
            self.lost.insert(first.sequence);
            self.in_flight.pop_front();
        }
        let lost = (before - self.in_flight.len()) as u64 * MSS;
        if self.phase != Phase::Open && self.una >= self.recover {
            self.phase = Phase::Open;
            self.control.handle_recovered(self.now, self.pipe());
        }
        if self.phase == Phase::Open && lost > 0 {
            self.phase = Phase::Recovery;
            self.recover = self.next;
            self.losses += 1;
            self.control
                .handle_loss(self.now, (self.next - self.una) * MSS, self.pipe());
        }
        self.control.handle_ack(&Ack {
            now: self.now,
            delivered,
            total_delivered: self.delivered,
            lost,
            in_flight: self.pipe(),
            prior_in_flight,
            advanced: self.una > una,
            phase: self.phase,
            rtt,
            smoothed_rtt: self.smoothed,
            min_rtt: self.shortest,
            round,
            window_limited: self.limited_at.is_some_and(|at| at >= newest.at),
            rate: Some(RateSample {
                delivered: self.delivered - newest.delivered,
                interval: interval.max(Duration::from_micros(1)),
                app_limited: false,
            }),
        });
    }

    fn measure(&mut self, rtt: Option<Duration>) {
        let Some(rtt) = rtt else { return };
        self.longest_rtt = self.longest_rtt.max(rtt);
        self.smoothed = Some(self.smoothed.map_or(rtt, |smoothed| (smoothed * 7 + rtt) / 8));
        self.shortest = Some(self.shortest.map_or(rtt, |shortest| shortest.min(rtt)));
    }

    fn time_out(&mut self) {
        self.timeouts += 1;
        let first = self.phase != Phase::Loss;
        self.lost.extend(self.in_flight.drain(..).map(|sent| sent.sequence));
        self.phase = Phase::Loss;
        self.recover = self.next;
        self.heard = self.now;
        self.control.handle_timeout(self.now, 0, first);
    }
}
