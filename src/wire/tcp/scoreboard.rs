//! What was sent and is not acknowledged: each segment with what became of it, and the order in which they left.
//!
//! Both queues are walked from their front only, and a SACK block is walked where it grew, so that an ACK costs what it
//! tells anew and not what is in flight.

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
    /// The first time that it left, and the last.
    pub first_sent_at: Instant,
    pub sent_at: Instant,
    pub retransmitted: bool,
    pub stamp: Stamp,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Flying,
    /// The receiver has it, and may not say so in the acknowledgement number yet.
    Sacked,
    /// Held for lost, and not sent again yet.
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
    /// Each departure, in the order of its time. An entry is stale when its segment has left again, or has arrived.
    order: VecDeque<(Instant, Seq)>,
    sacked: u64,
    sacked_segments: usize,
    lost: u64,
    total: u64,
    /// Nothing before it is lost and unsent.
    lost_from: Seq,
    /// The blocks of the last SACK option.
    blocks: Blocks,
}

impl Scoreboard {
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// In flight (RFC 6675: pipe): neither delivered nor held for lost.
    pub fn in_flight(&self) -> u64 {
        self.total - self.sacked - self.lost
    }

    /// Segments that the receiver has behind a hole.
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

    /// A segment leaves for the first time. It follows the last one.
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

    /// Everything before `una` has arrived. `deliver` is told of what was not SACKed before.
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
                // Its departure is found by its start.
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

    /// The receiver has these ranges, all of them between the first and the last byte in flight.
    pub fn handle_sack(&mut self, blocks: &Blocks, mut deliver: impl FnMut(&Sent)) {
        let known = std::mem::replace(&mut self.blocks, *blocks);
        for block in blocks.as_slice() {
            // The newest block has mostly grown out of one that is known: only what is new of it is walked.
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
            // A part of a segment is not delivered: the rest of it tells when it arrives.
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

    /// Goes through what is in flight in the order in which it left, as long as `is_lost` says so, and holds it for lost.
    /// Gives the bytes that were, and the first segment that was not.
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

    /// Holds the first segment for lost, and gives its bytes.
    pub fn lose_first(&mut self) -> u64 {
        match self.sent.front() {
            Some(first) if first.fate == Fate::Flying => self.lose(0),
            _ => 0,
        }
    }

    /// Holds for lost what is in flight and longer than `length`: it cannot arrive.
    pub fn lose_longer(&mut self, length: u32) {
        for index in 0..self.sent.len() {
            if self.sent[index].length > length && self.sent[index].fate == Fate::Flying {
                self.lose(index);
            }
        }
    }

    /// The receiver has taken back what it said (RFC 2018, 8): nothing counts as SACKed any more.
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

    /// What was held for lost flies still: the loss was none.
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

    /// The last segment, for a probe of the tail (RFC 8985, 7.3), or the first that may fly where the last has arrived; cut to
    /// `most` bytes. `None` when nothing flies.
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

    /// The segment leaves again.
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

    /// A segment that has become too long for the path is two from now on.
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
