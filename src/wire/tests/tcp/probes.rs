//! Probes of a closed window, and of a side that is silent: how often they leave, what answers them, and when they end.

use midwire_wire::Duration;
use midwire_wire::event::ResetReason;
use smoltcp::wire::TcpControl::{None as Ack, Psh};

use crate::support::script::Script;

#[test]
fn a_zero_window_holds_data_back_and_is_probed() {
    let (mut tcp, id) = Script::established();
    tcp.window = 0;
    tcp.says(Psh, 1, Some(1), b"x");
    tcp.stack.write(id, b"waiting");
    tcp.settle();
    let said = tcp.sent();
    assert!(said.iter().all(|said| said.payload.is_empty()), "{said:?}");
    tcp.pass(Duration::from_secs(3));
    let probes = tcp.sent();
    // Each names the number before the first that waits, so that it has to be answered.
    assert!(probes.iter().filter(|said| said.seq == 0).count() > 1, "{probes:?}");
    assert!(probes.iter().all(|said| said.payload.is_empty()), "{probes:?}");
    tcp.window = 65_000;
    tcp.says(Ack, 2, Some(1), b"");
    let said: Vec<u8> = tcp.sent().into_iter().flat_map(|said| said.payload).collect();
    assert!(said.ends_with(b"aiting"), "{said:?}");
}

#[test]
fn an_idle_connection_is_kept_alive_by_probes() {
    let (mut tcp, id) = Script::established();
    for _ in 0..20 {
        tcp.pass(Duration::from_secs(121));
        assert!(!tcp.sent().is_empty(), "no probe");
        tcp.says(Ack, 1, Some(1), b"");
    }
    tcp.says(Psh, 1, Some(1), b"back");
    assert_eq!(tcp.owner.text(id), "back");
}

#[test]
fn a_closed_window_is_probed_for_hours_while_it_is_answered() {
    let (mut tcp, id) = Script::established();
    tcp.window = 0;
    tcp.says(Ack, 1, Some(1), b"");
    tcp.stack.write(id, b"waiting");
    tcp.settle();
    let mut silence = Duration::ZERO;
    let mut probes = 0;
    for _ in 0..4 * 3600 {
        tcp.pass(Duration::from_secs(1));
        silence += Duration::from_secs(1);
        if !tcp.sent().is_empty() {
            (silence, probes) = (Duration::ZERO, probes + 1);
            tcp.says(Ack, 1, Some(1), b"");
        }
        assert!(silence <= Duration::from_secs(121), "no probe for {silence}");
    }
    // With back-off, up to two minutes.
    assert!((100..150).contains(&probes), "{probes}");
    tcp.window = 1000;
    tcp.says(Ack, 1, Some(1), b"");
    assert_eq!(tcp.lines(), ["PSH 1..8 ack 1"]);
}

#[test]
fn probes_without_an_answer_end_the_connection_after_a_quarter_of_an_hour() {
    let (mut tcp, id) = Script::established();
    tcp.window = 0;
    tcp.says(Ack, 1, Some(1), b"");
    tcp.stack.write(id, b"waiting");
    assert_eq!(
        tcp.timed(Duration::from_millis(1500)),
        ["200: ACK 0 ack 1", "600: ACK 0 ack 1", "1400: ACK 0 ack 1"]
    );
    tcp.pass(Duration::from_secs(897));
    assert!(tcp.owner.reset.is_empty());
    tcp.pass(Duration::from_secs(4));
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::TimedOut));
}

#[test]
fn an_idle_peer_that_answers_no_probe_is_given_up_after_a_quarter_of_an_hour() {
    let (mut tcp, id) = Script::established();
    let probes = tcp.timed(Duration::from_secs(899));
    let expected: Vec<String> = (1..8)
        .map(|count| format!("{}: ACK 0 ack 1", 120_000 * count))
        .collect();
    assert_eq!(probes[..7], expected);
    assert!(tcp.owner.reset.is_empty());
    tcp.pass(Duration::from_secs(122));
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::TimedOut));
}

#[test]
fn a_probe_of_an_idle_connection_is_answered() {
    let (mut tcp, _) = Script::established();
    // A keepalive of ours, and one of an old system with a byte that it has sent before (RFC 9293, 3.8.4).
    for payload in [&b""[..], b"x"] {
        tcp.says(Ack, 0, Some(1), payload);
        assert_eq!(tcp.lines(), ["ACK 1 ack 1"]);
        tcp.pass(Duration::from_secs(1));
    }
}

#[test]
fn after_a_closed_window_time_outs_are_short_again() {
    let (mut tcp, id) = Script::established();
    tcp.window = 0;
    tcp.says(Ack, 1, Some(1), b"");
    tcp.stack.write(id, b"waiting");
    tcp.pass(Duration::from_secs(5));
    tcp.window = 1000;
    tcp.says(Ack, 1, Some(1), b"");
    tcp.sent();
    assert_eq!(tcp.timed(Duration::from_millis(300)), ["200: PSH 1..8 ack 1"]);
}
