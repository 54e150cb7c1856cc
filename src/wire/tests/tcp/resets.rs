//! Tests of RSTs, right and forged: which of them count, and how the others are answered (RFC 9293, 3.5.2; RFC 5961).

use midwire_wire::Duration;
use midwire_wire::event::ResetReason;
use smoltcp::wire::TcpControl::{Fin, None as Ack, Psh, Rst, Syn};

use crate::support::pattern;
use crate::support::script::Script;

#[test]
fn rst_in_every_state_ends_the_flow_once() {
    // SYN-RECEIVED, before the owner knows of it: nothing rises.
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Syn, 0, None, b"");
    tcp.says(Rst, 1, Some(1), b"");
    tcp.settle();
    assert_eq!(
        (tcp.owner.opened.len(), tcp.owner.reset.len(), tcp.stack.flow_count()),
        (0, 0, 0)
    );

    // SYN-RECEIVED, accepted by the owner.
    let mut tcp = Script::new(true, 65_536);
    tcp.says(Syn, 0, None, b"");
    let id = tcp.owner.opened[0].id;
    tcp.stack.accept(tcp.now, id);
    tcp.settle();
    tcp.says(Rst, 1, Some(1), b"");
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::ByPeer));

    // Held by the owner.
    let mut tcp = Script::new(true, 65_536);
    tcp.says(Syn, 0, None, b"");
    let id = tcp.owner.opened[0].id;
    tcp.says(Rst, 1, None, b"");
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::ByPeer));
    assert_eq!(tcp.stack.flow_count(), 0);

    type Step = fn(&mut Script, u32);
    let states: [(&str, Step, u32, u32); 5] = [
        ("ESTABLISHED", |_, _| {}, 1, 1),
        ("CLOSE-WAIT", |tcp, _| tcp.says(Fin, 1, Some(1), b""), 2, 1),
        ("FIN-WAIT-1", |tcp, id| tcp.stack.end(id), 1, 1),
        (
            "FIN-WAIT-2",
            |tcp, id| {
                tcp.stack.end(id);
                tcp.settle();
                tcp.says(Ack, 1, Some(2), b"");
            },
            1,
            2,
        ),
        (
            "CLOSING",
            |tcp, id| {
                tcp.stack.end(id);
                tcp.settle();
                tcp.says(Fin, 1, Some(1), b"");
            },
            2,
            1,
        ),
    ];
    for (name, step, seq, ack) in states {
        let (mut tcp, id) = Script::established();
        step(&mut tcp, id);
        tcp.settle();
        tcp.pass(Duration::from_millis(20));
        tcp.says(Rst, seq, Some(ack), b"");
        assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::ByPeer), "{name}");
        assert_eq!(tcp.stack.flow_count(), 0, "{name}");
        assert!(tcp.owner.closed.is_empty(), "{name}");
    }
}

#[test]
fn a_rst_outside_the_window_changes_nothing() {
    let (mut tcp, id) = Script::established();
    tcp.says(Rst, 500_000, Some(1), b"");
    tcp.says(Psh, 1, Some(1), b"alive");
    assert_eq!(tcp.owner.text(id), "alive");
}

#[test]
fn a_segment_for_nobody_gets_rst_and_a_rst_gets_nothing() {
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Ack, 5, Some(9), b"");
    assert_eq!(tcp.sent().len(), 1);
    tcp.says(Rst, 5, Some(9), b"");
    assert!(tcp.sent().is_empty());
    assert!(tcp.owner.opened.is_empty());
}

#[test]
fn a_rst_counts_at_the_next_number_only_and_elsewhere_in_the_window_it_is_asked_about() {
    let (mut tcp, id) = Script::established();
    for seq in [2, 60_000] {
        tcp.says(Rst, seq, None, b"");
        assert_eq!(tcp.lines(), ["ACK 1 ack 1"], "{seq}");
        tcp.pass(Duration::from_millis(500));
    }
    tcp.says(Rst, 0, None, b"");
    assert!(tcp.lines().is_empty(), "received before");
    assert!(tcp.owner.reset.is_empty());
    // A peer that has really reset the connection answers our ACK with this RST.
    tcp.says(Rst, 1, None, b"");
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::ByPeer));
    assert!(tcp.lines().is_empty());
}

#[test]
fn a_rst_counts_while_our_window_is_closed() {
    let mut tcp = Script::new(false, 65_536);
    tcp.owner.room = 0;
    let id = tcp.open();
    for (at, piece) in pattern(65_535).chunks(1285).enumerate() {
        tcp.says(Psh, 1 + 1285 * at as u32, Some(1), piece);
    }
    tcp.pass(Duration::from_millis(40));
    assert_eq!(tcp.sent().last().map(|said| said.window), Some(0));
    tcp.says(Rst, 65_536, None, b"");
    tcp.owner.room = usize::MAX;
    tcp.settle();
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::ByPeer));
}

#[test]
fn a_syn_on_an_open_connection_is_asked_about() {
    let (mut tcp, id) = Script::established();
    for seq in [1, 500, 900_000] {
        tcp.says(Syn, seq, None, b"");
        assert_eq!(tcp.lines(), ["ACK 1 ack 1"], "{seq}");
        tcp.pass(Duration::from_millis(500));
    }
    tcp.says(Psh, 1, Some(1), b"alive");
    assert_eq!(tcp.owner.text(id), "alive");
    // A peer that has lost its state answers our ACK by RST (RFC 9293, 3.5.1).
    tcp.says(Rst, 6, None, b"");
    assert_eq!(tcp.owner.reset.get(&id), Some(&ResetReason::ByPeer));
}

#[test]
fn what_may_be_forged_is_answered_twice_a_second_at_most() {
    let (mut tcp, _) = Script::established();
    for _ in 0..100 {
        tcp.says(Rst, 5, None, b"");
        tcp.says(Syn, 7, None, b"");
        tcp.says(Ack, 1, Some(1000), b"");
    }
    assert_eq!(tcp.lines().len(), 1);
    tcp.pass(Duration::from_millis(499));
    tcp.says(Rst, 5, None, b"");
    assert!(tcp.lines().is_empty());
    tcp.pass(Duration::from_millis(1));
    tcp.says(Rst, 5, None, b"");
    assert_eq!(tcp.lines().len(), 1);
}

#[test]
fn an_ack_of_what_was_never_sent_is_asked_about_and_its_data_is_not_taken() {
    let (mut tcp, id) = Script::established();
    tcp.says(Psh, 1, Some(2), b"forged");
    assert_eq!(tcp.lines(), ["ACK 1 ack 1"]);
    assert_eq!(tcp.owner.received(id), 0);
    // So is one that is older than any window that was offered (RFC 5961, 5.2).
    tcp.says(Psh, 1, Some(1u32.wrapping_sub(70_000)), b"forged");
    assert_eq!(tcp.lines(), ["ACK 1 ack 1"]);
    assert_eq!(tcp.owner.received(id), 0);
    // An old acknowledgement number may be late, and the segment's data counts.
    tcp.stack.write(id, b"abc");
    tcp.settle();
    tcp.says(Ack, 1, Some(4), b"");
    tcp.says(Psh, 1, Some(1), b"late");
    assert_eq!(tcp.owner.text(id), "late");
}

#[test]
fn a_segment_without_ack_is_dropped() {
    let (mut tcp, id) = Script::established();
    tcp.says(Psh, 1, None, b"no ACK");
    assert!(tcp.lines().is_empty());
    assert_eq!(tcp.owner.received(id), 0);
}

#[test]
fn a_rst_for_nobody_names_what_it_is_about() {
    let mut tcp = Script::new(false, 65_536);
    tcp.isn = 1000;
    // With an ACK the RST has its number, without one it acknowledges all of the segment (RFC 9293, 3.10.7.1).
    tcp.says(Psh, 5, Some(700), b"data");
    let said = tcp.sent().remove(0);
    let header = &said.packet[20..];
    assert_eq!((&header[4..8], said.ack), (&700u32.to_be_bytes()[..], None));
    tcp.says(Fin, 5, None, b"data");
    let said = tcp.sent().remove(0);
    assert_eq!((&said.packet[24..28], said.ack), (&[0; 4][..], Some(10)));
}
