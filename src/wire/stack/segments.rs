//! A TCP segment comes: to its flow, to TIME-WAIT, a new connection, or an RST.

use smoltcp::iface::SocketSet;
use smoltcp::time::Instant;

use super::{MAX_HELD, Stack};
use crate::device::OnePacket;
use crate::event::{Event, FlowId, ResetReason, Rise};
use crate::flow_key::{FlowKey, SegmentHead};
use crate::flows::{Entry, Held};
use crate::packet::Packet;
use crate::tcp::TcpFlow;
use crate::tunnel::PeerId;

impl Stack {
    pub(super) fn handle_segment(&mut self, now: Instant, peer: PeerId, packet: &Packet<'_>, rise: &mut dyn Rise) {
        let Some(head) = SegmentHead::parse(packet) else {
            self.counters.unaddressable += 1;
            return;
        };
        if let Some(id) = self.flows.find(&head.key) {
            return self.handle_known(now, id, &head, packet, rise);
        }
        if head.syn && !head.ack && !head.rst {
            self.time_wait.remove(&head.key);
            return self.handle_syn(now, peer, head.key, packet, rise);
        }
        if let Some(acknowledgement) = self.time_wait.acknowledgement(now, &head.key) {
            let acknowledgement = acknowledgement.to_vec();
            if !head.rst {
                self.replies.push(acknowledgement);
            }
            return;
        }
        if !head.rst {
            self.reset_unknown(now, packet.bytes);
        }
    }

    fn handle_known(&mut self, now: Instant, id: FlowId, head: &SegmentHead, packet: &Packet<'_>, rise: &mut dyn Rise) {
        if let Some(flow) = self.flows.flow(id) {
            let acknowledgement = head.acknowledgement;
            flow.handle_segment(now, &mut self.net, packet.bytes, acknowledgement, &mut self.replies);
            self.touch(id);
        } else if head.rst {
            // The peer takes back a SYN that still waits for the owner.
            rise.rise(Event::Reset {
                id,
                reason: ResetReason::ByPeer,
            });
            self.drop_flow(id);
        }
        // A repeated SYN of one that waits changes nothing.
    }

    fn handle_syn(&mut self, now: Instant, peer: PeerId, key: FlowKey, packet: &Packet<'_>, rise: &mut dyn Rise) {
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
            self.answer(now, id, peer, key, packet.bytes, false);
            self.half_open(id, rise);
        }
    }

    /// Makes the flow of a SYN and hands it the SYN.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        id: FlowId,
        peer: PeerId,
        key: FlowKey,
        syn: &[u8],
        announced: bool,
    ) -> bool {
        let Some(buffers) = self.buffers.take() else {
            self.counters.syns_dropped += 1;
            self.flows.release(id);
            return false;
        };
        let mut flow = TcpFlow::passive(now, id, peer, key, buffers, announced);
        flow.handle_segment(now, &mut self.net, syn, None, &mut self.replies);
        self.flows.insert(id, Entry::Open(Box::new(flow)));
        self.touch(id);
        true
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

    /// RST for a segment that belongs to no connection (RFC 9293, 3.10.7.1): smoltcp's own answer with no socket.
    pub(super) fn reset_unknown(&mut self, now: Instant, segment: &[u8]) {
        if !self.error_rate.take(now) {
            self.counters.errors_limited += 1;
            return;
        }
        self.counters.tcp_resets_sent += 1;
        let mut none = SocketSet::new([]);
        let mut device = OnePacket {
            arriving: Some(segment),
            fall: &mut self.replies,
            scratch: &mut self.net.scratch,
            capabilities: &self.net.capabilities,
            snd_max: None,
        };
        self.net.interface.poll_ingress_single(now, &mut device, &mut none);
    }
}
