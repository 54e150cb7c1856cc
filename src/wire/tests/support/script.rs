//! A TCP conversation written down: segments by hand to a stack, and what the stack answers as lines of text.

use std::net::SocketAddr;

use midwire_wire::buffers::HeapBuffers;
use midwire_wire::event::FlowId;
use midwire_wire::fall::Fall;
use midwire_wire::stack::{Stack, StackConfig};
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::{Duration, Instant};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, TcpTimestampRepr,
};

use super::Owner;

pub const PEER: &str = "10.0.0.1:40000";
pub const OURS: &str = "192.0.2.80:80";

/// The peer speaks with sequence numbers counted from its ISN, and reads ours counted from ours.
pub struct Script {
    pub now: Instant,
    pub stack: Stack,
    pub owner: Owner,
    pub isn: u32,
    /// Our initial sequence number, known after our SYN.
    pub ours: Option<u32>,
    pub window: u16,
    said: Vec<Said>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub control: TcpControl,
    /// Relative to our ISN.
    pub seq: u32,
    /// Relative to the peer's ISN.
    pub ack: Option<u32>,
    pub window: u16,
    pub payload: Vec<u8>,
}

impl Script {
    pub fn new(hold_syn: bool, buffer: usize) -> Self {
        let config = StackConfig {
            mtu: 1420,
            addresses: vec!["10.0.0.53".parse().unwrap()],
            hold_syn,
            raise_icmp: false,
            max_window: buffer,
            memory: 64 << 20,
            congestion: Algorithm::Cubic,
            seed: 42,
        };
        Script {
            now: Instant::ZERO,
            stack: Stack::new(config, Box::new(HeapBuffers)),
            owner: Owner::default(),
            isn: 1000,
            ours: None,
            window: 65_000,
            said: Vec::new(),
        }
    }

    /// A connection that the owner knows.
    pub fn established() -> (Self, FlowId) {
        let mut script = Script::new(false, 65_536);
        let id = script.open();
        (script, id)
    }

    /// The three-way handshake; everything said in it is forgotten.
    pub fn open(&mut self) -> FlowId {
        self.says(TcpControl::Syn, 0, None, b"");
        self.says(TcpControl::None, 1, Some(1), b"");
        self.said.clear();
        self.owner.opened.last().unwrap().id
    }

    /// The peer says this segment, numbers relative to the two ISNs; then the stack does all that it wants.
    pub fn says(&mut self, control: TcpControl, seq: u32, ack: Option<u32>, payload: &[u8]) {
        let packet = self.segment(control, seq, ack, payload);
        self.stack.handle_packet(self.now, 1, &packet, &mut self.owner);
        self.settle();
    }

    pub fn segment(&self, control: TcpControl, seq: u32, ack: Option<u32>, payload: &[u8]) -> Vec<u8> {
        let (peer, ours): (SocketAddr, SocketAddr) = (PEER.parse().unwrap(), OURS.parse().unwrap());
        let ack = ack.map(|ack| TcpSeqNumber(self.ours.unwrap_or(0).wrapping_add(ack) as i32));
        let repr = TcpRepr {
            src_port: peer.port(),
            dst_port: ours.port(),
            control,
            seq_number: TcpSeqNumber(self.isn.wrapping_add(seq) as i32),
            ack_number: ack,
            window_len: self.window,
            window_scale: None,
            max_seg_size: (control == TcpControl::Syn).then_some(1380),
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None::<TcpTimestampRepr>,
            payload,
        };
        emit(&repr, peer, ours)
    }

    pub fn settle(&mut self) {
        self.stack.poll_rise(&mut self.owner);
        let mut packets = Packets(Vec::new());
        self.stack.poll_fall(self.now, &mut packets);
        self.stack.poll_rise(&mut self.owner);
        self.stack.poll_fall(self.now, &mut packets);
        for packet in packets.0 {
            self.hear(&packet);
        }
    }

    fn hear(&mut self, packet: &[u8]) {
        let ip = Ipv4Packet::new_checked(packet).unwrap();
        if ip.next_header() != IpProtocol::Tcp {
            return;
        }
        let tcp = TcpPacket::new_checked(ip.payload()).unwrap();
        let (from, to) = (IpAddress::from(ip.src_addr()), IpAddress::from(ip.dst_addr()));
        let repr = TcpRepr::parse(&tcp, &from, &to, &ChecksumCapabilities::default()).unwrap();
        let seq = repr.seq_number.0 as u32;
        if repr.control == TcpControl::Syn {
            self.ours = Some(seq);
        }
        self.said.push(Said {
            control: repr.control,
            seq: seq.wrapping_sub(self.ours.unwrap_or(seq)),
            ack: repr.ack_number.map(|ack| (ack.0 as u32).wrapping_sub(self.isn)),
            window: repr.window_len,
            payload: repr.payload.to_vec(),
        });
    }

    /// What the stack said since the last time.
    pub fn heard(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// The same in short: `FIN 1 ack 2`, `PSH 1..4 ack 2`, each without its window.
    pub fn lines(&mut self) -> Vec<String> {
        self.heard().iter().map(line).collect()
    }

    /// Lets time pass with all that is due in it.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.stack.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.stack.handle_timeout(self.now, &mut self.owner);
            self.settle();
        }
        self.now = end;
    }
}

fn line(said: &Said) -> String {
    let control = match said.control {
        TcpControl::None => "ACK",
        TcpControl::Psh => "PSH",
        TcpControl::Syn => "SYN",
        TcpControl::Fin => "FIN",
        TcpControl::Rst => "RST",
    };
    let range = match said.payload.len() {
        0 => format!("{}", said.seq),
        length => format!("{}..{}", said.seq, said.seq as usize + length),
    };
    match said.ack {
        Some(ack) => format!("{control} {range} ack {ack}"),
        None => format!("{control} {range}"),
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

/// An IPv4 packet around a TCP segment.
pub fn emit(repr: &TcpRepr<'_>, from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let (SocketAddr::V4(from), SocketAddr::V4(to)) = (from, to) else {
        panic!("IPv4 only here");
    };
    let checksums = ChecksumCapabilities::default();
    let ip = Ipv4Repr {
        src_addr: *from.ip(),
        dst_addr: *to.ip(),
        next_header: IpProtocol::Tcp,
        payload_len: repr.buffer_len(),
        hop_limit: 64,
    };
    let mut bytes = vec![0; ip.buffer_len() + repr.buffer_len()];
    ip.emit(&mut Ipv4Packet::new_unchecked(&mut bytes), &checksums);
    let start = ip.buffer_len();
    repr.emit(
        &mut TcpPacket::new_unchecked(&mut bytes[start..]),
        &IpAddress::from(*from.ip()),
        &IpAddress::from(*to.ip()),
        &checksums,
    );
    bytes
}
