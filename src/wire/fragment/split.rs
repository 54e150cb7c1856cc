//! Splits an outgoing packet that is longer than the MTU into fragments (RFC 791, 3.2; RFC 8200, 4.5).

use crate::packet::{IPV4_HEADER, IPV6_HEADER, Packet, put_ipv4_checksum};

const MORE_FRAGMENTS_V4: u16 = 0x2000;
const FRAGMENT: u8 = 44;
const FRAGMENT_HEADER: usize = 8;
/// Offsets of fragments count units of so many bytes.
const UNIT: usize = 8;

/// Emits the packet as it is when it fits into `mtu` bytes, else its fragments, DF cleared. IPv4 takes the lower 16
/// bits of `identification`. False, and nothing emitted, for bytes that are no packet, for a fragment, for a packet
/// with options or extension headers (this stack sends none of these), and for an MTU without room for a header and 8
/// bytes.
pub fn split(packet: &[u8], mtu: usize, identification: u32, emit: &mut dyn FnMut(&[u8])) -> bool {
    let Ok(packet) = Packet::parse(packet) else {
        return false;
    };
    if packet.bytes.len() <= mtu {
        emit(packet.bytes);
        return true;
    }
    let (plain_header, header_length) = match packet.source.is_ipv4() {
        true => (IPV4_HEADER, IPV4_HEADER),
        false => (IPV6_HEADER, IPV6_HEADER + FRAGMENT_HEADER),
    };
    let room = mtu.saturating_sub(header_length) / UNIT * UNIT;
    if room == 0 || packet.fragment.is_some() || packet.header_length != plain_header {
        return false;
    }
    let mut buffer = Vec::with_capacity(header_length + room);
    let last = packet.payload.len().saturating_sub(1) / room;
    for (index, piece) in packet.payload.chunks(room).enumerate() {
        buffer.clear();
        buffer.extend_from_slice(&packet.bytes[..plain_header]);
        let offset = (index * room) as u16;
        match packet.source.is_ipv4() {
            true => finish_ipv4(&mut buffer, identification, offset, index < last, piece.len()),
            false => finish_ipv6(
                &mut buffer,
                packet.protocol,
                identification,
                offset,
                index < last,
                piece.len(),
            ),
        }
        buffer.extend_from_slice(piece);
        emit(&buffer);
    }
    true
}

fn finish_ipv4(header: &mut [u8], identification: u32, offset: u16, more: bool, length: usize) {
    let flags = if more { MORE_FRAGMENTS_V4 } else { 0 };
    let place = flags | (offset / UNIT as u16);
    let total = (header.len() + length) as u16;
    header[2..4].copy_from_slice(&total.to_be_bytes());
    header[4..6].copy_from_slice(&(identification as u16).to_be_bytes());
    header[6..8].copy_from_slice(&place.to_be_bytes());
    put_ipv4_checksum(header);
}

fn finish_ipv6(header: &mut Vec<u8>, protocol: u8, identification: u32, offset: u16, more: bool, length: usize) {
    header[4..6].copy_from_slice(&((FRAGMENT_HEADER + length) as u16).to_be_bytes());
    header[6] = FRAGMENT;
    header.extend_from_slice(&[protocol, 0]);
    header.extend_from_slice(&(offset | u16::from(more)).to_be_bytes());
    header.extend_from_slice(&identification.to_be_bytes());
}
