//! Tests of ACKs: delayed, at once, and with SACK blocks; and of segments that are out of place.

use midwire_wire::Duration;
use smoltcp::wire::TcpControl::{None as Ack, Psh};

use crate::support::pattern;
use crate::support::script::Script;

#[test]
fn sequence_numbers_wrap_around() {
    let mut tcp = Script::new(false, 65_536);
    tcp.isn = u32::MAX - 2000;
    let id = tcp.open();
    let data = pattern(6000);
    for (index, piece) in data.chunks(1000).enumerate() {
        tcp.says(Psh, 1 + 1000 * index as u32, Some(1), piece);
    }
    assert!(tcp.owner.data[&id] == data);
}

#[test]
fn segments_out_of_order_are_put_in_order() {
    let (mut tcp, id) = Script::established();
    let data = pattern(5000);
    for index in [3u32, 1, 4, 2, 0] {
        let at = 1000 * index as usize;
        tcp.says(Psh, 1 + 1000 * index, Some(1), &data[at..at + 1000]);
    }
    assert!(tcp.owner.data[&id] == data);
}

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A connection that is no new one any more: ACKs are delayed.
fn seasoned(length: u32) -> (Script, u32) {
    let (mut tcp, _) = Script::established();
    for at in 0..16 {
        tcp.says(Psh, 1 + at * length, Some(1), &vec![7; length as usize]);
        tcp.pass(MS(5));
    }
    tcp.sent();
    (tcp, 1 + 16 * length)
}

#[test]
fn an_ack_waits_40_ms_for_data_to_go_with_it() {
    let (mut tcp, next) = seasoned(1);
    tcp.says(Psh, next, Some(1), b"?");
    assert!(tcp.lines().is_empty());
    assert_eq!(tcp.timed(MS(100)), [format!("40: ACK 1 ack {}", next + 1)]);

    tcp.says(Psh, next + 1, Some(1), b"?");
    let id = tcp.owner.opened[0].id;
    tcp.stack.write(id, b"!");
    tcp.settle();
    assert_eq!(tcp.lines(), [format!("PSH 1..2 ack {}", next + 2)]);
    assert!(tcp.timed(MS(100)).is_empty(), "it is acknowledged already");
}

#[test]
fn every_second_full_segment_is_acknowledged_at_once() {
    let (mut tcp, next) = seasoned(1380);
    let data = pattern(1380);
    for round in 0..3 {
        let at = next + 2 * 1380 * round;
        tcp.says(Psh, at, Some(1), &data);
        assert!(tcp.lines().is_empty());
        tcp.says(Psh, at + 1380, Some(1), &data);
        assert_eq!(tcp.lines(), [format!("ACK 1 ack {}", at + 2 * 1380)]);
    }
}

#[test]
fn after_a_silence_and_after_a_duplicate_it_is_acknowledged_quickly_again() {
    let (mut tcp, _) = Script::established();
    for at in 0..20 {
        tcp.says(Psh, 1 + at, Some(1), b"x");
        tcp.pass(MS(50));
    }
    tcp.sent();
    tcp.says(Psh, 21, Some(1), b"x");
    assert_eq!(tcp.timed(MS(100)), ["40: ACK 1 ack 22"]);
    tcp.pass(MS(200));
    tcp.says(Psh, 22, Some(1), b"x");
    assert_eq!(tcp.timed(MS(100)), ["2: ACK 1 ack 23"]);
    for at in 0..20 {
        tcp.says(Psh, 23 + at, Some(1), b"x");
        tcp.pass(MS(50));
    }
    tcp.says(Psh, 42, Some(1), b"x");
    tcp.sent();
    tcp.says(Psh, 43, Some(1), b"x");
    assert_eq!(tcp.timed(MS(100)), ["2: ACK 1 ack 44"]);
}

#[test]
fn segments_of_one_batch_have_an_ack_each_while_the_window_of_the_peer_is_small() {
    let (mut tcp, _) = Script::established();
    let data = pattern(40 * 1380);
    let batch = |tcp: &mut Script, counts: std::ops::Range<u32>| {
        for count in counts {
            let at = 1380 * count;
            let packet = tcp.segment(Psh, 1 + at, Some(1), &data[at as usize..at as usize + 1380]);
            tcp.stack.handle_packet(tcp.now, 1, &packet, &mut tcp.owner);
        }
        tcp.settle();
        tcp.sent().len()
    };
    assert_eq!(batch(&mut tcp, 0..10), 10);
    // After sixteen of them one ACK tells of all that came at once.
    assert_eq!(batch(&mut tcp, 10..25), 7);
    assert_eq!(batch(&mut tcp, 25..35), 1);
    // A hole is a loss, and after a loss the window is small.
    assert_eq!(batch(&mut tcp, 36..39), 3);
}

#[test]
fn each_range_of_a_batch_with_many_holes_is_told() {
    let mut tcp = Script::new(false, 1 << 20);
    (tcp.offer.sack, tcp.offer.window_scale) = (true, Some(0));
    tcp.open_after(MS(50));
    let data = pattern(200 * 1380);
    let at = |count: u32| 1 + 1380 * count;
    let hand = |tcp: &mut Script, count: u32| {
        let start = at(count) as usize - 1;
        let packet = tcp.segment(Psh, at(count), Some(1), &data[start..start + 1380]);
        tcp.stack.handle_packet(tcp.now, 1, &packet, &mut tcp.owner);
    };
    for count in 0..40 {
        hand(&mut tcp, count);
        tcp.settle();
    }
    // The first hole uses up the quick ACKs.
    for count in 41..80 {
        hand(&mut tcp, count);
        tcp.settle();
    }
    tcp.sent();
    for count in (80..130).filter(|count| count % 10 != 0) {
        hand(&mut tcp, count);
    }
    tcp.settle();
    let said = tcp.sent();
    for hole in (80..120).step_by(10) {
        let told = (at(hole + 1), at(hole + 10));
        assert!(
            said.iter().any(|said| said.sack.contains(&told)),
            "{hole}: {}",
            said.len()
        );
    }
    assert!(said.len() < 6, "{}", said.len());
}

#[test]
fn a_new_connection_is_acknowledged_quickly() {
    let (mut tcp, _) = Script::established();
    tcp.says(Psh, 1, Some(1), &pattern(1380));
    assert_eq!(tcp.lines(), ["ACK 1 ack 1381"]);
    // A small segment may be a question: the owner has a moment for its answer.
    tcp.says(Psh, 1381, Some(1), b"?");
    assert!(tcp.lines().is_empty());
    assert_eq!(tcp.timed(MS(100)), ["2: ACK 1 ack 1382"]);
}

#[test]
fn what_makes_or_fills_a_hole_is_acknowledged_at_once() {
    let (mut tcp, next) = seasoned(10);
    tcp.says(Psh, next + 10, Some(1), &[7; 10]);
    assert_eq!(tcp.lines(), [format!("ACK 1 ack {next}")]);
    tcp.says(Psh, next + 30, Some(1), &[7; 10]);
    assert_eq!(tcp.lines(), [format!("ACK 1 ack {next}")]);
    tcp.says(Psh, next, Some(1), &[7; 10]);
    assert_eq!(tcp.lines(), [format!("ACK 1 ack {}", next + 20)]);
    tcp.says(Psh, next, Some(1), &[7; 10]);
    assert_eq!(tcp.lines(), [format!("ACK 1 ack {}", next + 20)], "it came twice");
}

#[test]
fn without_sack_each_segment_behind_a_hole_gets_an_ack_of_its_own() {
    let (mut tcp, _) = Script::established();
    for at in 1..=3u32 {
        let segment = tcp.segment(Psh, 1 + 10 * at, Some(1), &[7; 10]);
        tcp.stack.handle_packet(tcp.now, 1, &segment, &mut tcp.owner);
    }
    tcp.settle();
    assert_eq!(tcp.lines(), ["ACK 1 ack 1"; 3]);
}

#[test]
fn blocks_tell_what_is_behind_the_holes_the_newest_first() {
    let (mut tcp, id) = Script::with_sack(MS(50));
    let data = pattern(60);
    let says = |tcp: &mut Script, start: usize, end: usize| {
        tcp.says(Psh, start as u32, Some(1), &data[start - 1..end - 1]);
        tcp.lines().join(", ")
    };
    assert_eq!(says(&mut tcp, 11, 21), "ACK 1 ack 1 sack 11..21");
    assert_eq!(says(&mut tcp, 31, 41), "ACK 1 ack 1 sack 31..41 11..21");
    assert_eq!(says(&mut tcp, 51, 56), "ACK 1 ack 1 sack 51..56 31..41 11..21");
    // A range that grows becomes the newest, and two ranges that touch become one.
    assert_eq!(says(&mut tcp, 21, 26), "ACK 1 ack 1 sack 11..26 51..56 31..41");
    assert_eq!(says(&mut tcp, 26, 31), "ACK 1 ack 1 sack 11..41 51..56");
    // Data has them, too.
    tcp.stack.write(id, b"hello");
    tcp.settle();
    assert_eq!(tcp.lines(), ["PSH 1..6 ack 1 sack 11..41 51..56"]);
    assert_eq!(says(&mut tcp, 1, 11), "ACK 6 ack 41 sack 51..56");
    assert_eq!(says(&mut tcp, 41, 51), "ACK 6 ack 56");
    assert!(tcp.owner.data[&id] == data[..55]);
}

#[test]
fn what_came_twice_is_told_in_the_first_block() {
    let (mut tcp, _) = Script::with_sack(MS(50));
    tcp.says(Psh, 1, Some(1), b"0123456789");
    tcp.pass(MS(50));
    tcp.lines();
    // A whole duplicate, one with new data behind it, and one behind a hole (RFC 2883, 4).
    tcp.says(Psh, 1, Some(1), b"01234");
    assert_eq!(tcp.lines(), ["ACK 1 ack 11 sack 1..6"]);
    tcp.says(Psh, 6, Some(1), b"56789abcde");
    assert_eq!(tcp.lines(), ["ACK 1 ack 16 sack 6..11"]);
    tcp.says(Psh, 21, Some(1), b"0123456789");
    assert_eq!(tcp.lines(), ["ACK 1 ack 16 sack 21..31"]);
    tcp.says(Psh, 21, Some(1), b"01234");
    assert_eq!(tcp.lines(), ["ACK 1 ack 16 sack 21..26 21..31"]);
    // A duplicate is told once.
    tcp.says(Psh, 41, Some(1), b"x");
    assert_eq!(tcp.lines(), ["ACK 1 ack 16 sack 41..42 21..31"]);
    // The block that holds it comes second, whichever is the newest.
    tcp.says(Psh, 22, Some(1), b"123");
    assert_eq!(tcp.lines(), ["ACK 1 ack 16 sack 22..25 21..31 41..42"]);
}

#[test]
fn a_segment_that_reaches_over_the_window_is_taken_as_far_as_the_window_goes() {
    let mut tcp = Script::new(false, 65_536);
    tcp.owner.room = 0;
    let id = tcp.open();
    let data = pattern(70_000);
    for (at, piece) in data[..65_000].chunks(1000).enumerate() {
        tcp.says(Psh, 1 + 1000 * at as u32, Some(1), piece);
    }
    tcp.sent();
    tcp.says(Ack, 65_001, Some(1), &data[65_000..66_000]);
    tcp.pass(MS(40));
    let last = tcp.sent().pop().unwrap();
    assert_eq!((last.ack, last.window), (Some(65_536), 0));
    tcp.owner.room = usize::MAX;
    tcp.settle();
    assert!(tcp.owner.data[&id] == data[..65_535]);
}
