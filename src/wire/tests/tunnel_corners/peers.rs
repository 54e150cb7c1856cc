//! The peers of a tunnel: each its own addresses, numbers and indices; added and removed while it runs.

use std::collections::HashSet;

use midwire_wire::allowed_ips::Cidr;
use midwire_wire::tunnel::{AddPeerError, PeerId, Tunnel};
use midwire_wire::{Duration, Instant};

use crate::support::two::*;

#[test]
fn a_wide_range_does_not_speak_for_an_address_of_another_peer_in_it() {
    let mut two = Two::with(|_| {}, |peer| peer.allowed_ips = ranges(&["10.0.0.0/24", "fd00::/64"]));
    two.server
        .add_peer(two.now, peer(3, &["10.0.0.0/32", "10.0.0.5/32", "fd00::5/128"]))
        .unwrap();
    two.connect();
    for own in ["10.0.0.4", "10.0.0.6"] {
        assert!(two.up(&inner(own, "192.0.2.80")).is_some(), "{own}");
    }
    assert!(two.up(&inner("fd00::4", "2001:db8::80")).is_some());
    for other in ["10.0.0.0", "10.0.0.5"] {
        assert_eq!(two.up(&inner(other, "192.0.2.80")), None, "{other}");
    }
    assert_eq!(two.up(&inner("fd00::5", "2001:db8::80")), None);
    assert_eq!(two.server.counters().wrong_source, 3);
    // With the other peer gone the address is the wide range's.
    two.server.remove_peer(&private(3).public_key());
    assert!(two.up(&inner("10.0.0.5", "192.0.2.80")).is_some());
}

fn ranges(texts: &[&str]) -> Vec<Cidr> {
    texts.iter().map(|text| Cidr::parse(text).unwrap()).collect()
}

#[test]
fn a_peer_with_many_addresses_may_use_each() {
    let many: Vec<String> = (1..=20).map(|number| format!("10.1.0.{number}/32")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut two = Two::with(|_| {}, |peer| peer.allowed_ips = ranges(&many));
    two.connect();
    for number in 1..=20 {
        assert!(two.up(&inner(&format!("10.1.0.{number}"), "192.0.2.80")).is_some());
    }
    assert_eq!(two.up(&inner("10.1.0.21", "192.0.2.80")), None);
}

#[test]
fn a_peer_that_could_not_be_added_has_left_nothing() {
    let mut two = Two::new();
    let twice = peer(4, &["10.0.0.8/32", "10.0.0.9/32", "10.0.0.8/32"]);
    let again = Cidr::parse("10.0.0.8/32").unwrap();
    assert_eq!(
        two.server.add_peer(two.now, twice),
        Err(AddPeerError::DuplicateAllowedIp(again))
    );
    assert!(
        two.server
            .add_peer(two.now, peer(4, &["10.0.0.9/32", "10.0.0.1/32"]))
            .is_err()
    );
    assert_eq!(two.server.route("10.0.0.9".parse().unwrap()), None);
    assert_eq!(two.server.peers().count(), 1);
    let third = two
        .server
        .add_peer(two.now, peer(4, &["10.0.0.8/32", "10.0.0.9/32"]))
        .unwrap();
    assert_eq!(two.server.route("10.0.0.9".parse().unwrap()), Some(third));
}

#[test]
fn a_number_is_never_used_again() {
    let mut tunnel = Two::new().server;
    let mut seen = HashSet::new();
    for _ in 0..50 {
        let id = tunnel.add_peer(Instant::ZERO, peer(7, &["10.0.0.7/32"])).unwrap();
        assert!(seen.insert(id));
        assert_eq!(tunnel.remove_peer(&private(7).public_key()), Some(id));
    }
}

#[test]
fn a_removed_peer_is_a_stranger_at_once() {
    let mut two = Two::new();
    two.connect();
    let datagram = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    two.server.remove_peer(&private(1).public_key());
    let strange = two.server.counters().unknown_peer;
    receive(&mut two.server, two.now, path(CLIENT_AT), &datagram);
    let mut again = Two::new();
    let initiation = again.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
    assert!(two.server.poll_transmit().is_none());
    assert_eq!(two.server.counters().unknown_peer, strange + 2);
    assert!(seal(&mut two.server, two.now, &inner("192.0.2.80", "10.0.0.1")).is_none());
    // No peer is left that has to be ticked.
    two.pass(Duration::from_millis(250));
    two.server.handle_timeout(two.now);
    assert_eq!(two.server.poll_timeout(two.now), None);
    // Added again it has no session of before.
    two.server.add_peer(two.now, peer(1, &["10.0.0.1/32"])).unwrap();
    assert_eq!(receive(&mut two.server, two.now, path(CLIENT_AT), &datagram), None);
}

#[test]
fn each_of_many_peers_is_known_by_its_own_key_index_and_address() {
    let now = Instant::ZERO;
    let mut server = Tunnel::new(private(2), 2);
    let key = |number: u8| private(number.wrapping_add(3));
    let mut clients: Vec<(PeerId, Tunnel, String)> = Vec::new();
    for number in 0..200u8 {
        let address = format!("10.0.1.{number}");
        let mut own = peer(0, &[&format!("{address}/32")]);
        own.public_key = key(number).public_key();
        let id = server.add_peer(now, own).unwrap();
        // All of the same seed: their own indices meet, and that must not matter.
        let mut client = Tunnel::new(key(number), 1);
        let mut of_client = peer(2, &["0.0.0.0/0"]);
        of_client.endpoint = Some(SERVER_AT.parse().unwrap());
        client.add_peer(now, of_client).unwrap();
        clients.push((id, client, address));
    }
    let mut indices = HashSet::new();
    for (number, (id, client, address)) in clients.iter_mut().enumerate() {
        let from = path(&format!("192.0.2.1:{}", 1000 + number));
        let (_, initiation) = seal(client, now, &inner(address, "192.0.2.80")).unwrap();
        receive(&mut server, now, from, &initiation);
        // 200 in one instant: some need a cookie first.
        let Some((to, answer)) = server.poll_transmit() else {
            continue;
        };
        assert_eq!(to, from);
        if answer[0] == 2 {
            assert!(indices.insert(answer[5..8].to_vec()), "two peers with one index");
        }
        receive(client, now, path(SERVER_AT), &answer);
        while let Some((_, datagram)) = client.poll_transmit() {
            let mut buffer = vec![0; 2048];
            if let Some(inbound) = server.handle_datagram(now, from, &datagram, &mut buffer) {
                assert_eq!(inbound.peer, *id);
            }
        }
        if answer[0] == 2 {
            let (to, _) = seal(&mut server, now, &inner("192.0.2.80", address)).unwrap();
            assert_eq!(to, from);
        }
    }
    assert_eq!(indices.len(), 100);
    assert_eq!(server.peers().filter(|peer| peer.received_bytes > 0).count(), 100);
}
