//! The received fragments of one datagram, and the packet that they make.

use std::collections::BTreeMap;

use crate::packet::{FragmentHeader, IPV6_HEADER, Packet, put_ipv4_checksum};

/// Bytes that an unfinished datagram costs in addition to its data: its entries in the tables.
const DATAGRAM_OVERHEAD: usize = 512;
/// Bytes that a fragment costs in addition to its data: its allocation and its entry.
const PIECE_OVERHEAD: usize = 96;
const IPV6_FRAGMENT_HEADER: usize = 8;
/// The flag "more fragments" in the byte of the flags of an IPv4 header.
const MORE_FRAGMENTS: u8 = 0x20;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fit {
    New,
    /// The fragment has the same bytes for the same place as another.
    Duplicate,
    /// The fragment overlaps another, lies behind the end, or states another end (RFC 5722, 3).
    Overlap,
}

struct Piece {
    bytes: Box<[u8]>,
    more: bool,
}

#[derive(Default)]
pub(super) struct Pieces {
    /// The IP header of the first fragment, without the fragment header.
    header: Vec<u8>,
    /// The fragments' data by offset; no two overlap.
    pieces: BTreeMap<usize, Piece>,
    received: usize,
    /// The length of the whole data, known from the last fragment.
    total: Option<usize>,
    spoiled: bool,
}

impl Pieces {
    pub fn cost(&self) -> usize {
        DATAGRAM_OVERHEAD + self.header.len() + self.received + self.pieces.len() * PIECE_OVERHEAD
    }

    /// The bytes that `insert` adds to the cost of the datagram.
    pub fn cost_of(packet: &Packet<'_>, fragment: &FragmentHeader) -> usize {
        let header = if fragment.offset == 0 {
            kept_header(packet).len()
        } else {
            0
        };
        header + packet.payload.len() + PIECE_OVERHEAD
    }

    pub fn fit(&self, packet: &Packet<'_>, fragment: &FragmentHeader) -> Fit {
        let end = fragment.offset + packet.payload.len();
        if self.spoiled {
            return Fit::Overlap;
        }
        if let Some(piece) = self.pieces.get(&fragment.offset) {
            let same = piece.more == fragment.more && *piece.bytes == *packet.payload;
            return if same { Fit::Duplicate } else { Fit::Overlap };
        }
        let before = self.pieces.range(..fragment.offset).next_back();
        if before.is_some_and(|(offset, piece)| offset + piece.bytes.len() > fragment.offset) {
            return Fit::Overlap;
        }
        // The last fragment has nothing after it, and nothing comes after its end.
        let after = self.pieces.range(fragment.offset..).next();
        if after.is_some_and(|(offset, _)| *offset < end || !fragment.more) {
            return Fit::Overlap;
        }
        if self.total.is_some_and(|total| end > total || !fragment.more) {
            return Fit::Overlap;
        }
        Fit::New
    }

    /// Adds a fragment that is neither a duplicate nor an overlap.
    pub fn insert(&mut self, packet: &Packet<'_>, fragment: &FragmentHeader) {
        let length = packet.payload.len();
        if fragment.offset == 0 {
            self.header = kept_header(packet).to_vec();
            if let Some(next_header) = self.header.get_mut(fragment.next_header_at) {
                *next_header = packet.protocol;
            }
        }
        if !fragment.more {
            self.total = Some(fragment.offset + length);
        }
        self.received += length;
        let piece = Piece {
            bytes: packet.payload.into(),
            more: fragment.more,
        };
        self.pieces.insert(fragment.offset, piece);
    }

    /// Drops the data, and remembers only that the datagram is bad.
    pub fn spoil(&mut self) {
        *self = Pieces {
            spoiled: true,
            ..Pieces::default()
        };
    }

    pub fn is_spoiled(&self) -> bool {
        self.spoiled
    }

    pub fn is_whole(&self) -> bool {
        self.total == Some(self.received)
    }

    /// The packet as it was before it was cut. `None` when it is too long for a packet with the first fragment's
    /// header.
    pub fn into_packet(self) -> Option<Vec<u8>> {
        let mut packet = self.header;
        let header_length = packet.len();
        packet.reserve_exact(self.received);
        for piece in self.pieces.into_values() {
            packet.extend_from_slice(&piece.bytes);
        }
        let (header, data) = packet.split_at_mut_checked(header_length)?;
        let is_ipv4 = header.first()? >> 4 == 4;
        let length = stated_length(is_ipv4, header.len(), data.len())?.to_be_bytes();
        if is_ipv4 {
            header.get_mut(2..4)?.copy_from_slice(&length);
            // The offset is 0 already, because this is the first fragment's header.
            *header.get_mut(6)? &= !MORE_FRAGMENTS;
            put_ipv4_checksum(header);
        } else {
            header.get_mut(4..6)?.copy_from_slice(&length);
        }
        Some(packet)
    }
}

/// The part of a fragment's header that the reassembled packet begins with.
pub(super) fn kept_header<'a>(packet: &Packet<'a>) -> &'a [u8] {
    let dropped = if packet.source.is_ipv4() {
        0
    } else {
        IPV6_FRAGMENT_HEADER
    };
    let length = packet.header_length.saturating_sub(dropped);
    packet.bytes.get(..length).unwrap_or_default()
}

/// The length field of a reassembled packet: of the whole packet in IPv4, of the part after the header in IPv6. `None`
/// when the field cannot hold it (RFC 8200, 4.5; the "ping of death").
pub(super) fn stated_length(is_ipv4: bool, header_length: usize, data_length: usize) -> Option<u16> {
    let uncounted = if is_ipv4 { 0 } else { IPV6_HEADER };
    u16::try_from((header_length + data_length).checked_sub(uncounted)?).ok()
}
