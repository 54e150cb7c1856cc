//! One TCP flow: a connection with its owner, who has credit both ways, and is told a clear end.

use crate::buffers::Pool;
use crate::event::FlowId;
use crate::fall::Fall;
use crate::flow_key::FlowKey;
use crate::tcp::INITIAL_SEND;
use crate::tcp::connection::{Config, Connection, State, Unreachable};
use crate::tcp::segment::{Outgoing, Segment};
use crate::tcp::seq::Seq;
use crate::tunnel::PeerId;
use crate::{Duration, Instant};

mod rise;

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
    pub pool: Pool,
    /// The packet that is made now.
    pub packet: Vec<u8>,
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
    /// In the list of flows that may have something to send.
    pub falling: bool,
    /// In the list of flows that may have something to say.
    pub rising: bool,
    /// Its last event has risen: it leaves once its last packet is out.
    pub over: bool,
    /// The earliest entry of this flow in the queue of deadlines.
    pub queued_deadline: Option<Instant>,
    connection: Connection,
    phase: Phase,
    end_raised: bool,
    /// The handshake was over once, whatever has come since.
    was_established: bool,
    /// Bytes that may rise.
    credit: usize,
    /// Bytes that the owner may write.
    granted: usize,
    /// When the flow is given up, and what was unsent when that was decided.
    limit: Option<Instant>,
    left: usize,
}

impl TcpFlow {
    /// A flow that answers a SYN.
    pub fn passive(
        now: Instant,
        id: FlowId,
        peer: PeerId,
        key: FlowKey,
        config: Config,
        syn: &Segment<'_>,
        announced: bool,
    ) -> Self {
        let phase = if announced {
            Phase::Handshake
        } else {
            Phase::Unannounced
        };
        TcpFlow::new(now, id, peer, key, Connection::answer(now, config, syn), phase, &config)
    }

    /// A flow that sends a SYN.
    pub fn active(now: Instant, id: FlowId, peer: PeerId, key: FlowKey, config: Config) -> Self {
        let connection = Connection::open(now, config);
        TcpFlow::new(now, id, peer, key, connection, Phase::Connecting, &config)
    }

    fn new(
        now: Instant,
        id: FlowId,
        peer: PeerId,
        key: FlowKey,
        connection: Connection,
        phase: Phase,
        config: &Config,
    ) -> Self {
        TcpFlow {
            id,
            peer,
            key,
            falling: false,
            rising: false,
            over: false,
            queued_deadline: None,
            connection,
            phase,
            end_raised: false,
            was_established: false,
            credit: RECEIVE_CREDIT,
            granted: INITIAL_SEND.min(config.max_window),
            limit: Some(now + HANDSHAKE_TIMEOUT),
            left: 0,
        }
    }

    pub fn is_announced(&self) -> bool {
        !matches!(self.phase, Phase::Unannounced | Phase::Orphan)
    }

    pub fn has_ended(&self) -> bool {
        self.connection.end().is_some()
    }

    /// Until then the flow counts as half-open.
    pub fn is_half_open(&self) -> bool {
        matches!(self.phase, Phase::Unannounced | Phase::Handshake)
    }

    /// The ACK that has to leave before another segment is taken in.
    pub fn poll_acknowledgement(&mut self, now: Instant, net: &mut Net) -> Option<Vec<u8>> {
        let outgoing = self.connection.poll_acknowledgement(now, &net.pool)?;
        Some(self.bare_packet(&outgoing, net))
    }

    pub fn handle_segment(&mut self, now: Instant, net: &mut Net, segment: &Segment<'_>) {
        self.connection.handle_segment(now, segment, &mut net.pool);
        // A connection that is opened and reset in one batch was open all the same: its owner hears of both.
        self.was_established |= self.connection.is_synchronized() && self.connection.state() != State::Closed;
        // Data for a reader that is gone is answered by RST (RFC 9293, 3.6.1, as Linux does).
        if self.phase == Phase::Orphan && self.connection.readable() > 0 {
            self.connection.abort();
        }
    }

    pub fn handle_unreachable(&mut self, seq: Seq, reason: Unreachable) {
        self.connection.handle_unreachable(seq, reason);
    }

    pub fn handle_too_big(&mut self, now: Instant, seq: Seq, mtu: usize, length: usize) {
        self.connection.handle_too_big(now, seq, mtu, length);
    }

    /// Sends at most `budget` packets. True when there may be more.
    pub fn poll_fall(&mut self, now: Instant, net: &mut Net, fall: &mut dyn Fall, budget: usize) -> bool {
        let FlowKey { local, remote } = self.key;
        for _ in 0..budget {
            if !fall.ready() {
                return true;
            }
            let Some(outgoing) = self.connection.poll_transmit(now, &net.pool) else {
                return false;
            };
            let queue = self.connection.queue();
            let written = outgoing.emit(local, remote, &mut net.packet, |packet| {
                queue.copy(outgoing.offset, outgoing.length, packet);
            });
            if written {
                fall.fall(&net.packet);
            }
        }
        true
    }

    pub fn in_time_wait(&self) -> bool {
        self.connection.state() == State::TimeWait
    }

    /// The last ACK is out, and is given to be kept elsewhere: for the owner the flow is closed.
    pub fn leave_time_wait(&mut self, now: Instant, net: &mut Net) -> Vec<u8> {
        let last = self.connection.leave_time_wait(now, &net.pool);
        self.bare_packet(&last, net)
    }

    /// A segment without data in a packet of its own.
    fn bare_packet(&self, outgoing: &Outgoing, net: &mut Net) -> Vec<u8> {
        let FlowKey { local, remote } = self.key;
        outgoing.emit(local, remote, &mut net.packet, |_| {});
        net.packet.clone()
    }

    /// Takes what the owner wrote. False when that is more than its credit, or the system has no memory: the flow is to be
    /// reset.
    pub fn write(&mut self, bytes: &[u8], net: &mut Net) -> bool {
        if bytes.len() > self.granted {
            return false;
        }
        self.granted -= bytes.len();
        if self.has_ended() {
            // Reset meanwhile: the owner is told of it, if not yet, by its event.
            return true;
        }
        self.connection.write(bytes, &mut net.pool)
    }

    /// The owner has taken so many bytes.
    pub fn credit(&mut self, bytes: usize) {
        self.credit = (self.credit + bytes).min(RECEIVE_CREDIT);
    }

    /// FIN after what was written.
    pub fn end(&mut self) {
        self.connection.finish();
    }

    /// RST now. The flow is over once it is sent.
    pub fn reset(&mut self) {
        self.phase = Phase::Orphan;
        self.connection.abort();
    }

    /// The owner lets go: FIN after what was written, RST when something unread is left (RFC 2525, 2.17).
    pub fn close(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Open) || self.connection.readable() > 0 {
            return self.reset();
        }
        self.phase = Phase::Orphan;
        self.connection.finish();
        self.left = self.connection.queued();
        self.limit = Some(now + ORPHAN_TIMEOUT);
    }

    /// Looks what is due: the connection's own deadlines, and the flow's limit.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.connection.handle_timeout(now);
        if self.limit.is_none_or(|limit| now < limit) {
            return;
        }
        let left = self.connection.queued();
        if self.phase == Phase::Orphan && left < self.left {
            self.left = left;
            self.limit = Some(now + ORPHAN_TIMEOUT);
            return;
        }
        self.limit = None;
        self.connection.give_up();
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        match (self.connection.poll_timeout(), self.limit) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Gives the memory back. The flow is not used again.
    pub fn release(&mut self, net: &mut Net) {
        self.connection.release(&mut net.pool);
    }
}
