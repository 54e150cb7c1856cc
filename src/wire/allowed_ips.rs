//! Cryptokey routing: which peer an inner address belongs to, by the longest prefix (WireGuard whitepaper, 2).

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::tunnel::PeerId;

/// A range of addresses. Bits behind the prefix are zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cidr {
    pub address: IpAddr,
    pub prefix: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/24`, `fd00::/8`, or an address alone, whose prefix is all of its bits. Bits behind the prefix
    /// are cleared, as by `wg set`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address.parse().ok()?, Some(prefix)),
            None => (text.parse().ok()?, None),
        };
        let most = bits(address);
        let prefix = match prefix {
            // `parse` alone would accept a sign before the digits.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        (prefix <= most).then(|| Cidr {
            address: mask(address, prefix),
            prefix,
        })
    }

    /// True where the range has one address only.
    pub fn is_single(&self) -> bool {
        self.prefix == bits(self.address)
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && mask(address, self.prefix) == self.address
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

/// The ranges of all peers. A look-up asks one hash table once for each prefix length in use, so it does not grow with
/// the number of peers.
#[derive(Default)]
pub struct AllowedIps {
    ranges: HashMap<Cidr, PeerId>,
    /// Prefix lengths in use, the longest first, each with the number of its ranges.
    lengths: [Vec<(u8, usize)>; 2],
}

impl AllowedIps {
    /// The peer that has exactly this range.
    pub fn owner(&self, range: &Cidr) -> Option<PeerId> {
        self.ranges.get(range).copied()
    }

    pub fn insert(&mut self, range: Cidr, peer: PeerId) {
        if self.ranges.insert(range, peer).is_some() {
            return;
        }
        let lengths = &mut self.lengths[usize::from(range.address.is_ipv6())];
        match lengths.binary_search_by(|(length, _)| range.prefix.cmp(length)) {
            Ok(at) => lengths[at].1 += 1,
            Err(at) => lengths.insert(at, (range.prefix, 1)),
        }
    }

    pub fn remove(&mut self, range: &Cidr) {
        if self.ranges.remove(range).is_none() {
            return;
        }
        let lengths = &mut self.lengths[usize::from(range.address.is_ipv6())];
        if let Ok(at) = lengths.binary_search_by(|(length, _)| range.prefix.cmp(length)) {
            lengths[at].1 -= 1;
            if lengths[at].1 == 0 {
                lengths.remove(at);
            }
        }
    }

    /// The peer with the longest range around this address.
    pub fn find(&self, address: IpAddr) -> Option<PeerId> {
        let lengths = &self.lengths[usize::from(address.is_ipv6())];
        lengths.iter().find_map(|(prefix, _)| {
            let range = Cidr {
                address: mask(address, *prefix),
                prefix: *prefix,
            };
            self.owner(&range)
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_read_and_written() {
        for (text, shown) in [
            ("10.0.0.1/32", "10.0.0.1/32"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.0.0.1", "10.0.0.1/32"),
            ("fd00::1/64", "fd00::/64"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(Cidr::parse(text).unwrap().to_string(), shown);
        }
        for wrong in [
            "",
            "10.0.0.1/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(Cidr::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        /// Compares the table with a list that is searched from end to end. There are few addresses, so that ranges
        /// overlap.
        #[test]
        fn the_longest_prefix_wins(
            steps in prop::collection::vec((any::<bool>(), any::<bool>(), 0u8..16, 0u8..=128, 0u32..5), 1..60),
            asked in prop::collection::vec((any::<bool>(), 0u8..16), 20),
        ) {
            let address = |v6: bool, low: u8| -> IpAddr {
                if v6 {
                    Ipv6Addr::from_bits(u128::from(low) << 120 | u128::from(low)).into()
                } else {
                    Ipv4Addr::from_bits(u32::from(low) << 28 | u32::from(low)).into()
                }
            };
            let mut table = AllowedIps::default();
            let mut oracle: Vec<(Cidr, PeerId)> = Vec::new();
            for (insert, v6, low, prefix, peer) in steps {
                let prefix = if v6 { prefix } else { prefix % 33 };
                let range = Cidr { address: mask(address(v6, low), prefix), prefix };
                oracle.retain(|(known, _)| *known != range);
                if insert {
                    table.insert(range, peer);
                    oracle.push((range, peer));
                } else {
                    table.remove(&range);
                }
            }
            for (v6, low) in asked {
                let address = address(v6, low);
                let best = oracle.iter().filter(|(range, _)| range.contains(address)).max_by_key(|(range, _)| range.prefix);
                prop_assert_eq!(table.find(address), best.map(|(_, peer)| *peer));
            }
        }
    }
}
