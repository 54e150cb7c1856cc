//! Raises the events of a flow: its opening, data within the credit, room to write, its end.

use super::{AfterRise, MAX_CHUNK, Net, Phase, TcpFlow};
use crate::event::{Event, ResetReason, Rise};
use crate::flow_key::FlowKey;
use crate::tcp::connection::{End, Unreachable};

impl TcpFlow {
    /// Raises the events that the owner has room for.
    pub fn poll_rise(&mut self, net: &mut Net, rise: &mut dyn Rise) -> AfterRise {
        self.announce(rise);
        let end = self.connection.end();
        if self.phase == Phase::Orphan {
            return if end.is_some() {
                AfterRise::Over
            } else {
                AfterRise::Idle
            };
        }
        let waiting = self.raise_data(net, rise);
        let id = self.id;
        let finished = self.connection.has_finished() || end == Some(End::Orderly);
        if finished && !self.end_raised && self.connection.readable() == 0 && self.phase == Phase::Open {
            self.end_raised = true;
            rise.rise(Event::End { id });
        }
        self.raise_writable(net, rise);
        match end.map(reset_reason) {
            Some(Some(reason)) => {
                if self.phase != Phase::Unannounced {
                    rise.rise(Event::Reset { id, reason });
                }
                AfterRise::Over
            }
            Some(None) if self.end_raised => {
                rise.rise(Event::Closed { id });
                AfterRise::Over
            }
            _ if waiting => AfterRise::Waiting,
            _ => AfterRise::Idle,
        }
    }

    fn announce(&mut self, rise: &mut dyn Rise) {
        if !self.was_established || matches!(self.phase, Phase::Open | Phase::Orphan) {
            return;
        }
        let (id, FlowKey { local, remote }) = (self.id, self.key);
        match self.phase {
            Phase::Unannounced => rise.rise(Event::Opened {
                id,
                peer: self.peer,
                source: remote,
                destination: local,
                held: false,
            }),
            Phase::Connecting => rise.rise(Event::Connected { id }),
            Phase::Handshake | Phase::Open | Phase::Orphan => {}
        }
        self.phase = Phase::Open;
        self.limit = None;
    }

    /// Raises received data. True when the owner had no room for all of it.
    fn raise_data(&mut self, net: &mut Net, rise: &mut dyn Rise) -> bool {
        let id = self.id;
        while self.phase == Phase::Open && self.credit > 0 && self.connection.readable() > 0 {
            let room = rise.room();
            if room == 0 {
                return true;
            }
            let bytes = self.connection.peek();
            let taken = bytes.len().min(self.credit).min(room).min(MAX_CHUNK);
            let Some(bytes) = bytes.get(..taken).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            rise.rise(Event::Data { id, bytes });
            self.connection.consume(taken, &mut net.pool);
            self.credit -= taken;
        }
        false
    }

    /// Grants the owner the room that has come free in the send queue, once this is a quarter of the queue. An owner
    /// that waits has used up all room that it was granted, so a quarter always comes free in the end.
    fn raise_writable(&mut self, net: &Net, rise: &mut dyn Rise) {
        if self.phase != Phase::Open {
            return;
        }
        let capacity = self.connection.capacity(&net.pool);
        let free = capacity.saturating_sub(self.connection.queued() + self.granted);
        if free > 0 && free >= capacity / 4 {
            rise.rise(Event::Writable {
                id: self.id,
                bytes: free as u32,
            });
            self.granted += free;
        }
    }
}

/// The reason of an end by reset. `None` for an end that is no reset.
fn reset_reason(end: End) -> Option<ResetReason> {
    match end {
        End::Orderly | End::Aborted => None,
        End::Reset => Some(ResetReason::ByPeer),
        End::Refused | End::Unreachable(Unreachable::Port) => Some(ResetReason::Refused),
        End::Unreachable(Unreachable::Host) => Some(ResetReason::Unreachable),
        End::Unreachable(Unreachable::Network) => Some(ResetReason::NetworkUnreachable),
        End::TimedOut => Some(ResetReason::TimedOut),
    }
}
