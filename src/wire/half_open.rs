//! The flows whose handshake is not over, oldest first. The table is bounded, so in a flood of SYNs the oldest leave.

use std::collections::VecDeque;

use crate::event::FlowId;

/// The most half-open flows. At the bound the older half leaves: an honest handshake is over within a round trip and
/// that of a flood never is, so the old flows are those of the flood.
pub const MAX_HALF_OPEN: usize = 8192;

#[derive(Default)]
pub struct HalfOpen {
    order: VecDeque<FlowId>,
}

impl HalfOpen {
    /// Adds a new flow, and gives those that have to leave. `is_half_open` is false for a flow whose handshake has
    /// ended since. It is called for all flows, but at the bound only, so on average an addition costs a few calls.
    pub fn add(&mut self, id: FlowId, mut is_half_open: impl FnMut(FlowId) -> bool) -> Vec<FlowId> {
        self.order.push_back(id);
        if self.order.len() < MAX_HALF_OPEN {
            return Vec::new();
        }
        self.order.retain(|id| is_half_open(*id));
        let leaving = self.order.len().saturating_sub(MAX_HALF_OPEN / 2);
        self.order.drain(..leaving).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_half_leaves_a_full_table() {
        let mut table = HalfOpen::default();
        for id in 0..MAX_HALF_OPEN as u32 - 1 {
            assert!(table.add(id, |_| true).is_empty());
        }
        let leaving = table.add(90_000, |_| true);
        assert_eq!(leaving, (0..MAX_HALF_OPEN as u32 / 2).collect::<Vec<_>>());
        assert!(table.add(90_001, |_| true).is_empty());
    }

    #[test]
    fn one_that_waits_long_stays_while_the_others_come_and_go() {
        let mut table = HalfOpen::default();
        for id in 0..10 * MAX_HALF_OPEN as u32 {
            assert!(table.add(id, |id| id == 0).is_empty());
        }
    }
}
