//! The counters of the stack: one number for each kind of thing that it did or dropped.

#[derive(Default, Clone, Debug, PartialEq, Eq)]
pub struct StackCounters {
    pub packets_in: u64,
    pub malformed: u64,
    /// Packets from or to an address or port that no other host can have (0.0.0.0, multicast, our own, port 0).
    pub unaddressable: u64,
    pub unknown_protocol: u64,
    pub tcp_opened: u64,
    pub tcp_resets_sent: u64,
    /// RST or ICMP errors that were not sent because of their rate.
    pub errors_limited: u64,
    /// SYNs dropped because a table or the buffers were full.
    pub syns_dropped: u64,
    /// Half-open flows that left early.
    pub half_open_evicted: u64,
    pub time_wait_evicted: u64,
    /// Times that an owner wrote more than its credit.
    pub credit_exceeded: u64,
    /// Datagrams or ICMP messages that the owner had no room for.
    pub datagrams_dropped: u64,
    /// Datagrams from the owner that were too long or had an address that cannot be reached.
    pub datagrams_refused: u64,
    pub icmp_dropped: u64,
    /// ICMP errors about segments of our own.
    pub segment_errors: u64,
    /// Bytes of TCP data that were not taken because of the budget of all flows.
    pub data_refused: u64,
    pub echo_replies: u64,
    pub fragments_dropped: u64,
    pub replies_dropped: u64,
    /// Packets that an impaired line has lost, of those from peers, and of those to them.
    pub impaired_in: u64,
    pub impaired_out: u64,
    /// Packets that an impaired line has lost because too many were delayed.
    pub delayed_dropped: u64,
}

impl StackCounters {
    /// Each count with the name that Node sees.
    pub fn named(&self) -> [(&'static str, u64); 22] {
        [
            ("packetsIn", self.packets_in),
            ("malformed", self.malformed),
            ("unaddressable", self.unaddressable),
            ("unknownProtocol", self.unknown_protocol),
            ("tcpOpened", self.tcp_opened),
            ("tcpResetsSent", self.tcp_resets_sent),
            ("errorsLimited", self.errors_limited),
            ("synsDropped", self.syns_dropped),
            ("halfOpenEvicted", self.half_open_evicted),
            ("timeWaitEvicted", self.time_wait_evicted),
            ("creditExceeded", self.credit_exceeded),
            ("datagramsDropped", self.datagrams_dropped),
            ("datagramsRefused", self.datagrams_refused),
            ("icmpDropped", self.icmp_dropped),
            ("segmentErrors", self.segment_errors),
            ("dataRefused", self.data_refused),
            ("echoReplies", self.echo_replies),
            ("fragmentsDropped", self.fragments_dropped),
            ("repliesDropped", self.replies_dropped),
            ("impairedIn", self.impaired_in),
            ("impairedOut", self.impaired_out),
            ("delayedDropped", self.delayed_dropped),
        ]
    }
}
