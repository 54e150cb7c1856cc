//! The MTUs of peers: each side chooses its own, and WireGuard has no message about it. They are learnt from the
//! packets of the peers, and packets to a peer are cut to its MTU.

use std::collections::HashMap;

use crate::packet::{IPV4_HEADER, Packet};
use crate::tunnel::PeerId;

/// The bytes of a packet that every host takes (RFC 791, 3.1; RFC 8200, 5). No smaller MTU is believed.
const LEAST: [usize; 2] = [576, 1280];
/// The headers of IP and TCP without options, which an MSS leaves out (RFC 9293, 3.7.1).
const HEADERS: [usize; 2] = [40, 60];
/// The data of a fragment is a multiple of so many bytes, so a fragment may be up to one byte less than this shorter
/// than the MTU.
const UNIT: usize = 8;

/// The MTU of each peer, by family. An entry is removed with its peer, so there are no more entries than peers.
pub struct PeerMtu {
    /// Our own MTU: that of a peer from which none was learnt yet, and the highest that is believed.
    most: usize,
    learnt: HashMap<PeerId, [usize; 2]>,
}

impl PeerMtu {
    pub fn new(most: usize) -> Self {
        PeerMtu {
            most,
            learnt: HashMap::new(),
        }
    }

    pub fn get(&self, peer: PeerId, is_ipv4: bool) -> usize {
        self.learnt
            .get(&peer)
            .map_or(self.most, |both| both[usize::from(!is_ipv4)])
    }

    /// Learns from the MSS option of a SYN of the peer's. The latest SYN counts, because a peer may move to a better
    /// path.
    pub fn learn_mss(&mut self, peer: PeerId, is_ipv4: bool, mss: u16) {
        self.set(peer, is_ipv4, usize::from(mss) + HEADERS[usize::from(!is_ipv4)]);
    }

    /// Learns from a fragment that the peer has made: all but the last are as long as its MTU allows. The MTU that is
    /// known stays where the fragment agrees with it. Otherwise the MTU becomes the fragment's length, which the peer
    /// surely takes.
    pub fn learn_fragment(&mut self, peer: PeerId, packet: &Packet<'_>) {
        let is_ipv4 = packet.source.is_ipv4();
        let cut = packet.fragment.is_some_and(|fragment| fragment.more);
        // An IPv4 fragment with options tells nothing, because the other fragments may have none of them.
        let plain = !is_ipv4 || packet.header_length == IPV4_HEADER;
        let length = packet.bytes.len();
        if cut && plain && !(length..length + UNIT).contains(&self.get(peer, is_ipv4)) {
            self.set(peer, is_ipv4, length);
        }
    }

    pub fn remove(&mut self, peer: PeerId) {
        self.learnt.remove(&peer);
    }

    fn set(&mut self, peer: PeerId, is_ipv4: bool, mtu: usize) {
        let family = usize::from(!is_ipv4);
        let both = self.learnt.entry(peer).or_insert([self.most; 2]);
        both[family] = mtu.max(LEAST[family]).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::{fragment, udp};

    const V4: bool = true;
    const V6: bool = false;

    /// A peer with this MTU sends the first fragment of a datagram that is longer.
    fn says(table: &mut PeerMtu, peer: PeerId, is_ipv4: bool, mtu: usize) {
        let end = |text: &str| text.parse::<SocketAddr>().ok();
        let ends = match is_ipv4 {
            true => (end("10.0.0.1:7"), end("192.0.2.7:7")),
            false => (end("[fd00::1]:7"), end("[2001:db8::7]:7")),
        };
        let packet = ends
            .0
            .zip(ends.1)
            .and_then(|(from, to)| udp::build(from, to, &[7; 5000], 1));
        let mut count = 0;
        fragment::split(&packet.unwrap_or_default(), mtu, 1, &mut |bytes| {
            if let Ok(packet) = Packet::parse(bytes) {
                table.learn_fragment(peer, &packet);
                count += 1;
            }
        });
        assert!(count > 3);
    }

    #[test]
    fn a_peer_that_has_said_nothing_takes_what_we_send() {
        let table = PeerMtu::new(1420);
        assert_eq!((table.get(1, V4), table.get(1, V6)), (1420, 1420));
    }

    #[test]
    fn an_mss_is_an_mtu_without_the_headers_of_its_family() {
        let mut table = PeerMtu::new(1420);
        table.learn_mss(1, V4, 1240);
        table.learn_mss(2, V6, 1240);
        assert_eq!((table.get(1, V4), table.get(1, V6)), (1280, 1420));
        assert_eq!((table.get(2, V4), table.get(2, V6)), (1420, 1300));
    }

    #[test]
    fn the_last_word_counts_within_what_every_host_takes_and_what_we_send() {
        let mut table = PeerMtu::new(1420);
        for (is_ipv4, mss, mtu) in [
            (V4, 1300, 1340),
            (V4, 1360, 1400),
            (V4, 8960, 1420),
            (V4, u16::MAX, 1420),
            (V4, 10, 576),
            (V6, 10, 1280),
        ] {
            table.learn_mss(1, is_ipv4, mss);
            assert_eq!(table.get(1, is_ipv4), mtu, "MSS {mss}");
        }
        // Our own MTU is the bound even where it is lower than LEAST.
        let mut small = PeerMtu::new(600);
        small.learn_mss(1, V6, 1400);
        assert_eq!(small.get(1, V6), 600);
    }

    #[test]
    fn fragments_say_what_passes_and_never_more() {
        for is_ipv4 in [V4, V6] {
            for mtu in 1280..1420 {
                let mut table = PeerMtu::new(1420);
                says(&mut table, 1, is_ipv4, mtu);
                let learnt = table.get(1, is_ipv4);
                // An MTU near ours cannot be told from ours.
                let ours = learnt == 1420 && mtu > 1420 - UNIT;
                assert!(ours || (learnt <= mtu && learnt > mtu - UNIT), "{mtu}: {learnt}");
            }
        }
    }

    #[test]
    fn fragments_agree_with_what_an_mss_has_said_more_exactly() {
        for (is_ipv4, mss, mtu) in [(V4, 1372, 1412), (V6, 1352, 1412)] {
            let mut table = PeerMtu::new(1420);
            table.learn_mss(1, is_ipv4, mss);
            says(&mut table, 1, is_ipv4, mtu);
            assert_eq!(table.get(1, is_ipv4), mtu);
            says(&mut table, 1, is_ipv4, 1420);
            assert!(table.get(1, is_ipv4) > 1412, "a larger one raises it again");
        }
    }

    #[test]
    fn what_was_learnt_goes_with_the_peer() {
        let mut table = PeerMtu::new(1420);
        table.learn_mss(1, V4, 1240);
        table.remove(1);
        assert_eq!(table.get(1, V4), 1420);
        assert!(table.learnt.is_empty());
    }
}
