//! A segment that a stack has said, as a test reads it.

use std::net::SocketAddr;

use midwire_wire::packet::Packet;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpAddress, TcpControl, TcpPacket, TcpRepr};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub control: TcpControl,
    /// Relative to our ISN.
    pub seq: u32,
    /// Relative to the peer's ISN.
    pub ack: Option<u32>,
    pub window: u16,
    pub mss: Option<u16>,
    pub window_scale: Option<u8>,
    pub sack_permitted: bool,
    /// Relative to the peer's ISN.
    pub sack: Vec<(u32, u32)>,
    /// TSval and TSecr.
    pub timestamp: Option<(u32, u32)>,
    pub payload: Vec<u8>,
    /// The whole, for an ICMP error to quote.
    pub packet: Vec<u8>,
}

impl Said {
    /// Reads a packet, and gives where it comes from. `ours` is our ISN, which a SYN tells; `isn` is the peer's.
    pub fn read(packet: &[u8], ours: &mut Option<u32>, isn: u32) -> (SocketAddr, Self) {
        let ip = Packet::parse(packet).unwrap();
        let tcp = TcpPacket::new_checked(ip.payload).unwrap();
        let (from, to) = (IpAddress::from(ip.source), IpAddress::from(ip.destination));
        let repr = TcpRepr::parse(&tcp, &from, &to, &ChecksumCapabilities::default()).unwrap();
        let seq = repr.seq_number.0 as u32;
        if repr.control == TcpControl::Syn {
            *ours = Some(seq);
        }
        let theirs = |number: u32| number.wrapping_sub(isn);
        let blocks = repr.sack_ranges.iter().flatten();
        let said = Said {
            control: repr.control,
            seq: seq.wrapping_sub(ours.unwrap_or(seq)),
            ack: repr.ack_number.map(|ack| theirs(ack.0 as u32)),
            window: repr.window_len,
            mss: repr.max_seg_size,
            window_scale: repr.window_scale,
            sack_permitted: repr.sack_permitted,
            sack: blocks.map(|(start, end)| (theirs(*start), theirs(*end))).collect(),
            timestamp: repr.timestamp.map(|timestamp| (timestamp.tsval, timestamp.tsecr)),
            payload: repr.payload.to_vec(),
            packet: packet.to_vec(),
        };
        (SocketAddr::new(ip.source, repr.src_port), said)
    }

    /// In short: `FIN 1 ack 2`, `PSH 1..4 ack 2`, `ACK 5 ack 2 sack 9..12`, without its window.
    pub fn line(&self) -> String {
        let control = match self.control {
            TcpControl::None => "ACK",
            TcpControl::Psh => "PSH",
            TcpControl::Syn => "SYN",
            TcpControl::Fin => "FIN",
            TcpControl::Rst => "RST",
        };
        let mut line = match self.payload.len() {
            0 => format!("{control} {}", self.seq),
            length => format!("{control} {}..{}", self.seq, self.seq as usize + length),
        };
        if let Some(ack) = self.ack {
            line += &format!(" ack {ack}");
        }
        if !self.sack.is_empty() {
            line += " sack";
        }
        for (start, end) in &self.sack {
            line += &format!(" {start}..{end}");
        }
        line
    }
}
