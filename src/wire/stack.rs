//! The stack between IP packets and flows. It finds the flow of a packet by one hash look-up, and polls that flow
//! alone.
//!
//! Calling order: any `handle_*` or command, then `poll_rise` (events go up), then `poll_fall` (packets go down), then
//! `poll_timeout`. Nothing here waits, reads a clock or grows without a bound.

use std::collections::VecDeque;
use std::net::IpAddr;

use smoltcp::time::{Duration, Instant};

use crate::buffers::{Buffers, Pool};
use crate::deadlines::Deadlines;
use crate::event::{Event, FlowId, ResetReason, Rise};
use crate::fall::Fall;
use crate::flows::{Entry, Flows};
use crate::fragment::Reassembler;
use crate::half_open::HalfOpen;
use crate::impairment::Totals;
use crate::peer_mtu::PeerMtu;
use crate::tcp::congestion::Algorithm;
use crate::tcp_flow::{AfterRise, Net};
use crate::time_wait::TimeWait;
use crate::token_bucket::TokenBucket;
use crate::tunnel::PeerId;
use crate::udp_flows::UdpFlows;

mod commands;
mod counters;
mod datagrams;
mod replies;
mod segments;

pub use commands::ConnectError;
pub use counters::StackCounters;
pub use replies::{MAX_REPLIES, MAX_REPLY_BYTES};

use replies::Replies;

/// The most TCP flows, half-open ones included. At this bound a SYN is dropped.
pub const MAX_FLOWS: usize = 65_536;
/// The most packets that a flow sends before the next flow has its turn.
const TURN: usize = 64;
/// The rate of RSTs and ICMP errors (RFC 4443, 2.4 f; RFC 5961).
const ERRORS_PER_SECOND: u64 = 2000;
/// The most RSTs and ICMP errors at once.
const ERROR_BURST: u64 = 500;
/// The most SYNs that wait for the owner. Above either bound the handshake comes first, and the owner is asked
/// afterwards.
pub const MAX_HELD: usize = 1024;
/// The rate of SYNs that wait for the owner.
const HELD_PER_SECOND: u64 = 10_000;
const HELD_BURST: u64 = 2000;
/// The stack asks for no deadline sooner than this, so that no flow can keep the owner awake.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

pub struct StackConfig {
    /// Bytes of an IP packet in the tunnel; the MSS follows from this. A peer with a smaller MTU is sent shorter
    /// packets.
    pub mtu: usize,
    /// The tunnel's own addresses. Echo requests to them are answered.
    pub addresses: Vec<IpAddr>,
    /// True: a SYN waits for the owner's `accept` or `refuse`.
    pub hold_syn: bool,
    /// True: ICMP messages that are not for this stack rise. False: they are dropped and counted.
    pub raise_icmp: bool,
    /// Bytes that each window of a flow may grow to.
    pub max_window: usize,
    /// Bytes that all flows may hold.
    pub memory: usize,
    pub congestion: Algorithm,
    /// A secret from which initial sequence numbers, ports and identifications are made.
    pub seed: u64,
}

pub struct Stack {
    config: StackConfig,
    flows: Flows,
    held: usize,
    half_open: HalfOpen,
    time_wait: TimeWait,
    peer_mtu: PeerMtu,
    deadlines: Deadlines,
    udp: UdpFlows,
    reassembler: Reassembler,
    rising: VecDeque<FlowId>,
    falling: VecDeque<FlowId>,
    replies: Replies,
    error_rate: TokenBucket,
    held_rate: TokenBucket,
    next_port: u16,
    identification: u32,
    counters: StackCounters,
    /// The last field, because the flows must give back their chunks before the memory is dropped.
    net: Net,
}

impl Stack {
    pub fn new(config: StackConfig, buffers: Box<dyn Buffers>) -> Self {
        let net = Net {
            pool: Pool::new(buffers, config.memory),
            packet: Vec::with_capacity(config.mtu),
            impaired: Totals::default(),
        };
        Stack {
            net,
            flows: Flows::new(MAX_FLOWS),
            held: 0,
            half_open: HalfOpen::default(),
            time_wait: TimeWait::default(),
            peer_mtu: PeerMtu::new(config.mtu),
            deadlines: Deadlines::default(),
            udp: UdpFlows::new(),
            reassembler: Reassembler::new(),
            rising: VecDeque::new(),
            falling: VecDeque::new(),
            replies: Replies::default(),
            error_rate: TokenBucket::new(ERRORS_PER_SECOND, ERROR_BURST),
            held_rate: TokenBucket::new(HELD_PER_SECOND, HELD_BURST),
            next_port: (config.seed >> 32) as u16,
            identification: (config.seed >> 16) as u32,
            counters: StackCounters::default(),
            config,
        }
    }

    /// Wakes the flows whose deadlines have passed.
    pub fn handle_timeout(&mut self, now: Instant, rise: &mut dyn Rise) {
        while let Some(id) = self.deadlines.pop_due(now) {
            let Some(flow) = self.flows.flow(id) else { continue };
            // This entry is stale: a nearer one was added later, and has been served.
            if flow.queued_deadline.is_none_or(|at| at > now) {
                continue;
            }
            flow.queued_deadline = None;
            flow.handle_timeout(now);
            self.touch(id);
        }
        self.reassembler.handle_timeout(now);
        self.udp.handle_timeout(now);
        while let Some(flow) = self.udp.poll_expired() {
            rise.rise(Event::DatagramExpired { flow });
        }
        self.time_wait.expire(now);
    }

    /// Raises the events that the owner has room for.
    pub fn poll_rise(&mut self, rise: &mut dyn Rise) {
        let mut waiting = VecDeque::new();
        while let Some(id) = self.rising.pop_front() {
            let Some(flow) = self.flows.flow(id) else { continue };
            flow.rising = false;
            if flow.over {
                continue;
            }
            let was_half_open = flow.is_half_open();
            match flow.poll_rise(&mut self.net, rise) {
                AfterRise::Idle => {}
                AfterRise::Waiting => {
                    flow.rising = true;
                    waiting.push_back(id);
                }
                AfterRise::Over => {
                    flow.over = true;
                    if !flow.falling {
                        flow.falling = true;
                        self.falling.push_back(id);
                    }
                }
            }
            if was_half_open && !flow.is_half_open() {
                self.counters.tcp_opened += 1;
            }
        }
        self.rising = waiting;
    }

    /// True when events wait for room with the owner, or for the next `poll_rise`.
    pub fn has_rising(&self) -> bool {
        !self.rising.is_empty()
    }

    /// Sends until no flow has anything to send, or until `fall` is not ready.
    pub fn poll_fall(&mut self, now: Instant, fall: &mut dyn Fall) {
        while fall.ready()
            && let Some(packet) = self.replies.pop()
        {
            fall.fall(&packet);
        }
        while fall.ready()
            && let Some(id) = self.falling.pop_front()
        {
            self.poll_flow(now, id, fall);
        }
    }

    /// True when packets still wait after `poll_fall`, because its `fall` was not ready.
    pub fn has_falling(&self) -> bool {
        !self.falling.is_empty() || !self.replies.is_empty()
    }

    fn poll_flow(&mut self, now: Instant, id: FlowId, fall: &mut dyn Fall) {
        let Some(flow) = self.flows.flow(id) else { return };
        flow.falling = false;
        let more = flow.poll_fall(now, &mut self.net, fall, TURN);
        if !more && flow.in_time_wait() {
            let last = flow.leave_time_wait(now, &mut self.net);
            self.time_wait.insert(now, flow.key, &last);
        }
        if flow.over && !more && !flow.has_delayed() {
            return self.drop_flow(id);
        }
        if flow.has_ended() && !flow.over && !flow.rising {
            // The flow has ended while it sent (a time-out, TIME-WAIT). The next `poll_rise` tells the owner.
            flow.rising = true;
            self.rising.push_back(id);
        }
        if more {
            flow.falling = true;
            self.falling.push_back(id);
            return;
        }
        if let Some(at) = flow.poll_timeout() {
            let at = at.max(now + SHORTEST_WAIT);
            if flow.queued_deadline.is_none_or(|queued| at < queued) {
                flow.queued_deadline = Some(at);
                self.deadlines.add(at, id);
            }
        }
    }

    /// The time at which `handle_timeout` is due at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [
            self.deadlines.next(),
            self.reassembler.poll_timeout(),
            self.udp.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The number of TCP flows, half-open ones included.
    pub fn flow_count(&self) -> usize {
        self.flows.len()
    }

    /// Ends the flows of a peer that was removed.
    pub fn remove_peer(&mut self, peer: PeerId, rise: &mut dyn Rise) {
        self.peer_mtu.remove(peer);
        for id in self.flows.of_peer(peer) {
            rise.rise(Event::Reset {
                id,
                reason: ResetReason::PeerRemoved,
            });
            self.drop_flow(id);
        }
    }

    /// Puts a flow on the lists of both polls, `poll_rise` and `poll_fall`.
    fn touch(&mut self, id: FlowId) {
        let Some(flow) = self.flows.flow(id) else { return };
        if !flow.rising {
            flow.rising = true;
            self.rising.push_back(id);
        }
        if !flow.falling {
            flow.falling = true;
            self.falling.push_back(id);
        }
    }

    fn drop_flow(&mut self, id: FlowId) {
        match self.flows.remove(id) {
            Some(Entry::Held(_)) => self.held -= 1,
            Some(Entry::Open(mut flow)) => flow.release(&mut self.net),
            None => {}
        }
    }
}
