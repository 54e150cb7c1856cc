//! Sequence numbers: 32 bits that go round, and are compared over half of the way (RFC 9293, 3.4).

use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Sub};

/// A place in the sequence space of one direction. Its order is that of two numbers less than 2^31 apart, which is what a
/// connection ever compares: no window is larger (RFC 7323, 2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seq(pub u32);

impl Seq {
    pub fn max(self, other: Seq) -> Seq {
        if other > self { other } else { self }
    }

    pub fn min(self, other: Seq) -> Seq {
        if other < self { other } else { self }
    }
}

impl PartialOrd for Seq {
    fn partial_cmp(&self, other: &Seq) -> Option<Ordering> {
        Some((self.0.wrapping_sub(other.0) as i32).cmp(&0))
    }
}

impl Add<u32> for Seq {
    type Output = Seq;

    fn add(self, length: u32) -> Seq {
        Seq(self.0.wrapping_add(length))
    }
}

impl AddAssign<u32> for Seq {
    fn add_assign(&mut self, length: u32) {
        *self = *self + length;
    }
}

impl Sub<u32> for Seq {
    type Output = Seq;

    fn sub(self, length: u32) -> Seq {
        Seq(self.0.wrapping_sub(length))
    }
}

/// The length from `other` up to here.
impl Sub<Seq> for Seq {
    type Output = u32;

    fn sub(self, other: Seq) -> u32 {
        self.0.wrapping_sub(other.0)
    }
}

/// A piece of the sequence space: `end` is the first number behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Range {
    pub start: Seq,
    pub end: Seq,
}

impl Range {
    pub fn new(start: Seq, length: u32) -> Self {
        let end = start + length;
        Range { start, end }
    }

    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// All of `other` lies in this one.
    pub fn covers(&self, other: &Range) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_goes_round() {
        let last = Seq(u32::MAX);
        assert!(last < last + 1);
        assert_eq!(last + 1, Seq(0));
        assert_eq!(Seq(5) - last, 6);
        assert_eq!(last.max(Seq(3)), Seq(3));
        assert_eq!(last.min(Seq(3)), last);
        assert!(Range::new(last, 10).covers(&Range::new(Seq(2), 7)));
        assert!(!Range::new(last, 10).covers(&Range::new(Seq(2), 8)));
    }
}
