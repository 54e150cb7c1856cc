//! ICMP and ICMPv6: builds replies to echo requests, unreachable errors, and packets of other messages with their
//! checksum.

use std::net::IpAddr;

use crate::packet::{self, HOP_LIMIT, ICMP, ICMPV6, Packet, checksum, put_checksum, upper_checksum};

pub mod error;
#[cfg(test)]
mod tests;

const HEADER: usize = 8;
/// Bytes of the type, code and checksum, which every message has.
const MINIMUM_MESSAGE: usize = 4;

const ECHO_REPLY: u8 = 0;
const DESTINATION_UNREACHABLE: u8 = 3;
const ECHO: u8 = 8;
/// The types of ICMPv4 messages that are queries or replies; all others are errors or unknown (RFC 1122, 3.2.2).
const QUERIES: [u8; 10] = [ECHO_REPLY, ECHO, 9, 10, 13, 14, 15, 16, 17, 18];

const DESTINATION_UNREACHABLE_V6: u8 = 1;
const ECHO_V6: u8 = 128;
const ECHO_REPLY_V6: u8 = 129;
const REDIRECT_V6: u8 = 137;

/// The most bytes of a packet with an ICMPv4 error (RFC 1812, 4.3.2.3). The error quotes as much as fits.
const MAX_ERROR: usize = 576;
/// The most bytes of a packet with an ICMPv6 error (RFC 4443, 2.4 c).
const MAX_ERROR_V6: usize = 1280;

/// Why a packet does not arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreachable {
    Network,
    Host,
    Port,
    /// An administrator has prohibited it.
    Prohibited,
}

impl Unreachable {
    /// The code in an ICMPv4 error (RFC 792; RFC 1812, 5.2.7.1).
    fn code(self) -> u8 {
        match self {
            Unreachable::Network => 0,
            Unreachable::Host => 1,
            Unreachable::Port => 3,
            Unreachable::Prohibited => 13,
        }
    }

    /// The code in an ICMPv6 error (RFC 4443, 3.1).
    fn code_v6(self) -> u8 {
        match self {
            Unreachable::Network => 0,
            Unreachable::Prohibited => 1,
            Unreachable::Host => 3,
            Unreachable::Port => 4,
        }
    }
}

/// The reply to an echo request (RFC 792; RFC 4443, 4.2), longer than the MTU when the request was. `None` for any
/// other packet, for a wrong checksum, and for a request from or to more than one host.
pub fn echo_reply(request: &Packet<'_>) -> Option<Vec<u8>> {
    let (protocol, kind, reply) = match request.source {
        IpAddr::V4(_) => (ICMP, ECHO, ECHO_REPLY),
        IpAddr::V6(_) => (ICMPV6, ECHO_V6, ECHO_REPLY_V6),
    };
    if request.protocol != protocol || request.fragment.is_some() || !request.is_unicast_pair() {
        return None;
    }
    if request.payload.len() < HEADER || request.payload[..2] != [kind, 0] {
        return None;
    }
    if message_checksum(request.source, request.destination, request.payload) != 0 {
        return None;
    }
    // The reply can have the identification of the request, because the two packets have opposite directions.
    let identification = request.ipv4_identification();
    emit(
        request.destination,
        request.source,
        identification,
        &[&[reply], &request.payload[1..]],
    )
}

/// The error that says why `original` does not arrive, from the address that it was sent to. `None` where no error may
/// be sent: about an ICMP error, about a fragment other than the first, and about a packet from or to more than one
/// host (RFC 1122, 3.2.2; RFC 4443, 2.4 e).
pub fn unreachable(reason: Unreachable, original: &Packet<'_>) -> Option<Vec<u8>> {
    if !original.is_unicast_pair() || is_icmp_error(original) {
        return None;
    }
    if original.fragment.is_some_and(|fragment| fragment.offset != 0) {
        return None;
    }
    let (head, maximum) = match original.source {
        IpAddr::V4(_) => (
            [DESTINATION_UNREACHABLE, reason.code()],
            MAX_ERROR - packet::IPV4_HEADER - HEADER,
        ),
        IpAddr::V6(_) => (
            [DESTINATION_UNREACHABLE_V6, reason.code_v6()],
            MAX_ERROR_V6 - packet::IPV6_HEADER - HEADER,
        ),
    };
    let quote = &original.bytes[..original.bytes.len().min(maximum)];
    emit(original.destination, original.source, None, &[&head, &[0; 6], quote])
}

/// Puts a message, given from its type byte on, into a packet; its checksum is computed here. `None` when the message
/// has no room for a checksum, for addresses of two families, and for more than `MAX_PACKET` bytes.
pub fn message(source: IpAddr, destination: IpAddr, body: &[u8]) -> Option<Vec<u8>> {
    emit(source, destination, None, &[body])
}

fn emit(source: IpAddr, destination: IpAddr, identification: Option<u16>, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length < MINIMUM_MESSAGE {
        return None;
    }
    let protocol = if source.is_ipv4() { ICMP } else { ICMPV6 };
    let mut packet = packet::build(source, destination, protocol, HOP_LIMIT, length, identification)?;
    let header_length = packet.len();
    for part in parts {
        packet.extend_from_slice(part);
    }
    let body = packet.get_mut(header_length..)?;
    put_checksum(body, 2, 0);
    let sum = message_checksum(source, destination, body);
    put_checksum(body, 2, sum);
    Some(packet)
}

/// The checksum of a message. Only that of ICMPv6 covers the addresses, too (RFC 4443, 2.3).
fn message_checksum(source: IpAddr, destination: IpAddr, message: &[u8]) -> u16 {
    match source {
        IpAddr::V4(_) => checksum(message),
        IpAddr::V6(_) => upper_checksum(source, destination, ICMPV6, message),
    }
}

/// Whether a packet holds an ICMP error; one that is too short to tell counts as an error.
fn is_icmp_error(packet: &Packet<'_>) -> bool {
    let kind = packet.payload.first();
    match (packet.source, packet.protocol) {
        (IpAddr::V4(_), ICMP) => kind.is_none_or(|kind| !QUERIES.contains(kind)),
        (IpAddr::V6(_), ICMPV6) => kind.is_none_or(|kind| *kind < ECHO_V6 || *kind == REDIRECT_V6),
        _ => false,
    }
}
