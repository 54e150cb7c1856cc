//! Reads ICMP errors about segments of ours: the problem on the path, and the segment that met it (RFC 792, 1191; RFC
//! 4443).

use std::net::{IpAddr, SocketAddr};

use super::{DESTINATION_UNREACHABLE, DESTINATION_UNREACHABLE_V6, HEADER, message_checksum};
use crate::flow_key::FlowKey;
use crate::packet::{ICMP, ICMPV6, IPV4_HEADER, IPV6_HEADER, Packet, TCP};
use crate::tcp::connection::Unreachable;
use crate::tcp::seq::Seq;

const FRAGMENTATION_NEEDED: u8 = 4;
const PACKET_TOO_BIG_V6: u8 = 2;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    Unreachable(Unreachable),
    /// `mtu`: the bytes of an IP packet that the next link takes, 0 where the router does not say. `length`: the bytes
    /// of the packet that was too long.
    TooBig {
        mtu: usize,
        length: usize,
    },
}

/// An error, and the segment of ours that it quotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentError {
    pub problem: Problem,
    pub key: FlowKey,
    pub seq: Seq,
}

impl SegmentError {
    /// `None` for any other message, a wrong checksum, and errors about packets other than TCP's.
    pub fn parse(packet: &Packet<'_>) -> Option<Self> {
        let message = packet.payload;
        if packet.fragment.is_some() || message_checksum(packet.source, packet.destination, message) != 0 {
            return None;
        }
        let (head, quote) = message.split_first_chunk::<HEADER>()?;
        let problem = match (packet.protocol, head[0], head[1]) {
            (ICMP, DESTINATION_UNREACHABLE, FRAGMENTATION_NEEDED) => {
                let mtu = u16::from_be_bytes([head[6], head[7]]).into();
                Problem::TooBig {
                    mtu,
                    length: quoted_length(quote)?,
                }
            }
            (ICMP, DESTINATION_UNREACHABLE, code) => Problem::Unreachable(reason(code)),
            (ICMPV6, PACKET_TOO_BIG_V6, _) => {
                let mtu = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
                // A router of IPv6 always says the MTU (RFC 4443, 3.2).
                Problem::TooBig { mtu, length: mtu }
            }
            (ICMPV6, DESTINATION_UNREACHABLE_V6, code) => Problem::Unreachable(reason_v6(code)),
            _ => return None,
        };
        let (source, destination, segment) = quoted(packet, quote)?;
        let segment = segment.first_chunk::<8>()?;
        let port = |at: usize| u16::from_be_bytes([segment[at], segment[at + 1]]);
        Some(SegmentError {
            problem,
            key: FlowKey {
                local: SocketAddr::new(source, port(0)),
                remote: SocketAddr::new(destination, port(2)),
            },
            seq: Seq(u32::from_be_bytes([segment[4], segment[5], segment[6], segment[7]])),
        })
    }
}

/// The addresses of the quoted packet, and the quoted part of its segment. A quote is cut short, so it is no `Packet`.
fn quoted<'a>(packet: &Packet<'_>, quote: &'a [u8]) -> Option<(IpAddr, IpAddr, &'a [u8])> {
    if packet.source.is_ipv4() {
        let head = quote.first_chunk::<IPV4_HEADER>()?;
        let address = |at: usize| IpAddr::from([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let rest = quote.get(usize::from(head[0] & 0x0f) * 4..)?;
        (head[0] >> 4 == 4 && head[9] == TCP).then(|| (address(12), address(16), rest))
    } else {
        let (head, rest) = quote.split_first_chunk::<IPV6_HEADER>()?;
        let address = |at: usize| {
            let mut octets = [0; 16];
            octets.copy_from_slice(&head[at..at + 16]);
            IpAddr::from(octets)
        };
        (head[0] >> 4 == 6 && head[6] == TCP).then(|| (address(8), address(24), rest))
    }
}

/// The Total Length of a quoted IPv4 header.
fn quoted_length(quote: &[u8]) -> Option<usize> {
    let head = quote.first_chunk::<IPV4_HEADER>()?;
    Some(u16::from_be_bytes([head[2], head[3]]).into())
}

/// The reason that an ICMPv4 code stands for, as Linux reports it to sockets (RFC 1122, 3.2.2.1).
fn reason(code: u8) -> Unreachable {
    match code {
        0 | 6 | 9 | 11 => Unreachable::Network,
        2 | 3 => Unreachable::Port,
        _ => Unreachable::Host,
    }
}

fn reason_v6(code: u8) -> Unreachable {
    match code {
        0 => Unreachable::Network,
        4 => Unreachable::Port,
        _ => Unreachable::Host,
    }
}
