//! IP fragments: received ones are put together within a fixed budget, and packets that are too long to be sent are
//! split.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use smoltcp::time::{Duration, Instant};

use crate::packet::{FragmentHeader, Packet};

mod pieces;
mod split;
#[cfg(test)]
mod tests;

pub use split::split;

use pieces::{Fit, Pieces};

/// Bytes that all unfinished datagrams may take together, with their entries in the tables. Beyond it the oldest
/// leaves.
pub const BUDGET: usize = 1 << 20;
/// The time from a datagram's first received fragment until the datagram is given up (RFC 791, 3.2 and RFC 8200, 4.5
/// allow 60 s).
pub const LIFETIME: Duration = Duration::from_secs(30);
/// The most unfinished datagrams. Beyond it the oldest leaves.
pub const MAX_DATAGRAMS: usize = 1024;

/// The fields by which fragments belong to a datagram (RFC 791, 3.2; RFC 8200, 4.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    /// 0 in IPv6, where the protocol is no part of the key.
    protocol: u8,
    identification: u32,
}

struct Datagram {
    pieces: Pieces,
    /// The datagram's place in the order of arrival.
    serial: u64,
}

/// Counts of what the reassembler did not pass on.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct FragmentCounters {
    /// Fragments that fit no datagram: empty ones, those of a length that none but the last can have, those that reach
    /// beyond the longest packet, and those that together are no packet.
    pub malformed: u64,
    /// Fragments that overlapped or contradicted others, and all later ones of these datagrams.
    pub overlapping: u64,
    /// Fragments that came twice, byte for byte.
    pub duplicate: u64,
    /// Datagrams that were dropped to make room for a newer one.
    pub evicted: u64,
    /// Datagrams whose fragments did not all come in time.
    pub expired: u64,
}

/// Puts fragments together. A bad fragment spoils its own datagram and no other.
#[derive(Default)]
pub struct Reassembler {
    datagrams: HashMap<Key, Datagram>,
    /// The datagrams, oldest first. All may wait equally long, so this is the order of their expiry, too.
    order: BTreeMap<u64, (Instant, Key)>,
    next_serial: u64,
    used: usize,
    counters: FragmentCounters,
}

impl Reassembler {
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the whole packet, without a fragment header, when this was its last missing part. The whole packet parses,
    /// and is no fragment. `None` for a packet that is no fragment.
    pub fn handle_fragment(&mut self, now: Instant, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let fragment = packet.fragment?;
        self.handle_timeout(now);
        let key = Key {
            source: packet.source,
            destination: packet.destination,
            protocol: if packet.source.is_ipv4() { packet.protocol } else { 0 },
            identification: fragment.identification,
        };
        if !is_sound(packet, &fragment) {
            self.counters.malformed += 1;
            return None;
        }
        if fragment.offset == 0 && !fragment.more {
            // An IPv6 packet of one fragment ("atomic") has nothing to do with other fragments of its key (RFC 6946,
            // 4).
            let mut alone = Pieces::default();
            alone.insert(packet, &fragment);
            return self.finish(alone);
        }
        let fit = match self.datagrams.get(&key) {
            Some(datagram) => datagram.pieces.fit(packet, &fragment),
            None => Fit::New,
        };
        match fit {
            Fit::New => self.insert(now, key, packet, &fragment),
            Fit::Duplicate => {
                self.counters.duplicate += 1;
                None
            }
            Fit::Overlap => {
                self.counters.overlapping += 1;
                if let Some(datagram) = self.datagrams.get_mut(&key) {
                    self.used -= datagram.pieces.cost();
                    datagram.pieces.spoil();
                    self.used += datagram.pieces.cost();
                }
                None
            }
        }
    }

    fn insert(&mut self, now: Instant, key: Key, packet: &Packet<'_>, fragment: &FragmentHeader) -> Option<Vec<u8>> {
        if !self.datagrams.contains_key(&key) {
            self.admit(now, key);
        }
        // The oldest datagram may be the one of this fragment.
        while self.used + Pieces::cost_of(packet, fragment) > BUDGET && self.datagrams.contains_key(&key) {
            self.evict_oldest();
        }
        let datagram = self.datagrams.get_mut(&key)?;
        self.used -= datagram.pieces.cost();
        datagram.pieces.insert(packet, fragment);
        self.used += datagram.pieces.cost();
        if !datagram.pieces.is_whole() {
            return None;
        }
        let datagram = self.remove(&key)?;
        self.finish(datagram.pieces)
    }

    fn admit(&mut self, now: Instant, key: Key) {
        if self.datagrams.len() >= MAX_DATAGRAMS {
            self.evict_oldest();
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        let pieces = Pieces::default();
        self.used += pieces.cost();
        self.order.insert(serial, (now + LIFETIME, key));
        self.datagrams.insert(key, Datagram { pieces, serial });
    }

    fn evict_oldest(&mut self) {
        if let Some((_, &(_, key))) = self.order.first_key_value() {
            self.counters.evicted += 1;
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(key)?;
        self.order.remove(&datagram.serial);
        self.used -= datagram.pieces.cost();
        Some(datagram)
    }

    fn finish(&mut self, pieces: Pieces) -> Option<Vec<u8>> {
        let whole = pieces.into_packet();
        // A second fragment header inside the datagram only serves to hide a packet from checks, so such a datagram is
        // dropped.
        let is_packet = |bytes: &Vec<u8>| Packet::parse(bytes).is_ok_and(|packet| packet.fragment.is_none());
        let whole = whole.filter(is_packet);
        if whole.is_none() {
            self.counters.malformed += 1;
        }
        whole
    }

    /// Drops the datagrams that are not whole after `LIFETIME`, without an ICMP error.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, &(until, key))) = self.order.first_key_value()
            && until <= now
        {
            let spoiled = self.remove(&key).is_none_or(|datagram| datagram.pieces.is_spoiled());
            self.counters.expired += u64::from(!spoiled);
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.order.first_key_value().map(|(_, (until, _))| *until)
    }

    pub fn counters(&self) -> FragmentCounters {
        self.counters
    }

    /// The number of bad fragments and unfinished datagrams that were dropped, without duplicates.
    pub fn dropped(&self) -> u64 {
        let FragmentCounters {
            malformed,
            overlapping,
            duplicate: _,
            evicted,
            expired,
        } = self.counters;
        malformed + overlapping + evicted + expired
    }
}

/// Checks a fragment by itself. An empty fragment is refused, because it adds nothing and could be repeated for ever.
fn is_sound(packet: &Packet<'_>, fragment: &FragmentHeader) -> bool {
    let length = packet.payload.len();
    let whole_units = !fragment.more || length.is_multiple_of(8);
    let header = pieces::kept_header(packet).len();
    length > 0
        && whole_units
        && pieces::stated_length(packet.source.is_ipv4(), header, fragment.offset + length).is_some()
}
