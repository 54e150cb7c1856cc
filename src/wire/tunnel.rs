//! WireGuard as a machine, for servers and clients: datagrams on one side, IP packets of known peers on the other.
//!
//! boringtun has the handshakes, the sessions and their timers. This file finds the peer of a message, limits the work
//! that unauthenticated messages cause, keeps the peers' endpoints, checks the inner addresses, and sends keepalives.
//! boringtun reads a clock of its own; `now` decides when boringtun is called.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use boringtun::noise::errors::WireGuardError;
use boringtun::noise::handshake::parse_handshake_anon;
use boringtun::noise::rate_limiter::RateLimiter;
use boringtun::noise::{Packet as Message, Tunn, TunnResult};
use boringtun::x25519;
use smoltcp::time::{Duration, Instant};

use crate::allowed_ips::Cidr;
use crate::key::{PrivateKey, PublicKey};
use crate::peers::{Peer, Peers};

mod counters;
mod keepalives;

pub use crate::peers::{AddPeerError, MAX_WAITING};
pub use counters::TunnelCounters;
pub use keepalives::{KEEPALIVE_TIMEOUT, Keepalives};

/// The number of a peer, which is never used again.
pub type PeerId = u32;

/// Handshakes a second; above this rate the senders are asked for cookies (boringtun's device has the same rate).
pub const HANDSHAKES_PER_SECOND: u64 = 100;
/// The most datagrams of the tunnel's own making that wait to leave.
pub const MAX_TRANSMIT: usize = 1024;
/// The interval of calls to boringtun's timers, which are good to a second.
pub const TICK: Duration = Duration::from_millis(250);
/// Header and tag of a data message (whitepaper, 5.4.6). boringtun adds no padding to 16 bytes, which the whitepaper
/// asks for to blur lengths; receivers do not need it.
const DATA_OVERHEAD: usize = 32;
/// Bytes of a handshake initiation, the longest message that is no data.
const LONGEST_HANDSHAKE: usize = 148;
/// The first byte of a data message.
const DATA: u8 = 4;
/// The most messages of a session (whitepaper, 6.1). A message with a higher counter is dropped here, because
/// boringtun's window would overflow.
const REJECT_AFTER_MESSAGES: u64 = u64::MAX - (1 << 13);

/// The address of a peer, and the one of ours that the peer sends to: our answers leave from there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Path {
    pub remote: SocketAddr,
    pub local: Option<IpAddr>,
}

pub struct PeerConfig {
    pub public_key: PublicKey,
    pub preshared_key: Option<[u8; 32]>,
    /// The peer's inner addresses: those that it may send from, and whose packets are sent to it.
    pub allowed_ips: Vec<Cidr>,
    /// Seconds between keepalives; 0 for none. With an endpoint, the handshake starts at once, and is repeated until it
    /// succeeds.
    pub keepalive: Option<u16>,
    /// The address to send the first handshake to. Without an endpoint the peer has to begin.
    pub endpoint: Option<SocketAddr>,
}

/// An IP packet whose source is the peer's own.
pub struct Inbound<'a> {
    pub peer: PeerId,
    pub packet: &'a [u8],
}

/// A datagram of `length` bytes, which was written to the caller's buffer.
pub struct Outbound {
    pub to: Path,
    pub length: usize,
}

pub struct PeerStatus {
    pub id: PeerId,
    pub public_key: PublicKey,
    pub endpoint: Option<SocketAddr>,
    /// Age of the current session.
    pub last_handshake: Option<Duration>,
    /// Bytes of received inner packets.
    pub received_bytes: u64,
    /// Bytes of sent inner packets.
    pub sent_bytes: u64,
    /// Messages or packets of this peer that were dropped.
    pub dropped: u64,
    pub allowed_ips: Vec<Cidr>,
}

pub struct Tunnel {
    private_key: PrivateKey,
    public_key: x25519::PublicKey,
    /// The limiter that counts handshakes: it checks mac1 before any Diffie-Hellman, and asks for cookies under load.
    limiter: Arc<RateLimiter>,
    /// The limiter for boringtun's own check of the same message, which must not be counted twice.
    unlimited: Arc<RateLimiter>,
    peers: Peers,
    /// The peers that are ticked: those that have, want or had a session not long ago.
    active: Vec<PeerId>,
    next_tick: Instant,
    transmit: VecDeque<(Path, Vec<u8>)>,
    counters: TunnelCounters,
}

impl Tunnel {
    /// `seed` is for the receiver indices, which are drawn by chance.
    pub fn new(private_key: PrivateKey, seed: u64) -> Self {
        let public_key = x25519::PublicKey::from(&private_key.0);
        Tunnel {
            limiter: Arc::new(RateLimiter::new(&public_key, HANDSHAKES_PER_SECOND)),
            unlimited: Arc::new(RateLimiter::new(&public_key, u64::MAX)),
            private_key,
            public_key,
            peers: Peers::new(seed),
            active: Vec::new(),
            next_tick: Instant::ZERO,
            transmit: VecDeque::new(),
            counters: TunnelCounters::default(),
        }
    }

    pub fn add_peer(&mut self, now: Instant, config: PeerConfig) -> Result<PeerId, AddPeerError> {
        self.peers.check(&config.public_key, &config.allowed_ips)?;
        let index = self.peers.draw_index();
        let tunn = Tunn::new(
            self.private_key.0.clone(),
            x25519::PublicKey::from(config.public_key.0),
            config.preshared_key,
            None,
            index,
            Some(self.unlimited.clone()),
        );
        let keepalives = Keepalives::new(now, config.keepalive);
        let call = keepalives.is_persistent() && config.endpoint.is_some();
        let path = config.endpoint.map(|remote| Path { remote, local: None });
        let id = self.peers.insert(|id| Peer {
            id,
            public_key: config.public_key,
            tunn,
            index,
            allowed_ips: config.allowed_ips,
            path,
            keepalives,
            ticked: None,
            active: false,
            waiting: 0,
            longest_waiting: 0,
            received_bytes: 0,
            sent_bytes: 0,
            dropped: 0,
        });
        if call {
            self.call(now, id);
        }
        Ok(id)
    }

    /// Removes a peer, and its sessions at once.
    pub fn remove_peer(&mut self, public_key: &PublicKey) -> Option<PeerId> {
        self.peers.remove(public_key)
    }

    /// The peer that packets to this address go to.
    pub fn route(&self, address: IpAddr) -> Option<PeerId> {
        self.peers.by_address(address)
    }

    /// Handles a datagram from the network. The packet is written to `buffer`, which has to be as long as the datagram.
    pub fn handle_datagram<'a>(
        &mut self,
        now: Instant,
        from: Path,
        datagram: &[u8],
        buffer: &'a mut [u8],
    ) -> Option<Inbound<'a>> {
        if from.remote.port() == 0 {
            self.counters.unanswerable += 1;
            return None;
        }
        if buffer.len() < datagram.len() {
            self.counters.too_long += 1;
            return None;
        }
        let Ok(message) = Tunn::parse_incoming_packet(datagram) else {
            self.counters.malformed += 1;
            return None;
        };
        let (found, is_data) = match &message {
            Message::HandshakeInit(_) | Message::HandshakeResponse(_) if !self.verify(from, datagram) => {
                return None;
            }
            Message::HandshakeInit(initiation) => {
                let Ok(half) = parse_handshake_anon(&self.private_key.0, &self.public_key, initiation) else {
                    self.counters.unauthenticated += 1;
                    return None;
                };
                (self.peers.by_key(&PublicKey(half.peer_static_public)), false)
            }
            Message::HandshakeResponse(response) => (self.peers.by_receiver(response.receiver_idx), false),
            Message::PacketCookieReply(reply) => (self.peers.by_receiver(reply.receiver_idx), false),
            Message::PacketData(_) if counter(datagram) >= REJECT_AFTER_MESSAGES => {
                self.counters.replayed += 1;
                return None;
            }
            Message::PacketData(data) => (self.peers.by_receiver(data.receiver_idx), true),
        };
        let Some(id) = found else {
            self.counters.unknown_peer += 1;
            return None;
        };
        let length = self.decrypt(now, id, from, datagram, is_data, buffer)?;
        Some(Inbound {
            peer: id,
            packet: &buffer[..length],
        })
    }

    /// Checks mac1, and a cookie when there are many handshakes: both before any Diffie-Hellman.
    fn verify(&mut self, from: Path, datagram: &[u8]) -> bool {
        // This is called for each message, because boringtun checks by itself whether a second is over. A second that
        // is counted here would now and then miss boringtun's by a little, and last two.
        self.limiter.reset_count();
        let mut cookie = [0; 64];
        match self
            .limiter
            .verify_packet(Some(from.remote.ip()), datagram, &mut cookie)
        {
            Ok(_) => true,
            Err(TunnResult::WriteToNetwork(cookie)) => {
                self.counters.cookies += 1;
                push(&mut self.transmit, &mut self.counters, from, cookie);
                false
            }
            Err(_) => {
                self.counters.unauthenticated += 1;
                false
            }
        }
    }

    /// Decrypts a message. Gives the length of the packet in the buffer, if there was one that the peer may send.
    fn decrypt(
        &mut self,
        now: Instant,
        id: PeerId,
        from: Path,
        datagram: &[u8],
        is_data: bool,
        buffer: &mut [u8],
    ) -> Option<usize> {
        self.refresh(now, id);
        let peer = self.peers.get_mut(id)?;
        let result = peer.tunn.decapsulate(Some(from.remote.ip()), datagram, buffer);
        let packet = match result {
            TunnResult::WriteToTunnelV4(packet, source) => Some((packet.len(), IpAddr::V4(source))),
            TunnResult::WriteToTunnelV6(packet, source) => Some((packet.len(), IpAddr::V6(source))),
            TunnResult::WriteToNetwork(answer) => {
                peer.keepalives.handle_sent();
                push(&mut self.transmit, &mut self.counters, from, answer);
                None
            }
            // A keepalive is authenticated, so the peer's endpoint may move; a cookie reply does not move it
            // (whitepaper, 6.5).
            TunnResult::Done if is_data => None,
            TunnResult::Done => return None,
            // The message was parsed before, so it is the packet in it that is invalid. The message is authenticated,
            // too.
            TunnResult::Err(WireGuardError::InvalidPacket) if is_data => {
                peer.keepalives.handle_data(now);
                peer.dropped += 1;
                self.counters.malformed_inner += 1;
                None
            }
            TunnResult::Err(error) => {
                peer.dropped += 1;
                match error {
                    WireGuardError::DuplicateCounter
                    | WireGuardError::InvalidCounter
                    | WireGuardError::WrongTai64nTimestamp => self.counters.replayed += 1,
                    _ => self.counters.unauthenticated += 1,
                }
                return None;
            }
        };
        peer.path = Some(from);
        if packet.is_some() {
            peer.keepalives.handle_data(now);
        }
        self.flush(id);
        let (length, source) = packet?;
        let owns = self.peers.owns(id, source);
        let peer = self.peers.get_mut(id)?;
        if !owns {
            peer.dropped += 1;
            self.counters.wrong_source += 1;
            return None;
        }
        peer.received_bytes += length as u64;
        Some(length)
    }

    /// Sends the packets that waited for a session, if there is one now. A responder has none before the first data
    /// message.
    fn flush(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.waiting > 0) else {
            return;
        };
        let (Some(to), Some(_)) = (peer.path, peer.tunn.time_since_last_handshake()) else {
            return;
        };
        let mut buffer = vec![0; (peer.longest_waiting + DATA_OVERHEAD).max(LONGEST_HANDSHAKE)];
        peer.forget_waiting();
        peer.keepalives.handle_sent();
        while let TunnResult::WriteToNetwork(datagram) = peer.tunn.decapsulate(None, &[], &mut buffer) {
            peer.sent_bytes += datagram.len().saturating_sub(DATA_OVERHEAD) as u64;
            push(&mut self.transmit, &mut self.counters, to, datagram);
        }
    }

    /// Encrypts an IP packet for a peer straight into `buffer`. `None` when the packet waits for a handshake, or was
    /// dropped and counted.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8], buffer: &mut [u8]) -> Option<Outbound> {
        // boringtun panics where the buffer is short.
        if buffer.len() < (packet.len() + DATA_OVERHEAD).max(LONGEST_HANDSHAKE) {
            self.counters.too_long += 1;
            return None;
        }
        let found = Tunn::dst_address(packet).and_then(|address| self.peers.by_address(address));
        let Some(id) = found else {
            self.counters.no_route += 1;
            return None;
        };
        let peer = self.peers.get_mut(id)?;
        let Some(to) = peer.path else {
            peer.dropped += 1;
            self.counters.no_endpoint += 1;
            return None;
        };
        self.refresh(now, id);
        let peer = self.peers.get_mut(id)?;
        let length = match peer.tunn.encapsulate(packet, buffer) {
            TunnResult::WriteToNetwork(datagram) if datagram.first() == Some(&DATA) => {
                peer.keepalives.handle_sent();
                peer.sent_bytes += packet.len() as u64;
                let length = datagram.len();
                return Some(Outbound { to, length });
            }
            TunnResult::WriteToNetwork(initiation) => Some(initiation.len()),
            _ => None,
        };
        // There is no session. boringtun keeps the packet for the end of the handshake.
        if !peer.wait(packet.len()) {
            peer.dropped += 1;
            self.counters.waiting_dropped += 1;
        }
        length.map(|length| Outbound { to, length })
    }

    /// Lets boringtun's timers rekey, retry and expire, and sends the keepalives that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        for id in std::mem::take(&mut self.active) {
            if let Some(peer) = self.peers.get_mut(id) {
                peer.active = false;
                self.tick(now, id);
            }
        }
    }

    /// Ticks a peer, so that boringtun stamps the next events with about `now`: boringtun reads its clock only in a
    /// tick.
    fn refresh(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if !peer.active || peer.ticked.is_none_or(|at| now >= at + TICK) {
            self.tick(now, id);
        }
        // This peer is active, so it is ticked from now on, even if it had expired.
        self.activate(now, id);
    }

    /// Starts a handshake, unless one is under way.
    fn call(&mut self, now: Instant, id: PeerId) {
        self.refresh(now, id);
        let mut buffer = [0; LONGEST_HANDSHAKE];
        let Some(peer) = self.peers.get_mut(id) else { return };
        let result = peer.tunn.format_handshake_initiation(&mut buffer, false);
        if let (TunnResult::WriteToNetwork(initiation), Some(to)) = (result, peer.path) {
            push(&mut self.transmit, &mut self.counters, to, initiation);
        }
    }

    fn tick(&mut self, now: Instant, id: PeerId) {
        let mut buffer = [0; LONGEST_HANDSHAKE];
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.ticked = Some(now);
        let mut result = peer.tunn.update_timers(&mut buffer);
        if let TunnResult::Err(_) = result {
            // The session has expired: boringtun has erased the keys, and the packets that waited for them. A new
            // handshake starts only for a peer with persistent keepalives.
            self.counters.waiting_dropped += peer.forget_waiting();
            if !peer.keepalives.is_persistent() || peer.path.is_none() {
                return;
            }
            result = peer.tunn.format_handshake_initiation(&mut buffer, false);
        }
        match (result, peer.path) {
            (TunnResult::WriteToNetwork(message), Some(to)) if message.first() != Some(&DATA) => {
                peer.keepalives.handle_sent();
                push(&mut self.transmit, &mut self.counters, to, message);
            }
            // boringtun has nothing to send, or a keepalive of its own, which has the wrong time (`keepalives.rs`) and
            // is dropped. Only its counter is lost.
            _ => self.keep_alive(now, id),
        }
        self.activate(now, id);
    }

    /// Sends an empty message when one is due. Where there is no session, a peer with persistent keepalives gets a new
    /// one.
    fn keep_alive(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let persistent = peer.keepalives.poll_persistent(now);
        let due = peer.keepalives.poll_passive(now) || persistent;
        let (true, Some(to)) = (due, peer.path) else { return };
        let mut buffer = [0; LONGEST_HANDSHAKE];
        let result = match peer.tunn.time_since_last_handshake() {
            Some(_) => peer.tunn.encapsulate(&[], &mut buffer),
            None if persistent => peer.tunn.format_handshake_initiation(&mut buffer, false),
            None => return,
        };
        if let TunnResult::WriteToNetwork(message) = result {
            peer.keepalives.handle_sent();
            push(&mut self.transmit, &mut self.counters, to, message);
        }
    }

    fn activate(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.active {
            return;
        }
        peer.active = true;
        if self.active.is_empty() {
            self.next_tick = now + TICK;
        }
        self.active.push(id);
    }

    /// The next datagram of the tunnel's own making: a handshake, a cookie, a keepalive, or a packet that waited for a
    /// session.
    pub fn poll_transmit(&mut self) -> Option<(Path, Vec<u8>)> {
        self.transmit.pop_front()
    }

    /// `None` while no peer has a session or wants one.
    pub fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        (!self.active.is_empty()).then_some(self.next_tick)
    }

    pub fn peers(&self) -> impl Iterator<Item = PeerStatus> {
        self.peers.iter().map(|peer| PeerStatus {
            id: peer.id,
            public_key: peer.public_key,
            endpoint: peer.path.map(|path| path.remote),
            last_handshake: peer.tunn.time_since_last_handshake().map(Duration::from),
            received_bytes: peer.received_bytes,
            sent_bytes: peer.sent_bytes,
            dropped: peer.dropped,
            allowed_ips: peer.allowed_ips.clone(),
        })
    }

    pub fn counters(&self) -> TunnelCounters {
        self.counters.clone()
    }
}

fn push(transmit: &mut VecDeque<(Path, Vec<u8>)>, counters: &mut TunnelCounters, to: Path, datagram: &[u8]) {
    if transmit.len() >= MAX_TRANSMIT {
        counters.transmit_dropped += 1;
    } else {
        transmit.push_back((to, datagram.to_vec()));
    }
}

/// The counter of a data message (whitepaper, 5.4.6).
fn counter(datagram: &[u8]) -> u64 {
    let counter = datagram.get(8..).and_then(<[u8]>::first_chunk);
    counter.map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
}
