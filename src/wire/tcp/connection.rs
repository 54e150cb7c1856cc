//! One TCP connection as a machine: segments and time in, segments out (RFC 9293).
//!
//! After any `handle_*` or a call of the owner's, drain `poll_transmit`; `poll_timeout` says when to come back.
//! `arrival.rs` handles received segments, `departure.rs` makes those that leave. Memory comes from the pool that each
//! call is given.

use super::clock::Clock;
use super::congestion::Algorithm;
use super::options::TIMESTAMP_LENGTH;
use super::queue::ByteQueue;
use super::receiver::Receiver;
use super::segment::{Outgoing, Segment};
use super::sender::{Sender, USER_TIMEOUT};
use super::seq::Seq;
use crate::buffers::{GUARANTEED, Pool};
use crate::{Duration, Instant};

mod arrival;
mod departure;
mod path;

pub use path::Unreachable;

/// The interval of probes on an idle connection (RFC 9293, 3.8.4).
pub const KEEP_ALIVE: Duration = Duration::from_secs(120);

/// The parameters of a new connection.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Bytes of an IP packet.
    pub mtu: usize,
    /// Bytes of the IP and TCP headers of a packet, without options: 40 or 60.
    pub headers: usize,
    /// Bytes that a window may grow to, in each direction.
    pub max_window: usize,
    pub congestion: Algorithm,
    /// Our initial sequence number (RFC 6528).
    pub iss: Seq,
    /// The first value of the clock of our timestamps.
    pub clock: u32,
}

impl Config {
    /// The MSS that we offer (RFC 9293, 3.7.1).
    pub fn mss(&self) -> u16 {
        self.mtu.saturating_sub(self.headers).min(u16::MAX.into()) as u16
    }
}

/// The states of RFC 9293, 3.3.2, without LISTEN, because a connection begins with its SYN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
}

impl State {
    /// The state after our side has finished sending. During the handshake, finishing waits for the end of the
    /// handshake.
    fn after_finish(self) -> Self {
        match self {
            State::Established => State::FinWait1,
            State::CloseWait => State::LastAck,
            other => other,
        }
    }
}

/// How a connection has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Both FINs are acknowledged.
    Orderly,
    /// The other side has sent RST.
    Reset,
    /// The other side has answered our SYN with RST.
    Refused,
    Unreachable(Unreachable),
    TimedOut,
    /// Our side has sent RST.
    Aborted,
}

pub struct Connection {
    config: Config,
    state: State,
    end: Option<End>,
    clock: Clock,
    send: Sender,
    receive: Receiver,
    /// The options of the other side's SYN, for the SYN-ACK that answers it.
    offered: Offered,
    /// TS.Recent (RFC 7323, 4.3).
    ts_recent: u32,
    /// The time at which TS.Recent was set.
    ts_recent_at: Instant,
    heard_at: Instant,
    probed_at: Instant,
    probe: bool,
    /// The time of the last answer to a segment that may be forged (RFC 5961, 7).
    challenged_at: Option<Instant>,
    /// An RST that is to leave: the last segment of this connection, or an answer to one that does not belong to it.
    answer: Option<Outgoing>,
    /// The MSS that the other side offers.
    peer_mss: u16,
    /// Bytes of an IP packet that the path takes, as far as known from routers or from losses.
    path_mtu: usize,
}

#[derive(Clone, Copy, Default)]
struct Offered {
    window_scale: bool,
    sack: bool,
    timestamp: bool,
}

impl Connection {
    /// A connection that begins with our SYN.
    pub fn open(now: Instant, config: Config) -> Self {
        Connection::new(now, config, State::SynSent)
    }

    /// A connection that answers the other side's SYN.
    pub fn answer(now: Instant, config: Config, syn: &Segment<'_>) -> Self {
        let mut connection = Connection::new(now, config, State::SynReceived);
        connection.handle_options(now, syn);
        connection
    }

    fn new(now: Instant, config: Config, state: State) -> Self {
        Connection {
            state,
            end: None,
            clock: Clock::new(config.clock),
            send: Sender::new(now, config.iss, config.mss(), config.congestion),
            receive: Receiver::new(now, config.max_window),
            offered: Offered::default(),
            ts_recent: 0,
            ts_recent_at: now,
            heard_at: now,
            probed_at: now,
            probe: false,
            challenged_at: None,
            answer: None,
            peer_mss: u16::MAX,
            path_mtu: config.mtu,
            config,
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// How the connection has ended; `None` while it lasts. After the end, segments may still wait to leave.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// True once the handshake is over, in all later states, too.
    pub fn is_synchronized(&self) -> bool {
        !matches!(self.state, State::SynSent | State::SynReceived)
    }

    /// Takes bytes to send. After `finish` they are dropped. False when the system has no memory.
    pub fn write(&mut self, bytes: &[u8], pool: &mut Pool) -> bool {
        self.send.is_finishing() || self.send.write(bytes, pool)
    }

    /// Ends our side: FIN follows the bytes that were written.
    pub fn finish(&mut self) {
        if self.send.is_finishing() {
            return;
        }
        self.send.finish();
        self.state = self.state.after_finish();
    }

    /// Ends the connection with RST.
    pub fn abort(&mut self) {
        self.die(End::Aborted);
    }

    fn die(&mut self, end: End) {
        if self.state == State::Closed {
            return;
        }
        if self.is_synchronized() || self.state == State::SynReceived {
            self.answer = Some(self.last_reset());
        }
        self.close(end);
    }

    /// Ends the connection with RST, because its time is over.
    pub fn give_up(&mut self) {
        self.die(End::TimedOut);
    }

    /// Ends the connection in TIME-WAIT, and gives the ACK with which a repeated FIN is answered.
    pub fn leave_time_wait(&mut self, now: Instant, pool: &Pool) -> Outgoing {
        self.close(End::Orderly);
        self.acknowledgement(now, pool)
    }

    fn close(&mut self, end: End) {
        self.state = State::Closed;
        self.end.get_or_insert(end);
    }

    /// Bytes that can be read.
    pub fn readable(&self) -> usize {
        self.receive.readable()
    }

    /// True once all data and the FIN of the other side have arrived.
    pub fn has_finished(&self) -> bool {
        self.receive.is_finished()
    }

    /// The first of the bytes that can be read, as many as lie in one piece.
    pub fn peek(&self) -> &[u8] {
        self.receive.peek()
    }

    pub fn consume(&mut self, length: usize, pool: &mut Pool) {
        self.receive.consume(length, pool);
    }

    /// Bytes that were written and are not acknowledged.
    pub fn queued(&self) -> usize {
        self.send.queued()
    }

    /// The most bytes that may be queued.
    pub fn capacity(&self, pool: &Pool) -> usize {
        let max = if pool.is_pressed() {
            GUARANTEED
        } else {
            self.config.max_window
        };
        self.send.capacity(max)
    }

    /// The send queue, which the offset and the length of an `Outgoing` refer to.
    pub fn queue(&self) -> &ByteQueue {
        self.send.queue()
    }

    /// Gives the memory back; after this the connection is not used again.
    pub fn release(&mut self, pool: &mut Pool) {
        self.send.release(pool);
        self.receive.release(pool);
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        self.send.handle_timeout(now);
        self.find_black_hole(now);
        let stalled = self
            .send
            .stalled_since()
            .is_some_and(|since| now >= since + USER_TIMEOUT);
        let silent = self.is_synchronized() && now >= self.heard_at + USER_TIMEOUT && self.send.is_idle();
        if stalled || silent {
            return self.die(End::TimedOut);
        }
        if self.keep_alive_at().is_some_and(|at| at <= now) {
            self.probe = true;
            self.probed_at = now;
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state == State::Closed {
            return None;
        }
        let user = self.send.stalled_since().map(|since| since + USER_TIMEOUT);
        [
            self.send.poll_timeout(),
            self.receive.poll_timeout(),
            self.keep_alive_at(),
            user,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn keep_alive_at(&self) -> Option<Instant> {
        let idle = self.is_synchronized() && self.send.is_idle();
        idle.then(|| self.heard_at.max(self.probed_at) + KEEP_ALIVE)
    }

    /// The most payload bytes of a segment without SACK blocks that the other side and the path take.
    fn segment_size(&self) -> u32 {
        let path = self.path_mtu.saturating_sub(self.config.headers) as u32;
        let timestamps = if self.clock.on { TIMESTAMP_LENGTH as u32 } else { 0 };
        path.min(self.peer_mss.into())
            .saturating_sub(timestamps)
            .max(LEAST_SEGMENT)
    }
}

/// The least payload bytes of a full segment, even where the other side or the path claim less (Linux:
/// TCP_MIN_SND_MSS).
const LEAST_SEGMENT: u32 = 48;
