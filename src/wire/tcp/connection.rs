//! One TCP connection as a machine: segments and time in, segments out (RFC 9293).
//!
//! After any `handle_*` or a call of the owner's, drain `poll_transmit`; `poll_timeout` says when to come back.
//! `arrival.rs` takes segments in, `departure.rs` makes those that leave. Memory comes from the pool that each call is given.

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

/// An idle connection is probed so often (RFC 9293, 3.8.4).
pub const KEEP_ALIVE: Duration = Duration::from_secs(120);

/// What a connection is made with.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Bytes of an IP packet.
    pub mtu: usize,
    /// Bytes of its IP and TCP headers without options: 40 or 60.
    pub headers: usize,
    /// Bytes that a window may grow to, in each direction.
    pub max_window: usize,
    pub congestion: Algorithm,
    /// Our initial sequence number (RFC 6528).
    pub iss: Seq,
    /// Where the clock of our timestamps starts.
    pub clock: u32,
}

impl Config {
    /// The MSS that we offer (RFC 9293, 3.7.1).
    pub fn mss(&self) -> u16 {
        self.mtu.saturating_sub(self.headers).min(u16::MAX.into()) as u16
    }
}

/// RFC 9293, 3.3.2; there is no LISTEN here: a connection begins with its SYN.
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
    /// Our side has nothing more to say. During the handshake that waits for its end.
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
    /// By the other side's RST.
    Reset,
    /// Our SYN was answered by RST.
    Refused,
    Unreachable(Unreachable),
    TimedOut,
    /// By our own RST.
    Aborted,
}

pub struct Connection {
    config: Config,
    state: State,
    end: Option<End>,
    clock: Clock,
    send: Sender,
    receive: Receiver,
    /// What the SYN has said, for the SYN-ACK that answers it.
    offered: Offered,
    /// TS.Recent, and when it was new (RFC 7323, 4.3).
    ts_recent: u32,
    ts_recent_at: Instant,
    heard_at: Instant,
    probed_at: Instant,
    probe: bool,
    /// The last answer to a segment that may be forged (RFC 5961, 7).
    challenged_at: Option<Instant>,
    /// An RST, which is no segment of this connection or its last one.
    answer: Option<Outgoing>,
    /// The MSS that the other side offers.
    peer_mss: u16,
    /// Bytes of an IP packet that the path takes, as far as it was told or found out.
    path_mtu: usize,
}

#[derive(Clone, Copy, Default)]
struct Offered {
    window_scale: bool,
    sack: bool,
    timestamp: bool,
}

impl Connection {
    /// For a SYN of our own.
    pub fn open(now: Instant, config: Config) -> Self {
        Connection::new(now, config, State::SynSent)
    }

    /// For the other side's SYN.
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

    /// Whether, and how, it is over. Segments may still wait to leave.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The handshake is over, or was.
    pub fn is_synchronized(&self) -> bool {
        !matches!(self.state, State::SynSent | State::SynReceived)
    }

    /// Takes bytes. Behind `finish` there is no place for them, and they are dropped. False when the system has no memory.
    pub fn write(&mut self, bytes: &[u8], pool: &mut Pool) -> bool {
        self.send.is_finishing() || self.send.write(bytes, pool)
    }

    /// Nothing more will be written: FIN after what was.
    pub fn finish(&mut self) {
        if self.send.is_finishing() {
            return;
        }
        self.send.finish();
        self.state = self.state.after_finish();
    }

    /// RST now.
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

    /// Its time is over: RST.
    pub fn give_up(&mut self) {
        self.die(End::TimedOut);
    }

    /// In TIME-WAIT: all that is left to say is this ACK, to a repeated FIN.
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

    /// All that the other side will ever send is here.
    pub fn has_finished(&self) -> bool {
        self.receive.is_finished()
    }

    /// The first of them, as many as lie in one piece.
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

    /// How many there may be.
    pub fn capacity(&self, pool: &Pool) -> usize {
        let max = if pool.is_pressed() {
            GUARANTEED
        } else {
            self.config.max_window
        };
        self.send.capacity(max)
    }

    /// What `Outgoing` names by its offset and length.
    pub fn queue(&self) -> &ByteQueue {
        self.send.queue()
    }

    /// Gives its memory back. The connection is not used again.
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

    /// Payload bytes of a segment without SACK blocks: what the other side and the path take.
    fn segment_size(&self) -> u32 {
        let path = self.path_mtu.saturating_sub(self.config.headers) as u32;
        let timestamps = if self.clock.on { TIMESTAMP_LENGTH as u32 } else { 0 };
        path.min(self.peer_mss.into())
            .saturating_sub(timestamps)
            .max(LEAST_SEGMENT)
    }
}

/// However little the other side or the path says that it takes, a segment carries this much (Linux: TCP_MIN_SND_MSS).
const LEAST_SEGMENT: u32 = 48;
