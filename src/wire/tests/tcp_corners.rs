//! The corners of TCP as conversations with one stack, after gVisor's packetimpact list: windows, halves, resets, closes.
#![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

mod support;

use midwire_wire::Duration;
use midwire_wire::event::ResetReason;
use smoltcp::wire::TcpControl::{Fin, None as Ack, Psh, Rst, Syn};
use support::pattern;
use support::script::Script;

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
fn a_half_close_by_the_peer_leaves_our_direction_open() {
    let (mut tcp, id) = Script::established();
    tcp.says(Fin, 1, Some(1), b"");
    assert_eq!(tcp.owner.ended, [id]);
    for piece in 0..3 {
        tcp.stack.write(id, b"more");
        tcp.settle();
        tcp.says(Ack, 2, Some(1 + 4 * (piece + 1)), b"");
    }
    let said: Vec<u8> = tcp.heard().into_iter().flat_map(|said| said.payload).collect();
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
fn a_zero_window_holds_data_back_and_is_probed() {
    let (mut tcp, id) = Script::established();
    tcp.window = 0;
    tcp.says(Psh, 1, Some(1), b"x");
    tcp.stack.write(id, b"waiting");
    tcp.settle();
    let said = tcp.heard();
    assert!(said.iter().all(|said| said.payload.is_empty()), "{said:?}");
    tcp.pass(Duration::from_secs(3));
    let probes = tcp.heard();
    // Each names the number before the first that waits, so that it has to be answered.
    assert!(probes.iter().filter(|said| said.seq == 0).count() > 1, "{probes:?}");
    assert!(probes.iter().all(|said| said.payload.is_empty()), "{probes:?}");
    tcp.window = 65_000;
    tcp.says(Ack, 2, Some(1), b"");
    let said: Vec<u8> = tcp.heard().into_iter().flat_map(|said| said.payload).collect();
    assert!(said.ends_with(b"aiting"), "{said:?}");
}

#[test]
fn a_window_that_shrinks_below_what_is_in_flight_loses_nothing() {
    let (mut tcp, id) = Script::established();
    let data = pattern(4000);
    tcp.stack.write(id, &data);
    tcp.settle();
    let in_flight = tcp.heard().iter().map(|said| said.payload.len()).sum::<usize>();
    assert!(in_flight >= 2000, "{in_flight}");
    // The peer takes back what it had offered (RFC 9293, 3.8.6: discouraged, to be survived).
    tcp.window = 500;
    tcp.says(Ack, 1, Some(1), b"");
    tcp.window = 65_000;
    tcp.says(Ack, 1, Some(1381), b"");
    let mut received = data[..1380].to_vec();
    for _ in 0..10 {
        tcp.pass(Duration::from_secs(2));
        for said in tcp.heard() {
            let at = said.seq as usize - 1;
            if at <= received.len() && at + said.payload.len() > received.len() {
                let known = received.len() - at;
                received.extend_from_slice(&said.payload[known..]);
            }
        }
        tcp.says(Ack, 1, Some(1 + received.len() as u32), b"");
    }
    assert!(received == data, "{} of {} bytes", received.len(), data.len());
}

#[test]
fn our_window_closes_when_the_owner_does_not_read_and_opens_when_it_does() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.open();
    let mut sent = 0;
    let piece = pattern(1380);
    // 256 KiB of credit first, then the 64 KiB buffer fills.
    let mut last_window = u16::MAX;
    for _ in 0..800 {
        tcp.says(Psh, 1 + sent, Some(1), &piece);
        tcp.pass(Duration::from_millis(20));
        if let Some(said) = tcp.heard().last() {
            last_window = said.window;
            sent = said.ack.unwrap() - 1;
        }
        if last_window == 0 {
            break;
        }
    }
    assert_eq!(last_window, 0);
    assert_eq!(tcp.owner.received(id), 256 * 1024);
    // Less than two segments of room are not worth a word (RFC 9293, 3.8.6.2.2).
    let full = 256 * 1024 + 65_536;
    assert!((full - 2 * 1380..=full).contains(&(sent as usize)), "{sent}");
    tcp.stack.credit(id, 256 * 1024);
    tcp.settle();
    assert_eq!(tcp.owner.received(id), sent as usize);
    assert!(tcp.heard().last().unwrap().window > 1000);
}

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
fn a_rst_outside_the_window_changes_nothing() {
    let (mut tcp, id) = Script::established();
    tcp.says(Rst, 500_000, Some(1), b"");
    tcp.says(Psh, 1, Some(1), b"alive");
    assert_eq!(tcp.owner.text(id), "alive");
}

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

#[test]
fn a_lost_segment_is_sent_again_after_three_duplicate_acks() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, &pattern(1380 * 20));
    tcp.settle();
    // Acknowledgements open the congestion window; then one segment is lost.
    for acknowledged in 1..=4 {
        tcp.says(Ack, 1, Some(1 + 1000 * acknowledged), b"");
    }
    assert!(tcp.heard().len() > 4);
    for _ in 0..4 {
        tcp.says(Ack, 1, Some(4001), b"");
    }
    assert!(
        tcp.heard()
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
    tcp.heard();
    for _ in 0..3 {
        tcp.says(Ack, 1, Some(8001), b"");
    }
    assert!(tcp.heard().iter().any(|said| said.seq == 8001));
    for hole in [9381, 10_761] {
        tcp.says(Ack, 1, Some(hole), b"");
        assert!(tcp.heard().iter().any(|said| said.seq == hole), "{hole}");
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
fn an_idle_connection_is_kept_alive_by_probes() {
    let (mut tcp, id) = Script::established();
    for _ in 0..20 {
        tcp.pass(Duration::from_secs(121));
        assert!(!tcp.heard().is_empty(), "no probe");
        tcp.says(Ack, 1, Some(1), b"");
    }
    tcp.says(Psh, 1, Some(1), b"back");
    assert_eq!(tcp.owner.text(id), "back");
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
    // What is written before the handshake is over waits for it, and so does the end.
    tcp.stack.write(id, b"server first");
    tcp.stack.end(id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["SYN 0 ack 1"]);
    tcp.says(Ack, 1, Some(1), b"");
    assert_eq!(tcp.lines(), ["FIN 1..13 ack 1"]);
}

#[test]
fn a_refused_syn_gets_rst_and_a_silent_one_nothing() {
    use midwire_wire::event::Refusal;
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
fn a_segment_for_nobody_gets_rst_and_a_rst_gets_nothing() {
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Ack, 5, Some(9), b"");
    assert_eq!(tcp.heard().len(), 1);
    tcp.says(Rst, 5, Some(9), b"");
    assert!(tcp.heard().is_empty());
    assert!(tcp.owner.opened.is_empty());
}

#[test]
fn more_than_the_credit_resets_the_flow() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, &pattern(65_537));
    tcp.settle();
    assert!(tcp.lines().last().unwrap().starts_with("RST"));
    assert_eq!(tcp.stack.counters().credit_exceeded, 1);
}
