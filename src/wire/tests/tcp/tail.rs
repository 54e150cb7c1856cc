//! Tests of probes of the tail: their segments, their number, and the meaning of their answers (RFC 8985, 7).

use midwire_wire::Duration;

use crate::full::{MS, at, segments};
use crate::support::pattern;
use crate::support::script::Script;

#[test]
fn a_silence_in_a_recovery_is_probed_before_the_time_out() {
    // The window is full of what was SACKed, so nothing leaves behind the retransmission that would tell of its loss.
    let mut tcp = Script::new(false, 1 << 20);
    (tcp.offer.sack, tcp.window) = (true, 13_800);
    let id = tcp.open_after(MS(50));
    tcp.stack.write(id, &pattern(138_000));
    tcp.settle();
    tcp.pass(MS(50));
    tcp.sent();
    tcp.sacks(1, &[(at(1), at(10))]);
    let said = tcp.timed(MS(200));
    assert_eq!(said[0], format!("12: {}", segments([0])[0]));
    let again: u64 = said[1].split(':').next().unwrap().parse().unwrap();
    assert!(
        said[1].ends_with(&segments([0])[0]) && (110..130).contains(&again),
        "{said:?}"
    );
}

#[test]
fn a_silent_tail_is_probed_after_two_round_trips_and_then_recovered() {
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.write(id, &pattern(3 * 1380));
    tcp.settle();
    tcp.sent();
    // Nothing new to send: the last one again (RFC 8985, 7.3).
    assert_eq!(tcp.timed(MS(110)), ["102: PSH 2761..4141 ack 1"]);
    tcp.pass(MS(42));
    tcp.sacks(1, &[(at(2), at(3))]);
    assert_eq!(tcp.lines(), segments([0]));
    tcp.pass(MS(50));
    tcp.sacks(at(1), &[(at(2), at(3))]);
    assert_eq!(tcp.lines(), segments([1]));
    tcp.pass(MS(50));
    tcp.sacks(at(3), &[]);
    assert!(tcp.timed(Duration::from_secs(5)).is_empty());
}

#[test]
fn a_probe_of_the_tail_is_new_data_where_there_is_some() {
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.write(id, &pattern(138_000));
    tcp.settle();
    tcp.sent();
    assert_eq!(tcp.timed(MS(110)), [format!("102: {}", segments([10])[0])]);
    // There is one probe, and then the retransmission timer expires.
    let said = tcp.timed(MS(300));
    assert_eq!(said.len(), 1);
    assert!(said[0].ends_with(&segments([0])[0]), "{said:?}");
}

#[test]
fn an_answer_to_what_the_probe_did_not_ask_for_does_not_begin_another() {
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.write(id, &pattern(4 * 1380));
    tcp.pass(MS(110));
    tcp.sacks(at(1), &[]);
    // There is one probe at a time (RFC 8985, 7.3), so the time-out comes next.
    let said = tcp.timed(MS(400));
    assert!(said[0].ends_with(&segments([1])[0]), "{said:?}");
}

/// The number of segments that leave at once after a probe of the tail was acknowledged, with or without a D-SACK.
fn burst_after_a_probe(duplicate: bool) -> usize {
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.write(id, &pattern(2 * 1380));
    tcp.pass(MS(152));
    assert_eq!(tcp.lines().last().unwrap(), "PSH 1381..2761 ack 1");
    tcp.sacks(at(2), if duplicate { &[(1381, 2761)] } else { &[] });
    tcp.stack.write(id, &pattern(1380));
    tcp.pass(MS(50));
    tcp.sacks(at(3), &[]);
    tcp.sent();
    tcp.stack.write(id, &pattern(138_000));
    tcp.settle();
    tcp.sent().len()
}

#[test]
fn a_loss_that_a_probe_has_repaired_is_congestion() {
    // RFC 8985, 7.4.2: unless the peer says that it had it already.
    assert!(burst_after_a_probe(true) >= 10);
    assert!(burst_after_a_probe(false) < 10);
}
