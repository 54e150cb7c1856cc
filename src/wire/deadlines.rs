//! One queue of deadlines for all flows. An entry may be stale, so a flow that is woken checks which of its deadlines
//! are due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use smoltcp::time::Instant;

use crate::event::FlowId;

#[derive(Default)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, FlowId)>>,
}

impl Deadlines {
    /// A flow adds an entry only when its deadline moves to before the one it has queued, so the queue holds few
    /// entries a flow.
    pub fn add(&mut self, at: Instant, id: FlowId) {
        self.heap.push(Reverse((at, id)));
    }

    pub fn pop_due(&mut self, now: Instant) -> Option<FlowId> {
        let Reverse((at, id)) = *self.heap.peek()?;
        if at > now {
            return None;
        }
        self.heap.pop();
        Some(id)
    }

    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }
}
