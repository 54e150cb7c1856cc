//! TIME-WAIT without a connection: only the last ACK is kept, and sent again for a repeated FIN (RFC 9293, 3.6.1).

use std::collections::{HashMap, VecDeque};

use smoltcp::time::{Duration, Instant};

use crate::flow_key::FlowKey;
use crate::packet::Packet;
use crate::tcp::clock::Clock;
use crate::tcp::segment::Segment;

/// The length of TIME-WAIT, as smoltcp has it. A tunnel has no detour on which a segment could survive longer.
pub const TIME_WAIT: Duration = Duration::from_secs(10);
/// The most connections in TIME-WAIT. Beyond it the oldest leaves early.
pub const MAX_TIME_WAIT: usize = 16_384;

struct Entry {
    until: Instant,
    acknowledgement: Box<[u8]>,
}

#[derive(Default)]
pub struct TimeWait {
    entries: HashMap<FlowKey, Entry>,
    order: VecDeque<(Instant, FlowKey)>,
    pub evicted: u64,
}

impl TimeWait {
    pub fn insert(&mut self, now: Instant, key: FlowKey, acknowledgement: &[u8]) {
        self.expire(now);
        if self.order.len() >= MAX_TIME_WAIT
            && let Some((until, oldest)) = self.order.pop_front()
            && self.forget(until, &oldest)
        {
            self.evicted += 1;
        }
        let until = now + TIME_WAIT;
        let acknowledgement = acknowledgement.into();
        self.entries.insert(key, Entry { until, acknowledgement });
        self.order.push_back((until, key));
    }

    /// The ACK to send again, if this connection is in TIME-WAIT.
    pub fn acknowledgement(&self, now: Instant, key: &FlowKey) -> Option<&[u8]> {
        let entry = self.entries.get(key)?;
        (now < entry.until).then_some(&*entry.acknowledgement)
    }

    /// Whether a SYN begins a new connection. Where the 4-tuple is in TIME-WAIT, the SYN ends the wait if it is surely
    /// newer than the former connection: by its timestamp, or by its number (RFC 6191, 2).
    pub fn admits(&mut self, now: Instant, key: &FlowKey, syn: &Segment<'_>) -> bool {
        let Some(last) = self.acknowledgement(now, key) else {
            return true;
        };
        let Ok(packet) = Packet::parse(last) else { return true };
        let Ok(last) = Segment::parse(&packet) else { return true };
        let newer = match (last.options.timestamp, syn.options.timestamp) {
            (Some(last), Some(new)) if last.echo != new.value => Clock::is_before(last.echo, new.value),
            _ => last.ack.is_none_or(|next| syn.seq > next),
        };
        if newer {
            self.entries.remove(key);
        }
        newer
    }

    pub fn expire(&mut self, now: Instant) {
        while let Some((until, key)) = self.order.front().copied()
            && until <= now
        {
            self.order.pop_front();
            self.forget(until, &key);
        }
    }

    /// Removes the entry of a key that ends at `until`. The same key may be in a later TIME-WAIT by now, which stays.
    fn forget(&mut self, until: Instant, key: &FlowKey) -> bool {
        let same = self.entries.get(key).is_some_and(|entry| entry.until == until);
        if same {
            self.entries.remove(key);
        }
        same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u16) -> FlowKey {
        let end = |address: [u8; 4], port| (address, port).into();
        FlowKey {
            local: end([192, 0, 2, 80], 80),
            remote: end([10, 0, (number >> 8) as u8, number as u8], 40_000),
        }
    }

    #[test]
    fn the_oldest_leaves_a_full_table_and_all_leave_with_time() {
        let mut table = TimeWait::default();
        let now = Instant::ZERO;
        for number in 0..=MAX_TIME_WAIT as u16 {
            table.insert(now, key(number), &[1]);
        }
        assert_eq!(table.acknowledgement(now, &key(0)), None);
        assert_eq!(table.acknowledgement(now, &key(1)), Some(&[1][..]));
        assert_eq!(table.evicted, 1);
        assert_eq!(table.acknowledgement(now + TIME_WAIT, &key(1)), None);
        table.expire(now + TIME_WAIT);
        assert!(table.entries.is_empty() && table.order.is_empty());
    }

    #[test]
    fn a_later_wait_on_the_same_key_outlives_the_place_of_the_first() {
        let mut table = TimeWait::default();
        table.insert(Instant::ZERO, key(1), &[1]);
        table.entries.remove(&key(1));
        let later = Instant::from_secs(5);
        table.insert(later, key(1), &[2]);
        let now = Instant::ZERO + TIME_WAIT;
        table.expire(now);
        assert_eq!(table.acknowledgement(now, &key(1)), Some(&[2][..]));
    }
}
