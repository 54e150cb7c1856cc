//! Handles a received IP packet: puts fragments together, then passes TCP, UDP and ICMP on to their own code.

use std::net::SocketAddr;

use smoltcp::time::Instant;

use super::Stack;
use crate::event::{Event, Rise};
use crate::packet::{ICMP, ICMPV6, Packet, TCP, UDP};
use crate::tunnel::PeerId;
use crate::udp_flows::UdpKey;
use crate::{icmp, udp};

impl Stack {
    /// A packet from a peer, which the tunnel has found to be the peer's own.
    pub fn handle_packet(&mut self, now: Instant, peer: PeerId, bytes: &[u8], rise: &mut dyn Rise) {
        self.counters.packets_in += 1;
        let Ok(packet) = Packet::parse(bytes) else {
            self.counters.malformed += 1;
            return;
        };
        if packet.fragment.is_none() {
            return self.handle_whole(now, peer, &packet, rise);
        }
        self.peer_mtu.learn_fragment(peer, &packet);
        let Some(whole) = self.reassembler.handle_fragment(now, &packet) else {
            return;
        };
        match Packet::parse(&whole) {
            Ok(packet) => self.handle_whole(now, peer, &packet, rise),
            Err(_) => self.counters.malformed += 1,
        }
    }

    fn handle_whole(&mut self, now: Instant, peer: PeerId, packet: &Packet<'_>, rise: &mut dyn Rise) {
        if !packet.is_unicast_pair() {
            self.counters.unaddressable += 1;
            return;
        }
        match (packet.protocol, packet.source.is_ipv4()) {
            (TCP, _) => self.handle_segment(now, peer, packet, rise),
            (UDP, _) => self.handle_datagram(now, peer, packet, rise),
            (ICMP, true) | (ICMPV6, false) if self.handle_segment_error(now, peer, packet) => {}
            (ICMP, true) | (ICMPV6, false) => self.handle_icmp(peer, packet, rise),
            _ => self.counters.unknown_protocol += 1,
        }
    }

    fn handle_datagram(&mut self, now: Instant, peer: PeerId, packet: &Packet<'_>, rise: &mut dyn Rise) {
        let Ok(datagram) = udp::parse(packet) else {
            self.counters.malformed += 1;
            return;
        };
        let (source, destination) = (datagram.source, datagram.destination);
        if source.port() == 0 || destination.port() == 0 {
            self.counters.unaddressable += 1;
            return;
        }
        // An empty datagram takes room, too.
        if rise.room() < datagram.data.len().max(1) {
            self.counters.datagrams_dropped += 1;
            return;
        }
        let (flow, _) = self.udp.touch(now, UdpKey { source, destination });
        rise.rise(Event::Datagram {
            flow,
            peer,
            source,
            destination,
            bytes: datagram.data,
        });
    }

    fn handle_icmp(&mut self, peer: PeerId, packet: &Packet<'_>, rise: &mut dyn Rise) {
        if self.config.addresses.contains(&packet.destination) {
            match icmp::echo_reply(packet) {
                Some(reply) => {
                    self.counters.echo_replies += 1;
                    self.push_split(Some(peer), reply);
                }
                None => self.counters.icmp_dropped += 1,
            }
        } else if !self.config.raise_icmp {
            self.counters.icmp_dropped += 1;
        } else if rise.room() < packet.payload.len().max(1) {
            self.counters.datagrams_dropped += 1;
        } else {
            rise.rise(Event::Icmp {
                peer,
                source: SocketAddr::new(packet.source, 0),
                destination: SocketAddr::new(packet.destination, 0),
                bytes: packet.payload,
            });
        }
    }
}
