//! The tunnel alone: who is heard, where answers go, what junk costs, and when keys are made and forgotten.
#![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

use std::net::{IpAddr, SocketAddr};

use midwire_wire::allowed_ips::Cidr;
use midwire_wire::key::{PrivateKey, PublicKey};
use midwire_wire::packet;
use midwire_wire::tunnel::{AddPeerError, HANDSHAKES_PER_SECOND, MAX_TRANSMIT, Path, PeerConfig, Tunnel};
use midwire_wire::{Duration, Instant, udp};
use mock_instant::MockClock;
use proptest::prelude::*;

const CLIENT_AT: &str = "192.0.2.1:40000";
const SERVER_AT: &str = "192.0.2.2:51820";
const ELSEWHERE: &str = "198.51.100.9:7777";

fn private(byte: u8) -> PrivateKey {
    PrivateKey::from_bytes([byte; 32])
}

fn path(remote: &str) -> Path {
    let remote = remote.parse().unwrap();
    Path { remote, local: None }
}

fn peer(key: u8, allowed: &[&str]) -> PeerConfig {
    PeerConfig {
        public_key: private(key).public_key(),
        preshared_key: None,
        allowed_ips: allowed.iter().map(|text| Cidr::parse(text).unwrap()).collect(),
        keepalive: None,
        endpoint: None,
    }
}

fn inner(from: &str, to: &str) -> Vec<u8> {
    let port = |address: &str| SocketAddr::new(address.parse::<IpAddr>().unwrap(), 7);
    udp::build(port(from), port(to), b"hello", 1).unwrap()
}

/// A client (10.0.0.1) and a server (the rest of the world) with a wire that the test carries by hand.
struct Two {
    now: Instant,
    client: Tunnel,
    server: Tunnel,
    /// Where the client's datagrams come from.
    client_at: String,
}

impl Two {
    fn new() -> Self {
        Two::with(|_| {}, |_| {})
    }

    fn with(client_peer: impl Fn(&mut PeerConfig), server_peer: impl Fn(&mut PeerConfig)) -> Self {
        let now = Instant::ZERO;
        let (mut client, mut server) = (Tunnel::new(private(1), 1), Tunnel::new(private(2), 2));
        let mut of_client = peer(2, &["0.0.0.0/0", "::/0"]);
        of_client.endpoint = Some(SERVER_AT.parse().unwrap());
        client_peer(&mut of_client);
        client.add_peer(now, of_client).unwrap();
        let mut of_server = peer(1, &["10.0.0.1/32", "fd00::1/128"]);
        server_peer(&mut of_server);
        server.add_peer(now, of_server).unwrap();
        Two {
            now,
            client,
            server,
            client_at: CLIENT_AT.to_owned(),
        }
    }

    fn pass(&mut self, time: Duration) {
        MockClock::advance(time.into());
        self.now += time;
    }

    /// Time goes by in the steps that the tunnels ask for; what they say is carried. Gives the client's messages by type.
    fn live(&mut self, time: Duration) -> Vec<u8> {
        let end = self.now + time;
        let mut said = Vec::new();
        while self.now < end {
            self.pass(Duration::from_millis(250));
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            said.extend(self.carry());
        }
        said
    }

    /// Carries what waits both ways until nobody has anything to say.
    fn carry(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        loop {
            let mut moved = false;
            while let Some((_, datagram)) = self.client.poll_transmit() {
                said.push(datagram[0]);
                let from = path(&self.client_at);
                receive(&mut self.server, self.now, from, &datagram);
                moved = true;
            }
            while let Some((_, datagram)) = self.server.poll_transmit() {
                receive(&mut self.client, self.now, path(SERVER_AT), &datagram);
                moved = true;
            }
            if !moved {
                return said;
            }
        }
    }

    /// A packet from the client to the server: what the server lets through.
    fn up(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let datagram = self.seal(packet)?;
        receive(&mut self.server, self.now, path(&self.client_at), &datagram)
    }

    fn seal(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        seal(&mut self.client, self.now, packet).map(|(_, datagram)| datagram)
    }

    fn connect(&mut self) {
        if let Some(first) = self.seal(&inner("10.0.0.1", "192.0.2.80")) {
            receive(&mut self.server, self.now, path(&self.client_at), &first);
        }
        self.carry();
    }
}

fn receive(tunnel: &mut Tunnel, now: Instant, from: Path, datagram: &[u8]) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 2048];
    let inbound = tunnel.handle_datagram(now, from, datagram, &mut buffer)?;
    Some(inbound.packet.to_vec())
}

fn seal(tunnel: &mut Tunnel, now: Instant, packet: &[u8]) -> Option<(Path, Vec<u8>)> {
    let mut buffer = vec![0; 2048];
    let outbound = tunnel.handle_packet(now, packet, &mut buffer)?;
    buffer.truncate(outbound.length);
    Some((outbound.to, buffer))
}

fn endpoint(tunnel: &Tunnel) -> Option<String> {
    tunnel
        .peers()
        .next()
        .unwrap()
        .endpoint
        .map(|endpoint| endpoint.to_string())
}

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
    // Three seconds of rest, and nobody needs a cookie.
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
