//! The table of TCP flows: found by 4-tuple when a segment comes, by number when the owner speaks.

use std::collections::HashMap;

use crate::event::FlowId;
use crate::flow_key::FlowKey;
use crate::tcp_flow::TcpFlow;
use crate::tunnel::PeerId;

/// A flow's number has a slot and a generation, so that a late command for a flow that has ended finds no other flow.
const SLOT_BITS: u32 = 20;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;

/// A SYN that waits for the owner's `accept` or `refuse`. It holds its packet, and no buffer.
pub struct Held {
    pub key: FlowKey,
    pub peer: PeerId,
    pub syn: Vec<u8>,
}

pub enum Entry {
    Held(Held),
    Open(Box<TcpFlow>),
}

impl Entry {
    pub fn key(&self) -> FlowKey {
        match self {
            Entry::Held(held) => held.key,
            Entry::Open(flow) => flow.key,
        }
    }

    pub fn peer(&self) -> PeerId {
        match self {
            Entry::Held(held) => held.peer,
            Entry::Open(flow) => flow.peer,
        }
    }
}

#[derive(Default)]
struct Slot {
    generation: u32,
    entry: Option<Entry>,
}

pub struct Flows {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_key: HashMap<FlowKey, FlowId>,
    capacity: usize,
}

impl Flows {
    pub fn new(capacity: usize) -> Self {
        Flows {
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            capacity: capacity.min(SLOT_MASK as usize),
        }
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Reserves the number of a flow that is inserted next. `None` when the table is full.
    pub fn reserve(&mut self) -> Option<FlowId> {
        if self.by_key.len() >= self.capacity {
            return None;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let generation = self.slots.get(slot as usize)?.generation;
        Some(generation << SLOT_BITS | slot)
    }

    /// Inserts an entry under a reserved number, or replaces the entry there (a held SYN by its flow).
    pub fn insert(&mut self, id: FlowId, entry: Entry) {
        self.by_key.insert(entry.key(), id);
        if let Some(slot) = self.slots.get_mut((id & SLOT_MASK) as usize) {
            slot.entry = Some(entry);
        }
    }

    fn release(&mut self, id: FlowId) {
        if let Some(slot) = self.slots.get_mut((id & SLOT_MASK) as usize) {
            slot.generation = (slot.generation + 1) & (u32::MAX >> SLOT_BITS);
            self.free.push(id & SLOT_MASK);
        }
    }

    pub fn remove(&mut self, id: FlowId) -> Option<Entry> {
        let slot = self.slots.get_mut((id & SLOT_MASK) as usize)?;
        if slot.generation != id >> SLOT_BITS {
            return None;
        }
        let entry = slot.entry.take()?;
        self.forget_name(&entry.key(), id);
        self.release(id);
        Some(entry)
    }

    /// Frees a flow's 4-tuple for another flow; the flow keeps its number.
    pub fn unname(&mut self, id: FlowId) {
        if let Some(key) = self.get(id).map(Entry::key) {
            self.forget_name(&key, id);
        }
    }

    fn forget_name(&mut self, key: &FlowKey, id: FlowId) {
        if self.by_key.get(key) == Some(&id) {
            self.by_key.remove(key);
        }
    }

    pub fn find(&self, key: &FlowKey) -> Option<FlowId> {
        self.by_key.get(key).copied()
    }

    pub fn get(&self, id: FlowId) -> Option<&Entry> {
        let slot = self.slots.get((id & SLOT_MASK) as usize)?;
        slot.entry.as_ref().filter(|_| slot.generation == id >> SLOT_BITS)
    }

    pub fn get_mut(&mut self, id: FlowId) -> Option<&mut Entry> {
        let slot = self.slots.get_mut((id & SLOT_MASK) as usize)?;
        slot.entry.as_mut().filter(|_| slot.generation == id >> SLOT_BITS)
    }

    pub fn flow(&mut self, id: FlowId) -> Option<&mut TcpFlow> {
        match self.get_mut(id)? {
            Entry::Open(flow) => Some(flow),
            Entry::Held(_) => None,
        }
    }

    /// The flows of a peer, in the order of their slots.
    pub fn of_peer(&self, peer: PeerId) -> Vec<FlowId> {
        let of_peer = |(index, slot): (usize, &Slot)| {
            let entry = slot.entry.as_ref()?;
            (entry.peer() == peer).then_some(slot.generation << SLOT_BITS | index as u32)
        };
        self.slots.iter().enumerate().filter_map(of_peer).collect()
    }

    /// All flows, in the order of their slots.
    pub fn all(&self) -> Vec<FlowId> {
        let id = |(index, slot): (usize, &Slot)| {
            slot.entry.as_ref()?;
            Some(slot.generation << SLOT_BITS | index as u32)
        };
        self.slots.iter().enumerate().filter_map(id).collect()
    }
}
