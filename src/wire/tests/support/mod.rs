//! Helpers of the tests: an owner that records the events, links that misbehave by a seed, two ends in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says so when it is wrong")]
#![allow(dead_code, clippy::allow_attributes, reason = "each story uses its part")]

pub mod link;
pub mod pair;
pub mod said;
pub mod script;
pub mod two;

use std::collections::HashMap;
use std::net::SocketAddr;

use midwire_wire::event::{Event, FlowId, ResetReason, Rise};
use midwire_wire::tunnel::PeerId;

/// An owner that keeps all events, with as much room as a test gives it.
pub struct Owner {
    pub room: usize,
    pub opened: Vec<Opened>,
    pub connected: Vec<FlowId>,
    pub data: HashMap<FlowId, Vec<u8>>,
    /// Bytes that rose and were not credited yet.
    pub uncredited: HashMap<FlowId, usize>,
    pub ended: Vec<FlowId>,
    pub closed: Vec<FlowId>,
    pub reset: HashMap<FlowId, ResetReason>,
    pub writable: HashMap<FlowId, usize>,
    pub datagrams: Vec<(u32, SocketAddr, SocketAddr, Vec<u8>)>,
    pub expired: Vec<u32>,
    pub icmp: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub struct Opened {
    pub id: FlowId,
    pub peer: PeerId,
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub held: bool,
}

impl Default for Owner {
    fn default() -> Self {
        Owner {
            room: usize::MAX,
            opened: Vec::new(),
            connected: Vec::new(),
            data: HashMap::new(),
            uncredited: HashMap::new(),
            ended: Vec::new(),
            closed: Vec::new(),
            reset: HashMap::new(),
            writable: HashMap::new(),
            datagrams: Vec::new(),
            expired: Vec::new(),
            icmp: Vec::new(),
        }
    }
}

impl Owner {
    pub fn text(&self, id: FlowId) -> String {
        String::from_utf8(self.data.get(&id).cloned().unwrap_or_default()).unwrap()
    }

    pub fn received(&self, id: FlowId) -> usize {
        self.data.get(&id).map_or(0, Vec::len)
    }
}

impl Rise for Owner {
    fn room(&self) -> usize {
        self.room
    }

    fn rise(&mut self, event: Event<'_>) {
        match event {
            Event::Opened {
                id,
                peer,
                source,
                destination,
                held,
            } => self.opened.push(Opened {
                id,
                peer,
                source,
                destination,
                held,
            }),
            Event::Connected { id } => self.connected.push(id),
            Event::Data { id, bytes } => {
                assert!(bytes.len() <= self.room, "more than there was room for");
                self.data.entry(id).or_default().extend_from_slice(bytes);
                *self.uncredited.entry(id).or_default() += bytes.len();
            }
            Event::End { id } => self.ended.push(id),
            Event::Reset { id, reason } => {
                assert_eq!(self.reset.insert(id, reason), None, "two resets of one flow");
            }
            Event::Writable { id, bytes } => *self.writable.entry(id).or_default() += bytes as usize,
            Event::Closed { id } => self.closed.push(id),
            Event::Datagram {
                flow,
                source,
                destination,
                bytes,
                ..
            } => self.datagrams.push((flow, source, destination, bytes.to_vec())),
            Event::DatagramExpired { flow } => self.expired.push(flow),
            Event::Icmp { bytes, .. } => self.icmp.push(bytes.to_vec()),
        }
    }
}

/// Bytes that show when one is lost, doubled or moved.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index % 251) as u8 ^ (index / 251) as u8)
        .collect()
}
