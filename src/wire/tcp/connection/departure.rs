//! Makes the segment that leaves next: an RST, a SYN, data of the sender's, a probe, or an ACK, with our window and
//! options.

use super::{Connection, State};
use crate::Instant;
use crate::buffers::Pool;
use crate::tcp::options::{MAX_BLOCKS, Options, Timestamp};
use crate::tcp::receiver::Receiver;
use crate::tcp::segment::{ACK, FIN, Outgoing, PSH, SYN};
use crate::tcp::sender::Poll;

/// SACK blocks that fit beside timestamps (RFC 2018, 3).
const BLOCKS_BESIDE_TIMESTAMPS: usize = 3;

impl Connection {
    /// The segment that leaves next. `None` when no segment is to leave now.
    pub fn poll_transmit(&mut self, now: Instant, pool: &Pool) -> Option<Outgoing> {
        if let Some(answer) = self.answer.take() {
            return Some(answer);
        }
        match self.state {
            State::Closed => None,
            State::SynSent | State::SynReceived => self.poll_syn(now, pool),
            _ => self.poll_synchronized(now, pool),
        }
    }

    fn poll_syn(&mut self, now: Instant, pool: &Pool) -> Option<Outgoing> {
        if !self.send.wants_syn() {
            // A segment that is not acceptable is answered in SYN-RECEIVED, too (RFC 9293, 3.10.7.4).
            let due = self.state == State::SynReceived && self.receive.is_due(now);
            return due.then(|| self.acknowledgement(now, pool));
        }
        self.send.handle_syn_sent(now, &self.clock);
        let answers = self.state == State::SynReceived;
        let wanted = |offered: bool| !answers || offered;
        let timestamp = wanted(self.offered.timestamp).then(|| self.timestamp(now));
        let shift = Receiver::wanted_shift(self.config.max_window);
        let mut syn = Outgoing::bare(self.send.una, answers.then_some(self.receive.nxt), SYN);
        syn.options = Options {
            mss: Some(self.config.mss()),
            window_scale: wanted(self.offered.window_scale).then_some(shift),
            sack_permitted: wanted(self.offered.sack),
            timestamp,
            ..Options::default()
        };
        syn.window = self.receive.offer(pool, true);
        Some(syn)
    }

    fn poll_synchronized(&mut self, now: Instant, pool: &Pool) -> Option<Outgoing> {
        let options = self.options(now);
        let beside = Options {
            timestamp: None,
            ..options
        };
        let room = self.send.mss().saturating_sub(beside.length() as u32);
        let mut outgoing = Outgoing::bare(self.send.nxt, Some(self.receive.nxt), ACK);
        outgoing.options = options;
        match self.send.poll(now, room, &self.clock) {
            Some(Poll::Segment(leaving)) => {
                outgoing.seq = leaving.start;
                outgoing.offset = leaving.offset;
                outgoing.length = leaving.length as usize;
                if leaving.push {
                    outgoing.flags |= PSH;
                }
                if leaving.fin {
                    outgoing.flags |= FIN;
                }
            }
            // The number before the first unacknowledged one is old to the other side, which has to answer with an ACK
            // (as Linux does).
            Some(Poll::WindowProbe) => outgoing.seq = self.send.una - 1,
            None if std::mem::take(&mut self.probe) => outgoing.seq = self.send.una - 1,
            None if self.receive.is_due(now) || self.receive.wants_update(pool) => {}
            None => return None,
        }
        outgoing.window = self.receive.offer(pool, false);
        self.receive.handle_acknowledged(!self.send.sack);
        Some(outgoing)
    }

    /// A segment that is only an ACK.
    pub(super) fn acknowledgement(&mut self, now: Instant, pool: &Pool) -> Outgoing {
        let mut outgoing = Outgoing::bare(self.send.nxt, Some(self.receive.nxt), ACK);
        outgoing.options = self.options(now);
        outgoing.window = self.receive.offer(pool, false);
        self.receive.handle_acknowledged(false);
        outgoing
    }

    /// The ACK that leaves before the next segment of a batch is handled, where the other side's congestion window is
    /// small. With one ACK for the whole batch, the loss of this ACK would cost the other side a time-out.
    pub fn poll_acknowledgement(&mut self, now: Instant, pool: &Pool) -> Option<Outgoing> {
        let owed = self.is_synchronized() && self.state != State::Closed && self.receive.owes_each();
        owed.then(|| self.acknowledgement(now, pool))
    }

    fn options(&self, now: Instant) -> Options {
        let mut options = Options {
            timestamp: self.clock.on.then(|| self.timestamp(now)),
            ..Options::default()
        };
        if self.send.sack {
            let room = if self.clock.on {
                BLOCKS_BESIDE_TIMESTAMPS
            } else {
                MAX_BLOCKS
            };
            options.sack = self.receive.blocks(room);
        }
        options
    }

    fn timestamp(&self, now: Instant) -> Timestamp {
        Timestamp {
            value: self.clock.at(now),
            echo: self.ts_recent,
        }
    }
}
