//! Learns the MTU of a connection's path, and that it leads nowhere, from ICMP errors and from losses (RFC 1191, 8201,
//! 5927).

use super::{Config, Connection, End, State};
use crate::Instant;
use crate::tcp::seq::Seq;

/// Why a destination cannot be reached (RFC 792; RFC 4443, 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreachable {
    Network,
    Host,
    /// The host was reached, and no program listens on the port.
    Port,
}

/// The MTU that every IPv6 path has at least (RFC 8200, 5), and nearly every IPv4 path, too.
const COMMON_MTU: usize = 1280;
/// The bytes of a packet that every IPv4 host takes (RFC 1122, 3.3.3).
const LEAST_MTU_V4: usize = 576;
/// The MTUs to try where a router does not say the next one (RFC 1191, 7.1).
const PLATEAUS: [usize; 4] = [1492, COMMON_MTU, 1006, LEAST_MTU_V4];
/// The number of expiries for a full-sized segment after which it counts as too long for the path.
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
    /// Handles an ICMP error that says that a segment of ours does not arrive. The error counts only for our SYN, and
    /// only until that is answered; later the path may come back (RFC 1122, 4.2.3.9).
    pub fn handle_unreachable(&mut self, seq: Seq, reason: Unreachable) {
        if self.state == State::SynSent && seq == self.send.una {
            self.close(End::Unreachable(reason));
        }
    }

    /// Handles "fragmentation needed" or "packet too big" for a segment of ours. `mtu` is 0 where the router does not
    /// say it: the MTU is then less than the packet's `length`, and each of a burst of errors says the same (RFC 1191,
    /// 5). An error about a segment that is not in flight is forged, or late, and is ignored.
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

    /// Lowers the MTU where a full-sized segment is lost again and again, and none of its size arrives (RFC 4821, 7.7;
    /// RFC 2923, 2.1).
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
