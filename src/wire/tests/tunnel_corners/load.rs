//! Under load: junk is cheap, a cookie proves an address, and a second of rest is enough.

use midwire_wire::Duration;
use midwire_wire::tunnel::{HANDSHAKES_PER_SECOND, Tunnel};

use crate::forge::with_mac1;
use crate::support::two::*;

/// The type of the server's answer to an initiation of a new client.
fn answer_to_a_fresh_client(two: &mut Two) -> Option<u8> {
    let mut client = Tunnel::new(private(1), 5);
    let mut config = peer(2, &["0.0.0.0/0"]);
    config.endpoint = Some(SERVER_AT.parse().unwrap());
    client.add_peer(two.now, config).unwrap();
    let (_, initiation) = seal(&mut client, two.now, &inner("10.0.0.1", "192.0.2.80")).unwrap();
    receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
    two.server.poll_transmit().map(|(_, datagram)| datagram[0])
}

/// As many initiations as there may be in a second, with a right mac1 and nothing else.
fn flood(two: &mut Two) {
    let junk = with_mac1(&private(2).public_key(), vec![1, 0, 0, 0], 148);
    for _ in 0..HANDSHAKES_PER_SECOND {
        receive(&mut two.server, two.now, path(ELSEWHERE), &junk);
    }
    while two.server.poll_transmit().is_some() {}
}

#[test]
fn sixteen_fast_handshakes_and_three_seconds_of_rest_need_no_cookie() {
    let mut two = Two::new();
    for _ in 0..16 {
        assert_eq!(answer_to_a_fresh_client(&mut two), Some(2));
    }
    two.pass(Duration::from_secs(3));
    assert_eq!(answer_to_a_fresh_client(&mut two), Some(2));
    assert_eq!(two.server.counters().cookies, 0);
}

#[test]
fn junk_without_mac1_is_no_load() {
    let mut two = Two::new();
    for _ in 0..3000 {
        receive(
            &mut two.server,
            two.now,
            path(ELSEWHERE),
            &[&[1, 0, 0, 0][..], &[7; 144]].concat(),
        );
    }
    assert_eq!(two.server.counters().unauthenticated, 3000);
    assert_eq!(answer_to_a_fresh_client(&mut two), Some(2));
}

#[test]
fn each_second_has_its_own_share() {
    let mut two = Two::new();
    // Not in step with the second in which the tunnel was made.
    for _ in 0..20 {
        two.pass(Duration::from_millis(1030));
        for _ in 0..HANDSHAKES_PER_SECOND {
            assert_eq!(answer_to_a_fresh_client(&mut two), Some(2));
        }
        assert_eq!(answer_to_a_fresh_client(&mut two), Some(3));
    }
}

#[test]
fn a_cookie_is_good_for_its_own_address_only() {
    let mut two = Two::new();
    let initiation = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    flood(&mut two);
    receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
    let (_, cookie) = two.server.poll_transmit().unwrap();
    assert_eq!((cookie[0], cookie.len()), (3, 64), "shorter than what it answers");
    receive(&mut two.client, two.now, path(SERVER_AT), &cookie);
    two.pass(Duration::from_millis(5500));
    two.client.handle_timeout(two.now);
    let (_, second) = two.client.poll_transmit().unwrap();
    flood(&mut two);
    let mut answer = |from: &str| {
        receive(&mut two.server, two.now, path(from), &second);
        two.server.poll_transmit().map(|(_, datagram)| datagram[0])
    };
    assert_eq!(answer(ELSEWHERE), Some(3));
    assert_eq!(answer("192.0.2.1:5"), Some(2), "the port is not part of it");
}
