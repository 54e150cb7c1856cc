//! Floods, odd addresses and junk of one peer: the bounds hold, and an honest connection of another peer gets through.
#![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

mod support;

use midwire_wire::stack::MAX_HELD;
use midwire_wire::tcp_flow::HANDSHAKE_TIMEOUT;
use midwire_wire::{Duration, packet};
use smoltcp::wire::TcpControl::{None as Ack, Psh, Syn};
use support::link::{Faults, Link};
use support::script::Script;

/// A SYN from another port, as a flood has them.
fn flood_syn(tcp: &Script, number: u32) -> Vec<u8> {
    let mut syn = tcp.segment(Syn, number, None, b"");
    let port = 1024 + (number % 60_000) as u16;
    // The source port, and the last byte of the destination, with the checksums left to be made again.
    syn[20..22].copy_from_slice(&port.to_be_bytes());
    syn[19] = (number / 60_000) as u8;
    seal(&mut syn);
    syn
}

fn seal(syn: &mut [u8]) {
    syn[10..12].fill(0);
    let sum = packet::checksum(&syn[..20]);
    syn[10..12].copy_from_slice(&sum.to_be_bytes());
    syn[36..38].fill(0);
    let address = |at: usize| <[u8; 4]>::try_from(&syn[at..at + 4]).unwrap().into();
    let sum = packet::upper_checksum(address(12), address(16), packet::TCP, &syn[20..]);
    syn[36..38].copy_from_slice(&sum.to_be_bytes());
}

#[test]
fn a_flood_of_syns_raises_nothing_and_costs_a_bounded_table() {
    let mut tcp = Script::new(false, 4096);
    for number in 0..30_000 {
        let syn = flood_syn(&tcp, number);
        tcp.stack.handle_packet(tcp.now, 1, &syn, &mut tcp.owner);
        if number % 100 == 0 {
            tcp.now += Duration::from_millis(1);
            tcp.settle();
        }
    }
    assert!(tcp.owner.opened.is_empty(), "an event before the handshake");
    assert!(tcp.stack.flow_count() <= 8192, "{}", tcp.stack.flow_count());
    assert!(tcp.stack.counters().half_open_evicted > 20_000);
    // An honest connection gets through in the middle of it.
    tcp.ours = None;
    let id = tcp.open();
    tcp.says(Psh, 1, Some(1), b"honest");
    assert_eq!(tcp.owner.text(id), "honest");
    // And the flood is forgotten.
    tcp.pass(HANDSHAKE_TIMEOUT + Duration::from_secs(1));
    assert_eq!(tcp.stack.flow_count(), 1);
}

#[test]
fn a_flood_raises_a_bounded_number_of_requests_where_syns_are_held() {
    let mut tcp = Script::new(true, 4096);
    for number in 0..20_000 {
        let syn = flood_syn(&tcp, number);
        tcp.stack.handle_packet(tcp.now, 1, &syn, &mut tcp.owner);
    }
    tcp.settle();
    // So many at a time, and no more than the burst of their rate.
    assert!(tcp.owner.opened.len() - tcp.owner.reset.len() <= MAX_HELD);
    assert!(tcp.owner.opened.len() <= 2000, "{}", tcp.owner.opened.len());
    // Over it the handshake comes first, and then the request.
    let known = tcp.owner.opened.len();
    tcp.ours = None;
    tcp.says(Syn, 0, None, b"");
    assert_eq!(tcp.owner.opened.len(), known);
    tcp.says(Ack, 1, Some(1), b"");
    assert_eq!(tcp.owner.opened.len(), known + 1);
    assert!(!tcp.owner.opened[known].held);
}

#[test]
fn resets_for_strangers_have_a_rate() {
    let mut tcp = Script::new(false, 4096);
    for _ in 0..10_000 {
        let stray = tcp.segment(Ack, 5, Some(5), b"");
        tcp.stack.handle_packet(tcp.now, 1, &stray, &mut tcp.owner);
        tcp.settle();
    }
    assert_eq!(tcp.sent().len(), 500);
    assert_eq!(tcp.stack.counters().errors_limited, 9500);
    tcp.now += Duration::from_secs(1);
    tcp.says(Ack, 5, Some(5), b"");
    assert_eq!(tcp.sent().len(), 1);
}

#[test]
fn odd_syns_hurt_nobody() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.open();
    let odd: [(usize, &[u8]); 7] = [
        (22, &[0, 0]),       // to port 0
        (20, &[0, 0]),       // from port 0
        (16, &[0, 0, 0, 0]), // to nobody
        (16, &[255, 255, 255, 255]),
        (16, &[224, 0, 0, 1]),  // multicast
        (12, &[0, 0, 0, 0]),    // from nobody
        (12, &[192, 0, 2, 80]), // from where it goes to
    ];
    for (at, bytes) in odd {
        let mut syn = tcp.segment(Syn, 7, None, b"");
        syn[at..at + bytes.len()].copy_from_slice(bytes);
        seal(&mut syn);
        tcp.stack.handle_packet(tcp.now, 1, &syn, &mut tcp.owner);
        tcp.settle();
        assert!(tcp.sent().is_empty(), "an answer to {bytes:?} at {at}");
    }
    assert_eq!(tcp.stack.counters().unaddressable, odd.len() as u64);
    assert_eq!(tcp.stack.flow_count(), 1);
    tcp.says(Psh, 1, Some(1), b"still here");
    assert_eq!(tcp.owner.text(id), "still here");
}

#[test]
fn ten_thousand_broken_packets_stop_nothing() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.open();
    let mut random = Link::new(3, Faults::default());
    for _ in 0..10_000 {
        let mut packet = tcp.segment(Psh, 1, Some(1), b"x");
        packet[20] = packet[20].wrapping_add(1);
        for _ in 0..1 + random.next() % 4 {
            let at = random.next() as usize % packet.len();
            packet[at] = random.next() as u8;
        }
        packet.truncate(random.next() as usize % (packet.len() + 1));
        tcp.stack.handle_packet(tcp.now, 1, &packet, &mut tcp.owner);
    }
    tcp.settle();
    tcp.says(Psh, 1, Some(1), b"unmoved");
    assert_eq!(tcp.owner.text(id), "unmoved");
}

#[test]
fn a_wrong_checksum_is_never_data() {
    let (mut tcp, id) = Script::established();
    let mut broken = tcp.segment(Psh, 1, Some(1), b"right");
    *broken.last_mut().unwrap() ^= 1;
    tcp.stack.handle_packet(tcp.now, 1, &broken, &mut tcp.owner);
    tcp.settle();
    assert_eq!(tcp.owner.received(id), 0);
    tcp.says(Psh, 1, Some(1), b"right");
    assert_eq!(tcp.owner.text(id), "right");
}
