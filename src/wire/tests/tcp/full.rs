//! Full segments by their count, and ten of them in flight: where the stories of losses begin.

use midwire_wire::Duration;

use crate::support::pattern;
use crate::support::script::Script;

pub const MS: fn(u64) -> Duration = Duration::from_millis;
/// More than a quarter of the round trip in these tests: a segment that has not arrived by then counts as lost.
pub const LATE: Duration = Duration::from_millis(13);

/// The number at which the segment with this count begins, where all are full.
pub fn at(count: u32) -> u32 {
    1 + 1380 * count
}

/// The full segments with these counts, as the stack says them.
pub fn segments(counts: impl IntoIterator<Item = u32>) -> Vec<String> {
    let line = |count| format!("ACK {}..{} ack 1", at(count), at(count + 1));
    counts.into_iter().map(line).collect()
}

/// A connection with SACK over a path of 50 ms, which has the first ten of a hundred segments in flight.
pub fn ten_in_flight() -> Script {
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.write(id, &pattern(138_000));
    tcp.settle();
    assert_eq!(tcp.lines(), segments(0..10));
    tcp.pass(MS(50));
    tcp
}
