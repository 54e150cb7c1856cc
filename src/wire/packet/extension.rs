//! The chain of IPv6 extension headers, walked to the upper layer or to a fragment header (RFC 8200, 4).

use super::{FragmentHeader, IPV6_HEADER, Malformed};

/// The most extension headers. RFC 8200, 4.1 foresees seven: each once, and destination options twice.
const MAX_EXTENSION_HEADERS: usize = 8;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;

const PAD1: u8 = 0;
/// The two bits of an option's type that say what a host does that does not know the option: 00 is to skip it, any
/// other value is to discard the packet (RFC 8200, 4.2).
const DISCARD_BITS: u8 = 0xc0;

pub(super) struct Chain {
    pub protocol: u8,
    /// Bytes before the payload, which is of `protocol`.
    pub length: usize,
    pub fragment: Option<FragmentHeader>,
}

/// Walks the chain up to the upper layer, or to a fragment header: after that one there is only a piece of the
/// datagram.
pub(super) fn walk(bytes: &[u8], next_header: u8) -> Result<Chain, Malformed> {
    let mut protocol = next_header;
    let mut next_header_at = 6;
    let mut length = IPV6_HEADER;
    for _ in 0..=MAX_EXTENSION_HEADERS {
        let rest = bytes.get(length..).ok_or(Malformed::Length)?;
        match protocol {
            // Hop-by-hop options are the first header, or there are none (RFC 8200, 4.1).
            HOP_BY_HOP if length != IPV6_HEADER => return Err(Malformed::ExtensionHeader),
            HOP_BY_HOP | DESTINATION_OPTIONS | ROUTING => {
                let header = header(rest)?;
                let sound = match protocol {
                    ROUTING => is_finished_route(header),
                    _ => are_known_options(header),
                };
                if !sound {
                    return Err(Malformed::ExtensionHeader);
                }
                protocol = header[0];
                next_header_at = length;
                length += header.len();
            }
            FRAGMENT => {
                let head = rest.first_chunk::<8>().ok_or(Malformed::Length)?;
                let place = u16::from_be_bytes([head[2], head[3]]);
                return Ok(Chain {
                    protocol: head[0],
                    length: length + head.len(),
                    fragment: Some(FragmentHeader {
                        identification: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
                        offset: usize::from(place & 0xfff8),
                        more: place & 1 != 0,
                        next_header_at,
                    }),
                });
            }
            _ => {
                return Ok(Chain {
                    protocol,
                    length,
                    fragment: None,
                });
            }
        }
    }
    Err(Malformed::ExtensionHeader)
}

fn header(rest: &[u8]) -> Result<&[u8], Malformed> {
    let length = rest.get(1).ok_or(Malformed::Length)?;
    rest.get(..(usize::from(*length) + 1) * 8).ok_or(Malformed::Length)
}

/// True where a routing header, of any type, has no stops left (RFC 8200, 4.4). This stack does not forward packets.
fn is_finished_route(header: &[u8]) -> bool {
    header.get(3) == Some(&0)
}

/// Whether all options of a header may be skipped, because this stack knows none. A jumbo payload (RFC 2675) may not.
fn are_known_options(header: &[u8]) -> bool {
    let mut options = header.get(2..).unwrap_or_default();
    while let Some((&kind, rest)) = options.split_first() {
        if kind == PAD1 {
            options = rest;
            continue;
        }
        let Some((&length, rest)) = rest.split_first() else {
            return false;
        };
        let Some(after) = rest.get(usize::from(length)..) else {
            return false;
        };
        if kind & DISCARD_BITS != 0 {
            return false;
        }
        options = after;
    }
    true
}
