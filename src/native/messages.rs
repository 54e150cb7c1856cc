//! The layout of the records that the addon and Node exchange.
//!
//! A record is three little-endian words, kind, id and payload length, then the payload, padded to four bytes.
//! `src/transports/records.ts` has the same numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use midwire_wire::Duration;
use midwire_wire::impairment::Impairment;

pub const HEADER: usize = 12;

/// The kinds of events, which rise.
pub mod event {
    pub const OPENED: u32 = 1;
    pub const DATA: u32 = 2;
    pub const END: u32 = 3;
    pub const RESET: u32 = 4;
    pub const WRITABLE: u32 = 5;
    pub const CLOSED: u32 = 6;
    pub const DATAGRAM: u32 = 7;
    pub const ICMP: u32 = 8;
    pub const LOG: u32 = 9;
    pub const DIED: u32 = 10;
    pub const STOPPED: u32 = 11;
    pub const CONNECTED: u32 = 12;
    pub const DATAGRAM_EXPIRED: u32 = 13;
}

/// The kinds of commands, which fall.
pub mod command {
    pub const ACCEPT: u32 = 1;
    pub const REFUSE: u32 = 2;
    pub const WRITE: u32 = 3;
    pub const CREDIT: u32 = 4;
    pub const END: u32 = 5;
    pub const RESET: u32 = 6;
    pub const SEND_DATAGRAM: u32 = 7;
    pub const REFUSE_DATAGRAM: u32 = 8;
    pub const SEND_ICMP: u32 = 9;
    pub const CLOSE: u32 = 10;
    pub const IMPAIR: u32 = 11;
}

const FLAG_HELD: u32 = 1;
const FLAG_IPV6: u32 = 2;
/// Bytes of an address header: peer, flags, two ports, two addresses of 16 bytes.
pub const ADDRESS_HEADER: usize = 44;

pub fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// Appends a record whose payload is the given parts, one after the other.
pub fn push(records: &mut Vec<u8>, kind: u32, id: u32, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    records.reserve(HEADER + padded(length));
    records.extend_from_slice(&kind.to_le_bytes());
    records.extend_from_slice(&id.to_le_bytes());
    records.extend_from_slice(&(length as u32).to_le_bytes());
    for part in parts {
        records.extend_from_slice(part);
    }
    let padding = padded(length) - length;
    records.extend_from_slice(&[0; 3][..padding]);
}

/// Completes a record that was begun at `start` with an empty payload, and has got its payload since.
pub fn finish(records: &mut Vec<u8>, start: usize) {
    let length = records.len() - start - HEADER;
    if let Some(place) = records.get_mut(start + 8..start + HEADER) {
        place.copy_from_slice(&(length as u32).to_le_bytes());
    }
    records.resize(start + HEADER + padded(length), 0);
}

pub fn address_header(peer: u32, held: bool, source: SocketAddr, destination: SocketAddr) -> [u8; ADDRESS_HEADER] {
    let mut header = [0; ADDRESS_HEADER];
    let mut flags = 0;
    if held {
        flags |= FLAG_HELD;
    }
    if source.is_ipv6() {
        flags |= FLAG_IPV6;
    }
    header[0..4].copy_from_slice(&peer.to_le_bytes());
    header[4..8].copy_from_slice(&u32::to_le_bytes(flags));
    header[8..10].copy_from_slice(&source.port().to_le_bytes());
    header[10..12].copy_from_slice(&destination.port().to_le_bytes());
    put_address(&mut header[12..28], source.ip());
    put_address(&mut header[28..44], destination.ip());
    header
}

fn put_address(bytes: &mut [u8], address: IpAddr) {
    match address {
        IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => bytes.copy_from_slice(&address.octets()),
    }
}

/// Takes one record of Node's off the front of `bytes`. `None` at the end, or where a record is cut short.
pub fn take<'a>(bytes: &mut &'a [u8]) -> Option<(u32, u32, &'a [u8])> {
    let (kind, id, length) = head(bytes)?;
    let payload = bytes.get(HEADER..HEADER + length)?;
    *bytes = bytes.get(HEADER + padded(length)..).unwrap_or_default();
    Some((kind, id, payload))
}

pub fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// What an IMPAIR wants: words with the loss in millionths, the delay in microseconds, and the seed.
pub fn impairment(payload: &[u8]) -> Option<Impairment> {
    Some(Impairment {
        loss: word(payload, 0)?,
        delay: Duration::from_micros(word(payload, 4)?.into()),
        seed: word(payload, 8)?,
    })
}

/// The kind, the id and the payload's length of the record at the front.
pub fn head(records: &[u8]) -> Option<(u32, u32, usize)> {
    Some((word(records, 0)?, word(records, 4)?, word(records, 8)? as usize))
}

/// The two ends in an address header, and the bytes after it.
pub fn take_addresses(payload: &[u8]) -> Option<(SocketAddr, SocketAddr, &[u8])> {
    let header = payload.get(..ADDRESS_HEADER)?;
    let is_v6 = word(header, 4)? & FLAG_IPV6 != 0;
    let port = |at: usize| Some(u16::from_le_bytes(header.get(at..at + 2)?.try_into().ok()?));
    let address = |at: usize| {
        let bytes: [u8; 16] = header.get(at..at + 16)?.try_into().ok()?;
        Some(if is_v6 {
            IpAddr::V6(Ipv6Addr::from(bytes))
        } else {
            IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]))
        })
    };
    let source = SocketAddr::new(address(12)?, port(8)?);
    let destination = SocketAddr::new(address(28)?, port(10)?);
    Some((source, destination, &payload[ADDRESS_HEADER..]))
}

/// The length of the whole records at the front that fit into `room`.
pub fn whole(records: &[u8], room: usize) -> usize {
    if records.len() <= room {
        return records.len();
    }
    let mut end = 0;
    while let Some(length) = word(records, end + 8) {
        let next = end + HEADER + padded(length as usize);
        if next > room {
            break;
        }
        end = next;
    }
    end
}
