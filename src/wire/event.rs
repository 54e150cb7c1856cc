//! What rises from the stack to its owner, and how the owner takes it.

use std::net::SocketAddr;

use crate::tunnel::PeerId;

/// Names a TCP flow to its owner. A number is used again only after its flow's `Reset` or `Closed`.
pub type FlowId = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A peer opens a connection. `held`: the SYN waits for `accept` or `refuse`; else the handshake is over.
    Opened {
        id: FlowId,
        peer: PeerId,
        source: SocketAddr,
        destination: SocketAddr,
        held: bool,
    },
    /// Our own `connect` was answered.
    Connected {
        id: FlowId,
    },
    Data {
        id: FlowId,
        bytes: &'a [u8],
    },
    /// The peer's FIN: nothing more will come (RFC 9293, 3.6).
    End {
        id: FlowId,
    },
    /// The flow is gone at once; what was not delivered is lost.
    Reset {
        id: FlowId,
        reason: ResetReason,
    },
    /// Room for so many bytes more has come free in the transmit buffer.
    Writable {
        id: FlowId,
        bytes: u32,
    },
    /// Both directions are over and all that was sent is acknowledged.
    Closed {
        id: FlowId,
    },
    Datagram {
        flow: u32,
        peer: PeerId,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &'a [u8],
    },
    /// A UDP flow was silent for its idle time.
    DatagramExpired {
        flow: u32,
    },
    /// An ICMP message for somebody else than this stack, from its type byte on.
    Icmp {
        peer: PeerId,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &'a [u8],
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ResetReason {
    ByPeer = 1,
    TimedOut = 2,
    Refused = 3,
    Unreachable = 4,
    PeerRemoved = 5,
    Evicted = 6,
    NetworkUnreachable = 7,
}

/// How an owner turns a held connection down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Reset,
    NetworkUnreachable,
    HostUnreachable,
    Prohibited,
    Silent,
}

/// The owner's side of the seam.
pub trait Rise {
    /// Payload bytes that the owner takes now. At 0 TCP data stays in the receive buffer (and closes the
    /// window), datagrams are dropped and counted.
    fn room(&self) -> usize;

    fn rise(&mut self, event: Event<'_>);
}
