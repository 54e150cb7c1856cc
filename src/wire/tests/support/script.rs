//! A TCP conversation written down: segments by hand to a stack, and what the stack answers as lines of text.

use std::net::{IpAddr, SocketAddr};

use midwire_wire::buffers::HeapBuffers;
use midwire_wire::event::FlowId;
use midwire_wire::fall::Fall;
use midwire_wire::packet::{HOP_LIMIT, Packet, TCP, build};
use midwire_wire::stack::{Stack, StackConfig};
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::{Duration, Instant, icmp};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpAddress, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, TcpTimestampRepr};

use super::Owner;
pub use super::said::Said;

pub const PEER: &str = "10.0.0.1:40000";
pub const OURS: &str = "192.0.2.80:80";
pub const PEER6: &str = "[fd00::1]:40000";
pub const OURS6: &str = "[2001:db8::80]:80";

/// The peer's clock stands here when ours stands at 0.
pub const PEER_CLOCK: u32 = 5000;

/// The peer speaks with sequence numbers counted from its ISN, and reads ours counted from ours.
pub struct Script {
    pub now: Instant,
    pub stack: Stack,
    pub owner: Owner,
    /// The two ends of the conversation.
    pub peer: SocketAddr,
    pub local: SocketAddr,
    pub isn: u32,
    /// Our initial sequence number, known after our SYN.
    pub ours: Option<u32>,
    /// As it stands in the header.
    pub window: u16,
    pub offer: Offer,
    /// The value of the peer's timestamp clock, where it is not the time.
    pub clock: Option<u32>,
    /// The value that the peer echoes, where it is not the last one of ours.
    pub echo: Option<u32>,
    last_value: u32,
    said: Vec<Said>,
}

/// The options of the peer's SYN. With timestamps each of its segments has them.
#[derive(Clone, Copy)]
pub struct Offer {
    pub mss: Option<u16>,
    pub window_scale: Option<u8>,
    pub sack: bool,
    pub timestamps: bool,
}

impl Script {
    pub fn new(hold_syn: bool, buffer: usize) -> Self {
        Script::with_memory(hold_syn, buffer, 64 << 20)
    }

    pub fn with_memory(hold_syn: bool, buffer: usize, memory: usize) -> Self {
        let config = StackConfig {
            mtu: 1420,
            addresses: vec!["10.0.0.53".parse().unwrap()],
            hold_syn,
            raise_icmp: false,
            max_window: buffer,
            memory,
            congestion: Algorithm::Cubic,
            seed: 42,
        };
        Script {
            now: Instant::ZERO,
            stack: Stack::new(config, Box::new(HeapBuffers)),
            owner: Owner::default(),
            peer: PEER.parse().unwrap(),
            local: OURS.parse().unwrap(),
            isn: 1000,
            ours: None,
            window: 65_000,
            offer: Offer {
                mss: Some(1380),
                window_scale: None,
                sack: false,
                timestamps: false,
            },
            clock: None,
            echo: None,
            last_value: 0,
            said: Vec::new(),
        }
    }

    /// A connection that the owner knows.
    pub fn established() -> (Self, FlowId) {
        let mut script = Script::new(false, 65_536);
        let id = script.open();
        (script, id)
    }

    /// The same with SACK over a path with this round-trip time.
    pub fn with_sack(rtt: Duration) -> (Self, FlowId) {
        let mut script = Script::new(false, 1 << 20);
        script.offer.sack = true;
        let id = script.open_after(rtt);
        (script, id)
    }

    pub fn use_ipv6(&mut self) {
        (self.peer, self.local) = (PEER6.parse().unwrap(), OURS6.parse().unwrap());
    }

    /// The three-way handshake; everything said in it is forgotten.
    pub fn open(&mut self) -> FlowId {
        self.open_after(Duration::ZERO)
    }

    /// The same with so much time between SYN-ACK and ACK.
    pub fn open_after(&mut self, rtt: Duration) -> FlowId {
        self.says(TcpControl::Syn, 0, None, b"");
        self.pass(rtt);
        self.says(TcpControl::None, 1, Some(1), b"");
        self.said.clear();
        self.owner.opened.last().unwrap().id
    }

    /// Our own SYN leaves, and is the only thing said.
    pub fn connect(&mut self) -> FlowId {
        let id = self.stack.connect(self.now, 1, self.local.ip(), self.peer).unwrap();
        self.settle();
        id
    }

    /// The peer says this segment, numbers relative to the two ISNs; then the stack does all that it wants.
    pub fn says(&mut self, control: TcpControl, seq: u32, ack: Option<u32>, payload: &[u8]) {
        let packet = self.segment(control, seq, ack, payload);
        self.deliver(&packet);
    }

    /// A bare ACK with SACK blocks, relative to our ISN. The peer has said nothing but its SYN so far.
    pub fn sacks(&mut self, ack: u32, blocks: &[(u32, u32)]) {
        let packet = self.segment_with(TcpControl::None, 1, Some(ack), blocks, b"");
        self.deliver(&packet);
    }

    pub fn deliver(&mut self, packet: &[u8]) {
        self.stack.handle_packet(self.now, 1, packet, &mut self.owner);
        self.settle();
    }

    /// A router says that a packet of ours does not arrive: type, code and the four bytes that follow the checksum.
    pub fn router_says(&mut self, kind: u8, code: u8, rest: u32, about: &Said) {
        let (from, to): (IpAddr, IpAddr) = match self.peer {
            SocketAddr::V4(_) => ("10.0.0.254".parse().unwrap(), self.local.ip()),
            SocketAddr::V6(_) => ("fd00::fe".parse().unwrap(), self.local.ip()),
        };
        let quote = &about.packet[..about.packet.len().min(60)];
        let body = [&[kind, code, 0, 0][..], &rest.to_be_bytes(), quote].concat();
        self.deliver(&icmp::message(from, to, &body).unwrap());
    }

    pub fn segment(&self, control: TcpControl, seq: u32, ack: Option<u32>, payload: &[u8]) -> Vec<u8> {
        self.segment_with(control, seq, ack, &[], payload)
    }

    fn segment_with(
        &self,
        control: TcpControl,
        seq: u32,
        ack: Option<u32>,
        blocks: &[(u32, u32)],
        payload: &[u8],
    ) -> Vec<u8> {
        let base = self.ours.unwrap_or(0);
        let syn = control == TcpControl::Syn;
        let mut sack_ranges = [None; 3];
        for (place, (start, end)) in sack_ranges.iter_mut().zip(blocks) {
            *place = Some((base.wrapping_add(*start), base.wrapping_add(*end)));
        }
        let tsval = (self.now.total_millis() as u32).wrapping_add(PEER_CLOCK);
        let timestamp = TcpTimestampRepr {
            tsval: self.clock.unwrap_or(tsval),
            tsecr: self.echo.unwrap_or(self.last_value),
        };
        let repr = TcpRepr {
            src_port: self.peer.port(),
            dst_port: self.local.port(),
            control,
            seq_number: TcpSeqNumber(self.isn.wrapping_add(seq) as i32),
            ack_number: ack.map(|ack| TcpSeqNumber(base.wrapping_add(ack) as i32)),
            window_len: self.window,
            window_scale: self.offer.window_scale.filter(|_| syn),
            max_seg_size: self.offer.mss.filter(|_| syn),
            sack_permitted: self.offer.sack && syn,
            sack_ranges,
            timestamp: self.offer.timestamps.then_some(timestamp),
            payload,
        };
        emit(&repr, self.peer, self.local)
    }

    pub fn settle(&mut self) {
        self.stack.poll_rise(&mut self.owner);
        let mut packets = Packets(Vec::new());
        self.stack.poll_fall(self.now, &mut packets);
        self.stack.poll_rise(&mut self.owner);
        self.stack.poll_fall(self.now, &mut packets);
        for packet in packets.0 {
            self.hear(packet);
        }
    }

    fn hear(&mut self, packet: Vec<u8>) {
        let ip = Packet::parse(&packet).unwrap();
        if ip.protocol != TCP {
            return;
        }
        let (at, said) = Said::read(&packet, &mut self.ours, self.isn);
        self.local = at;
        self.last_value = said.timestamp.map_or(0, |(value, _)| value);
        self.said.push(said);
    }

    /// The segments that the stack has sent since the last call.
    pub fn sent(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// These segments in short: `FIN 1 ack 2`, `PSH 1..4 ack 2`, `ACK 5 ack 2 sack 9..12`, each without its window.
    pub fn lines(&mut self) -> Vec<String> {
        self.sent().iter().map(Said::line).collect()
    }

    /// Lets time pass with all that is due in it.
    pub fn pass(&mut self, time: Duration) {
        self.settle();
        let end = self.now + time;
        while let Some(at) = self.stack.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.stack.handle_timeout(self.now, &mut self.owner);
            self.settle();
        }
        self.now = end;
    }

    /// Lets time pass, and gives the segments that were sent in it, each line with the milliseconds since now before
    /// it.
    pub fn timed(&mut self, time: Duration) -> Vec<String> {
        let (start, end) = (self.now, self.now + time);
        let mut lines = Vec::new();
        self.settle();
        self.sent();
        while let Some(at) = self.stack.poll_timeout().filter(|at| *at <= end) {
            self.pass(at.max(self.now) - self.now);
            let at = (self.now - start).total_millis();
            lines.extend(self.lines().into_iter().map(|line| format!("{at}: {line}")));
        }
        self.pass(end - self.now);
        lines
    }
}

pub struct Packets(pub Vec<Vec<u8>>);

impl Fall for Packets {
    fn ready(&self) -> bool {
        true
    }

    fn fall(&mut self, packet: &[u8]) {
        self.0.push(packet.to_vec());
    }
}

/// An IP packet around a TCP segment.
pub fn emit(repr: &TcpRepr<'_>, from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let length = repr.buffer_len();
    let mut packet = build(from.ip(), to.ip(), TCP, HOP_LIMIT, length, None).unwrap();
    let start = packet.len();
    packet.resize(start + length, 0);
    repr.emit(
        &mut TcpPacket::new_unchecked(&mut packet[start..]),
        &IpAddress::from(from.ip()),
        &IpAddress::from(to.ip()),
        &ChecksumCapabilities::default(),
    );
    packet
}
