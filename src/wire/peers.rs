//! The peers of a tunnel: found by number, static key, receiver index and inner address, each in one look-up.

use std::collections::HashMap;
use std::net::IpAddr;

use boringtun::noise::Tunn;
use smoltcp::time::Instant;

use crate::allowed_ips::{AllowedIps, Cidr};
use crate::key::PublicKey;
use crate::tunnel::{AddPeerError, Path, PeerId};

/// boringtun keeps the low byte of a receiver index for its sessions.
const INDEX_BITS: u32 = 24;

pub struct Peer {
    pub id: PeerId,
    pub public_key: PublicKey,
    pub tunn: Tunn,
    pub index: u32,
    pub allowed_ips: Vec<Cidr>,
    pub path: Option<Path>,
    pub keepalive: bool,
    /// boringtun stamps what happens with the time of its last tick.
    pub ticked: Option<Instant>,
    /// In the list of peers that are ticked.
    pub active: bool,
    /// boringtun holds packets that wait for a session.
    pub queued: bool,
    pub received_bytes: u64,
    pub sent_bytes: u64,
    pub dropped: u64,
}

impl Peer {
    pub fn owns(&self, address: IpAddr) -> bool {
        self.allowed_ips.iter().any(|range| range.contains(address))
    }
}

pub struct Peers {
    /// By number; a number is not used again.
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

    /// Looks whether a peer may be added, before anything is made of it.
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

    /// An index that no peer has. It goes over the wire, so it is drawn and not counted.
    pub fn draw_index(&mut self) -> u32 {
        loop {
            // splitmix64
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

    /// `receiver` as it stands in a message.
    pub fn by_receiver(&self, receiver: u32) -> Option<PeerId> {
        self.by_index.get(&(receiver >> (32 - INDEX_BITS))).copied()
    }

    pub fn by_address(&self, address: IpAddr) -> Option<PeerId> {
        self.allowed_ips.find(address)
    }

    pub fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.slots.get_mut(id as usize)?.as_deref_mut()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.slots.iter().filter_map(|slot| slot.as_deref())
    }
}
