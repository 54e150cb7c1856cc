//! Fourteen kinds of junk: no answer, no packet, no move, and each counted.

use midwire_wire::tunnel::Tunnel;

use crate::forge::*;
use crate::support::two::*;

/// What `tunnel` has dropped in all.
fn dropped(tunnel: &Tunnel) -> u64 {
    tunnel.counters().named().iter().map(|(_, count)| count).sum()
}

/// A connected pair, and what passed between them.
struct Overheard {
    two: Two,
    initiation: Vec<u8>,
    response: Vec<u8>,
    data: Vec<u8>,
}

fn overhear() -> Overheard {
    let mut two = Two::new();
    let initiation = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
    let (_, response) = two.server.poll_transmit().unwrap();
    receive(&mut two.client, two.now, path(SERVER_AT), &response);
    two.carry();
    let data = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    assert!(receive(&mut two.server, two.now, path(CLIENT_AT), &data).is_some());
    Overheard {
        two,
        initiation,
        response,
        data,
    }
}

fn changed(datagram: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = datagram.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    changed
}

#[test]
fn fourteen_kinds_of_junk_are_dropped_in_silence_and_counted() {
    let Overheard {
        mut two,
        initiation,
        response,
        data,
    } = overhear();
    let server = private(2).public_key();
    let stranger = {
        let mut stranger = Tunnel::new(private(9), 9);
        let mut config = peer(2, &["0.0.0.0/0"]);
        config.endpoint = Some(SERVER_AT.parse().unwrap());
        stranger.add_peer(two.now, config).unwrap();
        seal(&mut stranger, two.now, &inner("10.0.0.1", "192.0.2.80"))
            .unwrap()
            .1
    };
    // This message is delivered unchanged only at the end, so that no changed copy is refused as a replay.
    let packet = inner("10.0.0.1", "192.0.2.80");
    let unheard = two.seal(&packet).unwrap();
    let receiver = &data[4..8];
    let junk: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("less than a header", vec![4, 0, 0]),
        ("of no type", changed(&unheard, 0, &[5])),
        ("with reserved bytes", changed(&unheard, 1, &[1])),
        ("an initiation too long", [&initiation[..], &[0]].concat()),
        ("data too short", data[..31].to_vec()),
        ("a wrong mac1", changed(&initiation, 116, &[initiation[116] ^ 1])),
        ("a right mac1 around noise", with_mac1(&server, vec![1, 0, 0, 0], 148)),
        (
            "a right mac1 around another static key",
            remade(&server, &initiation, 41),
        ),
        (
            "a right mac1 around another timestamp",
            remade(&server, &initiation, 90),
        ),
        ("the initiation of an unknown key", stranger),
        ("the initiation again", initiation.clone()),
        ("the data again", data.clone()),
        (
            "data for nobody",
            changed(&data, 4, &[!data[4], !data[5], !data[6], !data[7]]),
        ),
        (
            "data for a session that is not there",
            changed(&data, 4, &[data[4] ^ 4]),
        ),
        ("data with another counter", changed(&unheard, 8, &[9])),
        ("data with the last counter there is", changed(&unheard, 8, &[0xff; 8])),
        (
            "data with a wrong tag",
            changed(&unheard, unheard.len() - 1, &[unheard[unheard.len() - 1] ^ 1]),
        ),
        (
            "a response to nothing",
            with_mac1(&server, [&[2, 0, 0, 0, 7, 7, 7, 7], receiver].concat(), 92),
        ),
        ("our own response", response),
        (
            "a cookie for nobody's question",
            changed(
                &noise(64),
                0,
                &[3, 0, 0, 0, receiver[0], receiver[1], receiver[2], receiver[3]],
            ),
        ),
    ];
    assert!(junk.len() >= 14);
    for place in [ELSEWHERE, "[2001:db8::66]:6", "192.0.2.1:40001", CLIENT_AT] {
        for (what, datagram) in &junk {
            let before = dropped(&two.server);
            assert_eq!(receive(&mut two.server, two.now, path(place), datagram), None, "{what}");
            assert!(two.server.poll_transmit().is_none(), "an answer to {what}");
            assert_eq!(dropped(&two.server), before + 1, "{what} is counted once");
            assert_eq!(endpoint(&two.server).as_deref(), Some(CLIENT_AT), "moved by {what}");
        }
    }
    // The session has not noticed.
    assert_eq!(
        receive(&mut two.server, two.now, path(CLIENT_AT), &unheard),
        Some(packet)
    );
    let counters = two.server.counters();
    assert_eq!(counters.cookies, 0);
    assert_eq!(counters.replayed, 4 * 3, "initiation, data, and the last counter");
    assert_eq!(counters.unknown_peer, 4 * 2, "the stranger, and the data for nobody");
}

#[test]
fn a_client_that_waits_for_an_answer_takes_no_forged_one() {
    let mut two = Two::new();
    let client = private(1).public_key();
    let initiation = two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
    let sender = &initiation[4..8];
    let forged = [
        with_mac1(&client, [&[2, 0, 0, 0, 7, 7, 7, 7], sender].concat(), 92),
        changed(&noise(64), 0, &[&[3, 0, 0, 0], sender].concat()),
        changed(&noise(96), 0, &[&[4, 0, 0, 0], sender].concat()),
        initiation.clone(),
    ];
    for forged in &forged {
        for place in [ELSEWHERE, SERVER_AT] {
            assert_eq!(receive(&mut two.client, two.now, path(place), forged), None);
            assert!(two.client.poll_transmit().is_none(), "an answer to type {}", forged[0]);
            assert_eq!(endpoint(&two.client).as_deref(), Some(SERVER_AT), "type {}", forged[0]);
        }
    }
    assert_eq!(two.client.counters().unauthenticated, 8);
    // The real answer is still taken.
    receive(&mut two.server, two.now, path(CLIENT_AT), &initiation);
    two.carry();
    let packet = inner("10.0.0.1", "192.0.2.80");
    assert_eq!(two.up(&packet), Some(packet));
}

#[test]
fn data_behind_the_window_counts_as_a_replay() {
    let Overheard { mut two, .. } = overhear();
    let packet = inner("10.0.0.1", "192.0.2.80");
    let late = two.seal(&packet).unwrap();
    for _ in 0..2000 {
        two.up(&packet).unwrap();
    }
    assert_eq!(receive(&mut two.server, two.now, path(ELSEWHERE), &late), None);
    assert_eq!(two.server.counters().replayed, 1);
}
