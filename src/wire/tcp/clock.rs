//! The clock of the timestamps option: milliseconds from a start of its own for each connection (RFC 7323, 5.4).

use super::seq::Seq;
use crate::Instant;

#[derive(Clone, Copy, Debug)]
pub struct Clock {
    offset: u32,
    /// True where both ends use timestamps.
    pub on: bool,
}

impl Clock {
    pub fn new(offset: u32) -> Self {
        Clock { offset, on: false }
    }

    pub fn at(&self, now: Instant) -> u32 {
        (now.total_millis() as u32).wrapping_add(self.offset)
    }

    /// True where the value `one` was read before `other`.
    pub fn is_before(one: u32, other: u32) -> bool {
        Seq(one) < Seq(other)
    }
}
