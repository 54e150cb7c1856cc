//! A link that loses, doubles, delays, reorders and corrupts, always the same way for the same seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use midwire_wire::{Duration, Instant};

/// Each a share of a thousand.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    pub lose: u64,
    pub double: u64,
    pub corrupt: u64,
    pub reorder: u64,
    pub delay: Duration,
}

pub struct Link {
    faults: Faults,
    random: u64,
    order: u64,
    flying: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    pub lost: u64,
    pub carried: u64,
}

impl Link {
    pub fn new(seed: u64, faults: Faults) -> Self {
        Link {
            faults,
            random: seed | 1,
            order: 0,
            flying: BinaryHeap::new(),
            lost: 0,
            carried: 0,
        }
    }

    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    pub fn send(&mut self, now: Instant, datagram: &[u8]) {
        if self.chance(self.faults.lose) {
            self.lost += 1;
            return;
        }
        let copies = if self.chance(self.faults.double) { 2 } else { 1 };
        for _ in 0..copies {
            let mut datagram = datagram.to_vec();
            if self.chance(self.faults.corrupt) && !datagram.is_empty() {
                let at = (self.next() % datagram.len() as u64) as usize;
                datagram[at] ^= 1 << (self.next() % 8);
            }
            let mut at = now + self.faults.delay;
            if self.chance(self.faults.reorder) {
                at += Duration::from_micros(self.next() % 5000);
            }
            self.order += 1;
            self.carried += 1;
            self.flying.push(Reverse((at, self.order, datagram)));
        }
    }

    pub fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        let Reverse((at, ..)) = self.flying.peek()?;
        if *at > now {
            return None;
        }
        self.flying.pop().map(|Reverse((.., datagram))| datagram)
    }

    pub fn next_arrival(&self) -> Option<Instant> {
        self.flying.peek().map(|Reverse((at, ..))| *at)
    }

    pub fn chance(&mut self, of_thousand: u64) -> bool {
        of_thousand > 0 && self.next() % 1000 < of_thousand
    }

    /// xorshift64*: enough for faults, and the same on every machine.
    pub fn next(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }
}
