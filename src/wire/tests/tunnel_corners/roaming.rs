//! Where answers go: the endpoint moves with what authenticates, and with nothing else.

use std::net::IpAddr;

use midwire_wire::Duration;
use midwire_wire::tunnel::{HANDSHAKES_PER_SECOND, Path};

use crate::support::two::*;

#[test]
fn the_answer_leaves_from_the_address_that_was_asked() {
    let mut two = Two::new();
    two.connect();
    let asked: IpAddr = "203.0.113.5".parse().unwrap();
    let from = Path {
        remote: CLIENT_AT.parse().unwrap(),
        local: Some(asked),
    };
    let datagram = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    assert!(receive(&mut two.server, two.now, from, &datagram).is_some());
    let (to, _) = seal(&mut two.server, two.now, &inner("192.0.2.80", "10.0.0.1")).unwrap();
    assert_eq!(to, from);
}

#[test]
fn keepalives_handshakes_and_responses_move_it_too() {
    let mut two = Two::with(|peer| peer.keepalive = Some(25), |_| {});
    two.connect();
    ELSEWHERE.clone_into(&mut two.client_at);
    // Nothing but keepalives.
    two.live(Duration::from_secs(26));
    assert_eq!(endpoint(&two.server).as_deref(), Some(ELSEWHERE));
    // A client that was restarted in a third place.
    let mut two = Two::with(|_| {}, |peer| peer.endpoint = Some(ELSEWHERE.parse().unwrap()));
    let initiation = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    receive(&mut two.server, two.now, path("[2001:db8::9]:1234"), &initiation);
    assert_eq!(endpoint(&two.server).as_deref(), Some("[2001:db8::9]:1234"));
    let (to, response) = two.server.poll_transmit().unwrap();
    assert_eq!(to, path("[2001:db8::9]:1234"));
    // The server answers from another address than it was asked at.
    receive(&mut two.client, two.now, path("192.0.2.3:51820"), &response);
    assert_eq!(endpoint(&two.client).as_deref(), Some("192.0.2.3:51820"));
}

#[test]
fn what_authenticates_moves_it_even_if_what_is_inside_is_dropped() {
    let mut two = Two::new();
    two.connect();
    let mut malformed = inner("10.0.0.1", "192.0.2.80");
    malformed[3] = 200;
    let spoofed = inner("10.0.0.7", "192.0.2.80");
    for (place, packet) in [(ELSEWHERE, malformed), ("[2001:db8::9]:1", spoofed)] {
        let datagram = two.seal(&packet).unwrap();
        assert_eq!(receive(&mut two.server, two.now, path(place), &datagram), None);
        assert_eq!(endpoint(&two.server).as_deref(), Some(place));
    }
    let counters = two.server.counters();
    assert_eq!((counters.malformed_inner, counters.wrong_source), (1, 1));
    assert_eq!(counters.unauthenticated, 0);
    assert_eq!(two.server.peers().next().unwrap().dropped, 2);
}

#[test]
fn a_cookie_reply_moves_nothing_even_if_it_is_real() {
    let mut two = Two::new();
    let initiation = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    for _ in 0..HANDSHAKES_PER_SECOND {
        // The same over and over is load as well.
        receive(&mut two.server, two.now, path(ELSEWHERE), &initiation);
        two.server.poll_transmit();
    }
    receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
    let (to, cookie) = two.server.poll_transmit().unwrap();
    assert_eq!((to, cookie[0]), (path(CLIENT_AT), 3));
    assert_eq!(
        endpoint(&two.server).as_deref(),
        Some(ELSEWHERE),
        "not by what was put off"
    );
    receive(&mut two.client, two.now, path(ELSEWHERE), &cookie);
    assert_eq!(endpoint(&two.client).as_deref(), Some(SERVER_AT));
    // The client has taken the cookie, though: its next initiation has a mac2.
    two.pass(Duration::from_millis(5500));
    two.client.handle_timeout(two.now);
    let (_, second) = two.client.poll_transmit().unwrap();
    assert_ne!(second[132..], [0; 16]);
}
