//! The key of a TCP flow: the two ends of the connection, ours first.

use std::net::SocketAddr;

use crate::packet::Packet;
use crate::tcp::segment::Segment;

/// The 4-tuple of a TCP connection as seen by this stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FlowKey {
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

impl FlowKey {
    /// The key of the flow that a received segment is for. `None` where a port is 0, which is reserved (RFC 6335, 6).
    pub fn of(packet: &Packet<'_>, segment: &Segment<'_>) -> Option<Self> {
        if segment.source_port == 0 || segment.destination_port == 0 {
            return None;
        }
        Some(FlowKey {
            local: SocketAddr::new(packet.destination, segment.destination_port),
            remote: SocketAddr::new(packet.source, segment.source_port),
        })
    }
}
