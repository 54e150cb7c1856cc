//! A line that is worse than the real one, for the packets of one TCP flow: some are lost, both ways, and those to the
//! peer come later.

use std::collections::VecDeque;

use crate::{Duration, Instant};

/// The most packets of a flow that are delayed at once.
pub const MAX_DELAYED: usize = 1000;
/// The most bytes of all flows that are delayed at once.
pub const MAX_DELAYED_BYTES: usize = 32 << 20;

/// Of a million packets as many as `loss` can say.
const ALL: u64 = 1_000_000;

/// What the owner wants for a flow. The default changes nothing.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Impairment {
    /// Of a million packets so many are lost, each way.
    pub loss: u32,
    /// The time by which packets to the peer come later.
    pub delay: Duration,
    /// What decides which packets are lost: the same ones for the same seed.
    pub seed: u32,
}

impl Impairment {
    fn is_none(&self) -> bool {
        self.loss == 0 && self.delay == Duration::ZERO
    }
}

/// What the lines of all flows have done and hold.
#[derive(Default, Clone, Debug)]
pub struct Totals {
    pub lost_in: u64,
    pub lost_out: u64,
    /// Packets that were lost because too many were delayed.
    pub overflown: u64,
    bytes: usize,
}

/// The line of a flow that is, or was, impaired.
pub struct Line {
    impairment: Impairment,
    random: u64,
    /// Packets to the peer that are under way, in their order, with the times at which they leave.
    delayed: VecDeque<(Instant, Vec<u8>)>,
    /// Set once the impairment is to end: the bytes that were written since then, which it is not for.
    newer: Option<usize>,
}

impl Line {
    pub fn new(impairment: Impairment) -> Self {
        let mut line = Line {
            impairment,
            random: 0,
            delayed: VecDeque::new(),
            newer: None,
        };
        line.set(impairment);
        line
    }

    /// Changes the impairment. One that changes nothing is an end, which comes with `handle_acknowledged`.
    pub fn set(&mut self, impairment: Impairment) {
        if impairment.is_none() {
            self.newer.get_or_insert(0);
            return;
        }
        self.newer = None;
        self.impairment = impairment;
        // No seed is the state in which xorshift stays, and seeds that are neighbours begin far from each other.
        self.random = (u64::from(impairment.seed) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    pub fn handle_written(&mut self, bytes: usize) {
        if let Some(newer) = &mut self.newer {
            *newer += bytes;
        }
    }

    /// Ends an impairment that is to end, once only bytes that were written since then are among the `queued`, those
    /// that the peer has not acknowledged.
    pub fn handle_acknowledged(&mut self, queued: usize) {
        if self.newer.is_some_and(|newer| queued <= newer) {
            self.impairment = Impairment::default();
        }
    }

    /// True where nothing is impaired and nothing under way any more.
    pub fn is_over(&self) -> bool {
        self.impairment.is_none() && self.delayed.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        self.delayed.is_empty()
    }

    /// True for a packet of the peer that is lost.
    pub fn loses(&mut self, totals: &mut Totals) -> bool {
        let lost = self.is_lost();
        totals.lost_in += u64::from(lost);
        lost
    }

    /// Takes a packet to the peer. True: it leaves now. Otherwise it is lost, or `poll_due` gives it later.
    pub fn passes(&mut self, now: Instant, packet: &[u8], totals: &mut Totals) -> bool {
        if self.is_lost() {
            totals.lost_out += 1;
            return false;
        }
        let Impairment { delay, .. } = self.impairment;
        if delay == Duration::ZERO && self.delayed.is_empty() {
            return true;
        }
        // The queue keeps the order, also where this one's delay is shorter than that of the packet before.
        self.delay(now + delay, packet, totals);
        false
    }

    fn delay(&mut self, at: Instant, packet: &[u8], totals: &mut Totals) {
        if self.delayed.len() >= MAX_DELAYED || totals.bytes + packet.len() > MAX_DELAYED_BYTES {
            totals.overflown += 1;
            return;
        }
        totals.bytes += packet.len();
        self.delayed.push_back((at, packet.to_vec()));
    }

    /// The next packet whose time has come.
    pub fn poll_due(&mut self, now: Instant, totals: &mut Totals) -> Option<Vec<u8>> {
        if self.poll_timeout()? > now {
            return None;
        }
        let (_, packet) = self.delayed.pop_front()?;
        totals.bytes -= packet.len();
        Some(packet)
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.delayed.front().map(|(at, _)| *at)
    }

    /// Forgets what is under way, for a flow that ends.
    pub fn release(&mut self, totals: &mut Totals) {
        for (_, packet) in self.delayed.drain(..) {
            totals.bytes -= packet.len();
        }
    }

    fn is_lost(&mut self) -> bool {
        let loss = u64::from(self.impairment.loss);
        loss > 0 && self.next() % ALL < loss
    }

    /// xorshift64*: enough to lose packets, and the same on every machine.
    fn next(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_share_a_bound() {
        let (mut totals, packet) = (Totals::default(), vec![0; 65_535]);
        let slow = Impairment {
            delay: Duration::from_secs(1),
            ..Impairment::default()
        };
        let (mut one, mut other) = (Line::new(slow), Line::new(slow));
        for _ in 0..300 {
            assert!(!one.passes(Instant::ZERO, &packet, &mut totals));
            assert!(!other.passes(Instant::ZERO, &packet, &mut totals));
        }
        let held = (MAX_DELAYED_BYTES / packet.len()) as u64;
        assert_eq!(totals.overflown, 600 - held);
        one.release(&mut totals);
        while other.poll_due(Instant::from_secs(1), &mut totals).is_some() {}
        assert_eq!((one.is_empty(), totals.bytes), (true, 0));
    }
}
