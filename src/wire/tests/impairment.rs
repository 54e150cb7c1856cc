//! Tests of impaired lines: what is lost and repaired, what comes later, and when the line is as it was again.
#![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

mod support;

use midwire_wire::Duration;
use midwire_wire::event::FlowId;
use midwire_wire::impairment::{Impairment, MAX_DELAYED, MAX_DELAYED_BYTES};
use smoltcp::wire::TcpControl;
use support::Owner;
use support::link::Faults;
use support::pair::{End, Pair, Settings};
use support::pattern;
use support::script::Script;

const MS: fn(u64) -> Duration = Duration::from_millis;
const NONE: Impairment = Impairment {
    loss: 0,
    delay: Duration::ZERO,
    seed: 0,
};

fn losing(loss: u32, seed: u32) -> Impairment {
    Impairment { loss, seed, ..NONE }
}

fn delaying(milliseconds: u64) -> Impairment {
    Impairment {
        delay: MS(milliseconds),
        ..NONE
    }
}

/// Writes what the owner has credit for, and gives the number of bytes.
fn write(end: &mut End, id: FlowId, data: &[u8]) -> usize {
    let credit = end.owner.writable.entry(id).or_default();
    let length = data.len().min(*credit);
    *credit -= length;
    end.stack.write(id, &data[..length]);
    length
}

/// Sends `data` both ways, and waits until all has arrived.
fn send(pair: &mut Pair, (ours, theirs): (FlowId, FlowId), data: &[u8]) {
    let (mut up, mut down) = (0, 0);
    let deadline = pair.now + Duration::from_secs(600);
    while pair.server.owner.received(theirs) < data.len() || pair.client.owner.received(ours) < data.len() {
        assert!(pair.now < deadline, "{up} of {} up, {down} down", data.len());
        up += write(&mut pair.client, ours, &data[up..]);
        down += write(&mut pair.server, theirs, &data[down..]);
        pair.pass(MS(20));
    }
    assert!(pair.server.owner.data[&theirs] == data, "up");
    assert!(pair.client.owner.data[&ours] == data, "down");
}

/// Two connections over a line of 20 ms a round trip; the server impairs the first one.
fn two_connections(impairment: Impairment) -> (Pair, [(FlowId, FlowId); 2]) {
    let faults = Faults {
        delay: MS(10),
        ..Faults::default()
    };
    let mut pair = Pair::new(Settings {
        faults,
        ..Settings::default()
    });
    let flows = [pair.established("192.0.2.80:80"), pair.established("192.0.2.80:81")];
    for (ours, theirs) in flows {
        pair.client.owner.writable.insert(ours, 256 * 1024);
        pair.server.owner.writable.insert(theirs, 256 * 1024);
    }
    pair.server.stack.impair(flows[0].1, impairment);
    (pair, flows)
}

#[test]
fn what_is_lost_both_ways_is_sent_again_and_all_arrives() {
    let (mut pair, [lossy, other]) = two_connections(losing(30_000, 7));
    let data = pattern(1_000_000);
    send(&mut pair, other, &data);
    let counters = pair.server.stack.counters();
    assert_eq!((counters.impaired_in, counters.impaired_out), (0, 0), "of another flow");
    send(&mut pair, lossy, &data);
    let counters = pair.server.stack.counters();
    // Each way some 725 segments and as many ACKs or fewer, of which 3 in 100 are lost.
    assert!((15..80).contains(&counters.impaired_in), "{counters:?}");
    assert!((15..80).contains(&counters.impaired_out), "{counters:?}");
    assert_eq!(counters.delayed_dropped, 0);
    // The same again over the line as it was.
    pair.server.stack.impair(lossy.1, NONE);
    pair.client.owner.data.clear();
    pair.server.owner.data.clear();
    send(&mut pair, lossy, &data);
    let after = pair.server.stack.counters();
    assert_eq!(
        (after.impaired_in, after.impaired_out),
        (counters.impaired_in, counters.impaired_out)
    );
}

/// The first segments of a connection that a line lets through.
fn survivors(seed: u32) -> Vec<String> {
    let (mut tcp, id) = Script::with_sack(MS(50));
    tcp.stack.impair(id, losing(500_000, seed));
    tcp.stack.write(id, &pattern(10 * 1380));
    tcp.settle();
    tcp.lines()
}

#[test]
fn the_seed_says_which_packets_are_lost() {
    let one = survivors(1);
    assert!((1..10).contains(&one.len()), "{one:?}");
    assert_eq!(one, survivors(1));
    assert_ne!(one, survivors(2));
    assert_ne!(survivors(0), survivors(u32::MAX));
}

#[test]
fn a_line_that_loses_all_is_silent_both_ways() {
    let (mut tcp, id) = Script::established();
    tcp.stack.impair(id, losing(1_000_000, 1));
    tcp.says(TcpControl::Psh, 1, Some(1), b"abc");
    tcp.stack.write(id, b"def");
    assert!(tcp.timed(Duration::from_secs(5)).is_empty());
    assert_eq!(tcp.owner.received(id), 0);
    assert_eq!(tcp.stack.counters().impaired_in, 1);
    assert!(tcp.stack.counters().impaired_out >= 4);
}

#[test]
fn what_leaves_comes_later_and_in_its_order() {
    let (mut tcp, id) = Script::established();
    tcp.stack.impair(id, delaying(100));
    tcp.stack.write(id, b"abc");
    tcp.settle();
    tcp.pass(MS(40));
    // A shorter delay does not overtake.
    tcp.stack.impair(id, delaying(10));
    tcp.stack.write(id, b"def");
    assert_eq!(tcp.timed(MS(59)), Vec::<String>::new());
    assert_eq!(tcp.timed(MS(1)), ["1: PSH 1..4 ack 1", "1: PSH 4..7 ack 1"]);
    // What the peer sends comes at once, and its acknowledgement later.
    tcp.says(TcpControl::Psh, 1, Some(7), b"gh");
    assert_eq!(tcp.owner.text(id), "gh");
    tcp.sent();
    let said = tcp.timed(MS(100));
    assert!(said[0].ends_with("ACK 7 ack 3"), "{said:?}");
    let at: u64 = said[0].split(':').next().unwrap().parse().unwrap();
    assert!((10..60).contains(&at), "{said:?}");
}

#[test]
fn nothing_overtakes_where_the_delay_is_taken_away() {
    let (mut tcp, id) = Script::established();
    tcp.stack.impair(id, delaying(100));
    tcp.stack.write(id, b"abc");
    tcp.settle();
    tcp.stack.impair(id, losing(1, 1));
    tcp.stack.write(id, b"def");
    assert_eq!(tcp.timed(MS(100)), ["100: PSH 1..4 ack 1", "100: PSH 4..7 ack 1"]);
    tcp.stack.write(id, b"ghi");
    tcp.settle();
    assert_eq!(tcp.lines(), ["PSH 7..10 ack 1"]);
}

#[test]
fn an_acknowledgement_that_must_leave_before_the_next_segment_is_delayed_too() {
    let (mut tcp, id) = Script::established();
    tcp.stack.impair(id, delaying(100));
    // Each segment behind a hole is answered at once, before the next one is handled.
    for seq in [10, 20, 30] {
        let packet = tcp.segment(TcpControl::Psh, seq, Some(1), b"abc");
        tcp.stack.handle_packet(tcp.now, 1, &packet, &mut tcp.owner);
    }
    assert!(tcp.timed(MS(99)).is_empty());
    assert_eq!(tcp.timed(MS(2)).len(), 3);
}

#[test]
fn the_end_waits_until_what_was_written_is_acknowledged() {
    let (mut tcp, id) = Script::established();
    tcp.stack.impair(id, delaying(100));
    tcp.stack.write(id, b"abc");
    tcp.settle();
    tcp.stack.impair(id, NONE);
    // It is behind what is still under way.
    tcp.stack.write(id, b"def");
    tcp.settle();
    assert!(tcp.lines().is_empty());
    tcp.pass(MS(110));
    assert_eq!(tcp.lines(), ["PSH 1..4 ack 1", "PSH 4..7 ack 1"]);
    tcp.says(TcpControl::None, 1, Some(4), b"");
    tcp.stack.write(id, b"ghi");
    tcp.settle();
    assert_eq!(tcp.lines(), ["PSH 7..10 ack 1"]);
}

#[test]
fn what_was_lost_before_the_end_is_lost_again() {
    let (mut tcp, id) = Script::established();
    tcp.stack.impair(id, losing(1_000_000, 1));
    tcp.stack.write(id, b"abc");
    tcp.stack.impair(id, NONE);
    assert!(tcp.timed(Duration::from_secs(5)).is_empty());
}

#[test]
fn where_nothing_waits_the_end_comes_at_once() {
    let (mut tcp, id) = Script::established();
    tcp.stack.impair(id, losing(1_000_000, 1));
    tcp.stack.impair(id, NONE);
    tcp.says(TcpControl::Psh, 1, Some(1), b"abc");
    assert_eq!(tcp.owner.text(id), "abc");
}

#[test]
fn an_end_of_an_impairment_can_be_taken_back() {
    let (mut tcp, id) = Script::established();
    tcp.stack.impair(id, delaying(100));
    tcp.stack.write(id, b"abc");
    tcp.settle();
    tcp.stack.impair(id, NONE);
    tcp.stack.impair(id, delaying(50));
    tcp.pass(MS(110));
    tcp.says(TcpControl::None, 1, Some(4), b"");
    tcp.sent();
    tcp.stack.write(id, b"def");
    assert_eq!(tcp.timed(MS(60)), ["50: PSH 4..7 ack 1"]);
}

#[test]
fn a_flow_stays_until_its_last_packet_has_left() {
    let (mut tcp, id) = Script::established();
    tcp.stack.impair(id, delaying(100));
    tcp.stack.reset(tcp.now, id);
    assert!(tcp.timed(MS(99)).is_empty());
    assert_eq!(tcp.stack.flow_count(), 1);
    assert_eq!(tcp.timed(MS(2)), ["1: RST 1 ack 1"]);
    assert_eq!(tcp.stack.flow_count(), 0);
}

#[test]
fn the_packets_under_way_are_bounded() {
    let mut tcp = Script::new(false, 1 << 20);
    tcp.offer.mss = Some(536);
    let id = tcp.open();
    tcp.stack.impair(id, delaying(10_000));
    // Each segment out of order is answered at once.
    for _ in 0..MAX_DELAYED + 5 {
        tcp.says(TcpControl::Psh, 10, Some(1), b"abc");
    }
    assert!(tcp.lines().is_empty());
    assert_eq!(tcp.stack.counters().delayed_dropped, 5);
    tcp.pass(MS(10_000));
    assert_eq!(tcp.lines().len(), MAX_DELAYED);
}

#[test]
fn a_flow_that_ends_gives_its_part_of_the_bound_back() {
    let mut tcp = Script::new(false, 65_536);
    let answers = MAX_DELAYED_BYTES / (MAX_DELAYED * 40) + 1;
    for _ in 0..answers {
        let id = tcp.open();
        tcp.stack.impair(id, delaying(1_000_000));
        for _ in 0..MAX_DELAYED {
            let packet = tcp.segment(TcpControl::Psh, 10, Some(1), b"abc");
            tcp.stack.handle_packet(tcp.now, 1, &packet, &mut tcp.owner);
        }
        tcp.settle();
        tcp.stack.remove_peer(1, &mut tcp.owner);
        assert_eq!(tcp.stack.flow_count(), 0);
        tcp.owner = Owner::default();
        tcp.peer.set_port(tcp.peer.port() + 1);
        tcp.ours = None;
    }
    assert_eq!(tcp.stack.counters().delayed_dropped, 0);
}

#[test]
fn a_flow_that_has_ended_has_no_line() {
    let (mut tcp, id) = Script::established();
    tcp.says(TcpControl::Rst, 1, Some(1), b"");
    tcp.stack.impair(id, losing(1_000_000, 1));
    tcp.stack.impair(id + 1, losing(1_000_000, 1));
    assert_eq!(tcp.stack.flow_count(), 0);
}
