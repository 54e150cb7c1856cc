//! Tests of the handshake: SYNs both ways, repeated, refused and crossed, and data that is written before they are
//! answered.

use midwire_wire::Duration;
use midwire_wire::event::{Refusal, ResetReason};
use smoltcp::wire::TcpControl::{Fin, None as Ack, Psh, Rst, Syn};

use crate::support::script::Script;

#[test]
fn handshake_data_and_orderly_close_by_the_peer() {
    let (mut tcp, id) = Script::established();
    tcp.says(Psh, 1, Some(1), b"hello");
    assert_eq!(tcp.owner.text(id), "hello");
    tcp.stack.write(id, b"welcome");
    tcp.settle();
    assert_eq!(tcp.lines(), ["PSH 1..8 ack 6"]);
    tcp.says(Fin, 6, Some(8), b"");
    assert_eq!(tcp.owner.ended, [id]);
    tcp.pass(Duration::from_millis(20));
    assert_eq!(tcp.lines(), ["ACK 8 ack 7"]);
    tcp.stack.end(id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["FIN 8 ack 7"]);
    assert!(tcp.owner.closed.is_empty());
    tcp.says(Ack, 7, Some(9), b"");
    assert_eq!(tcp.owner.closed, [id]);
    assert_eq!(tcp.stack.flow_count(), 0);
}

#[test]
fn a_connection_that_is_reset_at_once_was_open_all_the_same() {
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Syn, 0, None, b"");
    // Everything else comes in one batch.
    for (control, seq, payload) in [(Ack, 1, &b""[..]), (Psh, 1, b"gone"), (Rst, 5, b"")] {
        let segment = tcp.segment(control, seq, Some(1), payload);
        tcp.stack.handle_packet(tcp.now, 1, &segment, &mut tcp.owner);
    }
    tcp.settle();
    let id = tcp.owner.opened[0].id;
    assert_eq!(tcp.owner.text(id), "gone");
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::ByPeer));
    assert_eq!(tcp.stack.flow_count(), 0);
}

#[test]
fn a_syn_is_answered_only_when_the_owner_accepts() {
    let mut tcp = Script::new(true, 65_536);
    tcp.says(Syn, 0, None, b"");
    tcp.says(Syn, 0, None, b"");
    assert_eq!(tcp.owner.opened.len(), 1, "a repeated SYN is the same connection");
    assert!(tcp.owner.opened[0].held);
    assert!(tcp.lines().is_empty());
    let id = tcp.owner.opened[0].id;
    tcp.stack.accept(tcp.now, id);
    // Data that is written during the handshake waits for its end, and so does FIN.
    tcp.stack.write(id, b"server first");
    tcp.stack.end(id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["SYN 0 ack 1"]);
    tcp.says(Ack, 1, Some(1), b"");
    assert_eq!(tcp.lines(), ["FIN 1..13 ack 1"]);
}

#[test]
fn a_refused_syn_gets_rst_and_a_silent_one_nothing() {
    let mut tcp = Script::new(true, 65_536);
    tcp.says(Syn, 0, None, b"");
    let id = tcp.owner.opened[0].id;
    tcp.stack.refuse(tcp.now, id, Refusal::Reset);
    tcp.settle();
    assert_eq!(tcp.lines(), ["RST 0 ack 1"]);
    tcp.says(Syn, 0, None, b"");
    let id = tcp.owner.opened[1].id;
    tcp.stack.refuse(tcp.now, id, Refusal::Silent);
    tcp.settle();
    assert!(tcp.lines().is_empty());
    assert_eq!(tcp.stack.flow_count(), 0);
    // A command that crossed with the end finds nothing.
    tcp.stack.accept(tcp.now, id);
    tcp.stack.write(id, b"x");
    tcp.settle();
    assert!(tcp.lines().is_empty());
}

#[test]
fn a_syn_ack_without_an_answer_is_sent_again_with_back_off() {
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Syn, 0, None, b"");
    assert_eq!(tcp.lines(), ["SYN 0 ack 1"]);
    let again = [
        "1000: SYN 0 ack 1",
        "3000: SYN 0 ack 1",
        "7000: SYN 0 ack 1",
        "15000: SYN 0 ack 1",
    ];
    assert_eq!(tcp.timed(Duration::from_millis(29_999)), again);
    assert_eq!(tcp.stack.flow_count(), 1);
    tcp.pass(Duration::from_millis(2));
    assert_eq!(tcp.stack.flow_count(), 0);
    assert!(tcp.owner.opened.is_empty() && tcp.owner.reset.is_empty());
}

#[test]
fn a_repeated_syn_gets_the_same_syn_ack_at_once() {
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Syn, 0, None, b"");
    let first = tcp.ours;
    tcp.pass(Duration::from_millis(300));
    tcp.lines();
    tcp.says(Syn, 0, None, b"");
    assert_eq!(tcp.lines(), ["SYN 0 ack 1"]);
    assert_eq!(tcp.ours, first);
    tcp.says(Ack, 1, Some(1), b"");
    assert_eq!(tcp.owner.opened.len(), 1);
}

#[test]
fn data_and_fin_may_come_with_the_last_ack_of_the_handshake() {
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Syn, 0, None, b"");
    tcp.says(Fin, 1, Some(1), b"all of it");
    let id = tcp.owner.opened[0].id;
    assert_eq!(tcp.owner.text(id), "all of it");
    assert_eq!(tcp.owner.ended, [id]);
    assert_eq!(tcp.lines().last().unwrap(), "ACK 1 ack 11");
}

#[test]
fn data_in_a_syn_waits_until_it_is_sent_again() {
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Syn, 0, None, b"early");
    assert_eq!(tcp.lines(), ["SYN 0 ack 1"]);
    tcp.says(Ack, 1, Some(1), b"early");
    let id = tcp.owner.opened[0].id;
    assert_eq!(tcp.owner.text(id), "early");
}

#[test]
fn an_ack_of_another_number_than_our_syn_ack_gets_rst_and_opens_nothing() {
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Syn, 0, None, b"");
    tcp.lines();
    for ack in [0, 2] {
        tcp.says(Ack, 1, Some(ack), b"");
        assert_eq!(tcp.lines(), [format!("RST {ack}")]);
    }
    assert!(tcp.owner.opened.is_empty());
    tcp.says(Ack, 1, Some(1), b"");
    assert_eq!(tcp.owner.opened.len(), 1);
}

#[test]
fn what_lies_outside_the_window_of_a_half_open_connection_gets_our_ack() {
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Syn, 0, None, b"");
    tcp.lines();
    tcp.says(Psh, 200_001, Some(1), b"far");
    assert_eq!(tcp.lines(), ["ACK 1 ack 1"]);
    assert!(tcp.owner.opened.is_empty());
    tcp.says(Ack, 1, Some(1), b"");
    assert_eq!(tcp.owner.opened.len(), 1);
}

#[test]
fn our_syn_is_sent_again_with_back_off_and_given_up_after_half_a_minute() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.connect();
    assert_eq!(tcp.lines(), ["SYN 0"]);
    let again = ["1000: SYN 0", "3000: SYN 0", "7000: SYN 0", "15000: SYN 0"];
    assert_eq!(tcp.timed(Duration::from_millis(29_999)), again);
    assert!(tcp.owner.reset.is_empty());
    tcp.pass(Duration::from_millis(2));
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::TimedOut));
    assert_eq!(tcp.stack.flow_count(), 0);
}

#[test]
fn what_is_written_before_our_syn_is_answered_leaves_after_it() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.connect();
    tcp.stack.write(id, b"early ");
    tcp.stack.write(id, b"bird");
    tcp.stack.end(id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["SYN 0"]);
    tcp.says(Syn, 0, Some(1), b"");
    assert_eq!(tcp.owner.connected, [id]);
    let said = tcp.sent();
    assert_eq!(
        (said.len(), said[0].control, said[0].payload.as_slice()),
        (1, Fin, &b"early bird"[..])
    );
    assert_eq!(said[0].ack, Some(1));
}

#[test]
fn a_syn_ack_whose_ack_was_lost_is_acknowledged_again() {
    let mut tcp = Script::new(false, 65_536);
    tcp.connect();
    tcp.says(Syn, 0, Some(1), b"");
    assert_eq!(tcp.lines(), ["SYN 0", "ACK 1 ack 1"]);
    tcp.pass(Duration::from_secs(1));
    tcp.says(Syn, 0, Some(1), b"");
    assert_eq!(tcp.lines(), ["ACK 1 ack 1"]);
    assert!(tcp.owner.reset.is_empty());
}

#[test]
fn only_a_rst_that_acknowledges_our_syn_refuses_it() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.connect();
    tcp.lines();
    tcp.says(Rst, 0, None, b"");
    tcp.says(Rst, 0, Some(0), b"");
    tcp.says(Rst, 0, Some(2), b"");
    assert!(tcp.owner.reset.is_empty() && tcp.lines().is_empty());
    tcp.says(Rst, 0, Some(1), b"");
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::Refused));
    assert!(tcp.lines().is_empty(), "a RST is not answered");
}

#[test]
fn an_ack_of_another_number_than_our_syn_gets_rst_and_our_syn_goes_on() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.connect();
    tcp.lines();
    // From a connection that the peer still remembers (RFC 9293, 3.5.1), by itself and with a SYN.
    tcp.says(Ack, 777, Some(500), b"");
    assert_eq!(tcp.lines(), ["RST 500"]);
    tcp.says(Syn, 777, Some(0), b"");
    assert_eq!(tcp.lines(), ["RST 0"]);
    // An acceptable ACK without a SYN says nothing.
    tcp.says(Ack, 1, Some(1), b"");
    assert!(tcp.lines().is_empty() && tcp.owner.connected.is_empty());
    tcp.says(Syn, 0, Some(1), b"");
    assert_eq!(tcp.owner.connected, [id]);
}

#[test]
fn both_sides_open_at_once() {
    // An ACK ends the handshake of this side, or the SYN-ACK of a peer in the same state (RFC 9293, 3.5, figure 8).
    for (control, seq) in [(Ack, 1), (Syn, 0)] {
        let mut tcp = Script::new(false, 65_536);
        let id = tcp.connect();
        assert_eq!(tcp.lines(), ["SYN 0"]);
        tcp.says(Syn, 0, None, b"");
        assert_eq!(tcp.lines(), ["SYN 0 ack 1"]);
        assert!(tcp.owner.connected.is_empty());
        tcp.says(control, seq, Some(1), b"");
        assert_eq!(tcp.owner.connected, [id], "{control:?}");
        tcp.says(Psh, 1, Some(1), b"hello");
        assert_eq!(tcp.owner.text(id), "hello");
    }
}

#[test]
fn a_small_write_leaves_at_once_behind_another_that_is_not_acknowledged() {
    let (mut tcp, id) = Script::established();
    for _ in 0..3 {
        tcp.stack.write(id, b"key");
        tcp.settle();
    }
    assert_eq!(tcp.lines(), ["PSH 1..4 ack 1", "PSH 4..7 ack 1", "PSH 7..10 ack 1"]);
}
