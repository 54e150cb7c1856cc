//! When nothing is said for long: one keepalive after data, persistent ones where they are wanted.

use midwire_wire::tunnel::Tunnel;
use midwire_wire::{Duration, Instant};

use crate::support::two::*;

#[test]
fn a_peer_to_keep_alive_is_called_at_once() {
    let mut two = Two::with(|peer| peer.keepalive = Some(25), |_| {});
    let (to, initiation) = two.client.poll_transmit().unwrap();
    assert_eq!((to, initiation[0]), (path(SERVER_AT), 1));
    assert!(two.client.poll_transmit().is_none());
}

#[test]
fn none_to_keep_alive_is_called_by_itself() {
    let idle =
        |tunnel: &mut Tunnel, now: Instant| tunnel.poll_transmit().is_none() && tunnel.poll_timeout(now).is_none();
    // 0 is none, as in a configuration file; without an endpoint there is nobody to call.
    let mut two = Two::with(|peer| peer.keepalive = Some(0), |peer| peer.keepalive = Some(25));
    assert!(idle(&mut two.client, two.now) && idle(&mut two.server, two.now));
    two.connect();
    assert_eq!(two.live(Duration::from_secs(8)), []);
}

#[test]
fn keepalives_of_a_server_hold_the_way_to_a_silent_client_open() {
    let mut two = Two::with(|_| {}, |peer| peer.keepalive = Some(25));
    two.connect();
    let mut times = Vec::new();
    for _ in 0..4 * 110 {
        two.pass(Duration::from_millis(250));
        two.client.handle_timeout(two.now);
        two.server.handle_timeout(two.now);
        while let Some((to, datagram)) = two.server.poll_transmit() {
            assert_eq!(to, path(CLIENT_AT));
            if datagram.len() == 32 {
                times.push(two.now.total_millis() / 1000);
            }
            receive(&mut two.client, two.now, path(SERVER_AT), &datagram);
        }
        while two.client.poll_transmit().is_some() {}
    }
    let persistent: Vec<_> = times.into_iter().filter(|second| *second > 12).collect();
    assert_eq!(persistent, [25, 50, 75, 100]);
}
