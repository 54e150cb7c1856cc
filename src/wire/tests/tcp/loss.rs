//! Tests that lost segments are sent again, and no others: time-outs, SACK, RACK.

use midwire_wire::Duration;
use midwire_wire::event::ResetReason;
use smoltcp::wire::TcpControl::{None as Ack, Syn};

use crate::full::{LATE, MS, at, segments, ten_in_flight};
use crate::support::pattern;
use crate::support::script::Script;

#[test]
fn a_lost_segment_is_sent_again_after_three_duplicate_acks() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, &pattern(1380 * 20));
    tcp.settle();
    // Acknowledgements open the congestion window; then one segment is lost.
    for acknowledged in 1..=4 {
        tcp.says(Ack, 1, Some(1 + 1000 * acknowledged), b"");
    }
    assert!(tcp.sent().len() > 4);
    for _ in 0..4 {
        tcp.says(Ack, 1, Some(4001), b"");
    }
    assert!(
        tcp.sent()
            .iter()
            .any(|said| said.seq == 4001 && !said.payload.is_empty())
    );
}

#[test]
fn every_hole_of_a_window_is_filled_without_waiting_for_a_timer() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, &pattern(1380 * 30));
    tcp.settle();
    for acknowledged in 1..=8 {
        tcp.says(Ack, 1, Some(1 + 1000 * acknowledged), b"");
    }
    // The peer misses three segments: at 8001, and two behind it.
    tcp.sent();
    for _ in 0..3 {
        tcp.says(Ack, 1, Some(8001), b"");
    }
    assert!(tcp.sent().iter().any(|said| said.seq == 8001));
    for hole in [9381, 10_761] {
        tcp.says(Ack, 1, Some(hole), b"");
        assert!(tcp.sent().iter().any(|said| said.seq == hole), "{hole}");
    }
}

#[test]
fn a_silent_peer_ends_as_timed_out() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, b"hello?");
    tcp.pass(Duration::from_secs(899));
    assert!(tcp.owner.reset.is_empty());
    tcp.pass(Duration::from_secs(2));
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::TimedOut));
    assert_eq!(tcp.stack.flow_count(), 0);
}

#[test]
fn a_time_out_doubles_each_time_up_to_two_minutes() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.open_after(MS(100));
    tcp.stack.write(id, b"lost");
    tcp.settle();
    // RFC 6298: 100 ms and four times the variation, which is half of it at first.
    let mut due = 300;
    let mut wait = 300;
    let mut expected = Vec::new();
    while due < 890_000 {
        expected.push(format!("{due}: PSH 1..5 ack 1"));
        wait = (2 * wait).min(120_000);
        due += wait;
    }
    assert_eq!(tcp.timed(Duration::from_secs(890)), expected);
}

#[test]
fn a_time_out_is_never_shorter_than_200_ms_over_the_round_trip() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, b"lost");
    tcp.settle();
    assert_eq!(tcp.timed(MS(300)), ["200: PSH 1..5 ack 1"]);
}

#[test]
fn what_was_sent_twice_says_nothing_of_the_round_trip() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.open_after(MS(100));
    tcp.stack.write(id, b"lost");
    tcp.settle();
    tcp.pass(MS(350));
    // Karn's algorithm: this may be the answer to either of the two. The time-out stays doubled until there is a sample.
    tcp.says(Ack, 1, Some(5), b"");
    tcp.stack.write(id, b"more");
    tcp.settle();
    assert_eq!(tcp.timed(MS(650)), ["600: PSH 5..9 ack 1"]);
}

#[test]
fn a_timestamp_tells_which_of_the_two_was_answered() {
    let mut tcp = Script::new(false, 65_536);
    tcp.offer.timestamps = true;
    let id = tcp.open_after(MS(100));
    tcp.stack.write(id, b"lost");
    tcp.settle();
    tcp.pass(MS(300));
    tcp.pass(MS(100));
    // The retransmission's round trip: 100 ms, as before, so that the variation becomes smaller.
    tcp.says(Ack, 1, Some(5), b"");
    tcp.stack.write(id, b"more");
    tcp.settle();
    assert_eq!(tcp.timed(MS(350)), ["300: PSH 5..9 ack 1"]);
    tcp.pass(MS(250));
    // An answer 600 ms after the first transmission and 300 ms after the second: the sample is 300.
    tcp.says(Ack, 1, Some(9), b"");
    tcp.stack.write(id, b"last");
    tcp.settle();
    let said = tcp.timed(MS(2000));
    // 100 and (300 - 100) / 8; 37 and (200 - 37) / 4, four times.
    let due: u64 = said[0].split(':').next().unwrap().parse().unwrap();
    assert!((400..500).contains(&due), "{said:?}");
}

#[test]
fn ten_segments_leave_at_first() {
    let mut tcp = Script::new(false, 1 << 20);
    let id = tcp.open();
    tcp.stack.write(id, &pattern(100_000));
    tcp.settle();
    assert_eq!(tcp.lines(), segments(0..10));
    // Slow start: two for each that is acknowledged.
    tcp.says(Ack, 1, Some(at(3)), b"");
    assert_eq!(tcp.lines(), segments(10..16));
}

#[test]
fn a_segment_that_is_known_to_have_arrived_makes_room_for_a_new_one() {
    // Limited transmit (RFC 3042), with SACK and without.
    let mut tcp = ten_in_flight();
    tcp.sacks(1, &[(at(1), at(2))]);
    assert_eq!(tcp.lines(), segments([10]));
    tcp.sacks(1, &[(at(1), at(3))]);
    assert_eq!(tcp.lines(), segments([11]));

    let mut tcp = Script::new(false, 1 << 20);
    let id = tcp.open_after(MS(50));
    tcp.stack.write(id, &pattern(138_000));
    tcp.settle();
    tcp.sent();
    for next in [10, 11] {
        tcp.says(Ack, 1, Some(1), b"");
        assert_eq!(tcp.lines(), segments([next]));
    }
    tcp.says(Ack, 1, Some(1), b"");
    assert_eq!(tcp.lines()[..1], segments([0]));
}

#[test]
fn only_the_holes_are_sent_again() {
    let mut tcp = ten_in_flight();
    tcp.sacks(1, &[(at(6), at(10)), (at(3), at(4)), (at(1), at(2))]);
    // Each segment that has arrived makes room for a new one; the missing ones may still be late.
    assert_eq!(tcp.lines(), segments(10..16));
    tcp.pass(LATE);
    let lines = tcp.lines();
    assert_eq!(lines[0], segments([0])[0], "{lines:?}");
    // The segments after it leave as others arrive (RFC 6937), and none of them is one that the peer has.
    let mut again = lines.clone();
    for block in 1..5 {
        tcp.pass(MS(10));
        tcp.sacks(at(block), &[(at(6), at(10 + block)), (at(3), at(4))]);
        again.extend(tcp.lines());
    }
    for held in [1, 3, 6, 7, 8, 9] {
        assert!(!again.contains(&segments([held])[0]), "{again:?}");
    }
    assert!(
        again.contains(&segments([4])[0]) && again.contains(&segments([5])[0]),
        "{again:?}"
    );
}

#[test]
fn a_block_about_what_was_never_sent_is_nothing() {
    let mut tcp = ten_in_flight();
    for block in [(at(10), at(12)), (at(9), at(11)), (at(5), at(2)), (at(500), at(510))] {
        tcp.sacks(1, &[block]);
        assert!(tcp.lines().is_empty(), "{block:?}");
    }
}

#[test]
fn a_retransmission_that_is_lost_is_sent_again_before_a_time_out() {
    let mut tcp = ten_in_flight();
    tcp.sacks(1, &[(at(1), at(10))]);
    let new = tcp.lines();
    tcp.pass(LATE);
    assert_eq!(tcp.lines()[0], segments([0])[0]);
    // The segments that left before the retransmission arrive, and make room for those that leave after it.
    tcp.pass(MS(37));
    tcp.sacks(1, &[(at(1), at(10 + new.len() as u32))]);
    let newer = tcp.lines();
    assert!(!newer.is_empty() && !newer.contains(&segments([0])[0]), "{newer:?}");
    tcp.pass(MS(50));
    // That has arrived, and the retransmission has not (RFC 8985, 6.2).
    tcp.sacks(1, &[(at(1), at((10 + new.len() + newer.len()) as u32))]);
    assert_eq!(tcp.lines()[0], segments([0])[0]);
}

#[test]
fn a_segment_that_comes_a_little_late_is_not_sent_again() {
    let mut tcp = ten_in_flight();
    // The first is overtaken by the second, for 3 ms.
    tcp.sacks(1, &[(at(1), at(2))]);
    tcp.pass(MS(3));
    tcp.sacks(at(2), &[]);
    assert!(!tcp.lines().contains(&segments([0])[0]));
    // The path reorders: from now on not even four segments behind the hole make it a loss at once.
    tcp.sacks(at(2), &[(at(3), at(7))]);
    assert!(!tcp.lines().contains(&segments([2])[0]));
    // A quarter of the shortest round trip later it is one (RFC 8985, 6.2).
    let said = tcp.timed(MS(20));
    assert_eq!(said[0], format!("12: {}", segments([2])[0]));
}

#[test]
fn the_first_hole_is_given_its_time_however_many_segments_are_behind_it() {
    let mut tcp = ten_in_flight();
    tcp.sacks(1, &[(at(1), at(10))]);
    assert!(!tcp.lines().contains(&segments([0])[0]));
    let said = tcp.timed(MS(20));
    assert_eq!(said[0], format!("12: {}", segments([0])[0]));
}

#[test]
fn what_a_receiver_has_taken_back_is_sent_again() {
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.write(id, &pattern(2 * 1380));
    tcp.settle();
    tcp.pass(MS(50));
    tcp.sacks(1, &[(at(1), at(2))]);
    // The peer had the second segment, and has dropped it (RFC 2018, 8).
    tcp.sacks(at(1), &[]);
    tcp.sent();
    tcp.pass(MS(500));
    assert_eq!(tcp.lines()[0], "PSH 1381..2761 ack 1");
}

#[test]
fn after_a_pause_a_connection_begins_with_a_small_window_again() {
    let mut tcp = Script::new(false, 1 << 20);
    tcp.offer.window_scale = Some(7);
    let id = tcp.open_after(MS(50));
    let mut written = 0;
    let mut acknowledged = 1;
    let mut burst = 0;
    for round in 0..6 {
        let credit = if round == 0 {
            262_144
        } else {
            tcp.owner.writable.remove(&id).unwrap_or(0)
        };
        tcp.stack.write(id, &pattern(credit));
        written += credit;
        tcp.settle();
        let said = tcp.sent();
        burst = said.len();
        if let Some(last) = said.last() {
            acknowledged = acknowledged.max(last.seq + last.payload.len() as u32);
        }
        tcp.pass(MS(50));
        tcp.says(Ack, 1, Some(acknowledged), b"");
    }
    assert!(burst > 40, "{burst}");
    // Everything is acknowledged, and nothing is said for a while.
    while acknowledged as usize <= written {
        acknowledged = tcp
            .sent()
            .last()
            .map_or(1 + written as u32, |last| last.seq + last.payload.len() as u32);
        tcp.says(Ack, 1, Some(acknowledged), b"");
    }
    tcp.sent();
    tcp.pass(Duration::from_secs(30));
    tcp.stack.write(id, &pattern(200_000));
    tcp.settle();
    assert_eq!(tcp.sent().len(), 10);
}

#[test]
fn an_echo_of_long_ago_is_no_round_trip() {
    let mut tcp = Script::new(false, 65_536);
    tcp.offer.timestamps = true;
    let id = tcp.open_after(MS(50));
    tcp.pass(Duration::from_secs(10));
    // The peer was silent, and echoes the last that it has seen (RFC 7323, 4.1).
    for at in 0..10 {
        tcp.says(Ack, 1 + at, Some(1), b"x");
    }
    tcp.stack.write(id, b"lost");
    assert_eq!(tcp.timed(MS(300)), ["250: PSH 1..5 ack 11"]);
}

#[test]
fn one_lost_syn_does_not_make_the_first_window_small_and_two_do() {
    for (wait, segments, timeout) in [(1050, 10, 2000), (3050, 1, 4000)] {
        for ours in [true, false] {
            let mut tcp = Script::new(false, 1 << 20);
            let id = if ours {
                let id = tcp.connect();
                tcp.pass(MS(wait));
                tcp.says(Syn, 0, Some(1), b"");
                id
            } else {
                tcp.open_after(MS(wait))
            };
            tcp.sent();
            tcp.stack.write(id, &pattern(100_000));
            tcp.settle();
            assert_eq!(tcp.sent().len(), segments, "{wait} {ours}");
            // The round trip was not measured, so the next time-out is the doubled one of the SYN (Karn).
            assert_eq!(tcp.timed(MS(4500))[0], format!("{timeout}: ACK 1..1381 ack 1"));
        }
    }
}
