//! Handles a received segment (RFC 9293, 3.10.7): checks it, and takes its acknowledgement, its data and its flags.

use super::{Connection, End, Offered, State};
use crate::buffers::Pool;
use crate::tcp::clock::Clock;
use crate::tcp::receiver::Receiver;
use crate::tcp::segment::{FIN, Outgoing, RST, SYN, Segment};
use crate::tcp::sender::Verdict;
use crate::{Duration, Instant};

/// The shortest time between two answers to segments without data that may be forged (RFC 5961, 7; Linux:
/// tcp_invalid_ratelimit).
const CHALLENGE_INTERVAL: Duration = Duration::from_millis(500);
/// The age at which TS.Recent is no longer compared with other timestamps (RFC 7323, 5.5).
const TIMESTAMP_LIFE: Duration = Duration::from_secs(24 * 24 * 60 * 60);
/// A segment that begins more than a window and so many bytes before RCV.NXT is no retransmission.
const MOST_OVERLAP: u32 = 1 << 16;
/// The MSS that a SYN without the option offers in IPv4 (RFC 9293, 3.7.1).
const DEFAULT_MSS_V4: u16 = 536;
/// The MSS that a SYN without the option offers in IPv6 (RFC 9293, 3.7.1).
const DEFAULT_MSS_V6: u16 = 1220;

/// The place of a segment relative to the receive window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Inside,
    /// All of the segment was received before.
    Old,
    /// The segment begins where the window ends. Even a closed window lets its ACK in (RFC 9293, 3.10.7.4).
    Edge,
    Outside,
}

impl Connection {
    pub fn handle_segment(&mut self, now: Instant, segment: &Segment<'_>, pool: &mut Pool) {
        match self.state {
            State::Closed => {}
            State::SynSent => self.handle_in_syn_sent(now, segment, pool),
            _ => self.handle_synchronized(now, segment, pool),
        }
    }

    /// Handles a segment in SYN-SENT (RFC 9293, 3.10.7.3).
    fn handle_in_syn_sent(&mut self, now: Instant, segment: &Segment<'_>, pool: &mut Pool) {
        let acceptable = segment
            .ack
            .is_some_and(|ack| ack > self.send.una && ack <= self.send.nxt);
        if segment.ack.is_some() && !acceptable {
            self.answer = segment.reset();
            return;
        }
        if segment.has(RST) {
            if acceptable {
                self.close(End::Refused);
            }
            return;
        }
        if !segment.has(SYN) {
            return;
        }
        self.heard_at = now;
        self.handle_options(now, segment);
        if acceptable {
            self.send.handle_ack(now, segment, &self.clock, pool);
            self.establish();
            self.receive.acknowledge_now();
        } else {
            // Both sides have opened at once (RFC 9293, 3.5): our SYN leaves again, with an ACK.
            self.state = State::SynReceived;
            self.send.repeat_syn();
        }
    }

    /// Handles a segment in any state after SYN-SENT (RFC 9293, 3.10.7.4).
    fn handle_synchronized(&mut self, now: Instant, segment: &Segment<'_>, pool: &mut Pool) {
        let repeated = segment.has(SYN) && segment.ack.is_none() && segment.seq + 1 == self.receive.nxt;
        if self.state == State::SynReceived && repeated {
            self.heard_at = now;
            return self.send.repeat_syn();
        }
        let place = self.place(segment);
        if segment.has(RST) {
            return self.handle_reset(now, segment, place);
        }
        if !self.is_fresh(now, segment) || place == Place::Outside {
            return self.challenge(now, segment);
        }
        if segment.has(SYN) && !self.completes_crossed_syns(segment) {
            // The other side may have lost its state. Its answer to our ACK will tell (RFC 5961, 4).
            return self.challenge(now, segment);
        }
        let Some(ack) = segment.ack else { return };
        self.heard_at = now;
        if self.state == State::SynReceived {
            if ack <= self.send.una || ack > self.send.nxt {
                self.answer = segment.reset();
                return;
            }
            self.establish();
        }
        if self.send.handle_ack(now, segment, &self.clock, pool) == Verdict::Impossible {
            return self.challenge(now, segment);
        }
        self.handle_timestamp(now, segment);
        self.handle_finish_acknowledged();
        match place {
            Place::Inside => self.handle_text(now, segment, pool),
            // None of the segment's data is taken, and an ACK answers it at once.
            Place::Old | Place::Edge if !segment.payload.is_empty() || segment.has(FIN) => {
                self.receive
                    .handle_data(now, segment.seq, segment.payload, segment.has(FIN), pool);
            }
            // The segment is a keepalive, or a probe of our window, and wants an answer.
            Place::Old => self.challenge(now, segment),
            Place::Edge | Place::Outside => {}
        }
    }

    /// True where both sides have opened at once, and this SYN-ACK acknowledges our SYN as an ACK would (RFC 9293,
    /// 3.5).
    fn completes_crossed_syns(&self, segment: &Segment<'_>) -> bool {
        let repeats = segment.seq + 1 == self.receive.nxt && segment.payload.is_empty();
        self.state == State::SynReceived && repeats && segment.ack == Some(self.send.nxt)
    }

    fn place(&self, segment: &Segment<'_>) -> Place {
        let (nxt, edge) = (self.receive.nxt, self.receive.edge().max(self.receive.nxt));
        if segment.seq + self.config.max_window as u32 + MOST_OVERLAP < nxt {
            return Place::Outside;
        }
        if segment.seq < nxt {
            return if segment.end() > nxt { Place::Inside } else { Place::Old };
        }
        if segment.seq < edge || segment.seq == edge && segment.length() == 0 {
            Place::Inside
        } else if segment.seq == edge {
            // A FIN takes no room in the buffer.
            let only_fin = segment.payload.is_empty() && segment.has(FIN);
            if only_fin { Place::Inside } else { Place::Edge }
        } else {
            Place::Outside
        }
    }

    /// Handles an RST, which counts only where it is surely the other side's (RFC 5961, 3.2).
    fn handle_reset(&mut self, now: Instant, segment: &Segment<'_>, place: Place) {
        if segment.seq == self.receive.nxt {
            let end = match self.state {
                State::TimeWait => End::Orderly,
                State::LastAck if self.send.queued() == 0 => End::Orderly,
                _ => End::Reset,
            };
            self.close(end);
        } else if place == Place::Inside {
            self.challenge(now, segment);
        }
    }

    /// False for a segment that is older than the window by its timestamp (PAWS: RFC 7323, 5.3).
    fn is_fresh(&self, now: Instant, segment: &Segment<'_>) -> bool {
        let Some(timestamp) = segment.options.timestamp.filter(|_| self.clock.on) else {
            return true;
        };
        let old = Clock::is_before(timestamp.value, self.ts_recent);
        !old || now >= self.ts_recent_at + TIMESTAMP_LIFE
    }

    /// Takes the timestamp of a segment that has passed all checks, because a forged timestamp would make those of the
    /// other side look old. It is echoed where the segment holds the number that our next ACK is about (RFC 7323, 4.3).
    fn handle_timestamp(&mut self, now: Instant, segment: &Segment<'_>) {
        let Some(timestamp) = segment.options.timestamp.filter(|_| self.clock.on) else {
            return;
        };
        if segment.seq <= self.receive.acked && segment.end() >= self.receive.acked {
            self.ts_recent = timestamp.value;
            self.ts_recent_at = now;
        }
        if segment.payload.len() as u32 >= self.send.mss() / 2 && timestamp.echo != 0 {
            let elapsed = self.clock.at(now).wrapping_sub(timestamp.echo);
            if elapsed < i32::MAX as u32 {
                self.receive
                    .handle_rtt(Duration::from_millis(u64::from(elapsed.max(1))));
            }
        }
    }

    /// Answers a segment with an ACK that says what has arrived. A segment with data is a retransmission whose ACK was
    /// lost, and is always answered.
    fn challenge(&mut self, now: Instant, segment: &Segment<'_>) {
        let due = self.challenged_at.is_none_or(|at| now >= at + CHALLENGE_INTERVAL);
        if !segment.payload.is_empty() {
            self.receive.acknowledge_now();
        } else if due {
            self.challenged_at = Some(now);
            self.receive.acknowledge_now();
        }
    }

    fn establish(&mut self) {
        self.state = State::Established;
        if self.send.is_finishing() {
            self.state = self.state.after_finish();
        }
        if let Some(rtt) = self.send.smoothed_rtt() {
            self.receive.handle_rtt(rtt);
        }
    }

    fn handle_finish_acknowledged(&mut self) {
        if !self.send.is_finished() {
            return;
        }
        match self.state {
            State::FinWait1 => self.state = State::FinWait2,
            State::Closing => self.state = State::TimeWait,
            State::LastAck => self.close(End::Orderly),
            _ => {}
        }
    }

    fn handle_text(&mut self, now: Instant, segment: &Segment<'_>, pool: &mut Pool) {
        if !matches!(self.state, State::Established | State::FinWait1 | State::FinWait2) {
            return;
        }
        self.receive
            .handle_data(now, segment.seq, segment.payload, segment.has(FIN), pool);
        self.receive.tune(now, pool);
        if self.receive.is_finished() {
            self.state = match self.state {
                State::Established => State::CloseWait,
                State::FinWait1 => State::Closing,
                _ => State::TimeWait,
            };
        }
    }

    /// Takes the options of the other side's SYN.
    pub(super) fn handle_options(&mut self, now: Instant, syn: &Segment<'_>) {
        let options = &syn.options;
        self.receive.start(syn.seq);
        self.offered = Offered {
            window_scale: options.window_scale.is_some(),
            sack: options.sack_permitted,
            timestamp: options.timestamp.is_some(),
        };
        if let Some(shift) = options.window_scale {
            self.send.shift = shift;
            self.receive.shift = Receiver::wanted_shift(self.config.max_window);
        }
        if let Some(timestamp) = options.timestamp {
            self.clock.on = true;
            self.ts_recent = timestamp.value;
            self.ts_recent_at = now;
        }
        let default = if self.config.is_ipv4() {
            DEFAULT_MSS_V4
        } else {
            DEFAULT_MSS_V6
        };
        self.peer_mss = options.mss.unwrap_or(default);
        // The window of a SYN is never scaled (RFC 7323, 2.2).
        self.send
            .agree(self.segment_size(), options.sack_permitted, syn.window.into(), syn.seq);
    }

    /// The RST that ends this connection.
    pub(super) fn last_reset(&self) -> Outgoing {
        Outgoing::bare(self.send.nxt, Some(self.receive.nxt), RST)
    }
}
