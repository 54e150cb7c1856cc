//! What names a TCP flow: the two ends of the connection, ours first.

use std::net::{IpAddr, SocketAddr};

use crate::packet::Packet;
use crate::recovery::Acknowledgement;

/// The 4-tuple of a TCP connection as seen by this stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FlowKey {
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

/// The first bytes of a TCP header that decide where a segment goes (RFC 9293, 3.1).
#[derive(Clone, Copy, Debug)]
pub struct SegmentHead {
    pub key: FlowKey,
    pub syn: bool,
    pub ack: bool,
    pub rst: bool,
    pub acknowledgement: Option<Acknowledgement>,
}

const FLAG_FIN: u8 = 0x01;
const FLAG_SYN: u8 = 0x02;
const FLAG_RST: u8 = 0x04;
const FLAG_ACK: u8 = 0x10;
const MINIMUM_HEADER: usize = 20;

impl SegmentHead {
    /// `None` when the payload is too short for a TCP header or a port is 0 (RFC 6335, 6: port 0 is reserved).
    pub fn parse(packet: &Packet<'_>) -> Option<Self> {
        let head = packet.payload.get(..MINIMUM_HEADER)?;
        let source_port = u16::from_be_bytes([head[0], head[1]]);
        let destination_port = u16::from_be_bytes([head[2], head[3]]);
        if source_port == 0 || destination_port == 0 {
            return None;
        }
        let flags = head[13];
        let header = usize::from(head[12] >> 4) * 4;
        let options = packet.payload.get(MINIMUM_HEADER..header).unwrap_or_default();
        let acknowledgement = (flags & FLAG_ACK != 0).then(|| Acknowledgement {
            number: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
            window: u16::from_be_bytes([head[14], head[15]]),
            bare: flags & (FLAG_FIN | FLAG_SYN | FLAG_RST) == 0 && packet.payload.len() == header,
            sacked: has_sack(options),
        });
        Some(SegmentHead {
            key: FlowKey {
                local: socket(packet.destination, destination_port),
                remote: socket(packet.source, source_port),
            },
            syn: flags & FLAG_SYN != 0,
            ack: flags & FLAG_ACK != 0,
            rst: flags & FLAG_RST != 0,
            acknowledgement,
        })
    }
}

fn socket(address: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address, port)
}

/// Whether there are SACK blocks among the options of a TCP header (RFC 9293, 3.1; RFC 2018, 3).
fn has_sack(mut options: &[u8]) -> bool {
    const END: u8 = 0;
    const NOTHING: u8 = 1;
    const SACK: u8 = 5;
    loop {
        options = match options {
            [] | [END, ..] => return false,
            [SACK, ..] => return true,
            [NOTHING, rest @ ..] => rest,
            [_, length, ..] => options.get(usize::from(*length).max(2)..).unwrap_or_default(),
            [_] => return false,
        };
    }
}
