//! What the tunnel counted: one number for each thing it let fall.

#[derive(Default, Clone, Debug, PartialEq, Eq)]
pub struct TunnelCounters {
    /// From source port 0, to which nothing can be sent.
    pub unanswerable: u64,
    /// No message of WireGuard.
    pub malformed: u64,
    /// A wrong mac1, a wrong tag, a session that is not there.
    pub unauthenticated: u64,
    pub unknown_peer: u64,
    /// A message that was seen before, is older than the window, or past the last that a session may have.
    pub replayed: u64,
    /// Cookie replies sent: handshakes that had to prove their address first.
    pub cookies: u64,
    /// An inner source that is not the peer's own.
    pub wrong_source: u64,
    /// Authenticated, and no IP packet inside.
    pub malformed_inner: u64,
    /// Packets to an address of no peer.
    pub no_route: u64,
    /// Packets to a peer that has not spoken yet and has no configured endpoint.
    pub no_endpoint: u64,
    /// Longer than the buffer that the caller gave.
    pub too_long: u64,
    /// Packets that waited for a session in vain: none came, or too many waited.
    pub waiting_dropped: u64,
    pub transmit_dropped: u64,
}

impl TunnelCounters {
    /// Each count with its name as Node sees it.
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
