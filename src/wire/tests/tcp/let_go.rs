//! Tests of an owner that closes a connection or resets it: the segments that still leave, and when it is given up.

use midwire_wire::Duration;
use smoltcp::wire::TcpControl::{Fin, None as Ack, Psh};

use crate::support::pattern;
use crate::support::script::Script;

#[test]
fn our_reset_goes_out_as_rst_and_nothing_rises_after_it() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, b"never read");
    tcp.stack.reset(tcp.now, id);
    tcp.settle();
    let lines = tcp.lines();
    assert_eq!(lines.last().map(String::as_str), Some("RST 1 ack 1"), "{lines:?}");
    assert_eq!(tcp.stack.flow_count(), 0);
    tcp.says(Psh, 1, Some(1), b"late");
    assert_eq!(tcp.owner.received(id), 0);
    assert!(tcp.owner.reset.is_empty() && tcp.owner.closed.is_empty());
}

#[test]
fn data_for_an_owner_that_let_go_is_answered_by_rst() {
    let (mut tcp, id) = Script::established();
    tcp.stack.close(tcp.now, id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["FIN 1 ack 1"]);
    tcp.says(Psh, 1, Some(2), b"anybody?");
    assert!(tcp.lines().last().unwrap().starts_with("RST"));
    assert_eq!(tcp.stack.flow_count(), 0);
}

#[test]
fn an_orphan_that_the_peer_never_closes_is_reset_in_the_end() {
    let (mut tcp, id) = Script::established();
    tcp.stack.close(tcp.now, id);
    tcp.settle();
    tcp.says(Ack, 1, Some(2), b"");
    tcp.pass(Duration::from_secs(59));
    assert_eq!(tcp.stack.flow_count(), 1);
    tcp.pass(Duration::from_secs(2));
    assert_eq!(tcp.stack.flow_count(), 0);
    assert!(tcp.lines().last().unwrap().starts_with("RST"));
}

#[test]
fn an_owner_that_lets_go_of_unread_data_resets() {
    let (mut tcp, id) = Script::established();
    tcp.owner.room = 0;
    tcp.says(Psh, 1, Some(1), b"unread");
    tcp.stack.close(tcp.now, id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["RST 1 ack 7"]);
    assert_eq!(tcp.stack.flow_count(), 0);
}

#[test]
fn an_owner_that_lets_go_has_said_all_that_it_wrote() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, b"last words");
    tcp.stack.close(tcp.now, id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["FIN 1..11 ack 1"]);
    tcp.says(Fin, 1, Some(12), b"");
    tcp.pass(Duration::from_millis(50));
    assert_eq!(tcp.lines(), ["ACK 12 ack 2"]);
    assert_eq!(tcp.stack.flow_count(), 0);
    assert!(
        tcp.owner.closed.is_empty() && tcp.owner.ended.is_empty(),
        "nobody is there to hear it"
    );
}

#[test]
fn a_slow_download_after_the_owner_let_go_is_not_reset_while_it_goes_on() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, &pattern(60_000));
    tcp.stack.close(tcp.now, id);
    tcp.settle();
    for round in 1..=20 {
        tcp.pass(Duration::from_secs(59));
        assert_eq!(tcp.stack.flow_count(), 1, "round {round}");
        tcp.says(Ack, 1, Some(1 + 1000 * round), b"");
    }
    // Not a minute, but two at most, after the last progress.
    tcp.sent();
    tcp.pass(Duration::from_secs(121));
    assert_eq!(tcp.stack.flow_count(), 0);
    assert!(tcp.lines().last().unwrap().starts_with("RST"));
}
