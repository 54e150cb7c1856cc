//! Tests of the options of a SYN and of later segments: MSS, window scale, SACK, and timestamps with their uses.

use midwire_wire::Duration;
use smoltcp::wire::TcpControl::{None as Ack, Psh, Rst, Syn};

use crate::support::pattern;
use crate::support::script::{PEER_CLOCK, Script};

/// Payload bytes of the longest segment that leaves to a peer that offers this MSS.
fn longest(mss: Option<u16>, ipv6: bool) -> usize {
    let mut tcp = Script::new(false, 65_536);
    if ipv6 {
        tcp.use_ipv6();
    }
    tcp.offer.mss = mss;
    let id = tcp.open();
    tcp.stack.write(id, &pattern(10_000));
    tcp.settle();
    let said = tcp.sent();
    said.iter().map(|said| said.payload.len()).max().unwrap()
}

#[test]
fn segments_are_as_long_as_both_sides_take() {
    assert_eq!(longest(Some(1000), false), 1000);
    assert_eq!(longest(Some(9000), false), 1380, "our own MTU");
    assert_eq!(longest(Some(9000), true), 1360);
    assert_eq!(longest(None, false), 536, "RFC 9293, 3.7.1");
    assert_eq!(longest(None, true), 1220);
    // A tiny MSS does not make us send a header for each byte.
    assert_eq!(longest(Some(0), false), 48);
    assert_eq!(longest(Some(10), true), 48);
}

#[test]
fn our_mss_follows_from_the_mtu() {
    for (ipv6, mss) in [(false, 1380), (true, 1360)] {
        let mut tcp = Script::new(false, 65_536);
        if ipv6 {
            tcp.use_ipv6();
        }
        tcp.says(Syn, 0, None, b"");
        assert_eq!(tcp.sent()[0].mss, Some(mss));
    }
}

#[test]
fn a_syn_ack_has_the_options_that_the_syn_had_and_no_other() {
    let mut tcp = Script::new(false, 1 << 20);
    tcp.says(Syn, 0, None, b"");
    let plain = tcp.sent().remove(0);
    assert_eq!(
        (plain.window_scale, plain.sack_permitted, plain.timestamp),
        (None, false, None)
    );

    let mut tcp = Script::new(false, 1 << 20);
    tcp.offer.window_scale = Some(0);
    tcp.offer.sack = true;
    tcp.offer.timestamps = true;
    tcp.says(Syn, 0, None, b"");
    let full = tcp.sent().remove(0);
    // 1 MiB is 32,768 units of 32 bytes.
    assert_eq!((full.window_scale, full.sack_permitted), (Some(5), true));
    assert_eq!(full.timestamp.unwrap().1, PEER_CLOCK);
    assert_eq!(full.window, u16::MAX, "bytes, not units");
}

#[test]
fn our_syn_offers_all_and_what_the_answer_lacks_is_not_used() {
    let mut tcp = Script::new(false, 1 << 20);
    let id = tcp.connect();
    let syn = tcp.sent().remove(0);
    assert_eq!(
        (syn.window_scale, syn.sack_permitted, syn.mss),
        (Some(5), true, Some(1380))
    );
    assert_eq!(syn.timestamp.map(|timestamp| timestamp.1), Some(0));
    tcp.says(Syn, 0, Some(1), b"");
    tcp.says(Psh, 101, Some(1), b"behind a hole");
    tcp.stack.write(id, b"hello");
    tcp.settle();
    for said in tcp.sent() {
        assert_eq!(said.timestamp, None);
        assert!(said.sack.is_empty());
        // The window is not in units of 32.
        assert_eq!(said.window, u16::MAX);
    }
}

#[test]
fn the_window_of_a_syn_counts_bytes_whatever_scale_is_agreed_upon() {
    let mut tcp = Script::new(false, 1 << 20);
    tcp.offer.window_scale = Some(7);
    tcp.window = 1000;
    let id = tcp.connect();
    tcp.stack.write(id, &pattern(10_000));
    tcp.says(Syn, 0, Some(1), b"");
    let sent: usize = tcp.sent().iter().map(|said| said.payload.len()).sum();
    assert_eq!(sent, 1000);
    // And of the SYN that we answer.
    let mut tcp = Script::new(true, 1 << 20);
    tcp.offer.window_scale = Some(7);
    tcp.window = 1000;
    tcp.says(Syn, 0, None, b"");
    let id = tcp.owner.opened[0].id;
    tcp.stack.accept(tcp.now, id);
    tcp.stack.write(id, &pattern(10_000));
    tcp.settle();
    tcp.window = 30;
    tcp.says(Ack, 1, Some(1), b"");
    let sent: usize = tcp.sent().iter().map(|said| said.payload.len()).sum();
    assert_eq!(
        sent,
        2 * 1380,
        "what follows is scaled: 3840 bytes, and the rest is not worth a segment"
    );
}

/// A connection with timestamps.
fn timed() -> (Script, u32) {
    let mut tcp = Script::new(false, 65_536);
    tcp.offer.timestamps = true;
    let id = tcp.open();
    (tcp, id)
}

#[test]
fn every_segment_has_a_timestamp_once_both_have_offered_it() {
    let (mut tcp, id) = timed();
    tcp.stack.write(id, &pattern(3000));
    tcp.stack.end(id);
    tcp.settle();
    tcp.says(Psh, 1, Some(1), b"data");
    tcp.pass(Duration::from_millis(500));
    let said = tcp.sent();
    assert!(
        said.len() >= 4 && said.iter().all(|said| said.timestamp.is_some()),
        "{said:?}"
    );
    // Its room comes off the data's.
    assert_eq!(said[0].payload.len(), 1368);
    // Our clock goes by milliseconds.
    let first = said[0].timestamp.unwrap().0;
    tcp.pass(Duration::from_millis(1234));
    tcp.says(Psh, 2000, Some(1), b"hole");
    let later = tcp.sent().last().unwrap().timestamp.unwrap().0;
    assert_eq!(later.wrapping_sub(first), 1734);
}

#[test]
fn what_is_echoed_is_the_value_of_the_first_segment_that_our_ack_is_for() {
    let (mut tcp, _) = timed();
    let echo = |tcp: &mut Script| tcp.sent().last().unwrap().timestamp.unwrap().1;
    // Two small ones are acknowledged together: the wait for the second is part of the round trip (RFC 7323, 4.1).
    tcp.clock = Some(6000);
    tcp.says(Psh, 1, Some(1), b"a");
    tcp.clock = Some(6010);
    tcp.says(Psh, 2, Some(1), b"b");
    tcp.pass(Duration::from_millis(50));
    assert_eq!(echo(&mut tcp), 6000);
    // The timestamp of a segment behind a hole is not echoed; that of the segment that fills the hole is.
    tcp.clock = Some(6020);
    tcp.says(Psh, 4, Some(1), b"d");
    assert_eq!(echo(&mut tcp), 6000);
    tcp.clock = Some(6030);
    tcp.says(Psh, 3, Some(1), b"c");
    assert_eq!(echo(&mut tcp), 6030);
}

#[test]
fn a_segment_with_an_old_timestamp_is_dropped_and_answered() {
    let (mut tcp, id) = timed();
    tcp.clock = Some(10_000);
    tcp.says(Psh, 1, Some(1), b"new");
    tcp.pass(Duration::from_millis(50));
    tcp.lines();
    tcp.clock = Some(9999);
    tcp.says(Psh, 4, Some(1), b"old");
    assert_eq!(tcp.lines(), ["ACK 1 ack 4"]);
    assert_eq!(tcp.owner.text(id), "new");
    // The clock has gone round: 2^31 later is later.
    tcp.clock = Some(10_000 + (1 << 31) - 1);
    tcp.says(Psh, 4, Some(1), b"er");
    assert_eq!(tcp.owner.text(id), "newer");
}

#[test]
fn after_24_days_a_timestamp_says_nothing_of_age() {
    let (mut tcp, id) = timed();
    tcp.clock = Some(10_000);
    tcp.says(Psh, 1, Some(1), b"new");
    tcp.now += Duration::from_secs(24 * 24 * 60 * 60 + 1);
    tcp.clock = Some(1);
    tcp.says(Psh, 4, Some(1), b"er");
    assert_eq!(tcp.owner.text(id), "newer");
}

#[test]
fn a_rst_with_an_old_timestamp_counts() {
    let (mut tcp, id) = timed();
    tcp.clock = Some(1);
    tcp.says(Rst, 1, Some(1), b"");
    assert!(tcp.owner.reset.contains_key(&id));
}

#[test]
fn without_agreement_a_timestamp_is_not_looked_at() {
    let (mut tcp, id) = Script::established();
    tcp.offer.timestamps = true;
    for clock in [500_000, 7] {
        tcp.clock = Some(clock);
        let seq = 1 + tcp.owner.received(id) as u32;
        tcp.says(Psh, seq, Some(1), b"x");
    }
    assert_eq!(tcp.owner.text(id), "xx");
    tcp.pass(Duration::from_millis(50));
    assert!(tcp.sent().iter().all(|said| said.timestamp.is_none()));
}

#[test]
fn only_an_acceptable_segment_moves_the_echo() {
    let (mut tcp, id) = timed();
    tcp.says(Psh, 1, Some(1), b"true ");
    tcp.pass(Duration::from_millis(50));
    // An attacker who guesses numbers must not make the peer's own timestamps look old (RFC 7323, 5.3).
    tcp.clock = Some(1_000_000_000);
    tcp.says(Psh, 1u32.wrapping_sub(1000), Some(1), b"old");
    tcp.says(Psh, 1u32.wrapping_sub(3_000_000), Some(1), b"older");
    tcp.says(Psh, 6, Some(5000), b"of an impossible ACK");
    tcp.says(Syn, 1, None, b"");
    tcp.clock = None;
    tcp.says(Psh, 6, Some(1), b"story");
    assert_eq!(tcp.owner.text(id), "true story");
}

#[test]
fn a_segment_that_left_its_timestamp_out_counts() {
    let (mut tcp, id) = timed();
    tcp.offer.timestamps = false;
    tcp.says(Psh, 1, Some(1), b"bare");
    assert_eq!(tcp.owner.text(id), "bare");
}
