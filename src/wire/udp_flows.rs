//! The table of UDP flows: found by 4-tuple when a datagram comes, by number when the owner speaks.
//!
//! All operations cost the same with one flow and with all of them.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use smoltcp::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// A flow with no datagram either way for so long is over.
pub const IDLE: Duration = Duration::from_secs(60);
/// The most flows. Beyond it the least recently used leaves.
pub const MAX_UDP_FLOWS: usize = 1 << SLOT_BITS;
/// The most ended flows that wait for `poll_expired`. Beyond it the owner is not told of an end.
pub const MAX_EXPIRED: usize = MAX_UDP_FLOWS;

/// A flow's number has a slot and a generation, so that a late command for a flow that has ended finds no other flow.
const SLOT_BITS: u32 = 14;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
/// Marks the end of the list of flows.
const NONE: u32 = u32::MAX;

/// The 4-tuple as the peer sees it: from the peer's own address to the one that the peer sends to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UdpKey {
    pub source: SocketAddr,
    pub destination: SocketAddr,
}

struct Flow {
    key: UdpKey,
    last: Instant,
    /// Slots of the flows used just before and just after this one.
    older: u32,
    newer: u32,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    flow: Option<Flow>,
}

/// Counts of the flows that the table has dropped.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct UdpFlowCounters {
    /// Flows that were idle.
    pub expired: u64,
    /// Flows that were dropped to make room for a new one.
    pub evicted: u64,
    /// Ends that the owner was not told of, because it did not poll.
    pub untold: u64,
}

pub struct UdpFlows {
    slots: Vec<Slot>,
    /// The free slots, first in, first out, so that a number is used again as late as possible.
    free: VecDeque<u32>,
    by_key: HashMap<UdpKey, u32>,
    /// The ends of the list: the least and the most recently used flow. All may be idle equally long, so this is the
    /// order of their expiry, too.
    oldest: u32,
    newest: u32,
    expired: VecDeque<u32>,
    counters: UdpFlowCounters,
}

impl Default for UdpFlows {
    fn default() -> Self {
        Self::new()
    }
}

impl UdpFlows {
    pub fn new() -> Self {
        UdpFlows {
            slots: Vec::new(),
            free: VecDeque::new(),
            by_key: HashMap::new(),
            oldest: NONE,
            newest: NONE,
            expired: VecDeque::new(),
            counters: UdpFlowCounters::default(),
        }
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub fn counters(&self) -> UdpFlowCounters {
        self.counters
    }

    /// Called for a datagram from a peer. Gives the number of its flow, and whether the flow is new. A flow whose idle
    /// time is over starts anew.
    pub fn touch(&mut self, now: Instant, key: UdpKey) -> (u32, bool) {
        self.handle_timeout(now);
        if let Some(slot) = self.by_key.get(&key).copied() {
            self.renew(now, slot);
            return (self.id(slot), false);
        }
        if self.by_key.len() >= MAX_UDP_FLOWS {
            self.counters.evicted += 1;
            self.end(self.oldest);
        }
        let slot = self.free_slot();
        self.by_key.insert(key, slot);
        if let Some(place) = self.slots.get_mut(slot as usize) {
            place.flow = Some(Flow {
                key,
                last: now,
                older: NONE,
                newer: NONE,
            });
        }
        self.link(slot);
        (self.id(slot), true)
    }

    /// Called for a datagram to a peer. If the flow exists, it stays for another `IDLE`.
    pub fn keep_alive(&mut self, now: Instant, key: &UdpKey) -> bool {
        self.handle_timeout(now);
        let slot = self.by_key.get(key).copied();
        if let Some(slot) = slot {
            self.renew(now, slot);
        }
        slot.is_some()
    }

    pub fn get(&self, id: u32) -> Option<UdpKey> {
        let slot = self.slots.get((id & SLOT_MASK) as usize)?;
        let flow = slot.flow.as_ref().filter(|_| slot.generation == id >> SLOT_BITS)?;
        Some(flow.key)
    }

    /// Removes a flow for the owner, which is not told of the end.
    pub fn remove(&mut self, id: u32) -> Option<UdpKey> {
        let key = self.get(id)?;
        self.release(id & SLOT_MASK);
        Some(key)
    }

    /// Ends the flows that were idle for `IDLE`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(oldest) = self.flow(self.oldest)
            && oldest.last + IDLE <= now
        {
            self.counters.expired += 1;
            self.end(self.oldest);
        }
    }

    /// The time at which the next flow expires. The beginning of time when ends wait for `poll_expired`.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.expired.is_empty() {
            return Some(Instant::ZERO);
        }
        Some(self.flow(self.oldest)?.last + IDLE)
    }

    /// The next flow that has ended by itself, because it was idle or evicted.
    pub fn poll_expired(&mut self) -> Option<u32> {
        self.expired.pop_front()
    }

    fn flow(&self, slot: u32) -> Option<&Flow> {
        self.slots.get(slot as usize)?.flow.as_ref()
    }

    fn flow_mut(&mut self, slot: u32) -> Option<&mut Flow> {
        self.slots.get_mut(slot as usize)?.flow.as_mut()
    }

    fn id(&self, slot: u32) -> u32 {
        let generation = self.slots.get(slot as usize).map_or(0, |slot| slot.generation);
        generation << SLOT_BITS | slot
    }

    /// A slot for a new flow: one that was never used, while there are any, so that numbers are used again late
    /// (`free`).
    fn free_slot(&mut self) -> u32 {
        if self.slots.len() < MAX_UDP_FLOWS {
            self.slots.push(Slot::default());
            return self.slots.len() as u32 - 1;
        }
        self.free.pop_front().unwrap_or(NONE)
    }

    fn end(&mut self, slot: u32) {
        let id = self.id(slot);
        if !self.release(slot) {
            return;
        }
        if self.expired.len() < MAX_EXPIRED {
            self.expired.push_back(id);
        } else {
            self.counters.untold += 1;
        }
    }

    fn release(&mut self, slot: u32) -> bool {
        self.unlink(slot);
        let Some(place) = self.slots.get_mut(slot as usize) else {
            return false;
        };
        let Some(flow) = place.flow.take() else { return false };
        place.generation = (place.generation + 1) & (u32::MAX >> SLOT_BITS);
        self.by_key.remove(&flow.key);
        self.free.push_back(slot);
        true
    }

    fn renew(&mut self, now: Instant, slot: u32) {
        if let Some(flow) = self.flow_mut(slot) {
            flow.last = now;
        }
        if slot != self.newest {
            self.unlink(slot);
            self.link(slot);
        }
    }

    /// Puts a flow at the newest end of the list.
    fn link(&mut self, slot: u32) {
        let before = self.newest;
        match self.flow_mut(before) {
            Some(flow) => flow.newer = slot,
            None => self.oldest = slot,
        }
        if let Some(flow) = self.flow_mut(slot) {
            flow.older = before;
            flow.newer = NONE;
        }
        self.newest = slot;
    }

    fn unlink(&mut self, slot: u32) {
        let Some(flow) = self.flow(slot) else { return };
        let (older, newer) = (flow.older, flow.newer);
        match self.flow_mut(older) {
            Some(flow) => flow.newer = newer,
            None => self.oldest = newer,
        }
        match self.flow_mut(newer) {
            Some(flow) => flow.older = older,
            None => self.newest = older,
        }
    }
}
