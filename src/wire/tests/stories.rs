//! Whole stories: two tunnels and two stacks in memory, over links that lose, double, delay, reorder and corrupt.
#![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

mod support;

use std::net::{IpAddr, SocketAddr};

use midwire_wire::Duration;
use midwire_wire::event::{Refusal, ResetReason};
use midwire_wire::tcp::congestion::Algorithm;
use support::link::Faults;
use support::pair::{CLIENT, Pair, SERVER, SERVER6, Settings};
use support::pattern;

const WEB: &str = "192.0.2.80:80";
const WEB6: &str = "[2001:db8::80]:443";

/// Sends `data` one way and an answer of the same length back, then both sides close.
fn both_ways(mut pair: Pair, to: &str, length: usize) -> Pair {
    let data = pattern(length);
    let answer: Vec<u8> = data.iter().map(|byte| !byte).collect();
    let (ours, theirs) = pair.established(to);
    let mut sent = (0, 0);
    let mut credit = (256 * 1024, 256 * 1024);
    for _ in 0..100_000 {
        let pieces = (
            (data.len() - sent.0).min(credit.0),
            (answer.len() - sent.1).min(credit.1),
        );
        if pieces.0 > 0 {
            pair.client.stack.write(ours, &data[sent.0..sent.0 + pieces.0]);
        }
        if pieces.1 > 0 {
            pair.server.stack.write(theirs, &answer[sent.1..sent.1 + pieces.1]);
        }
        sent = (sent.0 + pieces.0, sent.1 + pieces.1);
        credit = (credit.0 - pieces.0, credit.1 - pieces.1);
        if pair.server.owner.received(theirs) == length && pair.client.owner.received(ours) == length {
            break;
        }
        pair.pass(Duration::from_millis(20));
        credit.0 += pair.client.owner.writable.remove(&ours).unwrap_or(0);
        credit.1 += pair.server.owner.writable.remove(&theirs).unwrap_or(0);
    }
    assert!(pair.server.owner.data[&theirs] == data, "up");
    assert!(pair.client.owner.data[&ours] == answer, "down");
    pair.client.stack.end(ours);
    pair.server.stack.end(theirs);
    pair.run(Duration::from_secs(120), |pair| {
        pair.client.owner.closed.contains(&ours) && pair.server.owner.closed.contains(&theirs)
    });
    assert!(pair.client.owner.ended.contains(&ours) && pair.server.owner.ended.contains(&theirs));
    pair
}

#[test]
fn a_clean_link() {
    for to in [WEB, WEB6] {
        let pair = both_ways(Pair::new(Settings::default()), to, 2_000_000);
        assert_eq!(pair.server.stack.flow_count(), 0);
    }
}

#[test]
fn every_kind_of_bad_link_by_seed() {
    let delay = Duration::from_millis(25);
    for seed in 1..=12 {
        let faults = Faults {
            lose: 10 * (seed % 6),
            double: 50 * (seed % 2),
            corrupt: 10 * (seed % 3),
            reorder: 50 * (seed % 3),
            delay,
        };
        let settings = Settings {
            faults,
            seed,
            ..Settings::default()
        };
        both_ways(Pair::new(settings), WEB, 300_000);
    }
}

#[test]
fn a_first_answer_is_not_paced() {
    for congestion in [Algorithm::Cubic, Algorithm::Bbr] {
        let mut pair = Pair::new(Settings {
            congestion,
            faults: Faults {
                delay: Duration::from_millis(25),
                ..Faults::default()
            },
            ..Settings::default()
        });
        let (ours, theirs) = pair.established(WEB);
        pair.pass(Duration::from_millis(100));
        // Ten full segments: what may be in flight before the path is known (RFC 6928).
        pair.server.stack.write(theirs, &pattern(10 * 1368));
        pair.pass(Duration::from_millis(26));
        assert_eq!(pair.client.owner.received(ours), 10 * 1368, "{congestion:?}");
    }
}

#[test]
fn a_small_mtu() {
    for mtu in [576, 1280] {
        let settings = Settings {
            mtu,
            ..Settings::default()
        };
        both_ways(Pair::new(settings), WEB, 200_000);
    }
}

#[test]
fn a_reader_that_stops_stops_its_sender_and_nobody_else() {
    let mut pair = Pair::new(Settings::default());
    let (slow, slow_there) = pair.established(WEB);
    pair.server.reads = false;
    let mut granted = 256 * 1024;
    for _ in 0..3 {
        pair.client.stack.write(slow, &pattern(granted));
        pair.pass(Duration::from_secs(2));
        granted = pair.client.owner.writable.remove(&slow).unwrap_or(0);
    }
    assert_eq!(
        pair.server.owner.received(slow_there),
        256 * 1024,
        "no more than the credit rises"
    );

    let (quick, quick_there) = pair.established(WEB);
    pair.client.stack.write(quick, b"over the fast lane");
    pair.pass(Duration::from_secs(1));
    assert_eq!(pair.server.owner.text(quick_there), "over the fast lane");

    pair.server.reads = true;
    pair.pass(Duration::from_secs(30));
    assert!(pair.server.owner.received(slow_there) > 500 * 1024);
}

#[test]
fn an_owner_without_room_gets_it_later() {
    let mut pair = Pair::new(Settings::default());
    let (id, there) = pair.established(WEB);
    pair.server.owner.room = 0;
    pair.client.stack.write(id, b"patience");
    pair.pass(Duration::from_secs(1));
    assert_eq!(pair.server.owner.received(there), 0);
    assert!(pair.server.stack.has_rising());
    pair.server.owner.room = usize::MAX;
    pair.settle();
    assert_eq!(pair.server.owner.text(there), "patience");
}

#[test]
fn a_closed_port_refuses_and_a_dead_host_is_unreachable() {
    let mut pair = Pair::new(Settings {
        hold_syn: true,
        ..Settings::default()
    });
    let id = pair.connect(WEB);
    pair.pass(Duration::from_millis(10));
    let held = pair.server.owner.opened[0].clone();
    assert!(held.held);
    assert_eq!(held.source.ip(), CLIENT.parse::<IpAddr>().unwrap());
    pair.server.stack.refuse(pair.now, held.id, Refusal::Reset);
    pair.pass(Duration::from_millis(10));
    assert_eq!(pair.client.owner.reset.get(&id), Some(&ResetReason::Refused));
    assert_eq!(pair.client.stack.flow_count() + pair.server.stack.flow_count(), 0);
}

#[test]
fn a_held_connection_waits_as_long_as_the_owner_likes() {
    let mut pair = Pair::new(Settings {
        hold_syn: true,
        ..Settings::default()
    });
    let id = pair.connect(WEB);
    pair.pass(Duration::from_secs(10));
    assert_eq!(
        pair.server.owner.opened.len(),
        1,
        "the repeated SYNs are one connection"
    );
    assert!(pair.client.owner.connected.is_empty());
    let there = pair.server.owner.opened[0].id;
    pair.server.stack.accept(pair.now, there);
    pair.server.stack.write(there, b"220 ready");
    pair.run(Duration::from_secs(10), |pair| pair.client.owner.received(id) == 9);
}

#[test]
fn a_connection_that_nobody_answers_times_out() {
    let mut pair = Pair::new(Settings::default());
    pair.set_faults(Faults {
        lose: 1000,
        ..Faults::default()
    });
    let id = pair.connect(WEB);
    pair.run(Duration::from_secs(40), |pair| {
        pair.client.owner.reset.contains_key(&id)
    });
    assert_eq!(pair.client.owner.reset[&id], ResetReason::TimedOut);
}

#[test]
fn datagrams_both_ways_of_every_size() {
    for (ours, theirs) in [
        ("10.0.0.1:5000", "192.0.2.53:53"),
        ("[fd6d:6964:7769:7265::1]:5000", "[2001:db8::53]:53"),
    ] {
        let mut pair = Pair::new(Settings::default());
        let (ours, theirs): (SocketAddr, SocketAddr) = (ours.parse().unwrap(), theirs.parse().unwrap());
        for length in [0, 1, 512, 1392, 1393, 4096, 60_000] {
            let data = pattern(length);
            pair.client.stack.send_datagram(pair.now, None, ours, theirs, &data);
            pair.pass(Duration::from_millis(10));
            let (_, source, destination, received) = pair.server.owner.datagrams.pop().unwrap();
            assert_eq!((source, destination), (ours, theirs));
            assert!(received == data, "{length} bytes up");
            // From another address than the one that was asked.
            let other = SocketAddr::new(theirs.ip(), 9999);
            pair.server.stack.send_datagram(pair.now, None, other, ours, &data);
            pair.pass(Duration::from_millis(10));
            let (_, source, _, received) = pair.client.owner.datagrams.pop().unwrap();
            assert_eq!(source, other);
            assert!(received == data, "{length} bytes down");
        }
    }
}

#[test]
fn an_empty_datagram_takes_room_with_the_owner_as_any_does() {
    let mut pair = Pair::new(Settings::default());
    let (ours, theirs) = ("10.0.0.1:5000".parse().unwrap(), "192.0.2.53:53".parse().unwrap());
    for room in [0, 1] {
        pair.server.owner.room = room;
        pair.client.stack.send_datagram(pair.now, None, ours, theirs, b"");
        pair.pass(Duration::from_millis(10));
        assert_eq!(pair.server.owner.datagrams.len(), room);
    }
    assert_eq!(pair.server.stack.counters().datagrams_dropped, 1);
}

#[test]
fn a_udp_flow_expires_after_a_minute_without_datagrams() {
    let mut pair = Pair::new(Settings::default());
    let (ours, theirs) = ("10.0.0.1:5000".parse().unwrap(), "192.0.2.53:53".parse().unwrap());
    pair.client.stack.send_datagram(pair.now, None, ours, theirs, b"?");
    pair.pass(Duration::from_secs(50));
    let flow = pair.server.owner.datagrams[0].0;
    pair.server.stack.send_datagram(pair.now, None, theirs, ours, b"!");
    pair.pass(Duration::from_secs(50));
    assert!(pair.server.owner.expired.is_empty(), "the reply kept it alive");
    pair.pass(Duration::from_secs(15));
    assert_eq!(pair.server.owner.expired, [flow]);
}

#[test]
fn a_refused_datagram_is_answered_by_port_unreachable() {
    let mut pair = Pair::new(Settings {
        raise_icmp: true,
        ..Settings::default()
    });
    let ours: SocketAddr = "10.0.0.1:5000".parse().unwrap();
    let theirs = "192.0.2.53:53".parse().unwrap();
    pair.client
        .stack
        .send_datagram(pair.now, None, ours, theirs, b"anybody?");
    pair.pass(Duration::from_millis(10));
    let flow = pair.server.owner.datagrams[0].0;
    let before = pair.client.stack.counters().icmp_dropped;
    pair.server.stack.refuse_datagram(pair.now, flow);
    pair.pass(Duration::from_millis(10));
    assert_eq!(pair.client.stack.counters().icmp_dropped, before + 1);
}

#[test]
fn echo_to_our_own_addresses_is_answered_and_to_others_never_pretended() {
    for (client, own, other) in [
        (CLIENT, SERVER, "192.0.2.1"),
        ("fd6d:6964:7769:7265::1", SERVER6, "2001:db8::1"),
    ] {
        let mut pair = Pair::new(Settings {
            raise_icmp: true,
            ..Settings::default()
        });
        let (client, own, other): (IpAddr, IpAddr, IpAddr) =
            (client.parse().unwrap(), own.parse().unwrap(), other.parse().unwrap());
        let request = [if client.is_ipv4() { 8 } else { 128 }, 0, 0, 0, 0, 7, 0, 1, 1, 2, 3, 4];
        pair.client.stack.send_icmp(None, client, own, &request);
        pair.client.stack.send_icmp(None, client, other, &request);
        pair.pass(Duration::from_millis(10));
        assert_eq!(pair.server.stack.counters().echo_replies, 1);
        assert_eq!(pair.server.owner.icmp.len(), 1, "the other one is the owner's");
        assert_eq!(pair.server.owner.icmp[0][4..], request[4..]);
    }
}

#[test]
fn a_removed_peer_takes_its_flows_along() {
    let mut pair = Pair::new(Settings::default());
    let (_, there) = pair.established(WEB);
    let peer = pair.server.owner.opened[0].peer;
    pair.server.stack.remove_peer(peer, &mut pair.server.owner);
    assert_eq!(pair.server.owner.reset.get(&there), Some(&ResetReason::PeerRemoved));
    assert_eq!(pair.server.stack.flow_count(), 0);
}

#[test]
fn thousands_of_connections_come_and_go() {
    let mut pair = Pair::new(Settings {
        buffer: 4096,
        ..Settings::default()
    });
    let ids: Vec<_> = (0..3000).map(|_| pair.connect(WEB)).collect();
    pair.run(Duration::from_secs(60), |pair| pair.server.owner.opened.len() == 3000);
    for id in &ids {
        pair.client.stack.write(*id, b"ping");
    }
    pair.run(Duration::from_secs(60), |pair| {
        pair.server
            .owner
            .opened
            .iter()
            .all(|one| pair.server.owner.received(one.id) == 4)
    });
    for one in pair.server.owner.opened.clone() {
        pair.server.stack.end(one.id);
    }
    for id in ids {
        pair.client.stack.end(id);
    }
    pair.run(Duration::from_secs(120), |pair| {
        pair.server.stack.flow_count() + pair.client.stack.flow_count() == 0
    });
}
