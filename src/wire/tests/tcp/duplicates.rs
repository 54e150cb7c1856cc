//! ACKs that repeat each other, and blocks that tell less than a segment or more than a loss.

use smoltcp::wire::TcpControl::None as Ack;

use crate::full::{LATE, MS, at};
use crate::support::pattern;
use crate::support::script::Script;

/// A path of 50 ms, with the first ten of a hundred full segments in flight.
fn ten_in_flight(sack: bool) -> Script {
    let mut tcp = Script::new(false, 1 << 20);
    tcp.offer.sack = sack;
    let id = tcp.open_after(MS(50));
    tcp.stack.write(id, &pattern(138_000));
    tcp.settle();
    assert_eq!(tcp.sent().len(), 10);
    tcp.pass(MS(50));
    tcp
}

/// The segments that leave again, by their count.
fn again(tcp: &mut Script) -> Vec<u32> {
    let said = tcp.sent();
    said.iter()
        .filter(|said| said.seq < at(10))
        .map(|said| (said.seq - 1) / 1380)
        .collect()
}

#[test]
fn an_ack_that_moves_the_window_is_no_duplicate() {
    let mut tcp = ten_in_flight(false);
    for window in [65_100, 65_200, 65_300, 65_400] {
        tcp.window = window;
        tcp.says(Ack, 1, Some(1), b"");
    }
    assert!(again(&mut tcp).is_empty());
}

#[test]
fn duplicates_are_counted_for_one_number() {
    let mut tcp = ten_in_flight(false);
    for ack in [1, 1, at(1), at(1), at(1), at(2), at(2), at(2)] {
        tcp.says(Ack, 1, Some(ack), b"");
        assert!(again(&mut tcp).is_empty());
    }
    tcp.says(Ack, 1, Some(at(2)), b"");
    assert_eq!(again(&mut tcp), [2]);
}

#[test]
fn data_with_an_old_ack_is_no_duplicate() {
    let mut tcp = ten_in_flight(false);
    for piece in 0..5 {
        tcp.says(Ack, 1 + piece, Some(1), b"x");
    }
    assert!(again(&mut tcp).is_empty());
}

#[test]
fn a_part_of_a_segment_does_not_stand_for_the_whole() {
    let mut tcp = ten_in_flight(true);
    let blocks = [(at(1) + 100, at(6))];
    tcp.sacks(1, &blocks);
    tcp.pass(LATE);
    let mut lost = again(&mut tcp);
    tcp.pass(MS(40));
    tcp.sacks(at(1), &[(at(1) + 100, at(13))]);
    lost.extend(again(&mut tcp));
    assert_eq!(lost, [0, 1]);
}

#[test]
fn what_the_peer_takes_no_more_is_not_sent_again() {
    let mut tcp = ten_in_flight(true);
    tcp.window = 2000;
    tcp.sacks(at(1), &[]);
    tcp.sent();
    // Five holes, of which the first alone lies in the window that is left.
    tcp.sacks(at(1), &[(at(6), at(10))]);
    tcp.pass(LATE);
    assert_eq!(again(&mut tcp), [1]);
}

#[test]
fn a_segment_that_came_twice_makes_us_wait_longer_for_the_next() {
    let mut tcp = ten_in_flight(true);
    tcp.sacks(at(1), &[]);
    // The duplicate shows that reordering lasts longer than a quarter of the round trip (RFC 8985, 6.2, step 4).
    tcp.sacks(at(1), &[(1, at(1))]);
    tcp.sacks(at(1), &[(at(2), at(3))]);
    let said = tcp.timed(MS(40));
    assert_eq!(said, [format!("25: ACK {}..{} ack 1", at(1), at(2))]);
}
