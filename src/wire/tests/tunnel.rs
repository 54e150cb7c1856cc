//! Tests of the tunnel alone: which messages it takes, where its answers go, and the cost of junk.
#![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

mod support;

use std::net::IpAddr;

use midwire_wire::allowed_ips::Cidr;
use midwire_wire::key::PublicKey;
use midwire_wire::packet;
use midwire_wire::tunnel::{AddPeerError, MAX_TRANSMIT, Tunnel};
use proptest::prelude::*;
use support::two::{CLIENT_AT, ELSEWHERE, SERVER_AT, Two, endpoint, inner, path, peer, private, receive, seal};

#[test]
fn packets_of_both_families_both_ways() {
    let mut two = Two::new();
    two.connect();
    for (client, world) in [("10.0.0.1", "192.0.2.80"), ("fd00::1", "2001:db8::80")] {
        let packet = inner(client, world);
        assert_eq!(two.up(&packet), Some(packet));
        let answer = inner(world, client);
        let (to, datagram) = seal(&mut two.server, two.now, &answer).unwrap();
        assert_eq!(to, path(CLIENT_AT));
        assert_eq!(
            receive(&mut two.client, two.now, path(SERVER_AT), &datagram),
            Some(answer)
        );
    }
    let status = two.server.peers().next().unwrap();
    assert!(status.received_bytes > 0 && status.sent_bytes > 0 && status.dropped == 0);
    assert!(status.last_handshake.is_some());
}

#[test]
fn what_waits_for_the_handshake_goes_after_it() {
    let mut two = Two::new();
    let packet = inner("10.0.0.1", "192.0.2.80");
    let first = two.seal(&packet).unwrap();
    assert_eq!(first[0], 1, "an initiation goes first");
    assert!(two.seal(&packet).is_none(), "and nothing more until it is answered");
    receive(&mut two.server, two.now, path(CLIENT_AT), &first);
    let said = two.carry();
    assert_eq!(
        said.iter().filter(|kind| **kind == 4).count(),
        3,
        "a keepalive and the two packets: {said:?}"
    );
    assert_eq!(
        two.server.peers().next().unwrap().received_bytes,
        2 * packet.len() as u64
    );
}

#[test]
fn a_preshared_key_must_be_the_same() {
    for (ours, theirs, works) in [
        (Some([7; 32]), Some([7; 32]), true),
        (Some([7; 32]), Some([8; 32]), false),
        (None, Some([7; 32]), false),
    ] {
        let mut two = Two::with(|peer| peer.preshared_key = ours, |peer| peer.preshared_key = theirs);
        two.connect();
        let packet = inner("10.0.0.1", "192.0.2.80");
        assert_eq!(two.up(&packet).is_some(), works);
    }
}

#[test]
fn silence_to_whatever_does_not_authenticate() {
    let mut two = Two::new();
    let initiation = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    let mut stranger = Tunnel::new(private(9), 9);
    let mut config = peer(2, &["0.0.0.0/0"]);
    config.endpoint = Some(SERVER_AT.parse().unwrap());
    stranger.add_peer(two.now, config).unwrap();
    let (_, unknown) = seal(&mut stranger, two.now, &inner("10.0.0.9", "192.0.2.80")).unwrap();

    let mut probes = vec![vec![], vec![1], vec![0; 148], unknown];
    for kind in 0..=5u8 {
        for length in [4, 31, 32, 64, 92, 148, 1452] {
            let mut probe = vec![0xaa; length];
            probe[..4].copy_from_slice(&[kind, 0, 0, 0]);
            probes.push(probe);
        }
    }
    for at in [0, 1, 4, 8, 40, 88, 116, 131] {
        let mut broken = initiation.clone();
        broken[at] ^= 1;
        probes.push(broken);
    }
    for probe in &probes {
        assert_eq!(receive(&mut two.server, two.now, path(ELSEWHERE), probe), None);
        assert!(two.server.poll_transmit().is_none(), "an answer to {:?}", probe.first());
    }
    assert_eq!(endpoint(&two.server), None);
    // And the real one is still good.
    receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
    assert_eq!(two.server.poll_transmit().unwrap().1[0], 2);
}

#[test]
fn replays_of_every_kind_get_nothing() {
    let mut two = Two::new();
    let initiation = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
    two.carry();
    let data = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    assert!(receive(&mut two.server, two.now, path(CLIENT_AT), &data).is_some());
    for replay in [&initiation, &data] {
        assert_eq!(receive(&mut two.server, two.now, path(ELSEWHERE), replay), None);
        assert!(two.server.poll_transmit().is_none());
    }
    assert_eq!(endpoint(&two.server).as_deref(), Some(CLIENT_AT));
    assert_eq!(two.server.counters().replayed, 2);
}

#[test]
fn a_late_datagram_passes_inside_the_window_and_not_behind_it() {
    let mut two = Two::new();
    two.connect();
    let packet = inner("10.0.0.1", "192.0.2.80");
    let late: Vec<_> = (0..2).map(|_| two.seal(&packet).unwrap()).collect();
    for _ in 0..900 {
        two.up(&packet).unwrap();
    }
    assert!(
        receive(&mut two.server, two.now, path(CLIENT_AT), &late[1]).is_some(),
        "900 late"
    );
    for _ in 0..9000 {
        two.up(&packet).unwrap();
    }
    assert!(
        receive(&mut two.server, two.now, path(CLIENT_AT), &late[0]).is_none(),
        "9,900 late"
    );
}

#[test]
fn the_endpoint_moves_with_an_authenticated_packet_only() {
    let mut two = Two::new();
    two.connect();
    let packet = inner("10.0.0.1", "192.0.2.80");
    let good = two.seal(&packet).unwrap();
    // Forged with the right receiver index: data, response, cookie.
    for (kind, length) in [(4u8, 96), (2, 92), (3, 64)] {
        let mut forged = vec![0x55; length];
        forged[..4].copy_from_slice(&[kind, 0, 0, 0]);
        let at = if kind == 2 { 8 } else { 4 };
        forged[at..at + 4].copy_from_slice(&good[4..8]);
        receive(&mut two.server, two.now, path(ELSEWHERE), &forged);
        assert_eq!(endpoint(&two.server).as_deref(), Some(CLIENT_AT), "type {kind}");
    }
    // A real move, to another address and to the other family, works at once.
    for place in [ELSEWHERE, "[2001:db8::9]:1234"] {
        let datagram = two.seal(&packet).unwrap();
        assert!(receive(&mut two.server, two.now, path(place), &datagram).is_some());
        assert_eq!(endpoint(&two.server).as_deref(), Some(place));
        let (to, _) = seal(&mut two.server, two.now, &inner("192.0.2.80", "10.0.0.1")).unwrap();
        assert_eq!(to, path(place));
    }
}

#[test]
fn source_port_0_is_never_answered() {
    let mut two = Two::new();
    let initiation = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    receive(&mut two.server, two.now, path("192.0.2.1:0"), &initiation);
    assert!(two.server.poll_transmit().is_none());
    assert_eq!(two.server.counters().unanswerable, 1);
}

#[test]
fn an_inner_source_must_be_the_peers_own() {
    let mut two = Two::new();
    two.server.add_peer(two.now, peer(3, &["10.0.0.2/32"])).unwrap();
    two.connect();
    for spoofed in ["10.0.0.2", "10.9.9.9", "fd00::2"] {
        let to = if spoofed.contains(':') {
            "2001:db8::1"
        } else {
            "192.0.2.80"
        };
        assert_eq!(two.up(&inner(spoofed, to)), None, "{spoofed}");
    }
    assert_eq!(two.server.counters().wrong_source, 3);
    assert_eq!(two.server.peers().next().unwrap().dropped, 3);
}

#[test]
fn packets_to_nobody_and_to_a_peer_that_has_not_spoken() {
    let mut two = Two::new();
    assert!(seal(&mut two.server, two.now, &inner("192.0.2.80", "10.0.0.77")).is_none());
    assert!(seal(&mut two.server, two.now, &inner("192.0.2.80", "10.0.0.1")).is_none());
    assert!(seal(&mut two.server, two.now, b"no packet").is_none());
    let counters = two.server.counters();
    assert_eq!((counters.no_route, counters.no_endpoint), (2, 1));
    assert_eq!(two.server.poll_timeout(two.now), None, "an idle server sleeps");
}

#[test]
fn peers_are_added_once_and_removed_at_once() {
    let mut two = Two::new();
    let now = two.now;
    assert_eq!(
        two.server.add_peer(now, peer(1, &["10.0.0.5/32"])),
        Err(AddPeerError::DuplicateKey)
    );
    let taken = Cidr::parse("10.0.0.1/32").unwrap();
    assert_eq!(
        two.server.add_peer(now, peer(4, &["10.0.0.1/32"])),
        Err(AddPeerError::DuplicateAllowedIp(taken))
    );
    two.connect();
    let datagram = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    assert!(two.server.remove_peer(&private(1).public_key()).is_some());
    assert!(two.server.remove_peer(&private(1).public_key()).is_none());
    assert_eq!(receive(&mut two.server, now, path(CLIENT_AT), &datagram), None);
    assert_eq!(two.server.route("10.0.0.1".parse().unwrap()), None);
    assert!(two.server.add_peer(now, peer(1, &["10.0.0.1/32"])).is_ok());
}

#[test]
fn the_transmit_queue_is_bounded() {
    let mut two = Two::new();
    for _ in 0..2 * MAX_TRANSMIT {
        let mut client = Tunnel::new(private(1), 5);
        let mut config = peer(2, &["0.0.0.0/0"]);
        config.endpoint = Some(SERVER_AT.parse().unwrap());
        client.add_peer(two.now, config).unwrap();
        let (_, initiation) = seal(&mut client, two.now, &inner("10.0.0.1", "192.0.2.80")).unwrap();
        receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
    }
    let mut waiting = 0;
    while two.server.poll_transmit().is_some() {
        waiting += 1;
    }
    assert_eq!(waiting, MAX_TRANSMIT);
    assert!(two.server.counters().transmit_dropped > 0);
}

#[test]
fn a_key_shows_little_of_itself() {
    let shown = format!("{:?}", PublicKey([0xab; 32]));
    assert_eq!(shown, "PublicKey(abababab..)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_buffer_is_too_short_and_no_datagram_too_odd(
        datagram in prop::collection::vec(any::<u8>(), 0..200),
        kind in 0u8..5,
        length in 0usize..400,
        size in 0usize..400,
    ) {
        let mut two = Two::new();
        two.connect();
        let mut datagram = datagram;
        if datagram.len() >= 4 {
            datagram[..4].copy_from_slice(&[kind, 0, 0, 0]);
        }
        let mut buffer = vec![0; size];
        prop_assert!(two.server.handle_datagram(two.now, path(ELSEWHERE), &datagram, &mut buffer).is_none());
        let source: IpAddr = "10.0.0.1".parse().unwrap();
        let to: IpAddr = "192.0.2.1".parse().unwrap();
        let mut long = packet::build(source, to, 17, 64, length, None).unwrap();
        long.resize(long.len() + length, 0);
        let outbound = two.client.handle_packet(two.now, &long, &mut buffer);
        if let Some(outbound) = outbound {
            prop_assert!(outbound.length <= size);
        }
    }
}
