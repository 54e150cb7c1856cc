//! Both ends of the conversation: an owner that checks the events, and the peer's knowledge of the packets of the
//! stack.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use midwire_wire::buffers::{Buffers, Chunk};
use midwire_wire::event::{Event, FlowId, Rise};
use midwire_wire::fall::Fall;
use midwire_wire::packet::Packet;
use midwire_wire::tcp::segment::{RST, SYN, Segment};
use midwire_wire::tcp::seq::Seq;

pub const MTU: usize = 1420;
/// The peer's initial sequence number, from which its data soon wraps around.
pub const ISN: Seq = Seq(u32::MAX - 3000);
/// The most packets of one step: all of a send queue in the smallest segments, twice.
const STORM: usize = 2 * 65_536 / 48;

pub fn ends() -> (SocketAddr, SocketAddr) {
    (
        SocketAddr::from(([10, 0, 0, 1], 40_000)),
        SocketAddr::from(([192, 0, 2, 80], 80)),
    )
}

/// The peer's byte at this number, the same each time that it is sent.
pub fn speech(seq: Seq) -> u8 {
    (seq.0.wrapping_mul(0x9e37_79b1) >> 21) as u8
}

pub struct Counted(pub Arc<AtomicUsize>);

impl Buffers for Counted {
    fn take(&mut self) -> Option<Chunk> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Some(Chunk::owned())
    }

    fn give(&mut self, _chunk: Chunk) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
pub struct Owner {
    pub id: Option<FlowId>,
    pub held: bool,
    /// Bytes that the owner may write.
    pub granted: usize,
    /// Bytes that the owner has not given credit for.
    pub unread: usize,
    /// The number of the next byte, as long as the peer has begun with `ISN` only.
    pub next: Option<Seq>,
    pub full: bool,
}

impl Rise for Owner {
    fn room(&self) -> usize {
        if self.full { 0 } else { 20_000 }
    }

    fn rise(&mut self, event: Event<'_>) {
        match event {
            Event::Opened { id, held, .. } => {
                self.begin(id);
                self.held = held;
            }
            Event::Data { id, bytes } if self.id == Some(id) => {
                self.unread += bytes.len();
                if let Some(next) = &mut self.next {
                    let right = bytes.iter().zip(0..).all(|(byte, at)| *byte == speech(*next + at));
                    assert!(right, "what rises is not what was said");
                    *next += bytes.len() as u32;
                }
            }
            Event::Writable { id, bytes } if self.id == Some(id) => self.granted += bytes as usize,
            Event::Reset { id, .. } | Event::Closed { id } if self.id == Some(id) => self.id = None,
            _ => {}
        }
    }
}

impl Owner {
    pub fn begin(&mut self, id: FlowId) {
        *self = Owner {
            id: Some(id),
            granted: 4096,
            next: self.next.map(|_| ISN + 1),
            full: self.full,
            ..Owner::default()
        };
    }
}

/// The state of the stack, as its peer knows it from the packets.
#[derive(Default)]
pub struct Heard {
    pub packets: usize,
    pub last: Vec<u8>,
    pub iss: Seq,
    pub shift: u8,
    /// The end of the data that the stack has sent.
    pub nxt: Seq,
    /// The acknowledgement number of the stack.
    pub ack: Seq,
    pub edge: Seq,
    pub time: u32,
}

impl Fall for Heard {
    fn ready(&self) -> bool {
        true
    }

    fn fall(&mut self, bytes: &[u8]) {
        self.packets += 1;
        assert!(self.packets <= STORM, "a storm");
        assert!(bytes.len() <= MTU, "longer than the MTU");
        let packet = Packet::parse(bytes).expect("our own packet");
        let Ok(segment) = Segment::parse(&packet) else { return };
        self.last = bytes.to_vec();
        if segment.has(RST) {
            return;
        }
        if segment.has(SYN) {
            (self.iss, self.nxt) = (segment.seq, segment.end());
            self.shift = segment.options.window_scale.unwrap_or(0);
        }
        self.nxt = self.nxt.max(segment.end());
        if let Some(ack) = segment.ack {
            let shift = if segment.has(SYN) { 0 } else { self.shift };
            (self.ack, self.edge) = (ack, ack + (u32::from(segment.window) << shift));
        }
        self.time = segment.options.timestamp.map_or(self.time, |timestamp| timestamp.value);
    }
}
