//! How much may be in flight: one trait, an algorithm a file.
//!
//! For one ACK the machine calls, in this order: `handle_loss` where the ACK begins a recovery, `handle_recovered` or
//! `handle_undo` where it ends one, then `handle_ack` with the phase that results. An algorithm bears the other order,
//! but then the ACK that found the loss is not counted as delivered in the recovery that it began.

pub mod bbr;
pub mod cubic;
pub mod hystart;
pub mod prr;

#[cfg(test)]
mod tests;

use crate::{Duration, Instant};

/// Bytes that were delivered over a time (draft-cheng-iccrg-delivery-rate-estimation).
///
/// A sample whose interval is shorter than the shortest round trip comes of a spurious retransmission. The estimator
/// does not give it (3.3 of the draft).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSample {
    /// Bytes delivered in `interval`.
    pub delivered: u64,
    /// The longer of the send and the ACK interval. Never zero.
    pub interval: Duration,
    /// The sender had nothing to send in the meantime: the rate is a lower bound.
    pub app_limited: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Nothing is known to be lost; RFC 6675's disorder included.
    Open,
    /// Lost segments are sent again, found by SACK, duplicate ACKs or RACK.
    Recovery,
    /// After a retransmission time-out.
    Loss,
}

/// An ACK that told something new. Lengths in bytes of sequence space.
///
/// RACK's timer finds losses without an ACK: it comes as an `Ack` too, with nothing delivered.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    pub now: Instant,
    /// Newly acknowledged or newly SACKed by this ACK (RFC 6937: DeliveredData).
    pub delivered: u64,
    /// All that was ever delivered on this connection, this ACK included.
    pub total_delivered: u64,
    /// Newly found lost by this ACK.
    pub lost: u64,
    /// In flight after this ACK: sent, and neither delivered nor held for lost (RFC 6675: pipe).
    pub in_flight: u64,
    /// The same before this ACK.
    pub prior_in_flight: u64,
    /// SND.UNA has moved.
    pub advanced: bool,
    pub phase: Phase,
    /// A sample of the round-trip time that this ACK gave (never of a retransmitted segment unless timestamps prove it).
    pub rtt: Option<Duration>,
    pub smoothed_rtt: Option<Duration>,
    /// The shortest round-trip time in the last seconds.
    pub min_rtt: Option<Duration>,
    /// A round has begun: this ACK is the first for what was sent after the last round began.
    pub round: bool,
    /// The window held back the sender in the last round trip (RFC 9438, 5.8: else it does not grow): since the newest
    /// of the segments that are acknowledged here was sent. A fixed time back is no measure, for with small windows or
    /// late ACKs the sender was last held back a whole round trip ago, and the window would never grow again.
    pub window_limited: bool,
    pub rate: Option<RateSample>,
}

/// A congestion control: it is told what happens, and says how much may be in flight and how fast it leaves.
pub trait Congestion: Send {
    /// Bytes that may be in flight (cwnd).
    fn window(&self) -> u64;
    /// Bytes a second at which segments leave; `None`: as fast as the window lets them.
    fn pacing_rate(&self) -> Option<u64>;
    fn handle_ack(&mut self, ack: &Ack);
    /// Segments of so many bytes left, retransmissions included. `in_flight`: before them.
    fn handle_sent(&mut self, now: Instant, bytes: u64, in_flight: u64);
    /// Loss was found: recovery begins (once a window). `outstanding`: SND.NXT - SND.UNA (RFC 6937: RecoverFS);
    /// `in_flight` as in `Ack`.
    fn handle_loss(&mut self, now: Instant, outstanding: u64, in_flight: u64);
    /// All that was outstanding when the recovery, or the loss phase, began is acknowledged.
    fn handle_recovered(&mut self, now: Instant, in_flight: u64);
    /// The retransmission timer has expired. `in_flight`: after what is held for lost now has been taken off. `first`:
    /// not a repeated expiry for the same data (the threshold then falls only once, RFC 5681, 3.1).
    fn handle_timeout(&mut self, now: Instant, in_flight: u64, first: bool);
    /// The last reduction was spurious (RFC 3522, RFC 5682, D-SACK): window and threshold come back, and the recovery
    /// or loss phase is over.
    fn handle_undo(&mut self, now: Instant);
    /// The flow sends again after it was silent for longer than the retransmission time-out (RFC 5681, 4.1).
    /// `handle_sent` follows.
    fn handle_idle(&mut self, now: Instant, idle: Duration, rto: Duration);
    /// The segments became smaller or larger (path MTU). Before the first ACK it also sets the initial window, for the
    /// MSS is known only after the handshake.
    fn set_mss(&mut self, mss: u64);
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithm {
    #[default]
    Cubic,
    Bbr,
}

impl Algorithm {
    pub fn start(self, mss: u64) -> Box<dyn Congestion> {
        match self {
            Algorithm::Cubic => Box::new(cubic::Cubic::new(mss)),
            Algorithm::Bbr => Box::new(bbr::Bbr::new(mss)),
        }
    }
}

/// What may be in flight before anything is known of the path (RFC 6928, 2).
pub fn initial_window(mss: u64) -> u64 {
    (10 * mss).min((2 * mss).max(14_600))
}
