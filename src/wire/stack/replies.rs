//! The queue of packets that belong to no TCP flow and wait to go down: RST, ICMP errors, repeated ACKs, datagrams.

use std::collections::VecDeque;

/// The most packets in the queue.
pub const MAX_REPLIES: usize = 1024;
/// The most bytes in the queue.
pub const MAX_REPLY_BYTES: usize = 4 << 20;
/// The queue.
#[derive(Default)]
pub struct Replies {
    packets: VecDeque<Vec<u8>>,
    bytes: usize,
    pub dropped: u64,
}

impl Replies {
    pub fn push(&mut self, packet: Vec<u8>) {
        if self.packets.len() >= MAX_REPLIES || self.bytes + packet.len() > MAX_REPLY_BYTES {
            self.dropped += 1;
            return;
        }
        self.bytes += packet.len();
        self.packets.push_back(packet);
    }

    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub fn pop(&mut self) -> Option<Vec<u8>> {
        let packet = self.packets.pop_front()?;
        self.bytes -= packet.len();
        Some(packet)
    }
}
