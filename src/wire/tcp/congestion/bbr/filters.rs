//! What BBR remembers of the path: the most bandwidth of ten rounds, and how far something has got since a mark.

use std::collections::VecDeque;

/// Rounds for which a bandwidth is remembered (BtlBwFilterLen).
const ROUNDS: u64 = 10;

/// The maximum of the last rounds. Nothing is forgotten before there is something new: a flow that sends too little to
/// measure by (app-limited) keeps what it knew.
#[derive(Debug, Default)]
pub struct MaxBandwidth {
    /// Candidates by round, each less than the one before it; at most one a round.
    candidates: VecDeque<(u64, u64)>,
}

impl MaxBandwidth {
    /// Bytes a second; zero before the first sample.
    pub fn get(&self) -> u64 {
        self.candidates.front().map_or(0, |&(_, rate)| rate)
    }

    pub fn handle_sample(&mut self, round: u64, rate: u64) {
        while self.candidates.back().is_some_and(|&(_, last)| last <= rate) {
            self.candidates.pop_back();
        }
        if self.candidates.back().is_none_or(|&(last, _)| last != round) {
            self.candidates.push_back((round, rate));
        }
        while self
            .candidates
            .front()
            .is_some_and(|&(first, _)| first + ROUNDS < round)
        {
            self.candidates.pop_front();
        }
    }
}

/// What has left the network, delivered or lost. With it BBR counts round trips that begin where it wants and not where
/// `Ack::round` says: all that is in flight now will have left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    left: u64,
}

/// A point of `Progress` that is a round trip ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark(u64);

impl Progress {
    pub fn handle_ack(&mut self, delivered: u64, lost: u64) {
        self.left += delivered + lost;
    }

    pub fn total(&self) -> u64 {
        self.left
    }

    pub fn mark(&self, in_flight: u64) -> Mark {
        Mark(self.left + in_flight)
    }

    pub fn has_reached(&self, Mark(mark): Mark) -> bool {
        self.left >= mark
    }
}
