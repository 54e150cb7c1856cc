//! One TCP flow: a smoltcp socket in a set of its own, with credit both ways and a clear end.

use smoltcp::iface::{Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::DeviceCapabilities;
use smoltcp::socket::tcp::{CongestionControl, Socket, State};
use smoltcp::time::{Duration, Instant};

use crate::buffers::BufferPair;
use crate::device::{Fall, OnePacket};
use crate::event::{Event, FlowId, ResetReason, Rise};
use crate::flow_key::FlowKey;
use crate::recovery::{Acknowledgement, DUPLICATES, Recovery};
use crate::snd_max::SndMax;
use crate::tunnel::PeerId;

/// An idle connection is probed so often (RFC 9293, 3.8.4).
pub const KEEP_ALIVE: Duration = Duration::from_secs(120);
/// A peer that answers nothing for so long is gone (Linux gives up after about as long, tcp_retries2).
pub const USER_TIMEOUT: Duration = Duration::from_secs(900);
/// A handshake that is not over by then is given up.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// A connection that its owner has let go of, and that makes no progress for so long, is reset.
pub const ORPHAN_TIMEOUT: Duration = Duration::from_secs(60);
/// At most so many bytes of received data are with the owner, unread, for one flow.
pub const RECEIVE_CREDIT: usize = 256 * 1024;
/// The longest piece of data in one event.
pub const MAX_CHUNK: usize = 64 * 1024;

/// What all flows share to send and to receive.
pub struct Net {
    pub interface: Interface,
    pub capabilities: DeviceCapabilities,
    pub scratch: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The peer's SYN was answered before the owner was told of it.
    Unannounced,
    /// The owner knows the flow; the handshake goes on.
    Handshake,
    /// Our own SYN is out.
    Connecting,
    Open,
    /// The owner has let go: nothing rises any more.
    Orphan,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Closed,
    Reset(ResetReason),
}

/// What to do with the flow after its events have risen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Risen {
    Idle,
    /// The owner had no room: ask again.
    Waiting,
    /// The flow is over: drop it.
    Over,
}

pub struct TcpFlow {
    pub id: FlowId,
    pub peer: PeerId,
    pub key: FlowKey,
    /// The mark of the buffers' provider.
    pub slot: u32,
    pub received: u64,
    pub sent: u64,
    /// In the list of flows that may have something to send.
    pub falling: bool,
    /// In the list of flows that may have something to say.
    pub rising: bool,
    /// Its last event has risen: it leaves once its last packet is out.
    pub over: bool,
    /// The earliest entry of this flow in the queue of deadlines.
    pub queued_deadline: Option<Instant>,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    phase: Phase,
    ending: Option<Ending>,
    end_raised: bool,
    end_wanted: bool,
    /// The handshake was over once, whatever has come since.
    was_established: bool,
    /// Written before the handshake was over; at most the transmit buffer's capacity.
    early: Vec<u8>,
    credit: usize,
    /// Bytes in the transmit buffer when it was last looked at.
    queued: usize,
    /// Bytes that came free there and were not announced yet.
    owed: usize,
    limit: Option<Instant>,
    snd_max: SndMax,
    recovery: Recovery,
}

impl TcpFlow {
    /// A flow that will answer the SYN it is given next.
    pub fn passive(now: Instant, id: FlowId, peer: PeerId, key: FlowKey, buffers: BufferPair, announced: bool) -> Self {
        let phase = if announced {
            Phase::Handshake
        } else {
            Phase::Unannounced
        };
        let mut flow = TcpFlow::new(now, id, peer, key, buffers, phase);
        // Fails only for port 0, which no key has (`SegmentHead::parse`).
        let _ = flow.socket_mut().listen(key.local);
        flow
    }

    /// A flow that sends a SYN. `None` when the addresses cannot be connected.
    pub fn active(
        now: Instant,
        id: FlowId,
        peer: PeerId,
        key: FlowKey,
        buffers: BufferPair,
        net: &mut Net,
    ) -> Result<Self, u32> {
        let slot = buffers.slot;
        let mut flow = TcpFlow::new(now, id, peer, key, buffers, Phase::Connecting);
        let handle = flow.handle;
        flow.sockets
            .get_mut::<Socket<'_>>(handle)
            .connect(net.interface.context(), key.remote, key.local)
            .map_err(|_| slot)?;
        Ok(flow)
    }

    fn new(now: Instant, id: FlowId, peer: PeerId, key: FlowKey, buffers: BufferPair, phase: Phase) -> Self {
        let mut socket = Socket::new(buffers.receive, buffers.transmit);
        socket.set_congestion_control(CongestionControl::Cubic);
        socket.set_nagle_enabled(false);
        socket.set_keep_alive(Some(KEEP_ALIVE));
        socket.set_timeout(Some(USER_TIMEOUT));
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        TcpFlow {
            id,
            peer,
            key,
            slot: buffers.slot,
            received: 0,
            sent: 0,
            falling: false,
            rising: false,
            over: false,
            queued_deadline: None,
            sockets,
            handle,
            phase,
            ending: None,
            end_raised: false,
            end_wanted: false,
            was_established: false,
            early: Vec::new(),
            credit: RECEIVE_CREDIT,
            queued: 0,
            owed: 0,
            limit: Some(now + HANDSHAKE_TIMEOUT),
            snd_max: SndMax::default(),
            recovery: Recovery::default(),
        }
    }

    pub fn is_announced(&self) -> bool {
        !matches!(self.phase, Phase::Unannounced | Phase::Orphan)
    }

    pub fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// Until then the flow counts as half-open.
    pub fn is_half_open(&self) -> bool {
        matches!(self.phase, Phase::Unannounced | Phase::Handshake)
    }

    pub fn handle_segment(
        &mut self,
        now: Instant,
        net: &mut Net,
        packet: &[u8],
        acknowledgement: Option<Acknowledgement>,
        replies: &mut dyn Fall,
    ) {
        self.ingest(now, net, packet, replies);
        let lost = match (acknowledgement, self.snd_max.get()) {
            (Some(ack), Some(snd_max)) => self.recovery.handle_acknowledgement(ack, snd_max),
            _ => false,
        };
        if lost {
            for _ in 0..DUPLICATES {
                self.ingest(now, net, packet, replies);
            }
        }
        // Data for a reader that is gone is answered by RST (RFC 9293, 3.6.1, as Linux does).
        if self.phase == Phase::Orphan && self.socket().can_recv() {
            self.reset();
        }
    }

    fn ingest(&mut self, now: Instant, net: &mut Net, packet: &[u8], replies: &mut dyn Fall) {
        let before = self.socket().state();
        let mut device = OnePacket {
            arriving: Some(packet),
            fall: replies,
            scratch: &mut net.scratch,
            capabilities: &net.capabilities,
            snd_max: Some(&mut self.snd_max),
        };
        net.interface.poll_ingress_single(now, &mut device, &mut self.sockets);
        let after = self.socket().state();
        if after != before {
            self.handle_change(before, after);
        }
    }

    fn handle_change(&mut self, before: State, after: State) {
        // A connection that is opened and reset in one batch was open all the same: its owner hears of both.
        self.was_established |= matches!(after, State::Established | State::CloseWait);
        match after {
            State::Established | State::CloseWait if self.phase != Phase::Open && self.phase != Phase::Orphan => {
                self.limit = None;
            }
            // A reset handshake brings smoltcp's socket back to LISTEN; this flow is for one connection.
            State::Closed | State::Listen => {
                self.ending.get_or_insert(match before {
                    State::LastAck | State::TimeWait => Ending::Closed,
                    State::SynSent => Ending::Reset(ResetReason::Refused),
                    _ => Ending::Reset(ResetReason::ByPeer),
                });
            }
            _ => {}
        }
    }

    /// Lets everything rise that can: opening, data, the end.
    pub fn poll_rise(&mut self, rise: &mut dyn Rise) -> Risen {
        self.announce(rise);
        if self.phase == Phase::Orphan {
            return if self.ending.is_some() {
                Risen::Over
            } else {
                Risen::Idle
            };
        }
        let waiting = self.raise_data(rise);
        let id = self.id;
        let state = self.socket().state();
        let finished = matches!(
            state,
            State::CloseWait | State::Closing | State::LastAck | State::TimeWait
        ) || self.ending == Some(Ending::Closed);
        if finished && !self.end_raised && !self.socket().can_recv() && self.phase == Phase::Open {
            self.end_raised = true;
            rise.rise(Event::End { id });
        }
        self.raise_writable(rise);
        match self.ending {
            Some(Ending::Reset(reason)) => {
                if self.phase != Phase::Unannounced {
                    rise.rise(Event::Reset { id, reason });
                }
                Risen::Over
            }
            Some(Ending::Closed) if self.end_raised => {
                rise.rise(Event::Closed { id });
                Risen::Over
            }
            _ if waiting => Risen::Waiting,
            _ => Risen::Idle,
        }
    }

    fn announce(&mut self, rise: &mut dyn Rise) {
        if !self.was_established || matches!(self.phase, Phase::Open | Phase::Orphan) {
            return;
        }
        let (id, FlowKey { local, remote }) = (self.id, self.key);
        match self.phase {
            Phase::Unannounced => rise.rise(Event::Opened {
                id,
                peer: self.peer,
                source: remote,
                destination: local,
                held: false,
            }),
            Phase::Connecting => rise.rise(Event::Connected { id }),
            Phase::Handshake | Phase::Open | Phase::Orphan => {}
        }
        self.phase = Phase::Open;
        self.limit = None;
        let early = std::mem::take(&mut self.early);
        self.queue(&early);
        if self.end_wanted {
            self.end();
        }
    }

    /// True when the owner had no room for what is there.
    fn raise_data(&mut self, rise: &mut dyn Rise) -> bool {
        let id = self.id;
        while self.phase == Phase::Open && self.credit > 0 && self.socket().can_recv() {
            let room = rise.room();
            if room == 0 {
                return true;
            }
            let most = self.credit.min(room).min(MAX_CHUNK);
            let taken = self.socket_mut().recv(|bytes| {
                let bytes = &bytes[..bytes.len().min(most)];
                rise.rise(Event::Data { id, bytes });
                (bytes.len(), bytes.len())
            });
            let Ok(taken) = taken else { break };
            self.credit -= taken;
            self.received += taken as u64;
        }
        false
    }

    fn raise_writable(&mut self, rise: &mut dyn Rise) {
        let now_queued = self.socket().send_queue();
        self.owed += self.queued.saturating_sub(now_queued);
        self.queued = now_queued;
        // A writer that waits has used up all of its credit, so a quarter always comes free in the end.
        if self.owed >= self.socket().send_capacity() / 4 && self.phase == Phase::Open {
            rise.rise(Event::Writable {
                id: self.id,
                bytes: self.owed as u32,
            });
            self.owed = 0;
        }
    }

    /// Sends at most `budget` packets. True when there may be more.
    pub fn poll_fall(&mut self, now: Instant, net: &mut Net, fall: &mut dyn Fall, budget: usize) -> bool {
        let before = self.socket().state();
        let mut sent = 0;
        while sent < budget {
            let mut device = OnePacket {
                arriving: None,
                fall,
                scratch: &mut net.scratch,
                capabilities: &net.capabilities,
                snd_max: Some(&mut self.snd_max),
            };
            match net.interface.poll_egress(now, &mut device, &mut self.sockets) {
                PollResult::None => break,
                PollResult::SocketStateChanged => sent += 1,
            }
        }
        let after = self.socket().state();
        if after != before && after == State::Closed {
            self.ending.get_or_insert(match before {
                State::TimeWait => Ending::Closed,
                _ => Ending::Reset(ResetReason::TimedOut),
            });
        }
        sent == budget || !fall.ready()
    }

    pub fn in_time_wait(&self) -> bool {
        // What was received must have risen first.
        self.socket().state() == State::TimeWait && (self.phase == Phase::Orphan || self.end_raised)
    }

    /// The last ACK is out and kept elsewhere: for the owner the flow is closed.
    pub fn leave_time_wait(&mut self) {
        self.ending.get_or_insert(Ending::Closed);
    }

    /// Takes what the owner wrote. False when that is more than its credit: the flow is then reset.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.sent += bytes.len() as u64;
        if matches!(self.phase, Phase::Handshake | Phase::Connecting) {
            self.early.extend_from_slice(bytes);
            return self.early.len() <= self.socket().send_capacity();
        }
        if !self.socket().may_send() {
            // Reset or ended meanwhile: the owner is told of it, if not yet, by its event.
            return true;
        }
        self.queue(bytes)
    }

    fn queue(&mut self, bytes: &[u8]) -> bool {
        let written = self.socket_mut().send_slice(bytes).unwrap_or(0);
        self.queued += written;
        written == bytes.len()
    }

    /// The owner has taken so many bytes.
    pub fn credit(&mut self, bytes: usize) {
        self.credit = (self.credit + bytes).min(RECEIVE_CREDIT);
    }

    /// FIN after what was written.
    pub fn end(&mut self) {
        if matches!(self.phase, Phase::Handshake | Phase::Connecting) {
            self.end_wanted = true;
        } else {
            self.socket_mut().close();
        }
    }

    /// RST now. The flow is over once it is sent.
    pub fn reset(&mut self) {
        self.phase = Phase::Orphan;
        self.socket_mut().abort();
        self.ending = Some(Ending::Closed);
    }

    /// The owner lets go: FIN after what was written, RST when something unread is left (RFC 2525, 2.17).
    pub fn close(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Open) || self.socket().can_recv() {
            return self.reset();
        }
        self.phase = Phase::Orphan;
        self.socket_mut().close();
        self.limit = Some(now + ORPHAN_TIMEOUT);
    }

    /// Looks whether the flow's own limit has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.limit.is_none_or(|limit| now < limit) {
            return;
        }
        let left = self.socket().send_queue();
        if self.phase == Phase::Orphan && left < self.queued {
            self.queued = left;
            self.limit = Some(now + ORPHAN_TIMEOUT);
            return;
        }
        self.limit = None;
        self.socket_mut().abort();
        self.ending.get_or_insert(Ending::Reset(ResetReason::TimedOut));
    }

    pub fn poll_timeout(&mut self, now: Instant, net: &mut Net) -> Option<Instant> {
        let socket = net.interface.poll_at(now, &self.sockets);
        match (socket, self.limit) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn socket(&self) -> &Socket<'static> {
        self.sockets.get(self.handle)
    }

    fn socket_mut(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }
}
