//! One TCP flow: a connection and its owner. Each direction has credit, and the owner is told exactly one end.

use crate::buffers::Pool;
use crate::event::FlowId;
use crate::fall::Fall;
use crate::flow_key::FlowKey;
use crate::impairment::{Line, Totals};
use crate::tcp::INITIAL_SEND;
use crate::tcp::connection::{Config, Connection, State, Unreachable};
use crate::tcp::segment::{Outgoing, Segment};
use crate::tcp::seq::Seq;
use crate::tunnel::PeerId;
use crate::{Duration, Instant};

mod line;
mod rise;

/// The time after which a handshake is given up.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// A connection that its owner has closed is reset when it makes no progress for so long.
pub const ORPHAN_TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes of a flow's received data that have risen to the owner and were not read.
pub const RECEIVE_CREDIT: usize = 256 * 1024;
/// The longest piece of data in one event.
pub const MAX_CHUNK: usize = 64 * 1024;

/// The memory that all flows share to send and to receive.
pub struct Net {
    pub pool: Pool,
    /// The buffer in which each packet is made.
    pub packet: Vec<u8>,
    pub impaired: Totals,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The peer's SYN was answered, and the owner was not told of the flow yet.
    Unannounced,
    /// The owner knows the flow; the handshake goes on.
    Handshake,
    /// Our own SYN was sent.
    Connecting,
    Open,
    /// The owner has closed the flow, and no event rises any more.
    Orphan,
}

/// What to do with the flow after its events have risen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AfterRise {
    /// The flow has no further events now.
    Idle,
    /// The owner had no room for all events: poll the flow again.
    Waiting,
    /// The flow is over: drop it.
    Over,
}

pub struct TcpFlow {
    pub id: FlowId,
    pub peer: PeerId,
    pub key: FlowKey,
    /// True for a flow in the list of those that may have packets to send.
    pub falling: bool,
    /// True for a flow in the list of those that may have events to raise.
    pub rising: bool,
    /// True once the last event has risen. The flow is removed when its last packet has left.
    pub over: bool,
    /// The earliest entry of this flow in the queue of deadlines.
    pub queued_deadline: Option<Instant>,
    connection: Connection,
    phase: Phase,
    end_raised: bool,
    /// True once the handshake has succeeded, even where the connection was reset since.
    was_established: bool,
    /// Bytes that may rise.
    credit: usize,
    /// Bytes that the owner may write.
    granted: usize,
    /// The time at which the flow is given up.
    limit: Option<Instant>,
    /// The bytes that were not acknowledged when `limit` was set; fewer since then is progress.
    left: usize,
    /// The line of a flow that the owner has impaired.
    line: Option<Box<Line>>,
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
            line: None,
        }
    }

    pub fn is_announced(&self) -> bool {
        !matches!(self.phase, Phase::Unannounced | Phase::Orphan)
    }

    pub fn has_ended(&self) -> bool {
        self.connection.end().is_some()
    }

    /// True until the handshake is over.
    pub fn is_half_open(&self) -> bool {
        matches!(self.phase, Phase::Unannounced | Phase::Handshake)
    }

    /// The ACK that has to leave before the next segment is handled.
    pub fn poll_acknowledgement(&mut self, now: Instant, net: &mut Net) -> Option<Vec<u8>> {
        let outgoing = self.connection.poll_acknowledgement(now, &net.pool)?;
        let packet = self.bare_packet(&outgoing, net);
        self.passes(now, net).then_some(packet)
    }

    pub fn handle_segment(&mut self, now: Instant, net: &mut Net, segment: &Segment<'_>) {
        self.connection.handle_segment(now, segment, &mut net.pool);
        // A connection may be opened and reset within one batch. It was open, and its owner is told of both.
        self.was_established |= self.connection.is_synchronized() && self.connection.state() != State::Closed;
        // Data for an owner that has closed the flow is answered with RST (RFC 9293, 3.6.1, as Linux does).
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
        if !self.poll_delayed(now, net, fall) {
            return true;
        }
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
            if written && self.passes(now, net) {
                fall.fall(&net.packet);
            }
        }
        true
    }

    pub fn in_time_wait(&self) -> bool {
        self.connection.state() == State::TimeWait
    }

    /// Ends the flow in TIME-WAIT. Gives the last ACK, which `crate::time_wait` keeps; for the owner the flow is
    /// closed.
    pub fn leave_time_wait(&mut self, now: Instant, net: &mut Net) -> Vec<u8> {
        let last = self.connection.leave_time_wait(now, &net.pool);
        self.bare_packet(&last, net)
    }

    /// A packet of its own for a segment without data.
    fn bare_packet(&self, outgoing: &Outgoing, net: &mut Net) -> Vec<u8> {
        let FlowKey { local, remote } = self.key;
        outgoing.emit(local, remote, &mut net.packet, |_| {});
        net.packet.clone()
    }

    /// Takes data from the owner. False when the data is more than the owner's credit, or the system has no memory;
    /// then the flow is to be reset.
    pub fn write(&mut self, bytes: &[u8], net: &mut Net) -> bool {
        if bytes.len() > self.granted {
            return false;
        }
        self.granted -= bytes.len();
        if self.has_ended() {
            // The connection was reset meanwhile. An event tells the owner, if it has not yet.
            return true;
        }
        if let Some(line) = &mut self.line {
            line.handle_written(bytes.len());
        }
        self.connection.write(bytes, &mut net.pool)
    }

    /// The owner has read so many bytes.
    pub fn credit(&mut self, bytes: usize) {
        self.credit = (self.credit + bytes).min(RECEIVE_CREDIT);
    }

    /// Sends FIN after the data that was written.
    pub fn end(&mut self) {
        self.connection.finish();
    }

    /// Sends RST now. The flow is over once the RST has left.
    pub fn reset(&mut self) {
        self.phase = Phase::Orphan;
        self.connection.abort();
    }

    /// The owner closes the flow: FIN after the data that was written, or RST when data is left unread (RFC 2525,
    /// 2.17).
    pub fn close(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Open) || self.connection.readable() > 0 {
            return self.reset();
        }
        self.phase = Phase::Orphan;
        self.connection.finish();
        self.left = self.connection.queued();
        self.limit = Some(now + ORPHAN_TIMEOUT);
    }

    /// Handles the deadlines that have passed: those of the connection, and the flow's limit.
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
        let delayed = self.line.as_ref().and_then(|line| line.poll_timeout());
        let deadlines = [self.connection.poll_timeout(), self.limit, delayed];
        deadlines.into_iter().flatten().min()
    }

    /// Gives the memory back; after this the flow is not used again.
    pub fn release(&mut self, net: &mut Net) {
        self.connection.release(&mut net.pool);
        if let Some(line) = &mut self.line {
            line.release(&mut net.impaired);
        }
    }
}
