//! The table of a tunnel's peers. A peer is found by number, static key, receiver index or inner address, in one
//! look-up.

use std::collections::HashMap;
use std::net::IpAddr;

use boringtun::noise::Tunn;
use smoltcp::time::Instant;

use crate::allowed_ips::{AllowedIps, Cidr};
use crate::key::PublicKey;
use crate::tunnel::{Keepalives, Path, PeerId};

/// The bits of a receiver index that are ours; boringtun uses the low byte for its sessions.
const INDEX_BITS: u32 = 24;
/// The most packets of a peer that wait for a session. boringtun's queue holds so many, and drops others without a
/// word.
pub const MAX_WAITING: usize = 256;
/// Ranges of a peer that are compared before the table is searched. Nearly all peers have one address of each family.
const COMPARED: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddPeerError {
    DuplicateKey,
    /// Another peer has this range, or this peer has it twice.
    DuplicateAllowedIp(Cidr),
    TooMany,
}

impl std::fmt::Display for AddPeerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AddPeerError::DuplicateKey => f.write_str("a peer with this public key exists"),
            AddPeerError::DuplicateAllowedIp(range) => write!(f, "{range} belongs to a peer already"),
            AddPeerError::TooMany => f.write_str("there are too many peers"),
        }
    }
}

pub struct Peer {
    pub id: PeerId,
    pub public_key: PublicKey,
    pub tunn: Tunn,
    pub index: u32,
    pub allowed_ips: Vec<Cidr>,
    pub path: Option<Path>,
    pub keepalives: Keepalives,
    /// The time of boringtun's last tick for this peer. boringtun stamps later events with that time.
    pub ticked: Option<Instant>,
    /// True for a peer in the list of those that are ticked.
    pub active: bool,
    /// The number of packets that boringtun holds until there is a session.
    pub waiting: usize,
    /// Bytes of the longest of these packets.
    pub longest_waiting: usize,
    pub received_bytes: u64,
    pub sent_bytes: u64,
    pub dropped: u64,
}

impl Peer {
    /// Counts a packet that boringtun holds until there is a session. False when boringtun's queue was full.
    pub fn wait(&mut self, length: usize) -> bool {
        if self.waiting >= MAX_WAITING {
            return false;
        }
        self.waiting += 1;
        self.longest_waiting = self.longest_waiting.max(length);
        true
    }

    /// Called when boringtun holds no packets any more. Gives the number of those that it held.
    pub fn forget_waiting(&mut self) -> u64 {
        self.longest_waiting = 0;
        std::mem::take(&mut self.waiting) as u64
    }
}

pub struct Peers {
    /// The peers by number; a number is not used again.
    slots: Vec<Option<Box<Peer>>>,
    by_key: HashMap<PublicKey, PeerId>,
    by_index: HashMap<u32, PeerId>,
    allowed_ips: AllowedIps,
    random: u64,
}

impl Peers {
    pub fn new(seed: u64) -> Self {
        Peers {
            slots: Vec::new(),
            by_key: HashMap::new(),
            by_index: HashMap::new(),
            allowed_ips: AllowedIps::default(),
            random: seed,
        }
    }

    /// Checks whether a peer may be added, before any state is made for it.
    pub fn check(&self, key: &PublicKey, allowed_ips: &[Cidr]) -> Result<(), AddPeerError> {
        if self.by_key.contains_key(key) {
            return Err(AddPeerError::DuplicateKey);
        }
        for (at, range) in allowed_ips.iter().enumerate() {
            if self.allowed_ips.owner(range).is_some() || allowed_ips[..at].contains(range) {
                return Err(AddPeerError::DuplicateAllowedIp(*range));
            }
        }
        if self.by_index.len() >= 1 << (INDEX_BITS - 1) {
            return Err(AddPeerError::TooMany);
        }
        Ok(())
    }

    /// An index that no peer has. Indices are visible on the wire, so they are drawn by chance and not counted.
    pub fn draw_index(&mut self) -> u32 {
        loop {
            // The generator is splitmix64.
            self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.random;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let index = (mixed >> (64 - INDEX_BITS)) as u32;
            if !self.by_index.contains_key(&index) {
                return index;
            }
        }
    }

    pub fn insert(&mut self, build: impl FnOnce(PeerId) -> Peer) -> PeerId {
        let id = self.slots.len() as PeerId;
        let peer = build(id);
        self.by_key.insert(peer.public_key, id);
        self.by_index.insert(peer.index, id);
        for range in &peer.allowed_ips {
            self.allowed_ips.insert(*range, id);
        }
        self.slots.push(Some(Box::new(peer)));
        id
    }

    pub fn remove(&mut self, key: &PublicKey) -> Option<PeerId> {
        let id = self.by_key.remove(key)?;
        let peer = self.slots.get_mut(id as usize)?.take()?;
        self.by_index.remove(&peer.index);
        for range in &peer.allowed_ips {
            self.allowed_ips.remove(range);
        }
        Some(id)
    }

    pub fn by_key(&self, key: &PublicKey) -> Option<PeerId> {
        self.by_key.get(key).copied()
    }

    /// Finds a peer by the receiver index of a message.
    pub fn by_receiver(&self, receiver: u32) -> Option<PeerId> {
        self.by_index.get(&(receiver >> (32 - INDEX_BITS))).copied()
    }

    pub fn by_address(&self, address: IpAddr) -> Option<PeerId> {
        self.allowed_ips.find(address)
    }

    /// Whether the peer may send from this address, which it may if packets to the address go to this peer. So a peer
    /// with a wide range cannot send from the address that another peer has in it.
    pub fn owns(&self, id: PeerId, address: IpAddr) -> bool {
        let Some(Some(peer)) = self.slots.get(id as usize) else {
            return false;
        };
        // No range has a longer prefix than a single address, so this comparison alone is enough for one.
        let alone = |range: &Cidr| range.is_single() && range.address == address;
        peer.allowed_ips.iter().take(COMPARED).any(alone) || self.by_address(address) == Some(id)
    }

    pub fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.slots.get_mut(id as usize)?.as_deref_mut()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.slots.iter().filter_map(|slot| slot.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use boringtun::x25519;

    use super::*;

    fn add(peers: &mut Peers, key: u8) -> u32 {
        let index = peers.draw_index();
        let secret = x25519::StaticSecret::from([key; 32]);
        let public = x25519::PublicKey::from(&secret);
        peers.insert(|id| Peer {
            id,
            public_key: PublicKey([key; 32]),
            tunn: Tunn::new(secret, public, None, None, index, None),
            index,
            allowed_ips: Vec::new(),
            path: None,
            keepalives: Keepalives::new(Instant::ZERO, None),
            ticked: None,
            active: false,
            waiting: 0,
            longest_waiting: 0,
            received_bytes: 0,
            sent_bytes: 0,
            dropped: 0,
        });
        index
    }

    #[test]
    fn an_index_that_is_drawn_again_is_not_given_again() {
        let mut peers = Peers::new(5);
        let first = add(&mut peers, 1);
        peers.random = 5;
        let second = add(&mut peers, 2);
        assert_ne!(first, second);
        assert!(first < 1 << INDEX_BITS && second < 1 << INDEX_BITS);
        // The low byte is the number of the session.
        assert_eq!(peers.by_receiver(first << 8 | 0xff), Some(0));
        assert_eq!(peers.by_receiver(second << 8), Some(1));
        peers.remove(&PublicKey([1; 32]));
        assert_eq!(peers.by_receiver(first << 8), None);
    }
}
