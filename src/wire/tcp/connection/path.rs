//! What ICMP, or silence, says of the path of a connection (RFC 1191, 8201, 5927).

use super::{Config, Connection, End, State};
use crate::Instant;
use crate::tcp::seq::Seq;

/// Why a destination cannot be reached (RFC 792; RFC 4443, 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreachable {
    Network,
    Host,
    /// The host is there, and nobody listens.
    Port,
}

/// The least that every IPv6 path takes (RFC 8200, 5), and what nearly every IPv4 path does.
const COMMON_MTU: usize = 1280;
/// What every IPv4 host takes (RFC 1122, 3.3.3).
const LEAST_MTU_V4: usize = 576;
/// What paths take that do not say it (RFC 1191, 7.1).
const PLATEAUS: [usize; 4] = [1492, COMMON_MTU, 1006, LEAST_MTU_V4];
/// Expiries for one full-sized segment that make it too long for the path.
const LOSSES_OF_A_BLACK_HOLE: u32 = 2;

impl Config {
    pub(super) fn is_ipv4(&self) -> bool {
        self.headers == 40
    }

    fn least_mtu(&self) -> usize {
        if self.is_ipv4() { LEAST_MTU_V4 } else { COMMON_MTU }
    }

    /// The next smaller size that a path may have.
    fn plateau_below(&self, mtu: usize) -> usize {
        let below = PLATEAUS.into_iter().find(|plateau| *plateau < mtu);
        below.unwrap_or(0).max(self.least_mtu())
    }
}

impl Connection {
    /// An ICMP error says that a segment of ours does not arrive. It counts while our SYN is out, and only for that SYN;
    /// later the path may come back (RFC 1122, 4.2.3.9).
    pub fn handle_unreachable(&mut self, seq: Seq, reason: Unreachable) {
        if self.state == State::SynSent && seq == self.send.una {
            self.close(End::Unreachable(reason));
        }
    }

    /// "Fragmentation needed" or "packet too big" for a segment of ours. `mtu` is 0 where the router does not say it: then it
    /// is less than the packet's `length`, and each of a burst of errors says the same (RFC 1191, 5). What is not in flight
    /// cannot have met a router: such a message is forged, or late.
    pub fn handle_too_big(&mut self, now: Instant, seq: Seq, mtu: usize, length: usize) {
        let in_flight = seq >= self.send.una && seq < self.send.nxt;
        if !in_flight {
            return;
        }
        let mtu = match mtu {
            0 => self.config.plateau_below(length),
            said => said.max(self.config.least_mtu()),
        };
        self.shrink(now, mtu);
    }

    /// A full-sized segment that is lost again and again, while nothing of its size arrives (RFC 4821, 7.7; RFC 2923, 2.1).
    pub(super) fn find_black_hole(&mut self, now: Instant) {
        if self.send.full_size_lost() >= LOSSES_OF_A_BLACK_HOLE {
            let common = if self.path_mtu > COMMON_MTU { COMMON_MTU } else { 0 };
            self.shrink(now, common.max(self.config.least_mtu()));
        }
    }

    fn shrink(&mut self, now: Instant, mtu: usize) {
        if mtu < self.path_mtu {
            self.path_mtu = mtu;
            self.send.handle_too_big(now, self.segment_size());
        }
    }
}
