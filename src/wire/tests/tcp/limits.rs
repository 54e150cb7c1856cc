//! Bounds that a peer or an owner can reach: credit, memory, pieces out of order.

use midwire_wire::Duration;
use smoltcp::wire::TcpControl::{Fin, None as Ack, Psh};

use crate::support::pattern;
use crate::support::script::Script;

#[test]
fn more_than_the_credit_resets_the_flow() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, &pattern(65_537));
    tcp.settle();
    assert!(tcp.lines().last().unwrap().starts_with("RST"));
    assert_eq!(tcp.stack.counters().credit_exceeded, 1);
}

#[test]
fn room_to_write_is_told_of_once_it_is_a_quarter_of_the_queue() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, &pattern(65_536));
    tcp.settle();
    let mut acknowledged = 0;
    for expected in [None, None, None, Some(16_384 + 3616)] {
        acknowledged += 5000;
        tcp.says(Ack, 1, Some(1 + acknowledged), b"");
        assert_eq!(tcp.owner.writable.get(&id).copied(), expected, "{acknowledged}");
    }
    tcp.owner.writable.clear();
    tcp.says(Ack, 1, Some(1 + acknowledged + 16_383), b"");
    assert!(tcp.owner.writable.is_empty());
    tcp.says(Ack, 1, Some(1 + acknowledged + 16_384), b"");
    assert_eq!(tcp.owner.writable.get(&id), Some(&16_384));
}

#[test]
fn pieces_with_holes_between_them_are_kept_up_to_a_bound() {
    let (mut tcp, id) = Script::established();
    let data = pattern(1300);
    for at in 0..600 {
        tcp.says(Psh, 2 + 2 * at as u32, Some(1), &data[1 + 2 * at..2 + 2 * at]);
    }
    assert_eq!(tcp.stack.counters().data_refused, 600 - 512);
    tcp.says(Psh, 1, Some(1), &data);
    assert!(tcp.owner.data[&id] == data);
}

/// The peer's side of a connection, from another port for each.
struct Side {
    port: u16,
    ours: Option<u32>,
    next: u32,
}

impl Side {
    fn open(tcp: &mut Script, port: u16) -> Self {
        tcp.peer.set_port(port);
        tcp.open();
        Side {
            port,
            ours: tcp.ours,
            next: 1,
        }
    }

    /// Sends so many bytes, without regard to the window, and gives the number of all bytes that were acknowledged.
    fn send(&mut self, tcp: &mut Script, length: usize) -> u32 {
        tcp.peer.set_port(self.port);
        tcp.ours = self.ours;
        for piece in vec![7; length].chunks(1024) {
            tcp.says(Psh, self.next, Some(1), piece);
            self.next += piece.len() as u32;
        }
        // Behind the window: it is answered at once.
        tcp.says(Ack, self.next + 900_000, Some(1), b"?");
        tcp.sent().last().unwrap().ack.unwrap() - 1
    }

    /// Bytes that may be sent now.
    fn window(&mut self, tcp: &mut Script, shift: u8) -> u32 {
        tcp.peer.set_port(self.port);
        tcp.ours = self.ours;
        tcp.says(Ack, self.next + 900_000, Some(1), b"?");
        u32::from(tcp.sent().last().unwrap().window) << shift
    }
}

#[test]
fn over_the_budget_each_flow_is_served_with_a_small_window() {
    const PART: usize = 64 * 1024;
    // Memory for two small windows.
    let mut tcp = Script::with_memory(false, 1 << 20, 2 * PART);
    tcp.offer.window_scale = Some(7);
    tcp.owner.room = 0;
    let mut first = Side::open(&mut tcp, 40_001);
    let mut second = Side::open(&mut tcp, 40_002);
    assert_eq!(first.window(&mut tcp, 5) as usize, 2 * PART);
    assert_eq!(second.window(&mut tcp, 5) as usize, 2 * PART);
    assert_eq!(first.send(&mut tcp, PART) as usize, PART);
    // Half of the memory is in use: a new connection is offered the guaranteed part only.
    let mut third = Side::open(&mut tcp, 40_003);
    assert!(third.window(&mut tcp, 5) as usize <= PART);
    assert_eq!(second.send(&mut tcp, PART) as usize, PART);
    assert_eq!(tcp.stack.counters().data_refused, 0);
    // Data within a window that was offered before the memory was short cannot be kept, so it is not acknowledged.
    assert_eq!(first.send(&mut tcp, 1024) as usize, PART);
    assert_eq!(tcp.stack.counters().data_refused, 1024);
    // The third is served all the same.
    assert_eq!(third.send(&mut tcp, 50_000), 50_000);
    // The owner reads, and all of the memory is free again.
    tcp.owner.room = usize::MAX;
    tcp.settle();
    tcp.sent();
    first.next -= 1024;
    assert_eq!(first.send(&mut tcp, 1024) as usize, PART + 1024);
    let received: usize = tcp.owner.data.values().map(Vec::len).sum();
    assert_eq!(received, 2 * PART + 1024 + 50_000);
    let mut fourth = Side::open(&mut tcp, 40_004);
    assert_eq!(fourth.window(&mut tcp, 5) as usize, 2 * PART);
}

#[test]
fn what_is_queued_both_ways_is_given_back_when_a_connection_ends() {
    const MEMORY: usize = 512 * 1024;
    let mut tcp = Script::with_memory(false, 1 << 20, MEMORY);
    tcp.offer.window_scale = Some(7);
    // More in all than there is: were anything kept, the window would be a small one in the end.
    for port in 41_000..41_040 {
        tcp.owner.room = 0;
        let mut side = Side::open(&mut tcp, port);
        assert_eq!(side.window(&mut tcp, 5), 128 * 1024, "{port}");
        let id = tcp.owner.opened.last().unwrap().id;
        tcp.stack.write(id, &pattern(60_000));
        side.send(&mut tcp, 60_000);
        tcp.says(Psh, side.next + 5000, Some(1), b"behind a hole");
        match port % 3 {
            0 => tcp.says(smoltcp::wire::TcpControl::Rst, side.next, None, b""),
            1 => tcp.stack.reset(tcp.now, id),
            _ => tcp.stack.close(tcp.now, id),
        }
        tcp.settle();
        tcp.sent();
        assert_eq!(tcp.stack.flow_count(), 0);
    }
}

#[test]
fn nothing_is_sent_behind_our_fin() {
    let (mut tcp, id) = Script::established();
    tcp.stack.end(id);
    tcp.settle();
    assert_eq!(tcp.lines(), ["FIN 1 ack 1"]);
    tcp.stack.write(id, b"more");
    tcp.settle();
    assert!(tcp.lines().is_empty());
    tcp.says(Fin, 1, Some(2), b"");
    tcp.pass(Duration::from_millis(40));
    assert_eq!(tcp.lines(), ["ACK 2 ack 2"]);
    assert_eq!(tcp.owner.closed, [id]);
}

#[test]
fn an_owner_may_write_ahead_of_a_path_that_takes_much() {
    let mut tcp = Script::new(false, 1 << 20);
    tcp.offer.window_scale = Some(7);
    let id = tcp.open_after(Duration::from_millis(50));
    let (mut granted, mut acknowledged, mut most) = (262_144, 0, 0);
    tcp.stack.write(id, &pattern(granted));
    for _ in 0..8 {
        tcp.settle();
        let ends = tcp
            .sent()
            .into_iter()
            .map(|said| said.seq as usize - 1 + said.payload.len());
        acknowledged = ends.max().unwrap_or(acknowledged);
        tcp.pass(Duration::from_millis(50));
        tcp.says(Ack, 1, Some(1 + acknowledged as u32), b"");
        let more = tcp.owner.writable.remove(&id).unwrap_or(0);
        tcp.stack.write(id, &pattern(more));
        granted += more;
        most = most.max(granted - acknowledged);
    }
    // Twice the congestion window, so that there is something to send when it opens, and never over the bound.
    assert!((300_000..=1 << 20).contains(&most), "{most}");
}
