//! The commands of the owner: accept, refuse, write, credit, impair, end, reset, close, connect, send.

use std::net::{IpAddr, SocketAddr};

use smoltcp::time::Instant;

use super::Stack;
use super::counters::StackCounters;
use crate::event::{FlowId, Refusal};
use crate::flow_key::FlowKey;
use crate::flows::{Entry, Held};
use crate::icmp::{self, Unreachable};
use crate::impairment::Impairment;
use crate::packet::{self, Packet};
use crate::tcp::segment::Segment;
use crate::tcp_flow::TcpFlow;
use crate::tunnel::PeerId;
use crate::udp_flows::UdpKey;
use crate::{fragment, udp};

/// The first of the ports that are not registered for any service (RFC 6335, 6).
const FIRST_EPHEMERAL: u16 = 49_152;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectError {
    /// An end has port 0 or an unspecified address, or the two ends are of different families.
    Unaddressable,
    /// No flow or local port is left.
    Exhausted,
}

impl Stack {
    /// Answers the SYN of a held flow. This and all other commands ignore the number of a flow that has ended: the end
    /// and the command have crossed.
    pub fn accept(&mut self, now: Instant, id: FlowId) {
        let Some(Entry::Held(held)) = self.flows.get(id) else {
            return;
        };
        let (key, peer, syn) = (held.key, held.peer, held.syn.clone());
        self.held -= 1;
        // The SYN was checked when it came, so it parses.
        if let Ok(packet) = Packet::parse(&syn)
            && let Ok(segment) = Segment::parse(&packet)
        {
            self.answer(now, id, peer, key, &segment, true);
        }
    }

    pub fn refuse(&mut self, now: Instant, id: FlowId, refusal: Refusal) {
        if !matches!(self.flows.get(id), Some(Entry::Held(_))) {
            return;
        }
        let Some(Entry::Held(held)) = self.flows.remove(id) else {
            return;
        };
        self.held -= 1;
        let reason = match refusal {
            Refusal::Silent => return,
            Refusal::Reset => return self.reset_held(now, &held),
            Refusal::NetworkUnreachable => Unreachable::Network,
            Refusal::HostUnreachable => Unreachable::Host,
            Refusal::Prohibited => Unreachable::Prohibited,
        };
        self.push_unreachable(now, reason, &held.syn);
    }

    fn reset_held(&mut self, now: Instant, held: &Held) {
        if let Ok(packet) = Packet::parse(&held.syn)
            && let Ok(segment) = Segment::parse(&packet)
        {
            self.reset_unknown(now, held.key, &segment);
        }
    }

    pub fn write(&mut self, id: FlowId, bytes: &[u8]) {
        let Some(flow) = self.flows.flow(id) else { return };
        if !flow.write(bytes, &mut self.net) {
            self.counters.credit_exceeded += 1;
            flow.reset();
        }
        self.touch(id);
    }

    pub fn credit(&mut self, id: FlowId, bytes: usize) {
        if let Some(flow) = self.flows.flow(id) {
            flow.credit(bytes);
            self.touch(id);
        }
    }

    /// Makes the line of a flow worse than it is, until an impairment that changes nothing.
    pub fn impair(&mut self, id: FlowId, impairment: Impairment) {
        if let Some(flow) = self.flows.flow(id) {
            flow.impair(impairment);
        }
    }

    pub fn end(&mut self, id: FlowId) {
        if let Some(flow) = self.flows.flow(id) {
            flow.end();
            self.touch(id);
        }
    }

    pub fn reset(&mut self, now: Instant, id: FlowId) {
        self.refuse(now, id, Refusal::Reset);
        if let Some(flow) = self.flows.flow(id) {
            flow.reset();
            self.touch(id);
        }
    }

    pub fn close(&mut self, now: Instant, id: FlowId) {
        self.refuse(now, id, Refusal::Reset);
        if let Some(flow) = self.flows.flow(id) {
            flow.close(now);
            self.touch(id);
        }
    }

    /// Resets every flow, for a server that closes.
    pub fn reset_all(&mut self, now: Instant) {
        for id in self.flows.all() {
            self.reset(now, id);
        }
    }

    /// Opens a connection to the other side of the tunnel; `Connected` or `Reset` follows.
    pub fn connect(
        &mut self,
        now: Instant,
        peer: PeerId,
        source: IpAddr,
        destination: SocketAddr,
    ) -> Result<FlowId, ConnectError> {
        if destination.port() == 0 || !packet::is_unicast_pair(source, destination.ip()) {
            return Err(ConnectError::Unaddressable);
        }
        let local = self.free_port(source, destination).ok_or(ConnectError::Exhausted)?;
        let id = self.flows.reserve().ok_or(ConnectError::Exhausted)?;
        let key = FlowKey {
            local,
            remote: destination,
        };
        let flow = TcpFlow::active(now, id, peer, key, self.connection_config(now, &key));
        self.flows.insert(id, Entry::Open(Box::new(flow)));
        self.touch(id);
        Ok(id)
    }

    fn free_port(&mut self, source: IpAddr, remote: SocketAddr) -> Option<SocketAddr> {
        for _ in FIRST_EPHEMERAL..=u16::MAX {
            self.next_port = self.next_port.wrapping_add(1).max(FIRST_EPHEMERAL);
            let local = SocketAddr::new(source, self.next_port);
            if self.flows.find(&FlowKey { local, remote }).is_none() {
                return Some(local);
            }
        }
        None
    }

    /// Sends a datagram from any address to `peer`, which has the destination. A datagram that is longer than the
    /// peer's MTU leaves in fragments.
    pub fn send_datagram(
        &mut self,
        now: Instant,
        peer: Option<PeerId>,
        source: SocketAddr,
        destination: SocketAddr,
        data: &[u8],
    ) {
        let identification = self.identification();
        match udp::build(source, destination, data, identification as u16) {
            Some(packet) => {
                // A reply keeps the peer's flow alive. The key has the ends as the peer sees them, so they change
                // places.
                let key = UdpKey {
                    source: destination,
                    destination: source,
                };
                self.udp.keep_alive(now, &key);
                self.push_split(peer, packet);
            }
            None => self.counters.datagrams_refused += 1,
        }
    }

    /// Answers a UDP flow that the owner does not serve with "port unreachable" (RFC 1122, 4.1.3.1).
    pub fn refuse_datagram(&mut self, now: Instant, flow: u32) {
        let Some(UdpKey { source, destination }) = self.udp.remove(flow) else {
            return;
        };
        // The error quotes the headers only, and those follow from the 4-tuple.
        if let Some(quote) = udp::build(source, destination, &[], 0) {
            self.push_unreachable(now, Unreachable::Port, &quote);
        }
    }

    /// Sends an ICMP message, given from its type byte on; the checksum is computed here.
    pub fn send_icmp(&mut self, peer: Option<PeerId>, source: IpAddr, destination: IpAddr, message: &[u8]) {
        match icmp::message(source, destination, message) {
            Some(packet) => self.push_split(peer, packet),
            None => self.counters.datagrams_refused += 1,
        }
    }

    pub fn counters(&self) -> StackCounters {
        StackCounters {
            time_wait_evicted: self.time_wait.evicted,
            fragments_dropped: self.reassembler.dropped(),
            replies_dropped: self.replies.dropped,
            data_refused: self.net.pool.refused,
            impaired_in: self.net.impaired.lost_in,
            impaired_out: self.net.impaired.lost_out,
            delayed_dropped: self.net.impaired.overflown,
            ..self.counters.clone()
        }
    }

    /// Queues a packet, in fragments where it is longer than the peer's MTU. A packet without a peer is dropped by the
    /// tunnel.
    pub(super) fn push_split(&mut self, peer: Option<PeerId>, packet: Vec<u8>) {
        let is_ipv4 = packet.first().is_some_and(|byte| byte >> 4 == 4);
        let mtu = peer.map_or(self.config.mtu, |peer| self.peer_mtu.get(peer, is_ipv4));
        if packet.len() <= mtu {
            return self.replies.push(packet);
        }
        let identification = self.identification();
        let replies = &mut self.replies;
        fragment::split(&packet, mtu, identification, &mut |fragment| {
            replies.push(fragment.to_vec());
        });
    }

    fn push_unreachable(&mut self, now: Instant, reason: Unreachable, original: &[u8]) {
        if !self.error_rate.take(now) {
            self.counters.errors_limited += 1;
            return;
        }
        if let Ok(original) = Packet::parse(original)
            && let Some(packet) = icmp::unreachable(reason, &original)
        {
            self.replies.push(packet);
        }
    }

    fn identification(&mut self) -> u32 {
        self.identification = self.identification.wrapping_add(1);
        self.identification
    }
}
