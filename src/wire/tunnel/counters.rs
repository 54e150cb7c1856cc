//! The counters of the tunnel: one number for each reason to drop a message or a packet.

#[derive(Default, Clone, Debug, PartialEq, Eq)]
pub struct TunnelCounters {
    /// Datagrams from port 0, to which nothing can be sent.
    pub unanswerable: u64,
    /// Datagrams that are no message of WireGuard.
    pub malformed: u64,
    /// Messages with a wrong mac1, a wrong tag, or an unknown session.
    pub unauthenticated: u64,
    pub unknown_peer: u64,
    /// Messages that came before, that are older than the window, or that are beyond the last of a session.
    pub replayed: u64,
    /// Cookie replies that were sent to handshakes whose senders have to prove their addresses first.
    pub cookies: u64,
    /// Packets whose inner source is not the peer's own.
    pub wrong_source: u64,
    /// Authenticated messages with something else than an IP packet inside.
    pub malformed_inner: u64,
    /// Packets to an address of no peer.
    pub no_route: u64,
    /// Packets to a peer that has not spoken yet and has no configured endpoint.
    pub no_endpoint: u64,
    /// Packets that were too long for the buffer of the caller.
    pub too_long: u64,
    /// Packets that waited for a session in vain: none came, or too many waited.
    pub waiting_dropped: u64,
    pub transmit_dropped: u64,
}

impl TunnelCounters {
    /// Each count with the name that Node sees.
    pub fn named(&self) -> [(&'static str, u64); 13] {
        [
            ("tunnelUnanswerable", self.unanswerable),
            ("tunnelMalformed", self.malformed),
            ("tunnelUnauthenticated", self.unauthenticated),
            ("tunnelUnknownPeer", self.unknown_peer),
            ("tunnelReplayed", self.replayed),
            ("tunnelCookies", self.cookies),
            ("tunnelWrongSource", self.wrong_source),
            ("tunnelMalformedInner", self.malformed_inner),
            ("tunnelNoRoute", self.no_route),
            ("tunnelNoEndpoint", self.no_endpoint),
            ("tunnelTooLong", self.too_long),
            ("tunnelWaitingDropped", self.waiting_dropped),
            ("tunnelTransmitDropped", self.transmit_dropped),
        ]
    }
}
