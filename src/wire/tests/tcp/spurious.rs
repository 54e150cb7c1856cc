//! Losses that were none: a time-out or a recovery is taken back when what was missing turns out to be late only.

use midwire_wire::Duration;
use smoltcp::wire::TcpControl::None as Ack;

use crate::support::pattern;
use crate::support::script::Script;

const MS: fn(u64) -> Duration = Duration::from_millis;
const FULL: u32 = 1380;

/// Segments that begin before this number.
fn again(tcp: &mut Script, before: u32) -> Vec<String> {
    let said = tcp.heard();
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
    tcp.heard();
    // The retransmission alone has arrived.
    tcp.sacks(1 + FULL, &[]);
    assert_eq!(again(&mut tcp, 1 + 10 * FULL), ["1381..2761", "2761..4141"]);
}

/// Ten segments, a time-out, and the ACK of the first with an echo of what left then: does the rest leave again?
fn after_an_echo(late: bool) -> Vec<String> {
    let mut tcp = Script::new(false, 1 << 20);
    tcp.offer.timestamps = true;
    let id = tcp.open_after(MS(50));
    tcp.stack.write(id, &pattern(200_000));
    tcp.settle();
    let first = tcp.heard()[0].timestamp.unwrap().0;
    tcp.pass(MS(300));
    let second = tcp.heard()[0].timestamp.unwrap().0;
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

/// How much is in flight after a fast recovery that was for nothing, when the peer says so and when it does not.
fn in_flight_after_a_recovery(duplicate: bool) -> u32 {
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.write(id, &pattern(200_000));
    tcp.settle();
    tcp.pass(MS(50));
    tcp.sacks(1, &[(1 + FULL, 1 + 4 * FULL)]);
    let said = tcp.heard();
    assert!(said.iter().filter(|said| said.seq == 1).count() == 2, "sent again");
    let end = said
        .iter()
        .map(|said| said.seq + said.payload.len() as u32)
        .max()
        .unwrap();
    tcp.pass(MS(20));
    tcp.sacks(end, &[]);
    tcp.pass(MS(30));
    if duplicate {
        tcp.sacks(end, &[(1, 1 + FULL)]);
    }
    // The next round trip.
    let sent = tcp.heard();
    sent.iter().map(|said| said.payload.len() as u32).sum()
}

#[test]
fn a_duplicate_shows_that_a_recovery_was_for_nothing() {
    let (told, untold) = (in_flight_after_a_recovery(true), in_flight_after_a_recovery(false));
    // The window before it, against seven tenths of it.
    assert!(untold <= 8 * FULL, "{untold}");
    assert!(told >= 10 * FULL, "{told}");
}
