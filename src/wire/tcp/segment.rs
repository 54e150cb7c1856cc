//! TCP segments: reads one from a packet, with its checksum, and writes one into a packet (RFC 9293, 3.1).

use std::net::{IpAddr, SocketAddr};

use super::options::{MAX_OPTIONS, Options};
use super::seq::Seq;
use crate::packet::{self, HOP_LIMIT, Malformed, Packet, TCP, put_checksum, upper_checksum};

/// Bytes of a header without options.
pub const HEADER: usize = 20;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;

/// A received segment. Urgent data, ECN and reserved bits are ignored, as by any host that does not know them.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    pub source_port: u16,
    pub destination_port: u16,
    pub seq: Seq,
    /// The acknowledgement number; `None` where the ACK bit is not set.
    pub ack: Option<Seq>,
    pub flags: u8,
    /// The window field of the header, unscaled.
    pub window: u16,
    pub options: Options,
    pub payload: &'a [u8],
}

impl<'a> Segment<'a> {
    pub fn parse(packet: &Packet<'a>) -> Result<Self, Malformed> {
        if packet.protocol != TCP || packet.fragment.is_some() {
            return Err(Malformed::Protocol);
        }
        let bytes = packet.payload;
        let head = bytes.first_chunk::<HEADER>().ok_or(Malformed::Length)?;
        let length = usize::from(head[12] >> 4) * 4;
        let options = bytes.get(HEADER..length).ok_or(Malformed::Length)?;
        if upper_checksum(packet.source, packet.destination, TCP, bytes) != 0 {
            return Err(Malformed::Checksum);
        }
        let half = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let word = |at: usize| Seq(u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
        Ok(Segment {
            source_port: half(0),
            destination_port: half(2),
            seq: word(4),
            ack: (head[13] & ACK != 0).then(|| word(8)),
            flags: head[13],
            window: half(14),
            options: Options::parse(options),
            payload: bytes.get(length..).unwrap_or_default(),
        })
    }

    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The length in the sequence space, in which SYN and FIN count as one each.
    pub fn length(&self) -> u32 {
        self.payload.len() as u32 + u32::from(self.has(SYN)) + u32::from(self.has(FIN))
    }

    /// The sequence number after the segment's last one.
    pub fn end(&self) -> Seq {
        self.seq + self.length()
    }

    /// The RST that answers a segment of no connection (RFC 9293, 3.10.7.1). `None` for an RST, which is not answered.
    pub fn reset(&self) -> Option<Outgoing> {
        if self.has(RST) {
            return None;
        }
        Some(match self.ack {
            Some(ack) => Outgoing::bare(ack, None, RST),
            None => Outgoing::bare(Seq(0), Some(self.end()), RST),
        })
    }
}

/// A segment that is to leave: its header, and the place of its payload in the send queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outgoing {
    pub seq: Seq,
    pub ack: Option<Seq>,
    pub flags: u8,
    pub window: u16,
    pub options: Options,
    /// The offset of the payload from the front of the send queue.
    pub offset: usize,
    pub length: usize,
}

impl Outgoing {
    /// A segment without options, window and payload.
    pub fn bare(seq: Seq, ack: Option<Seq>, flags: u8) -> Self {
        Outgoing {
            seq,
            ack,
            flags: flags | if ack.is_some() { ACK } else { 0 },
            window: 0,
            options: Options::default(),
            offset: 0,
            length: 0,
        }
    }

    /// Writes the whole packet into `buffer`, which is emptied first. `append` adds the bytes of the payload. False for
    /// addresses of two families, and for more bytes than a packet may have.
    pub fn emit(
        &self,
        source: SocketAddr,
        destination: SocketAddr,
        buffer: &mut Vec<u8>,
        append: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let mut room = [0; MAX_OPTIONS];
        let options = self.options.write(&mut room);
        let (from, to): (IpAddr, IpAddr) = (source.ip(), destination.ip());
        let length = HEADER + options.len() + self.length;
        // Without an identification the packet may not be fragmented, so that path MTU discovery works (RFC 1191, 3).
        if packet::build_into(buffer, from, to, TCP, HOP_LIMIT, length, None).is_none() {
            return false;
        }
        let start = buffer.len();
        buffer.extend_from_slice(&source.port().to_be_bytes());
        buffer.extend_from_slice(&destination.port().to_be_bytes());
        buffer.extend_from_slice(&self.seq.0.to_be_bytes());
        buffer.extend_from_slice(&self.ack.unwrap_or_default().0.to_be_bytes());
        buffer.extend_from_slice(&[((HEADER + options.len()) as u8 / 4) << 4, self.flags]);
        buffer.extend_from_slice(&self.window.to_be_bytes());
        buffer.extend_from_slice(&[0; 4]);
        buffer.extend_from_slice(options);
        append(buffer);
        let Some(segment) = buffer.get_mut(start..) else {
            return false;
        };
        let sum = upper_checksum(from, to, TCP, segment);
        put_checksum(segment, 16, sum);
        true
    }
}
