//! Two tunnels, and a wire between them that the test carries by hand.

use std::net::{IpAddr, SocketAddr};

use midwire_wire::allowed_ips::Cidr;
use midwire_wire::key::PrivateKey;
use midwire_wire::tunnel::{Path, PeerConfig, Tunnel};
use midwire_wire::{Duration, Instant, udp};
use mock_instant::MockClock;

pub const CLIENT_AT: &str = "192.0.2.1:40000";
pub const SERVER_AT: &str = "192.0.2.2:51820";
pub const ELSEWHERE: &str = "198.51.100.9:7777";

pub fn private(byte: u8) -> PrivateKey {
    PrivateKey::from_bytes([byte; 32])
}

pub fn path(remote: &str) -> Path {
    let remote = remote.parse().unwrap();
    Path { remote, local: None }
}

pub fn peer(key: u8, allowed: &[&str]) -> PeerConfig {
    PeerConfig {
        public_key: private(key).public_key(),
        preshared_key: None,
        allowed_ips: allowed.iter().map(|text| Cidr::parse(text).unwrap()).collect(),
        keepalive: None,
        endpoint: None,
    }
}

pub fn inner(from: &str, to: &str) -> Vec<u8> {
    let port = |address: &str| SocketAddr::new(address.parse::<IpAddr>().unwrap(), 7);
    udp::build(port(from), port(to), b"hello", 1).unwrap()
}

/// A client (10.0.0.1) and a server (the rest of the world) with a wire that the test carries by hand.
pub struct Two {
    pub now: Instant,
    pub client: Tunnel,
    pub server: Tunnel,
    /// Where the client's datagrams come from.
    pub client_at: String,
}

impl Two {
    pub fn new() -> Self {
        Two::with(|_| {}, |_| {})
    }

    pub fn with(client_peer: impl Fn(&mut PeerConfig), server_peer: impl Fn(&mut PeerConfig)) -> Self {
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

    pub fn pass(&mut self, time: Duration) {
        MockClock::advance(time.into());
        self.now += time;
    }

    /// Lets time pass in the steps that the tunnels ask for, and carries their messages. Gives the client's messages by
    /// type.
    pub fn live(&mut self, time: Duration) -> Vec<u8> {
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

    /// Carries messages both ways until none waits.
    pub fn carry(&mut self) -> Vec<u8> {
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

    /// Sends a packet from the client to the server, and gives the packet that the server lets through.
    pub fn up(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let datagram = self.seal(packet)?;
        receive(&mut self.server, self.now, path(&self.client_at), &datagram)
    }

    pub fn seal(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        seal(&mut self.client, self.now, packet).map(|(_, datagram)| datagram)
    }

    pub fn connect(&mut self) {
        if let Some(first) = self.seal(&inner("10.0.0.1", "192.0.2.80")) {
            receive(&mut self.server, self.now, path(&self.client_at), &first);
        }
        self.carry();
    }
}

pub fn receive(tunnel: &mut Tunnel, now: Instant, from: Path, datagram: &[u8]) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 2048];
    let inbound = tunnel.handle_datagram(now, from, datagram, &mut buffer)?;
    Some(inbound.packet.to_vec())
}

pub fn seal(tunnel: &mut Tunnel, now: Instant, packet: &[u8]) -> Option<(Path, Vec<u8>)> {
    let mut buffer = vec![0; 2048];
    let outbound = tunnel.handle_packet(now, packet, &mut buffer)?;
    buffer.truncate(outbound.length);
    Some((outbound.to, buffer))
}

pub fn endpoint(tunnel: &Tunnel) -> Option<String> {
    tunnel
        .peers()
        .next()
        .unwrap()
        .endpoint
        .map(|endpoint| endpoint.to_string())
}
