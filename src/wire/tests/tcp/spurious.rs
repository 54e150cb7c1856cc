//! Tests of spurious losses: a time-out or a recovery is taken back when the missing segments turn out to be only late.

use midwire_wire::Duration;
use smoltcp::wire::TcpControl::None as Ack;

use crate::full::LATE;
use crate::support::pattern;
use crate::support::script::Script;

const MS: fn(u64) -> Duration = Duration::from_millis;
const FULL: u32 = 1380;

/// Segments that begin before this number.
fn again(tcp: &mut Script, before: u32) -> Vec<String> {
    let said = tcp.sent();
    let lines = said.iter().filter(|said| !said.payload.is_empty() && said.seq < before);
    lines
        .map(|said| format!("{}..{}", said.seq, said.seq + said.payload.len() as u32))
        .collect()
}

#[test]
fn after_a_time_out_the_arrival_of_what_left_once_shows_that_nothing_was_lost() {
    // RFC 5682. The path stood still for a while; then all arrives, less than a round trip after the retransmission.
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.write(id, &pattern(200_000));
    tcp.pass(MS(380));
    assert_eq!(again(&mut tcp, 1 + 10 * FULL).last().unwrap(), "1..1381");
    // The second segment left once.
    tcp.sacks(1 + 2 * FULL, &[]);
    tcp.sacks(1 + 3 * FULL, &[]);
    assert!(again(&mut tcp, 1 + 10 * FULL).is_empty());
}

#[test]
fn after_a_time_out_that_was_right_all_that_is_lost_is_sent_again() {
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.write(id, &pattern(200_000));
    tcp.pass(MS(500));
    tcp.sent();
    // The retransmission alone has arrived. Without timestamps nothing tells it from the original: what never left goes
    // first (RFC 5682, 2.1, step 2b).
    tcp.sacks(1 + FULL, &[]);
    let said = tcp.lines();
    assert_eq!(said, ["ACK 15181..16561 ack 1", "ACK 16561..17941 ack 1"]);
    tcp.pass(MS(50));
    // The new segment arrives behind the holes, so the segments in the holes are lost.
    tcp.sacks(1 + FULL, &[(15_181, 16_561)]);
    assert_eq!(again(&mut tcp, 1 + 10 * FULL)[..1], ["1381..2761"]);
}

#[test]
fn after_a_time_out_acks_one_by_one_show_that_nothing_was_lost() {
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.write(id, &pattern(200_000));
    tcp.pass(MS(380));
    tcp.sent();
    tcp.pass(MS(60));
    // The originals were late by more than a round trip, and each has an ACK of its own.
    for count in 1..=10 {
        tcp.sacks(1 + count * FULL, &[]);
        assert!(again(&mut tcp, 1 + 10 * FULL).is_empty(), "{count}");
    }
}

/// Ten segments, a time-out, and an ACK of the first that echoes the original or the retransmission. Gives the segments
/// that leave again.
fn after_an_echo(late: bool) -> Vec<String> {
    let mut tcp = Script::new(false, 1 << 20);
    tcp.offer.timestamps = true;
    let id = tcp.open_after(MS(50));
    tcp.stack.write(id, &pattern(200_000));
    tcp.settle();
    let first = tcp.sent()[0].timestamp.unwrap().0;
    tcp.pass(MS(300));
    let second = tcp.sent()[0].timestamp.unwrap().0;
    assert_eq!(second.wrapping_sub(first), 250);
    tcp.echo = Some(if late { first } else { second });
    tcp.says(Ack, 1, Some(1369), b"");
    again(&mut tcp, 1 + 10 * 1368)
}

#[test]
fn an_echo_from_before_the_retransmission_shows_that_it_was_for_nothing() {
    // Eifel (RFC 3522).
    assert!(after_an_echo(true).is_empty());
    assert_eq!(after_an_echo(false), ["1369..2737", "2737..4105"]);
}

/// Bytes that leave in the round trip after a fast recovery of the third and the fifth segment, when the peer has told of
/// these as duplicates.
fn burst_after_a_recovery(duplicates: &[u32]) -> u32 {
    let (mut tcp, id) = Script::with_sack(MS(50));
    let at = |count: u32| 1 + count * FULL;
    tcp.stack.write(id, &pattern(200_000));
    tcp.settle();
    tcp.pass(MS(50));
    tcp.sacks(at(2), &[]);
    tcp.sent();
    tcp.sacks(at(2), &[(at(5), at(10)), (at(3), at(4))]);
    tcp.pass(LATE);
    // The recovery sends as much as arrives (RFC 6937).
    tcp.sacks(at(2), &[(at(5), at(15)), (at(3), at(4))]);
    let said = tcp.sent();
    for hole in [2, 4] {
        assert!(said.iter().any(|said| said.seq == at(hole)), "{hole} is sent again");
    }
    tcp.pass(MS(20));
    tcp.sacks(at(20), &[]);
    tcp.pass(MS(30));
    for count in duplicates {
        tcp.sacks(at(20), &[(at(*count), at(count + 1))]);
    }
    let sent = tcp.sent();
    sent.iter().map(|said| said.payload.len() as u32).sum()
}

#[test]
fn a_recovery_was_for_nothing_when_each_retransmission_was_a_duplicate() {
    let whole = burst_after_a_recovery(&[2, 4]);
    let reduced = burst_after_a_recovery(&[]);
    assert!(whole >= reduced + 2 * FULL, "{whole} {reduced}");
    // One of the two retransmissions was needed, or the duplicate is an older segment.
    assert_eq!(burst_after_a_recovery(&[2]), reduced);
    assert_eq!(burst_after_a_recovery(&[0, 1]), reduced);
}

#[test]
fn an_original_that_arrives_late_says_nothing_of_what_left_with_it() {
    let mut tcp = Script::new(false, 1 << 20);
    (tcp.offer.sack, tcp.offer.timestamps) = (true, true);
    let id = tcp.open_after(MS(50));
    tcp.stack.write(id, &pattern(200_000));
    tcp.settle();
    let first = tcp.sent()[0].timestamp.unwrap().0;
    tcp.pass(MS(50));
    tcp.sacks(1, &[(1 + 1368, 1 + 4 * 1368)]);
    tcp.pass(LATE);
    assert!(again(&mut tcp, 1368).len() == 1);
    // Longer after the retransmission than a round trip takes, and by its echo about the original all the same.
    tcp.pass(MS(60));
    tcp.echo = Some(first);
    tcp.sacks(1 + 4 * 1368, &[]);
    assert!(again(&mut tcp, 1 + 10 * 1368).is_empty());
}
