//! Handles a received TCP segment: for its flow, for TIME-WAIT, as a new connection, or with an RST.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{MAX_HELD, Stack};
use crate::Instant;
use crate::event::{Event, FlowId, ResetReason, Rise};
use crate::flow_key::FlowKey;
use crate::flows::{Entry, Held};
use crate::icmp::error::{Problem, SegmentError};
use crate::packet::{IPV4_HEADER, IPV6_HEADER, Packet};
use crate::tcp::connection::Config;
use crate::tcp::segment::{ACK, HEADER, RST, SYN, Segment};
use crate::tcp::seq::Seq;
use crate::tcp_flow::TcpFlow;
use crate::tunnel::PeerId;

impl Stack {
    pub(super) fn handle_segment(&mut self, now: Instant, peer: PeerId, packet: &Packet<'_>, rise: &mut dyn Rise) {
        let Ok(segment) = Segment::parse(packet) else {
            self.counters.malformed += 1;
            return;
        };
        let Some(key) = FlowKey::of(packet, &segment) else {
            self.counters.unaddressable += 1;
            return;
        };
        if let Some(mss) = segment.options.mss.filter(|_| segment.has(SYN)) {
            self.peer_mtu.learn_mss(peer, packet.source.is_ipv4(), mss);
        }
        if let Some(id) = self.flows.find(&key)
            && !self.gives_way(now, id, &segment)
        {
            return self.handle_known(now, id, &segment, packet, rise);
        }
        if segment.has(SYN) && !segment.has(ACK | RST) {
            if self.time_wait.admits(now, &key, &segment) {
                return self.handle_syn(now, peer, key, &segment, packet, rise);
            }
        } else if segment.has(RST) {
            return;
        }
        match self.time_wait.acknowledgement(now, &key) {
            Some(acknowledgement) => self.replies.push(acknowledgement.to_vec()),
            None => self.reset_unknown(now, key, &segment),
        }
    }

    /// A connection that has ended, which its owner has not been told yet, makes room for a new one of the same
    /// 4-tuple.
    fn gives_way(&mut self, now: Instant, id: FlowId, segment: &Segment<'_>) -> bool {
        let Some(flow) = self.flows.flow(id) else { return false };
        if flow.in_time_wait() && segment.has(SYN) {
            let last = flow.leave_time_wait(now, &mut self.net);
            self.time_wait.insert(now, flow.key, &last);
        }
        if !flow.has_ended() {
            return false;
        }
        self.flows.unname(id);
        self.touch(id);
        true
    }

    fn handle_known(
        &mut self,
        now: Instant,
        id: FlowId,
        segment: &Segment<'_>,
        packet: &Packet<'_>,
        rise: &mut dyn Rise,
    ) {
        if let Some(flow) = self.flows.flow(id) {
            if flow.loses(&mut self.net) {
                return;
            }
            if let Some(acknowledgement) = flow.poll_acknowledgement(now, &mut self.net) {
                self.replies.push(acknowledgement);
            }
            flow.handle_segment(now, &mut self.net, segment);
            self.touch(id);
        } else if segment.has(RST) {
            // With an RST the peer takes back a SYN that still waits for the owner.
            rise.rise(Event::Reset {
                id,
                reason: ResetReason::ByPeer,
            });
            self.drop_flow(id);
        } else if segment.has(SYN)
            && let Some(Entry::Held(held)) = self.flows.get_mut(id)
        {
            // A repeated SYN only replaces the first one, so that a peer that began anew is answered with its new
            // number.
            held.syn = packet.bytes.to_vec();
        }
    }

    fn handle_syn(
        &mut self,
        now: Instant,
        peer: PeerId,
        key: FlowKey,
        segment: &Segment<'_>,
        packet: &Packet<'_>,
        rise: &mut dyn Rise,
    ) {
        let hold = self.config.hold_syn && self.held < MAX_HELD && self.held_rate.take(now);
        let Some(id) = self.flows.reserve() else {
            self.counters.syns_dropped += 1;
            return;
        };
        if hold {
            let syn = packet.bytes.to_vec();
            self.flows.insert(id, Entry::Held(Held { key, peer, syn }));
            self.held += 1;
            self.half_open(id, rise);
            rise.rise(Event::Opened {
                id,
                peer,
                source: key.remote,
                destination: key.local,
                held: true,
            });
        } else {
            self.answer(now, id, peer, key, segment, false);
            self.half_open(id, rise);
        }
    }

    /// Makes the flow that answers a SYN.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        id: FlowId,
        peer: PeerId,
        key: FlowKey,
        syn: &Segment<'_>,
        announced: bool,
    ) {
        let config = self.connection_config(now, &key);
        let flow = TcpFlow::passive(now, id, peer, key, config, syn, announced);
        self.flows.insert(id, Entry::Open(Box::new(flow)));
        self.touch(id);
    }

    /// The configuration of a connection. Its initial sequence number cannot be guessed, and grows with time for the
    /// same two ends (RFC 6528, 3).
    pub(super) fn connection_config(&self, now: Instant, key: &FlowKey) -> Config {
        let secret = |purpose: u8| {
            let mut hasher = DefaultHasher::new();
            (self.config.seed, purpose, key, self.config.seed).hash(&mut hasher);
            hasher.finish() as u32
        };
        let ip_header = if key.local.is_ipv4() { IPV4_HEADER } else { IPV6_HEADER };
        Config {
            mtu: self.config.mtu,
            headers: ip_header + HEADER,
            max_window: self.config.max_window,
            congestion: self.config.congestion,
            iss: Seq(secret(0).wrapping_add((now.total_micros() / 4) as u32)),
            clock: secret(1),
        }
    }

    fn half_open(&mut self, id: FlowId, rise: &mut dyn Rise) {
        let flows = &mut self.flows;
        let leaving = self.half_open.add(id, |id| match flows.get(id) {
            Some(Entry::Held(_)) => true,
            Some(Entry::Open(flow)) => flow.is_half_open(),
            None => false,
        });
        for id in leaving {
            self.counters.half_open_evicted += 1;
            let announced = match self.flows.get(id) {
                Some(Entry::Held(_)) => true,
                Some(Entry::Open(flow)) => flow.is_announced(),
                None => false,
            };
            if announced {
                rise.rise(Event::Reset {
                    id,
                    reason: ResetReason::Evicted,
                });
            }
            self.drop_flow(id);
        }
    }

    /// Answers a segment that belongs to no connection with RST (RFC 9293, 3.10.7.1).
    pub(super) fn reset_unknown(&mut self, now: Instant, key: FlowKey, segment: &Segment<'_>) {
        let Some(reset) = segment.reset() else { return };
        if !self.error_rate.take(now) {
            self.counters.errors_limited += 1;
            return;
        }
        self.counters.tcp_resets_sent += 1;
        if reset.emit(key.local, key.remote, &mut self.net.packet, |_| {}) {
            self.replies.push(self.net.packet.clone());
        }
    }

    /// True when the error is about a segment of a flow of this peer.
    pub(super) fn handle_segment_error(&mut self, now: Instant, peer: PeerId, packet: &Packet<'_>) -> bool {
        let Some(error) = SegmentError::parse(packet) else {
            return false;
        };
        let Some(id) = self.flows.find(&error.key) else {
            return false;
        };
        let Some(flow) = self.flows.flow(id).filter(|flow| flow.peer == peer) else {
            return false;
        };
        match error.problem {
            Problem::Unreachable(reason) => flow.handle_unreachable(error.seq, reason),
            Problem::TooBig { mtu, length } => flow.handle_too_big(now, error.seq, mtu, length),
        }
        self.counters.segment_errors += 1;
        self.touch(id);
        true
    }
}
