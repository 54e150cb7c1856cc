//! Keeps the events until the stack takes commands again, which it does not while events rise.

use std::net::SocketAddr;

use midwire_wire::event::{Event, FlowId, ResetReason, Rise};

/// The most payload bytes that wait here.
const ROOM: usize = 1 << 20;

/// An event that owns its bytes.
pub enum Risen {
    Opened {
        id: FlowId,
        destination: SocketAddr,
    },
    Connected {
        id: FlowId,
    },
    Data {
        id: FlowId,
        bytes: Vec<u8>,
    },
    End {
        id: FlowId,
    },
    Writable {
        id: FlowId,
        bytes: usize,
    },
    /// Closed or reset; a reset has a reason.
    Gone {
        id: FlowId,
        reason: Option<ResetReason>,
    },
    Datagram {
        flow: u32,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: Vec<u8>,
    },
}

#[derive(Default)]
pub struct Owner {
    risen: Vec<Risen>,
    bytes: usize,
}

impl Owner {
    pub fn take(&mut self) -> Vec<Risen> {
        self.bytes = 0;
        std::mem::take(&mut self.risen)
    }
}

impl Rise for Owner {
    fn room(&self) -> usize {
        ROOM - self.bytes
    }

    fn rise(&mut self, event: Event<'_>) {
        let risen = match event {
            Event::Opened { id, destination, .. } => Risen::Opened { id, destination },
            Event::Connected { id } => Risen::Connected { id },
            Event::Data { id, bytes } => {
                self.bytes += bytes.len();
                let bytes = bytes.to_vec();
                Risen::Data { id, bytes }
            }
            Event::End { id } => Risen::End { id },
            Event::Writable { id, bytes } => Risen::Writable {
                id,
                bytes: bytes as usize,
            },
            Event::Closed { id } => Risen::Gone { id, reason: None },
            Event::Reset { id, reason } => Risen::Gone {
                id,
                reason: Some(reason),
            },
            Event::Datagram {
                flow,
                source,
                destination,
                bytes,
                ..
            } => {
                self.bytes += bytes.len();
                let bytes = bytes.to_vec();
                Risen::Datagram {
                    flow,
                    source,
                    destination,
                    bytes,
                }
            }
            Event::DatagramExpired { .. } | Event::Icmp { .. } => return,
        };
        self.risen.push(risen);
    }
}
