//! The tunnel and time: cookies, rekeys, rejected sessions, retries, keepalives, restarts.
#![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

mod support;

use midwire_wire::Duration;
use midwire_wire::tunnel::{HANDSHAKES_PER_SECOND, Tunnel};
use support::two::{CLIENT_AT, SERVER_AT, Two, inner, path, peer, private, receive, seal};

#[test]
fn a_storm_of_handshakes_needs_cookies_and_heals_with_time() {
    let mut two = Two::new();
    let packet = inner("10.0.0.1", "192.0.2.80");
    let handshake = |two: &mut Two, client: u8| {
        let mut tunnel = Tunnel::new(private(client), u64::from(client));
        let mut config = peer(2, &["0.0.0.0/0"]);
        config.endpoint = Some(SERVER_AT.parse().unwrap());
        tunnel.add_peer(two.now, config).unwrap();
        let (_, initiation) = seal(&mut tunnel, two.now, &packet).unwrap();
        receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
        (tunnel, two.server.poll_transmit().map(|(_, datagram)| datagram))
    };
    // Unknown keys count as well: their mac1 is right.
    for client in 0..HANDSHAKES_PER_SECOND {
        let (_, answer) = handshake(&mut two, 10 + client as u8);
        assert_eq!(answer, None, "unknown");
    }
    let (mut client, cookie) = handshake(&mut two, 1);
    let cookie = cookie.unwrap();
    assert_eq!(cookie[0], 3, "under load a cookie comes first");
    assert_eq!(two.server.counters().cookies, 1);
    // With the cookie the client gets in, under load as it is.
    receive(&mut client, two.now, path(SERVER_AT), &cookie);
    two.pass(Duration::from_millis(5500));
    for client in 0..HANDSHAKES_PER_SECOND {
        handshake(&mut two, 10 + client as u8);
    }
    client.handle_timeout(two.now);
    let (_, second) = client.poll_transmit().unwrap();
    receive(&mut two.server, two.now, path(CLIENT_AT), &second);
    let (_, answer) = two.server.poll_transmit().unwrap();
    assert_eq!(answer[0], 2);
    // After three seconds of rest no handshake needs a cookie.
    two.pass(Duration::from_secs(3));
    two.server.add_peer(two.now, peer(200, &["10.0.0.200/32"])).unwrap();
    let (_, answer) = handshake(&mut two, 200);
    assert_eq!(answer.unwrap()[0], 2);
}

#[test]
fn twenty_reconnects_in_a_row_need_no_cookie() {
    let mut two = Two::new();
    for _ in 0..20 {
        two.client = {
            let mut client = Tunnel::new(private(1), 5);
            let mut config = peer(2, &["0.0.0.0/0"]);
            config.endpoint = Some(SERVER_AT.parse().unwrap());
            client.add_peer(two.now, config).unwrap();
            client
        };
        two.pass(Duration::from_millis(20));
        two.connect();
        let packet = inner("10.0.0.1", "192.0.2.80");
        assert!(two.up(&packet).is_some());
    }
    assert_eq!(two.server.counters().cookies, 0);
}

#[test]
fn the_initiator_rekeys_after_120_s_of_sending() {
    let mut two = Two::new();
    two.connect();
    let packet = inner("10.0.0.1", "192.0.2.80");
    let mut initiations = Vec::new();
    for second in 0..130 {
        two.up(&packet);
        if two.live(Duration::from_secs(1)).contains(&1) {
            initiations.push(second);
        }
    }
    assert_eq!(initiations.len(), 1, "{initiations:?}");
    assert!((118..=122).contains(&initiations[0]), "{initiations:?}");
    assert!(two.up(&packet).is_some());
}

#[test]
fn a_session_is_rejected_after_180_s_and_all_is_erased_at_540_s() {
    let mut two = Two::new();
    two.connect();
    let late = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    two.live(Duration::from_secs(182));
    assert_eq!(receive(&mut two.server, two.now, path(CLIENT_AT), &late), None);
    assert!(two.server.peers().next().unwrap().last_handshake.is_none());
    two.live(Duration::from_secs(370));
    assert_eq!(two.server.poll_timeout(two.now), None, "nothing is left to look after");
    // And a new handshake works.
    two.connect();
    assert!(two.up(&inner("10.0.0.1", "192.0.2.80")).is_some());
}

#[test]
fn an_unanswered_initiation_is_repeated_every_5_s_for_90_s() {
    let mut two = Two::new();
    two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    let mut repeated = Vec::new();
    for _ in 0..4 * 120 {
        two.pass(Duration::from_millis(250));
        two.client.handle_timeout(two.now);
        while let Some((_, datagram)) = two.client.poll_transmit() {
            assert_eq!(datagram[0], 1);
            repeated.push(two.now.total_millis());
        }
    }
    assert!(repeated[0] >= 5000 && repeated[0] <= 5500, "{repeated:?}");
    assert!(
        repeated
            .windows(2)
            .all(|pair| pair[1] - pair[0] >= 5000 && pair[1] - pair[0] <= 5750),
        "{repeated:?}"
    );
    assert!(*repeated.last().unwrap() <= 90_500, "{repeated:?}");
    assert_eq!(two.client.poll_timeout(two.now), None);
}

#[test]
fn a_keepalive_answers_data_after_10_s_of_silence() {
    let mut two = Two::new();
    two.connect();
    two.live(Duration::from_secs(15));
    two.up(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    two.live(Duration::from_secs(1));
    let answer = inner("192.0.2.80", "10.0.0.1");
    let (_, datagram) = seal(&mut two.server, two.now, &answer).unwrap();
    receive(&mut two.client, two.now, path(SERVER_AT), &datagram).unwrap();
    assert_eq!(two.live(Duration::from_secs(8)), []);
    assert_eq!(two.live(Duration::from_secs(3)), [4]);
}

#[test]
fn a_persistent_keepalive_comes_every_25_s_and_outlives_a_dead_server() {
    let mut two = Two::with(|peer| peer.keepalive = Some(25), |_| {});
    let said = two.live(Duration::from_secs(60));
    assert_eq!(said.first(), Some(&1), "it starts the handshake by itself");
    assert!(said.iter().filter(|kind| **kind == 4).count() >= 2, "{said:?}");
    // The server is away for ten minutes and comes back with the same keys.
    for _ in 0..4 * 600 {
        two.pass(Duration::from_millis(250));
        two.client.handle_timeout(two.now);
        while two.client.poll_transmit().is_some() {}
    }
    two.server = Tunnel::new(private(2), 3);
    two.server.add_peer(two.now, peer(1, &["10.0.0.1/32"])).unwrap();
    two.live(Duration::from_secs(40));
    assert!(two.server.peers().next().unwrap().last_handshake.is_some());
}

#[test]
fn a_restarted_server_is_found_again_within_a_rekey() {
    let mut two = Two::new();
    two.connect();
    two.server = Tunnel::new(private(2), 77);
    two.server.add_peer(two.now, peer(1, &["10.0.0.1/32"])).unwrap();
    let packet = inner("10.0.0.1", "192.0.2.80");
    two.live(Duration::from_secs(1));
    assert_eq!(two.up(&packet), None);
    two.live(Duration::from_secs(21));
    assert!(two.up(&packet).is_some());
}
