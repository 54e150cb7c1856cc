//! The segments that were sent and are not acknowledged: the fate of each, and the order in which they left.
//!
//! Both queues are walked from their front only, and of a SACK block only the new part, so that the work of an ACK
//! depends on the news in it and not on the data in flight.

use std::collections::VecDeque;

use super::options::Blocks;
use super::rate::Stamp;
use super::seq::{Range, Seq};
use crate::Instant;

/// One segment in flight, SYN and FIN counted as a byte each.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub start: Seq,
    pub length: u32,
    /// The time at which the segment left first.
    pub first_sent_at: Instant,
    /// The time at which the segment left last.
    pub sent_at: Instant,
    pub retransmitted: bool,
    pub stamp: Stamp,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Flying,
    /// The receiver has the segment, but its acknowledgement number does not cover the segment yet.
    Sacked,
    /// The segment counts as lost, and was not sent again yet.
    Lost,
}

impl Sent {
    pub fn end(&self) -> Seq {
        self.start + self.length
    }

    pub fn is_sacked(&self) -> bool {
        self.fate == Fate::Sacked
    }
}

#[derive(Default)]
pub struct Scoreboard {
    sent: VecDeque<Sent>,
    /// The departures, in the order of their times. An entry is stale when its segment has left again, or has arrived.
    order: VecDeque<(Instant, Seq)>,
    sacked: u64,
    sacked_segments: usize,
    lost: u64,
    total: u64,
    /// No segment before this number is lost and unsent.
    lost_from: Seq,
    /// The blocks of the last SACK option.
    blocks: Blocks,
}

impl Scoreboard {
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Bytes in flight (RFC 6675: pipe): neither delivered nor counted as lost.
    pub fn in_flight(&self) -> u64 {
        self.total - self.sacked - self.lost
    }

    /// The number of segments that the receiver has behind a hole.
    pub fn sacked_segments(&self) -> usize {
        self.sacked_segments
    }

    pub fn has_lost(&self) -> bool {
        self.lost > 0
    }

    pub fn first(&self) -> Option<&Sent> {
        self.sent.front()
    }

    pub fn len(&self) -> usize {
        self.sent.len()
    }

    /// Adds a segment that leaves for the first time, after the last one in the sequence.
    pub fn handle_sent(&mut self, now: Instant, start: Seq, length: u32, stamp: Stamp) {
        self.total += u64::from(length);
        self.order.push_back((now, start));
        self.sent.push_back(Sent {
            start,
            length,
            first_sent_at: now,
            sent_at: now,
            retransmitted: false,
            stamp,
            fate: Fate::Flying,
        });
    }

    /// Removes everything before `una`, which has arrived. `deliver` is called for each segment that was not SACKed
    /// before.
    pub fn handle_acknowledged(&mut self, una: Seq, mut deliver: impl FnMut(&Sent)) {
        while let Some(front) = self.sent.front_mut() {
            if front.start >= una {
                break;
            }
            let covered = (una - front.start).min(front.length);
            let piece = Sent {
                length: covered,
                ..*front
            };
            self.total -= u64::from(covered);
            match front.fate {
                Fate::Sacked => {
                    self.sacked -= u64::from(covered);
                    self.sacked_segments -= usize::from(covered == front.length);
                }
                Fate::Lost => self.lost -= u64::from(covered),
                Fate::Flying => {}
            }
            if covered == front.length {
                self.sent.pop_front();
            } else {
                front.start = una;
                front.length -= covered;
                // The entry of the departure refers to the segment's start, which moves.
                let sent_at = front.sent_at;
                let place = self.order.partition_point(|(at, _)| *at < sent_at);
                self.order.insert(place, (sent_at, una));
            }
            if piece.fate != Fate::Sacked {
                deliver(&piece);
            }
        }
        if self.sent.is_empty() {
            self.order.clear();
            self.blocks = Blocks::default();
            if self.sent.capacity() > KEPT_PLACES {
                (self.sent, self.order) = (VecDeque::new(), VecDeque::new());
            }
        }
    }

    /// Marks the segments that the receiver has by these ranges, which all lie between the first and the last byte in
    /// flight.
    pub fn handle_sack(&mut self, blocks: &Blocks, mut deliver: impl FnMut(&Sent)) {
        let known = std::mem::replace(&mut self.blocks, *blocks);
        for block in blocks.as_slice() {
            // The newest block has mostly grown out of a known one, and only its new part is walked.
            match known.as_slice().iter().find(|known| block.covers(known)) {
                Some(known) => {
                    let before = Range {
                        start: block.start,
                        end: known.start,
                    };
                    let behind = Range {
                        start: known.end,
                        end: block.end,
                    };
                    self.sack(before, block, &mut deliver);
                    self.sack(behind, block, &mut deliver);
                }
                None => self.sack(*block, block, &mut deliver),
            }
        }
    }

    /// Walks `new`, the part of `block` that is not known yet.
    fn sack(&mut self, new: Range, block: &Range, deliver: &mut impl FnMut(&Sent)) {
        if new.is_empty() {
            return;
        }
        let mut index = self.sent.partition_point(|sent| sent.end() <= new.start);
        while let Some(sent) = self.sent.get_mut(index)
            && sent.start < new.end
        {
            // A segment counts as delivered only when all of it has arrived.
            let whole = block.start <= sent.start && sent.end() <= block.end;
            if whole && sent.fate != Fate::Sacked {
                if sent.fate == Fate::Lost {
                    self.lost -= u64::from(sent.length);
                }
                sent.fate = Fate::Sacked;
                self.sacked += u64::from(sent.length);
                self.sacked_segments += 1;
                deliver(sent);
            }
            index += 1;
        }
    }

    /// Goes through the segments in flight in the order in which they left, and marks them as lost, as long as
    /// `is_lost` says so. Gives the bytes that were lost, and the first segment that was not.
    pub fn detect_losses(&mut self, mut is_lost: impl FnMut(&Sent) -> bool) -> (u64, Option<Sent>) {
        let mut bytes = 0;
        while let Some((at, start)) = self.order.front().copied() {
            match self.find(start) {
                Some(index) if self.sent[index].sent_at == at && self.sent[index].fate == Fate::Flying => {
                    if !is_lost(&self.sent[index]) {
                        return (bytes, Some(self.sent[index]));
                    }
                    bytes += self.lose(index);
                }
                _ => {}
            }
            self.order.pop_front();
        }
        (bytes, None)
    }

    /// Marks the first segment as lost, and gives its bytes.
    pub fn lose_first(&mut self) -> u64 {
        match self.sent.front() {
            Some(first) if first.fate == Fate::Flying => self.lose(0),
            _ => 0,
        }
    }

    /// Marks the segments in flight that are longer than `length` as lost, because they cannot arrive.
    pub fn lose_longer(&mut self, length: u32) {
        for index in 0..self.sent.len() {
            if self.sent[index].length > length && self.sent[index].fate == Fate::Flying {
                self.lose(index);
            }
        }
    }

    /// No segment counts as SACKed any more, because the receiver may have dropped them again (RFC 2018, 8).
    pub fn forget_sacks(&mut self) {
        for sent in &mut self.sent {
            if sent.fate == Fate::Sacked {
                sent.fate = Fate::Flying;
                self.order.push_back((sent.sent_at, sent.start));
            }
        }
        self.order.make_contiguous().sort_by_key(|(at, _)| *at);
        (self.sacked, self.sacked_segments) = (0, 0);
        self.blocks = Blocks::default();
    }

    /// Segments that were marked as lost are in flight again, because the loss was spurious.
    pub fn forget_losses(&mut self) {
        for sent in &mut self.sent {
            if sent.fate == Fate::Lost {
                sent.fate = Fate::Flying;
                self.order.push_back((sent.sent_at, sent.start));
            }
        }
        self.order.make_contiguous().sort_by_key(|(at, _)| *at);
        self.lost = 0;
    }

    /// The first segment that is lost, cut to `most` bytes.
    pub fn next_lost(&mut self, most: u32) -> Option<(usize, Sent)> {
        if self.lost == 0 {
            return None;
        }
        let mut index = self.sent.partition_point(|sent| sent.end() <= self.lost_from);
        while self.sent.get(index)?.fate != Fate::Lost {
            index += 1;
        }
        self.lost_from = self.sent[index].start;
        self.cut(index, most);
        Some((index, self.sent[index]))
    }

    /// The segment for a probe of the tail (RFC 8985, 7.3): the last one, or, where that has arrived, the first one
    /// that may be in flight; cut to `most` bytes. `None` when nothing is in flight.
    pub fn probe(&mut self, most: u32) -> Option<(usize, Sent)> {
        let mut index = self.sent.len().checked_sub(1)?;
        if self.sent[index].is_sacked() {
            index = self.sent.iter().position(|sent| sent.fate == Fate::Flying)?;
        }
        while self.sent[index].length > most {
            self.cut(index, most);
            index += 1;
        }
        Some((index, self.sent[index]))
    }

    /// Records that a segment leaves again.
    pub fn handle_resent(&mut self, now: Instant, index: usize, stamp: Stamp) {
        let Some(sent) = self.sent.get_mut(index) else { return };
        if sent.fate == Fate::Lost {
            self.lost -= u64::from(sent.length);
        }
        sent.fate = Fate::Flying;
        sent.sent_at = now;
        sent.retransmitted = true;
        sent.stamp = stamp;
        self.order.push_back((now, sent.start));
    }

    fn lose(&mut self, index: usize) -> u64 {
        let sent = &mut self.sent[index];
        sent.fate = Fate::Lost;
        if self.lost == 0 || sent.start < self.lost_from {
            self.lost_from = sent.start;
        }
        self.lost += u64::from(sent.length);
        u64::from(sent.length)
    }

    /// Divides a segment that has become too long for the path.
    fn cut(&mut self, index: usize, most: u32) {
        let sent = &mut self.sent[index];
        if sent.length <= most {
            return;
        }
        let rest = Sent {
            start: sent.start + most,
            length: sent.length - most,
            ..*sent
        };
        sent.length = most;
        if rest.fate == Fate::Flying {
            let place = self.order.partition_point(|(at, _)| *at <= rest.sent_at);
            self.order.insert(place, (rest.sent_at, rest.start));
        }
        self.sent.insert(index + 1, rest);
    }

    fn find(&self, start: Seq) -> Option<usize> {
        let index = self.sent.partition_point(|sent| sent.start < start);
        (self.sent.get(index)?.start == start).then_some(index)
    }
}

/// Places that an empty scoreboard keeps.
const KEPT_PLACES: usize = 8;
