//! Packets that wait to go down: RST, ICMP errors, repeated ACKs, datagrams. All else waits in its flow.

use std::collections::VecDeque;

/// Packets that answer others (RST, ICMP errors, repeated ACKs, datagrams) and wait to go down.
pub const MAX_REPLIES: usize = 1024;
/// Bytes of them.
pub const MAX_REPLY_BYTES: usize = 4 << 20;
/// Packets that wait to go down.
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
