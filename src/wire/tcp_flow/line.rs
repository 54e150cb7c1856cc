//! The impaired line of a flow: what of the flow's packets is lost on it, and what leaves later.

use super::{Net, TcpFlow};
use crate::Instant;
use crate::fall::Fall;
use crate::impairment::{Impairment, Line};

impl TcpFlow {
    /// Impairs the flow's packets from now on. An impairment that changes nothing ends the one before, as soon as the
    /// peer has acknowledged what was written until now.
    pub fn impair(&mut self, impairment: Impairment) {
        match &mut self.line {
            Some(line) => line.set(impairment),
            None => self.line = Some(Box::new(Line::new(impairment))),
        }
        self.mend();
    }

    /// True for a packet of the peer that is lost.
    pub fn loses(&mut self, net: &mut Net) -> bool {
        self.line.as_mut().is_some_and(|line| line.loses(&mut net.impaired))
    }

    /// True while packets of the flow are under way, so that it cannot be dropped.
    pub fn has_delayed(&self) -> bool {
        self.line.as_ref().is_some_and(|line| !line.is_empty())
    }

    /// Ends an impairment whose time is over.
    pub(super) fn mend(&mut self) {
        let Some(line) = &mut self.line else { return };
        line.handle_acknowledged(self.connection.queued());
        if line.is_over() {
            self.line = None;
        }
    }

    /// Sends the packets that have been delayed long enough. False when more of them wait, because `fall` was not
    /// ready.
    pub(super) fn poll_delayed(&mut self, now: Instant, net: &mut Net, fall: &mut dyn Fall) -> bool {
        let Some(line) = &mut self.line else { return true };
        while line.poll_timeout().is_some_and(|at| at <= now) {
            if !fall.ready() {
                return false;
            }
            if let Some(packet) = line.poll_due(now, &mut net.impaired) {
                fall.fall(&packet);
            }
        }
        self.mend();
        true
    }

    /// True when the packet in `net` leaves now.
    pub(super) fn passes(&mut self, now: Instant, net: &mut Net) -> bool {
        let Some(line) = &mut self.line else { return true };
        line.passes(now, &net.packet, &mut net.impaired)
    }
}
