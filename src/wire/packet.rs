//! Parses and builds IP packets, v4 and v6. `parse` makes a `Packet` or a `Malformed` of any bytes, without a copy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smoltcp::wire::{IpProtocol, checksum as rfc1071};

mod extension;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

/// Protocol numbers (RFC 5237 registry), the same in both families.
pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMPV6: u8 = 58;

/// Bytes of an IPv4 header without options (RFC 791, 3.1).
pub const IPV4_HEADER: usize = 20;
/// Bytes of an IPv6 header without extension headers (RFC 8200, 3).
pub const IPV6_HEADER: usize = 40;
/// Bytes of the longest packet that this stack builds, of either family.
pub const MAX_PACKET: usize = 65_535;
/// The hop limit of the packets that this stack builds (RFC 1700's default TTL).
pub const HOP_LIMIT: u8 = 64;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// Why bytes are not a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// The version is neither 4 nor 6.
    Version,
    /// A length field contradicts another one, or the number of bytes.
    Length,
    Checksum,
    /// An IPv6 extension header in a wrong place, too many of them, an unfinished route, or an unknown option which
    /// demands that a host that does not know it discards the packet (RFC 8200, 4.2).
    ExtensionHeader,
    /// The payload is of another protocol than the one asked for, or only a fragment of it.
    Protocol,
}

/// The datagram that a fragment belongs to, and the fragment's place in it (RFC 791, 3.2; RFC 8200, 4.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FragmentHeader {
    /// The number of the datagram; it has 16 bits in IPv4.
    pub identification: u32,
    /// Bytes before this part, a multiple of 8.
    pub offset: usize,
    /// False in the last fragment.
    pub more: bool,
    /// The place of the byte that names the protocol in the packet. Reassembly corrects this byte.
    pub(crate) next_header_at: usize,
}

/// A packet whose header was checked; its `payload` was not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// The protocol of the payload: in IPv6 of the part after the extension headers, in a fragment the one that its
    /// header names.
    pub protocol: u8,
    pub hop_limit: u8,
    /// The upper-layer bytes; in a fragment its part of them.
    pub payload: &'a [u8],
    /// The whole packet, cut to the length it states.
    pub bytes: &'a [u8],
    pub fragment: Option<FragmentHeader>,
    /// Bytes before `payload`, including options, extension headers and an IPv6 fragment header.
    pub header_length: usize,
}

impl<'a> Packet<'a> {
    /// Bytes after the packet's end count as padding. Never allocates.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        match bytes.first().map(|byte| byte >> 4) {
            Some(4) => Self::parse_ipv4(bytes),
            Some(6) => Self::parse_ipv6(bytes),
            Some(_) => Err(Malformed::Version),
            None => Err(Malformed::Length),
        }
    }

    fn parse_ipv4(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let head = bytes.first_chunk::<IPV4_HEADER>().ok_or(Malformed::Length)?;
        let header_length = usize::from(head[0] & 0x0f) * 4;
        if header_length < IPV4_HEADER {
            return Err(Malformed::Length);
        }
        let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let bytes = bytes.get(..total).ok_or(Malformed::Length)?;
        let (header, payload) = bytes.split_at_checked(header_length).ok_or(Malformed::Length)?;
        if checksum(header) != 0 {
            return Err(Malformed::Checksum);
        }
        let flags = u16::from_be_bytes([head[6], head[7]]);
        let whole = flags & (MORE_FRAGMENTS | OFFSET_MASK) == 0;
        Ok(Packet {
            source: Ipv4Addr::new(head[12], head[13], head[14], head[15]).into(),
            destination: Ipv4Addr::new(head[16], head[17], head[18], head[19]).into(),
            protocol: head[9],
            hop_limit: head[8],
            payload,
            bytes,
            fragment: (!whole).then(|| FragmentHeader {
                identification: u16::from_be_bytes([head[4], head[5]]).into(),
                offset: usize::from(flags & OFFSET_MASK) * 8,
                more: flags & MORE_FRAGMENTS != 0,
                next_header_at: 9,
            }),
            header_length,
        })
    }

    fn parse_ipv6(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let head = bytes.first_chunk::<IPV6_HEADER>().ok_or(Malformed::Length)?;
        let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
        let bytes = bytes.get(..IPV6_HEADER + length).ok_or(Malformed::Length)?;
        let chain = extension::walk(bytes, head[6])?;
        Ok(Packet {
            source: ipv6(head, 8).into(),
            destination: ipv6(head, 24).into(),
            protocol: chain.protocol,
            hop_limit: head[7],
            payload: bytes.get(chain.length..).ok_or(Malformed::Length)?,
            bytes,
            fragment: chain.fragment,
            header_length: chain.length,
        })
    }

    /// False when an answer would reach no host, this one, or many: one of the addresses is unspecified, multicast, the
    /// limited broadcast, loopback or IPv4-mapped (which no packet may carry: RFC 6890, 2.2), or both are the same.
    pub fn is_unicast_pair(&self) -> bool {
        is_unicast_pair(self.source, self.destination)
    }

    /// The IPv4 Identification field; `None` in IPv6, where only a fragment has one.
    pub fn ipv4_identification(&self) -> Option<u16> {
        match *self.bytes {
            [_, _, _, _, high, low, ..] if self.source.is_ipv4() => Some(u16::from_be_bytes([high, low])),
            _ => None,
        }
    }
}

/// As `Packet::is_unicast_pair`, for two addresses; they have to be of one family, too.
pub fn is_unicast_pair(source: IpAddr, destination: IpAddr) -> bool {
    source.is_ipv4() == destination.is_ipv4() && source != destination && is_host(source) && is_host(destination)
}

fn ipv6(head: &[u8; IPV6_HEADER], at: usize) -> Ipv6Addr {
    let mut octets = [0; 16];
    octets.copy_from_slice(&head[at..at + 16]);
    octets.into()
}

fn is_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[0] != 0 && !v4.is_loopback() && !v4.is_multicast() && !v4.is_broadcast(),
        IpAddr::V6(v6) => {
            !v6.is_unspecified() && !v6.is_loopback() && !v6.is_multicast() && v6.to_ipv4_mapped().is_none()
        }
    }
}

/// The Internet checksum for a header (RFC 1071). Over bytes that include their right checksum, the result is 0.
pub fn checksum(bytes: &[u8]) -> u16 {
    !rfc1071::data(bytes)
}

/// The checksum of TCP, UDP and ICMPv6, which covers the pseudo-header, too (RFC 768; RFC 8200, 8.1). Over a payload
/// that includes its right checksum, the result is 0. For addresses of two families it is 0xffff, which never verifies.
pub fn upper_checksum(source: IpAddr, destination: IpAddr, protocol: u8, payload: &[u8]) -> u16 {
    if source.is_ipv4() != destination.is_ipv4() {
        return u16::MAX;
    }
    let length = payload.len() as u32;
    let pseudo = rfc1071::pseudo_header(&source.into(), &destination.into(), IpProtocol::from(protocol), length);
    !rfc1071::combine(&[pseudo, rfc1071::data(payload)])
}

/// An IP header with room for the payload, which the caller appends. `None` for addresses of two families, and for more
/// than `MAX_PACKET` bytes. An IPv4 packet without an identification may not be fragmented (DF: RFC 6864, 4.1).
pub fn build(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    hop_limit: u8,
    payload_length: usize,
    identification: Option<u16>,
) -> Option<Vec<u8>> {
    let mut packet = Vec::new();
    build_into(
        &mut packet,
        source,
        destination,
        protocol,
        hop_limit,
        payload_length,
        identification,
    )?;
    Some(packet)
}

/// As `build`, into a buffer that is used again. Its former bytes are cleared.
pub fn build_into(
    packet: &mut Vec<u8>,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    hop_limit: u8,
    payload_length: usize,
    identification: Option<u16>,
) -> Option<()> {
    let header_length = if source.is_ipv4() { IPV4_HEADER } else { IPV6_HEADER };
    let total = header_length
        .checked_add(payload_length)
        .filter(|total| *total <= MAX_PACKET)?;
    packet.clear();
    packet.reserve(total);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let flags = if identification.is_some() { 0 } else { DONT_FRAGMENT };
            packet.extend_from_slice(&[0x45, 0]);
            packet.extend_from_slice(&(total as u16).to_be_bytes());
            packet.extend_from_slice(&identification.unwrap_or(0).to_be_bytes());
            packet.extend_from_slice(&flags.to_be_bytes());
            packet.extend_from_slice(&[hop_limit, protocol, 0, 0]);
            packet.extend_from_slice(&source.octets());
            packet.extend_from_slice(&destination.octets());
            put_ipv4_checksum(packet);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            packet.extend_from_slice(&[0x60, 0, 0, 0]);
            packet.extend_from_slice(&(payload_length as u16).to_be_bytes());
            packet.extend_from_slice(&[protocol, hop_limit]);
            packet.extend_from_slice(&source.octets());
            packet.extend_from_slice(&destination.octets());
        }
        _ => return None,
    }
    Some(())
}

/// Writes the checksum of an IPv4 header; `header` is exactly the header.
pub(crate) fn put_ipv4_checksum(header: &mut [u8]) {
    put_checksum(header, 10, 0);
    let sum = checksum(header);
    put_checksum(header, 10, sum);
}

/// Writes a checksum at `at`, or nothing where `bytes` ends before.
pub(crate) fn put_checksum(bytes: &mut [u8], at: usize, sum: u16) {
    if let Some(field) = bytes.get_mut(at..at + 2) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}
