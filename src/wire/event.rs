//! The events that rise from the stack to its owner, and the trait by which the owner takes them.

use std::net::SocketAddr;

use crate::tunnel::PeerId;

/// The number by which the owner names a TCP flow. A number is used again only after its flow's `Reset` or `Closed`.
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
    /// A connection of our own, by `connect`, is established.
    Connected {
        id: FlowId,
    },
    Data {
        id: FlowId,
        bytes: &'a [u8],
    },
    /// The peer has sent FIN, and will send no more data (RFC 9293, 3.6).
    End {
        id: FlowId,
    },
    /// The flow has ended at once; data that was not delivered is lost.
    Reset {
        id: FlowId,
        reason: ResetReason,
    },
    /// The transmit buffer has room for so many more bytes.
    Writable {
        id: FlowId,
        bytes: u32,
    },
    /// Both directions have ended, and all sent data is acknowledged.
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
    /// An ICMP message that is not for this stack, from its type byte on.
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

/// How an owner refuses a held connection.
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
    /// The payload bytes that the owner can take now. At 0, TCP data stays in the receive buffer (and closes the
    /// window), and datagrams are dropped and counted.
    fn room(&self) -> usize;

    fn rise(&mut self, event: Event<'_>);
}
