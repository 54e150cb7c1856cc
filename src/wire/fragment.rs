//! IP fragments: those that come are put together within a fixed budget, what is too long to go is split.

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

/// Bytes that all unfinished datagrams may take together, what keeps them included. Beyond it the oldest leaves.
pub const BUDGET: usize = 1 << 20;
/// From a datagram's first fragment to come until it is given up (RFC 791, 3.2 and RFC 8200, 4.5 allow up to 60 s).
pub const LIFETIME: Duration = Duration::from_secs(30);
/// Unfinished datagrams at most. Beyond it the oldest leaves.
pub const MAX_DATAGRAMS: usize = 1024;

/// What names a datagram (RFC 791, 3.2; RFC 8200, 4.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    /// 0 in IPv6, where it is no part of the name.
    protocol: u8,
    identification: u32,
}

struct Datagram {
    pieces: Pieces,
    /// Its place in the order of arrival.
    serial: u64,
}

/// What the reassembler did not pass on.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct FragmentCounters {
    /// Fragments that fit no datagram: empty, of a length no middle one can have, beyond the longest packet, or
    /// together no packet.
    pub malformed: u64,
    /// Fragments that overlapped or contradicted others, and all later ones of these datagrams.
    pub overlapping: u64,
    /// Fragments that came twice, byte for byte.
    pub duplicate: u64,
    /// Datagrams that left for a newer one.
    pub evicted: u64,
    /// Datagrams that were not whole in time.
    pub expired: u64,
}

/// Puts fragments together. What is wrong with a datagram never reaches another one.
#[derive(Default)]
pub struct Reassembler {
    datagrams: HashMap<Key, Datagram>,
    /// Oldest first; all live equally long, so it is the order of their ends as well.
    order: BTreeMap<u64, (Instant, Key)>,
    next_serial: u64,
    used: usize,
    counters: FragmentCounters,
}

impl Reassembler {
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the whole packet, without a fragment header, when this was its last missing part. It parses and is no
    /// fragment itself. A packet that is no fragment gives `None`.
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
            // An IPv6 packet that was never cut has nothing to do with others of its name (RFC 6946, 4).
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
        // It may be the oldest itself.
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
        // A fragment header inside the fragments is a way to hide, not a packet.
        let is_packet = |bytes: &Vec<u8>| Packet::parse(bytes).is_ok_and(|packet| packet.fragment.is_none());
        let whole = whole.filter(is_packet);
        if whole.is_none() {
            self.counters.malformed += 1;
        }
        whole
    }

    /// Gives up what is not whole after `LIFETIME`, silently.
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

    /// All that was dropped: fragments that were bad, datagrams that were not finished. Duplicates are not.
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

/// Rules for a fragment alone. An empty one adds nothing and could be repeated for ever.
fn is_sound(packet: &Packet<'_>, fragment: &FragmentHeader) -> bool {
    let length = packet.payload.len();
    let whole_units = !fragment.more || length.is_multiple_of(8);
    let header = pieces::kept_header(packet).len();
    length > 0
        && whole_units
        && pieces::stated_length(packet.source.is_ipv4(), header, fragment.offset + length).is_some()
}
