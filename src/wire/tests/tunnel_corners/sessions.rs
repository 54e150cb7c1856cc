//! When keys are made, renewed, rejected and erased (whitepaper, 6.1 to 6.4).

use midwire_wire::Duration;
use midwire_wire::tunnel::TICK;

use crate::support::two::*;

/// Time goes by for both, and every handshake between them is lost.
fn live_without_handshakes(two: &mut Two, time: Duration) {
    let end = two.now + time;
    while two.now < end {
        two.pass(Duration::from_millis(250));
        two.client.handle_timeout(two.now);
        two.server.handle_timeout(two.now);
        while two.client.poll_transmit().is_some() {}
        while two.server.poll_transmit().is_some() {}
    }
}

#[test]
fn a_session_is_good_for_180_s_and_not_for_181() {
    let mut two = Two::new();
    two.connect();
    two.pass(Duration::from_secs(1));
    let packet = inner("10.0.0.1", "192.0.2.80");
    let [early, late] = [0, 1].map(|_| two.seal(&packet).unwrap());
    live_without_handshakes(&mut two, Duration::from_secs(178));
    assert_eq!(
        receive(&mut two.server, two.now, path(CLIENT_AT), &early),
        Some(packet.clone())
    );
    live_without_handshakes(&mut two, Duration::from_secs(2));
    assert_eq!(receive(&mut two.server, two.now, path(CLIENT_AT), &late), None);
    // The server does not send with the old session either: it begins a handshake.
    let answer = seal(&mut two.server, two.now, &inner("192.0.2.80", "10.0.0.1"));
    assert_ne!(answer.map(|(_, datagram)| datagram[0]), Some(4));
}

#[test]
fn a_session_is_rejected_though_nobody_has_ticked() {
    // A caller that was held up, a machine that slept.
    let mut two = Two::new();
    two.connect();
    let late = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    two.pass(Duration::from_secs(181));
    assert_eq!(receive(&mut two.server, two.now, path(CLIENT_AT), &late), None);
    let (_, answer) = seal(&mut two.server, two.now, &inner("192.0.2.80", "10.0.0.1")).unwrap();
    assert_eq!(answer[0], 1);
}

#[test]
fn the_responder_leaves_rekeying_to_the_initiator() {
    let mut two = Two::new();
    two.connect();
    let down = inner("192.0.2.80", "10.0.0.1");
    let mut initiations = Vec::new();
    for second in 0..170 {
        // The server sends all the time, the client only hears it.
        let (_, datagram) = seal(&mut two.server, two.now, &down).unwrap();
        assert_eq!(datagram[0], 4, "at {second} s");
        assert!(receive(&mut two.client, two.now, path(SERVER_AT), &datagram).is_some());
        if two.live(Duration::from_secs(1)).contains(&1) {
            initiations.push(second);
        }
    }
    // 180 s less the 10 s of a keepalive and the 5 s of a retry.
    assert!(matches!(initiations[..], [164..=166]), "{initiations:?}");
}

#[test]
fn a_handshake_follows_15_s_without_an_answer() {
    let mut two = Two::new();
    two.connect();
    two.live(Duration::from_secs(1));
    let mut at = None;
    for quarter in 0..4 * 20 {
        two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
        two.pass(Duration::from_millis(250));
        two.client.handle_timeout(two.now);
        if two.client.poll_transmit().is_some_and(|(_, datagram)| datagram[0] == 1) {
            at = at.or(Some(quarter));
        }
    }
    assert!(matches!(at, Some(54..=62)), "{at:?}");
}

#[test]
fn a_packet_starts_anew_what_was_given_up() {
    let mut two = Two::new();
    two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    live_without_handshakes(&mut two, Duration::from_secs(200));
    assert_eq!(two.client.poll_timeout(two.now), None);
    two.pass(Duration::from_secs(60));
    let again = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    assert_eq!(again[0], 1);
    assert_eq!(two.client.poll_timeout(two.now), Some(two.now + TICK));
    // That one is lost; its repetition is not.
    assert_eq!(two.live(Duration::from_secs(6)).first(), Some(&1));
    assert!(two.up(&inner("10.0.0.1", "192.0.2.80")).is_some());
}

#[test]
fn a_restarted_client_is_served_at_once() {
    let mut two = Two::new();
    two.connect();
    let old = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    two.client = Two::new().client;
    two.connect();
    assert!(two.up(&inner("10.0.0.1", "192.0.2.80")).is_some());
    let (_, answer) = seal(&mut two.server, two.now, &inner("192.0.2.80", "10.0.0.1")).unwrap();
    assert!(receive(&mut two.client, two.now, path(SERVER_AT), &answer).is_some());
    // A message that the client sent just before the end may still arrive; it does not turn the server back.
    receive(&mut two.server, two.now, path(CLIENT_AT), &old);
    assert!(two.up(&inner("10.0.0.1", "192.0.2.80")).is_some());
}

#[test]
fn traffic_flows_over_many_rekeys() {
    let mut two = Two::new();
    two.connect();
    let (up, down) = (inner("10.0.0.1", "192.0.2.80"), inner("192.0.2.80", "10.0.0.1"));
    let mut handshakes = 0;
    for second in 0..1000 {
        handshakes += two
            .live(Duration::from_secs(1))
            .iter()
            .filter(|kind| **kind == 1)
            .count();
        assert!(two.up(&up).is_some(), "up at {second} s");
        let (_, datagram) = seal(&mut two.server, two.now, &down).unwrap();
        assert!(
            receive(&mut two.client, two.now, path(SERVER_AT), &datagram).is_some(),
            "down at {second} s"
        );
    }
    assert_eq!(handshakes, 8);
}
