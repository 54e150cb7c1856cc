//! What waits: packets for a session, datagrams for the caller; and buffers of any length.

use midwire_wire::tunnel::MAX_WAITING;
use midwire_wire::{Duration, udp};

use crate::support::two::*;

fn numbered(number: u16, length: usize) -> Vec<u8> {
    let mut data = vec![0; length];
    data[..2].copy_from_slice(&number.to_be_bytes());
    udp::build("10.0.0.1:7".parse().unwrap(), "192.0.2.80:7".parse().unwrap(), &data, 1).unwrap()
}

#[test]
fn so_many_packets_wait_in_order_and_the_rest_is_counted() {
    let mut two = Two::new();
    let first = two.seal(&numbered(0, 2)).unwrap();
    let all = MAX_WAITING as u16 + 44;
    for number in 1..all {
        assert!(two.seal(&numbered(number, 2)).is_none());
    }
    assert_eq!(two.client.counters().waiting_dropped, 44);
    receive(&mut two.server, two.now, path(CLIENT_AT), &first);
    let (_, response) = two.server.poll_transmit().unwrap();
    receive(&mut two.client, two.now, path(SERVER_AT), &response);
    let mut heard = Vec::new();
    while let Some((_, datagram)) = two.client.poll_transmit() {
        heard.extend(receive(&mut two.server, two.now, path(CLIENT_AT), &datagram));
    }
    let wanted: Vec<_> = (0..MAX_WAITING as u16).map(|number| numbered(number, 2)).collect();
    assert!(heard == wanted, "{} of {}", heard.len(), wanted.len());
    let sent = two.client.peers().next().unwrap().sent_bytes;
    assert_eq!(sent, wanted.iter().map(|packet| packet.len() as u64).sum::<u64>());
}

#[test]
fn what_waited_in_vain_is_counted() {
    let mut two = Two::new();
    two.seal(&numbered(0, 2)).unwrap();
    two.seal(&numbered(1, 2));
    for _ in 0..4 * 91 {
        two.pass(Duration::from_millis(250));
        two.client.handle_timeout(two.now);
        while two.client.poll_transmit().is_some() {}
    }
    assert_eq!(two.client.counters().waiting_dropped, 2);
    // A later session does not find the dropped packets again.
    two.connect();
    assert_eq!(
        two.server.peers().next().unwrap().received_bytes,
        inner("10.0.0.1", "192.0.2.80").len() as u64
    );
}

#[test]
fn a_server_keeps_what_waits_until_the_clients_first_data_message() {
    // Its own initiation is lost; then the client starts by itself.
    let mut two = Two::with(|_| {}, |peer| peer.endpoint = Some(ELSEWHERE.parse().unwrap()));
    let packets: Vec<_> = ["192.0.2.80", "192.0.2.81", "192.0.2.82"]
        .map(|from| inner(from, "10.0.0.1"))
        .to_vec();
    let lost = seal(&mut two.server, two.now, &packets[0]).unwrap();
    assert_eq!(lost.1[0], 1);
    assert!(
        packets[1..]
            .iter()
            .all(|packet| seal(&mut two.server, two.now, packet).is_none())
    );
    let initiation = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
    let (_, response) = two.server.poll_transmit().unwrap();
    assert!(
        two.server.poll_transmit().is_none(),
        "one answer, and no handshake against the other"
    );
    receive(&mut two.client, two.now, path(SERVER_AT), &response);
    let mut heard = Vec::new();
    while let Some((_, datagram)) = two.client.poll_transmit() {
        // The client roams just now.
        receive(&mut two.server, two.now, path("[2001:db8::9]:1"), &datagram);
        while let Some((to, datagram)) = two.server.poll_transmit() {
            assert_eq!(to, path("[2001:db8::9]:1"), "where the client is now");
            heard.extend(receive(&mut two.client, two.now, path(SERVER_AT), &datagram));
        }
    }
    assert_eq!(heard, packets);
}

#[test]
fn a_buffer_has_room_for_the_handshake_that_goes_first() {
    let mut two = Two::new();
    let packet = inner("10.0.0.1", "192.0.2.80");
    let mut buffer = [0; 148];
    assert!(two.client.handle_packet(two.now, &packet, &mut buffer[..147]).is_none());
    assert_eq!(two.client.counters().too_long, 1);
    let outbound = two.client.handle_packet(two.now, &packet, &mut buffer).unwrap();
    assert_eq!(outbound.length, 148);
}

#[test]
fn a_buffer_shorter_than_the_datagram_is_counted() {
    let mut two = Two::new();
    two.connect();
    let datagram = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    let mut buffer = vec![0; datagram.len()];
    for short in 0..datagram.len() {
        let heard = two
            .server
            .handle_datagram(two.now, path(CLIENT_AT), &datagram, &mut buffer[..short]);
        assert!(heard.is_none(), "{short}");
    }
    assert_eq!(two.server.counters().too_long, datagram.len() as u64);
    let heard = two
        .server
        .handle_datagram(two.now, path(CLIENT_AT), &datagram, &mut buffer);
    assert!(heard.is_some());
}

#[test]
fn a_packet_that_waits_may_be_longer_than_the_buffer_of_the_answer() {
    let mut two = Two::new();
    let long = numbered(7, 1400);
    let first = two.seal(&long).unwrap();
    receive(&mut two.server, two.now, path(CLIENT_AT), &first);
    let (_, response) = two.server.poll_transmit().unwrap();
    let mut short = [0; 92];
    two.client
        .handle_datagram(two.now, path(SERVER_AT), &response, &mut short);
    two.carry();
    assert_eq!(two.server.peers().next().unwrap().received_bytes, long.len() as u64);
}
