//! The ranges of sequence numbers that have arrived ahead of a hole: a bounded number, the newest first (RFC 2018, 4).

use super::options::{Blocks, MAX_BLOCKS};
use super::seq::{Range, Seq};

/// The most ranges. A segment that would begin one more is dropped, and its sender sends it again.
pub const MAX_RANGES: usize = 512;

#[derive(Default)]
pub struct Assembler {
    /// The ranges, with a hole between any two, in the order of their last change.
    ranges: Vec<Range>,
}

impl Assembler {
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// False when the range would begin a new one, and there is no room for that.
    pub fn has_room(&self, range: &Range) -> bool {
        self.ranges.len() < MAX_RANGES || self.ranges.iter().any(|known| touches(known, range))
    }

    /// True where all of the range has arrived before.
    pub fn covers(&self, range: &Range) -> bool {
        self.ranges.iter().any(|known| known.covers(range))
    }

    /// Adds a range. True when a range other than the newest one has begun or changed: a later ACK may have no room to
    /// tell of it.
    pub fn insert(&mut self, mut range: Range) -> bool {
        let grows = self.ranges.first().is_some_and(|newest| touches(newest, &range));
        let before = self.ranges.len();
        self.ranges.retain(|known| {
            let joins = touches(known, &range);
            if joins {
                range.start = range.start.min(known.start);
                range.end = range.end.max(known.end);
            }
            !joins
        });
        self.ranges.insert(0, range);
        !grows || self.ranges.len() < before
    }

    /// Called when everything before `nxt` has arrived. Gives the end of what has arrived without a hole, and forgets
    /// the ranges before it.
    pub fn absorb(&mut self, mut nxt: Seq) -> Seq {
        loop {
            let before = nxt;
            self.ranges.retain(|known| {
                let joins = known.start <= nxt;
                if joins {
                    nxt = nxt.max(known.end);
                }
                !joins
            });
            if nxt == before {
                break;
            }
        }
        if self.ranges.is_empty() {
            self.ranges = Vec::new();
        }
        nxt
    }

    /// The blocks of a SACK option: the one that changed last comes first. After `duplicate` (RFC 2883) comes the block that
    /// holds it, if there is one.
    pub fn blocks(&self, duplicate: Option<Range>, room: usize) -> Blocks {
        let mut blocks = Blocks::default();
        let mut left = room.min(MAX_BLOCKS);
        let around = |range: &&Range| duplicate.is_some_and(|duplicate| range.covers(&duplicate));
        let second = self.ranges.iter().find(around);
        let rest = self.ranges.iter().filter(|range| Some(*range) != second);
        for range in duplicate.iter().chain(second).chain(rest) {
            if left == 0 {
                break;
            }
            blocks.push(*range);
            left -= 1;
        }
        blocks
    }
}

fn touches(one: &Range, other: &Range) -> bool {
    one.start <= other.end && other.start <= one.end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u32, end: u32) -> Range {
        Range {
            start: Seq(start),
            end: Seq(end),
        }
    }

    #[test]
    fn the_newest_block_comes_first_and_neighbours_join() {
        let mut assembler = Assembler::default();
        for (start, end) in [(10, 20), (30, 40), (50, 60)] {
            assembler.insert(range(start, end));
        }
        let blocks = |assembler: &Assembler| assembler.blocks(None, 3).as_slice().to_vec();
        assert_eq!(blocks(&assembler), [range(50, 60), range(30, 40), range(10, 20)]);
        assembler.insert(range(20, 30));
        assert_eq!(blocks(&assembler), [range(10, 40), range(50, 60)]);
        assembler.insert(range(35, 55));
        assert_eq!(blocks(&assembler), [range(10, 60)]);
        assert!(assembler.covers(&range(10, 60)) && !assembler.covers(&range(9, 60)));
        assert_eq!(assembler.absorb(Seq(5)), Seq(5));
        assert_eq!(assembler.absorb(Seq(10)), Seq(60));
        assert!(assembler.is_empty());
    }

    #[test]
    fn one_arrival_can_fill_more_than_one_hole() {
        let mut assembler = Assembler::default();
        assembler.insert(range(20, 30));
        assembler.insert(range(40, 50));
        assert_eq!(assembler.absorb(Seq(45)), Seq(50));
        assert!(assembler.is_empty());
    }

    #[test]
    fn a_duplicate_is_told_first_and_then_the_block_around_it() {
        let mut assembler = Assembler::default();
        assembler.insert(range(10, 20));
        assembler.insert(range(30, 40));
        let blocks = assembler.blocks(Some(range(12, 15)), 3);
        assert_eq!(blocks.as_slice(), [range(12, 15), range(10, 20), range(30, 40)]);
        let blocks = assembler.blocks(Some(range(2, 5)), 2);
        assert_eq!(blocks.as_slice(), [range(2, 5), range(30, 40)]);
    }

    #[test]
    fn a_full_list_takes_only_what_joins() {
        let mut assembler = Assembler::default();
        for at in 0..MAX_RANGES as u32 {
            let one = range(10 * at, 10 * at + 5);
            assert!(assembler.has_room(&one));
            assembler.insert(one);
        }
        assert!(!assembler.has_room(&range(100_000, 100_005)));
        assert!(assembler.has_room(&range(5, 7)));
    }
}
