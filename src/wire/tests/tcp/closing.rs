//! Tests of the end of a connection: half-closed ones, FINs that are lost or cross, segments after them, TIME-WAIT.

use midwire_wire::Duration;
use midwire_wire::event::FlowId;
use smoltcp::wire::TcpControl::{Fin, None as Ack, Psh, Rst, Syn};

use crate::support::script::Script;

/// What brings an open connection into a state, and the next numbers of the peer and of ours there.
type State = (&'static str, fn(&mut Script, FlowId), u32, u32);

const FIN_WAIT_1: State = ("FIN-WAIT-1", |tcp, id| tcp.stack.end(id), 1, 2);
const FIN_WAIT_2: State = (
    "FIN-WAIT-2",
    |tcp, id| {
        tcp.stack.end(id);
        tcp.settle();
        tcp.says(Ack, 1, Some(2), b"");
    },
    1,
    2,
);
const CLOSE_WAIT: State = ("CLOSE-WAIT", |tcp, _| tcp.says(Fin, 1, Some(1), b""), 2, 1);
const CLOSING: State = (
    "CLOSING",
    |tcp, id| {
        tcp.stack.end(id);
        tcp.settle();
        tcp.says(Fin, 1, Some(1), b"");
    },
    2,
    2,
);
const LAST_ACK: State = (
    "LAST-ACK",
    |tcp, id| {
        tcp.says(Fin, 1, Some(1), b"");
        tcp.stack.end(id);
    },
    2,
    2,
);
const TIME_WAIT: State = (
    "TIME-WAIT",
    |tcp, id| {
        tcp.stack.end(id);
        tcp.settle();
        tcp.says(Fin, 1, Some(2), b"");
    },
    2,
    2,
);

/// A connection in this state that has nothing to say.
fn in_state(state: &State) -> (Script, FlowId) {
    let (mut tcp, id) = Script::established();
    state.1(&mut tcp, id);
    tcp.settle();
    tcp.pass(Duration::from_millis(20));
    tcp.sent();
    (tcp, id)
}

#[test]
fn a_half_close_by_the_peer_leaves_our_direction_open() {
    let (mut tcp, id) = Script::established();
    tcp.says(Fin, 1, Some(1), b"");
    assert_eq!(tcp.owner.ended, [id]);
    for piece in 0..3 {
        tcp.stack.write(id, b"more");
        tcp.settle();
        tcp.says(Ack, 2, Some(1 + 4 * (piece + 1)), b"");
    }
    let said: Vec<u8> = tcp.sent().into_iter().flat_map(|said| said.payload).collect();
    assert_eq!(said, b"moremoremore");
    assert!(tcp.owner.reset.is_empty());
}

#[test]
fn a_half_close_by_us_leaves_the_peers_direction_open() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, b"bye");
    tcp.stack.end(id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["FIN 1..4 ack 1"]);
    tcp.says(Ack, 1, Some(5), b"");
    tcp.says(Psh, 1, Some(5), b"still here");
    assert_eq!(tcp.owner.text(id), "still here");
    tcp.says(Fin, 11, Some(5), b"");
    assert_eq!(tcp.owner.ended, [id]);
    tcp.pass(Duration::from_millis(20));
    assert_eq!(tcp.owner.closed, [id]);
}

#[test]
fn time_wait_repeats_its_ack_and_gives_way_to_a_new_connection() {
    let (mut tcp, id) = Script::established();
    tcp.stack.end(id);
    tcp.settle();
    tcp.says(Fin, 1, Some(2), b"");
    tcp.pass(Duration::from_millis(20));
    assert_eq!(tcp.owner.closed, [id]);
    assert_eq!(tcp.stack.flow_count(), 0, "TIME-WAIT costs no flow");
    assert_eq!(tcp.lines(), ["FIN 1 ack 1", "ACK 2 ack 2"]);
    // Our ACK was lost: the peer says its FIN again.
    tcp.says(Fin, 1, Some(2), b"");
    assert_eq!(tcp.lines(), ["ACK 2 ack 2"]);
    tcp.isn = 900_000;
    tcp.ours = None;
    tcp.open();
    assert_eq!(tcp.owner.opened.len(), 2);
}

#[test]
fn after_time_wait_the_connection_is_unknown() {
    let (mut tcp, id) = Script::established();
    tcp.stack.end(id);
    tcp.settle();
    tcp.says(Fin, 1, Some(2), b"");
    tcp.pass(Duration::from_secs(11));
    tcp.lines();
    tcp.says(Fin, 1, Some(2), b"");
    assert_eq!(tcp.lines(), ["RST 2"]);
    assert_eq!(tcp.owner.closed, [id]);
}

#[test]
fn simultaneous_close() {
    let (mut tcp, id) = Script::established();
    tcp.stack.end(id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["FIN 1 ack 1"]);
    // The peer's FIN crosses ours: it acknowledges nothing of it.
    tcp.says(Fin, 1, Some(1), b"");
    tcp.pass(Duration::from_millis(20));
    assert_eq!(tcp.owner.ended, [id]);
    tcp.says(Ack, 2, Some(2), b"");
    tcp.pass(Duration::from_secs(11));
    assert_eq!(tcp.owner.closed, [id]);
    assert_eq!(tcp.stack.flow_count(), 0);
}

#[test]
fn what_lies_outside_the_window_is_answered_by_our_ack_in_every_state() {
    let established: State = ("ESTABLISHED", |_, _| {}, 1, 1);
    for state in [
        established,
        FIN_WAIT_1,
        FIN_WAIT_2,
        CLOSE_WAIT,
        CLOSING,
        LAST_ACK,
        TIME_WAIT,
    ] {
        let (name, _, theirs, ours) = state;
        let answer = [format!("ACK {ours} ack {theirs}")];
        for (control, payload) in [(Ack, &b"far"[..]), (Ack, b""), (Fin, b"")] {
            let (mut tcp, id) = in_state(&state);
            tcp.says(control, theirs + 200_000, Some(1), payload);
            assert_eq!(tcp.lines(), answer, "{name} {control:?}");
            // A segment from long before the window is answered, too.
            tcp.pass(Duration::from_secs(1));
            tcp.sent();
            tcp.says(control, theirs.wrapping_sub(200_000), Some(1), payload);
            assert_eq!(tcp.lines(), answer, "{name} {control:?}");
            assert!(tcp.owner.reset.is_empty() && tcp.owner.received(id) == 0, "{name}");
        }
        let (mut tcp, _) = in_state(&state);
        tcp.says(Rst, theirs + 200_000, Some(ours), b"");
        assert!(tcp.lines().is_empty() && tcp.owner.reset.is_empty(), "{name}");
    }
}

#[test]
fn a_repeated_fin_is_acknowledged_again() {
    for state in [CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT] {
        let (mut tcp, id) = in_state(&state);
        tcp.says(Fin, 1, Some(1), b"");
        assert_eq!(tcp.lines(), [format!("ACK {} ack 2", state.3)], "{}", state.0);
        assert_eq!(tcp.owner.ended, [id]);
    }
}

#[test]
fn data_behind_the_peers_fin_is_none() {
    for state in [CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT] {
        let (mut tcp, id) = in_state(&state);
        tcp.says(Psh, 2, Some(1), b"more");
        assert_eq!(tcp.owner.received(id), 0, "{}", state.0);
        assert!(tcp.lines().iter().all(|line| line.ends_with("ack 2")), "{}", state.0);
    }
}

#[test]
fn our_fin_is_sent_again_with_back_off_until_it_is_acknowledged() {
    for (name, step, theirs, _) in [FIN_WAIT_1, CLOSING, LAST_ACK] {
        let (mut tcp, id) = Script::established();
        step(&mut tcp, id);
        tcp.settle();
        let fin = format!("FIN 1 ack {theirs}");
        let again: Vec<String> = [200, 600, 1400].iter().map(|at| format!("{at}: {fin}")).collect();
        let said = tcp.timed(Duration::from_secs(2));
        let fins: Vec<&String> = said.iter().filter(|line| line.contains("FIN")).collect();
        assert_eq!(fins, again.iter().collect::<Vec<_>>(), "{name}");
        tcp.says(Ack, theirs, Some(2), b"");
        assert!(tcp.timed(Duration::from_secs(9)).is_empty(), "{name}");
    }
}

#[test]
fn closing_ends_when_our_fin_is_acknowledged_late() {
    let (mut tcp, id) = in_state(&CLOSING);
    assert!(tcp.owner.closed.is_empty());
    tcp.says(Ack, 2, Some(2), b"");
    tcp.pass(Duration::from_millis(20));
    assert_eq!(tcp.owner.closed, [id]);
    // In TIME-WAIT now: a repeated FIN gets the same ACK.
    tcp.sent();
    tcp.says(Fin, 1, Some(1), b"");
    assert_eq!(tcp.lines(), ["ACK 2 ack 2"]);
}

#[test]
fn a_fin_behind_a_hole_ends_nothing_until_the_hole_is_filled() {
    let (mut tcp, id) = Script::established();
    tcp.says(Fin, 4, Some(1), b"def");
    assert_eq!(tcp.lines(), ["ACK 1 ack 1"]);
    assert!(tcp.owner.ended.is_empty());
    tcp.says(Psh, 1, Some(1), b"abc");
    assert_eq!((tcp.owner.text(id), &tcp.owner.ended), ("abcdef".into(), &vec![id]));
    assert_eq!(tcp.lines(), ["ACK 1 ack 8"]);
}

#[test]
fn the_answer_to_our_last_fin_may_be_a_rst() {
    let (mut tcp, id) = in_state(&LAST_ACK);
    tcp.says(Rst, 2, None, b"");
    assert_eq!(tcp.owner.closed, [id]);
    assert!(tcp.owner.reset.is_empty());
}

#[test]
fn a_rst_does_not_end_time_wait() {
    // RFC 1337: otherwise a late segment could disturb a new connection.
    let (mut tcp, _) = in_state(&TIME_WAIT);
    tcp.says(Rst, 2, Some(2), b"");
    assert!(tcp.lines().is_empty());
    tcp.says(Fin, 1, Some(2), b"");
    assert_eq!(tcp.lines(), ["ACK 2 ack 2"]);
}

#[test]
fn time_wait_gives_way_to_a_newer_syn_and_to_no_older_one() {
    // By the sequence number, which was 2 last.
    for (seq, admitted) in [(2, false), (3, true), (u32::MAX - 100, false), (70_000, true)] {
        let (mut tcp, _) = in_state(&TIME_WAIT);
        tcp.says(Syn, seq, None, b"");
        let lines = tcp.lines();
        let expected = if admitted {
            format!("SYN 0 ack {}", seq + 1)
        } else {
            "ACK 2 ack 2".into()
        };
        assert_eq!(lines, [expected], "{seq}");
    }
    // With timestamps these decide, and not the sequence number (RFC 6191, 2).
    for (seq, clock, admitted) in [
        (1, 7001, true),
        (70_000, 6999, false),
        (70_000, 7000, true),
        (1, 7000, false),
    ] {
        let mut tcp = Script::new(false, 65_536);
        tcp.offer.timestamps = true;
        let id = tcp.open();
        tcp.stack.end(id);
        tcp.settle();
        tcp.clock = Some(7000);
        tcp.says(Fin, 1, Some(2), b"");
        tcp.sent();
        tcp.clock = Some(clock);
        tcp.says(Syn, seq, None, b"");
        let opens = tcp.lines()[0].starts_with("SYN");
        assert_eq!(opens, admitted, "{seq} {clock}");
    }
}

#[test]
fn fin_waits_for_a_closed_window_and_leaves_when_it_opens() {
    let (mut tcp, id) = Script::established();
    tcp.window = 0;
    tcp.says(Psh, 1, Some(1), b"x");
    tcp.stack.write(id, b"data");
    tcp.stack.end(id);
    tcp.pass(Duration::from_secs(5));
    assert!(
        tcp.sent()
            .iter()
            .all(|said| said.control != Fin && said.payload.is_empty())
    );
    tcp.window = 1000;
    tcp.says(Ack, 2, Some(1), b"");
    assert_eq!(tcp.lines(), ["FIN 1..5 ack 2"]);
}

#[test]
fn fin_needs_room_in_the_window_as_a_byte_does() {
    let (mut tcp, id) = Script::established();
    tcp.window = 0;
    tcp.says(Ack, 1, Some(1), b"");
    tcp.stack.end(id);
    tcp.pass(Duration::from_secs(1));
    assert!(tcp.sent().iter().all(|said| said.control != Fin));
    tcp.window = 1;
    tcp.says(Ack, 1, Some(1), b"");
    assert_eq!(tcp.lines(), ["FIN 1 ack 1"]);

    let (mut tcp, id) = Script::established();
    tcp.says(Psh, 1, Some(1), b"x");
    tcp.window = 4;
    tcp.says(Ack, 2, Some(1), b"");
    tcp.sent();
    tcp.stack.write(id, b"data");
    tcp.stack.end(id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["PSH 1..5 ack 2"]);
    tcp.says(Ack, 2, Some(5), b"");
    assert_eq!(tcp.lines(), ["FIN 5 ack 2"]);
}
