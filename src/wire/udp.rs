//! Parses UDP datagrams (RFC 768) from packets, and builds packets of them.

use std::net::SocketAddr;

use crate::packet::{self, HOP_LIMIT, Malformed, Packet, UDP, put_checksum, upper_checksum};

#[cfg(test)]
mod tests;

const HEADER: usize = 8;
/// The most bytes of data that `build` takes; the whole packet then has 65,535 bytes, in IPv6 too.
pub const MAX_DATA_V4: usize = packet::MAX_PACKET - packet::IPV4_HEADER - HEADER;
pub const MAX_DATA_V6: usize = packet::MAX_PACKET - packet::IPV6_HEADER - HEADER;

/// A datagram as it came. Either port may be 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram<'a> {
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub data: &'a [u8],
}

/// Bytes after the UDP length are no data (RFC 9868 may put options there). A checksum of 0 means no checksum in IPv4,
/// and is an error in IPv6 (RFC 8200, 8.1), as is the length 0 of a jumbogram (RFC 2675, 4).
pub fn parse<'a>(packet: &Packet<'a>) -> Result<Datagram<'a>, Malformed> {
    if packet.protocol != UDP || packet.fragment.is_some() {
        return Err(Malformed::Protocol);
    }
    let head = packet.payload.first_chunk::<HEADER>().ok_or(Malformed::Length)?;
    let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let datagram = packet.payload.get(..word(4).into()).ok_or(Malformed::Length)?;
    let data = datagram.get(HEADER..).ok_or(Malformed::Length)?;
    let unchecked = word(6) == 0 && packet.source.is_ipv4();
    if !unchecked && (word(6) == 0 || upper_checksum(packet.source, packet.destination, UDP, datagram) != 0) {
        return Err(Malformed::Checksum);
    }
    Ok(Datagram {
        source: SocketAddr::new(packet.source, word(0)),
        destination: SocketAddr::new(packet.destination, word(2)),
        data,
    })
}

/// The whole IP packet, maybe longer than the MTU. `identification` is for IPv4. `None` for addresses of two families,
/// and for more data than `MAX_DATA_V4` or `MAX_DATA_V6`.
pub fn build(source: SocketAddr, destination: SocketAddr, data: &[u8], identification: u16) -> Option<Vec<u8>> {
    let length = HEADER.checked_add(data.len())?;
    let (from, to) = (source.ip(), destination.ip());
    let mut packet = packet::build(from, to, UDP, HOP_LIMIT, length, Some(identification))?;
    let header_length = packet.len();
    packet.extend_from_slice(&source.port().to_be_bytes());
    packet.extend_from_slice(&destination.port().to_be_bytes());
    packet.extend_from_slice(&(length as u16).to_be_bytes());
    packet.extend_from_slice(&[0, 0]);
    packet.extend_from_slice(data);
    let datagram = packet.get_mut(header_length..)?;
    let sum = match upper_checksum(from, to, UDP, datagram) {
        // A checksum of 0 would mean that there is none.
        0 => u16::MAX,
        sum => sum,
    };
    put_checksum(datagram, 6, sum);
    Some(packet)
}
