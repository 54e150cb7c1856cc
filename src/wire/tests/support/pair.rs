//! Two ends in memory, each a tunnel and a stack, joined by two links; the clock is the test's.

use std::net::{IpAddr, SocketAddr};

use midwire_wire::allowed_ips::Cidr;
use midwire_wire::buffers::HeapBuffers;
use midwire_wire::event::FlowId;
use midwire_wire::fall::Fall;
use midwire_wire::key::PrivateKey;
use midwire_wire::stack::{Stack, StackConfig};
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::tunnel::{Path, PeerConfig, Tunnel};
use midwire_wire::{Duration, Instant};
use mock_instant::MockClock;

use super::Owner;
use super::link::{Faults, Link};

pub struct End {
    pub tunnel: Tunnel,
    pub stack: Stack,
    pub owner: Owner,
    /// Gives credit back for all that rose, at once.
    pub reads: bool,
    pub public: SocketAddr,
    out: Link,
}

/// `client` starts the handshake; its inner address is 10.0.0.1, the server's 10.0.0.53.
pub struct Pair {
    pub now: Instant,
    pub client: End,
    pub server: End,
}

pub struct Settings {
    pub faults: Faults,
    pub seed: u64,
    pub hold_syn: bool,
    pub raise_icmp: bool,
    pub buffer: usize,
    pub mtu: usize,
    pub congestion: Algorithm,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            faults: Faults::default(),
            seed: 1,
            hold_syn: false,
            raise_icmp: false,
            buffer: 256 * 1024,
            mtu: 1420,
            congestion: Algorithm::default(),
        }
    }
}

pub const CLIENT: &str = "10.0.0.1";
pub const CLIENT6: &str = "fd6d:6964:7769:7265::1";
pub const SERVER: &str = "10.0.0.53";
pub const SERVER6: &str = "fd6d:6964:7769:7265::53";

impl Pair {
    pub fn new(settings: Settings) -> Self {
        let (client_key, server_key) = (PrivateKey::from_bytes([1; 32]), PrivateKey::from_bytes([2; 32]));
        let (client_public, server_public) = (client_key.public_key(), server_key.public_key());
        let everything = ["0.0.0.0/0", "::/0"];
        let own = [format!("{CLIENT}/32"), format!("{CLIENT6}/128")];
        let public = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (client_at, server_at) = (public("192.0.2.1:40000"), public("192.0.2.2:51820"));
        let peer = |public_key, allowed: &[&str], endpoint| PeerConfig {
            public_key,
            preshared_key: None,
            allowed_ips: allowed.iter().map(|text| Cidr::parse(text).unwrap()).collect(),
            keepalive: None,
            endpoint,
        };
        let end = |key, peer, address: [&str; 2], public, seed, hold_syn| {
            let now = Instant::ZERO;
            let mut tunnel = Tunnel::new(key, seed);
            tunnel.add_peer(now, peer).unwrap();
            let config = StackConfig {
                mtu: settings.mtu,
                addresses: address.iter().map(|text| text.parse().unwrap()).collect(),
                hold_syn,
                raise_icmp: settings.raise_icmp,
                max_window: settings.buffer,
                memory: 64 << 20,
                congestion: settings.congestion,
                seed,
            };
            End {
                tunnel,
                stack: Stack::new(config, Box::new(HeapBuffers)),
                owner: Owner::default(),
                reads: true,
                public,
                out: Link::new(seed, settings.faults),
            }
        };
        let server_peer = peer(server_public, &everything, Some(server_at));
        let client_peer = peer(client_public, &[&own[0], &own[1]], None);
        Pair {
            now: Instant::ZERO,
            client: end(
                client_key,
                server_peer,
                [CLIENT, CLIENT6],
                client_at,
                settings.seed,
                false,
            ),
            server: end(
                server_key,
                client_peer,
                [SERVER, SERVER6],
                server_at,
                settings.seed.wrapping_mul(31) + 7,
                settings.hold_syn,
            ),
        }
    }

    pub fn set_faults(&mut self, faults: Faults) {
        self.client.out.set_faults(faults);
        self.server.out.set_faults(faults);
    }

    /// The client opens a connection.
    pub fn connect(&mut self, to: &str) -> FlowId {
        let to: SocketAddr = to.parse().unwrap();
        let source: IpAddr = if to.is_ipv4() { CLIENT } else { CLIENT6 }.parse().unwrap();
        let peer = self.client.tunnel.route(to.ip()).unwrap();
        self.client.stack.connect(self.now, peer, source, to).unwrap()
    }

    /// Opens a connection and waits until both owners know it: (the client's number, the server's).
    pub fn established(&mut self, to: &str) -> (FlowId, FlowId) {
        let id = self.connect(to);
        let known = self.server.owner.opened.len();
        self.run(Duration::from_secs(60), |pair| {
            pair.client.owner.connected.contains(&id) && pair.server.owner.opened.len() > known
        });
        (id, self.server.owner.opened[known].id)
    }

    /// Moves the clock until `done`; fails after `limit`.
    pub fn run(&mut self, limit: Duration, done: impl Fn(&Pair) -> bool) {
        let end = self.now + limit;
        loop {
            self.settle();
            if done(self) {
                return;
            }
            let next = self.next_event().filter(|at| *at <= end);
            let Some(next) = next else {
                panic!("nothing came of it within {limit} (now {})", self.now);
            };
            self.move_to(next);
        }
    }

    /// Lets time pass, with all that happens in it.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        while let Some(next) = self.next_event().filter(|at| *at <= end) {
            self.move_to(next);
            self.settle();
        }
        self.move_to(end);
        self.settle();
    }

    fn next_event(&self) -> Option<Instant> {
        let (client, server) = (&self.client, &self.server);
        [client, server]
            .into_iter()
            .flat_map(|end| {
                [
                    end.out.next_arrival(),
                    end.stack.poll_timeout(),
                    end.tunnel.poll_timeout(self.now),
                ]
            })
            .flatten()
            .min()
    }

    fn move_to(&mut self, at: Instant) {
        if at > self.now {
            MockClock::advance(std::time::Duration::from_micros((at - self.now).total_micros()));
            self.now = at;
        }
    }

    /// Everything that can happen now, happens.
    pub fn settle(&mut self) {
        loop {
            self.client.settle(self.now);
            self.server.settle(self.now);
            let (client, server) = (self.client.public, self.server.public);
            let moved = deliver(self.now, &mut self.client.out, &mut self.server, client)
                | deliver(self.now, &mut self.server.out, &mut self.client, server);
            if !moved && !self.client.stack.has_falling() && !self.server.stack.has_falling() {
                return;
            }
        }
    }
}

fn deliver(now: Instant, link: &mut Link, to: &mut End, from: SocketAddr) -> bool {
    let mut moved = false;
    while let Some(datagram) = link.receive(now) {
        to.handle_datagram(now, from, &datagram);
        moved = true;
    }
    moved
}

impl End {
    pub fn handle_datagram(&mut self, now: Instant, remote: SocketAddr, datagram: &[u8]) {
        let mut buffer = vec![0; 65_535 + 160];
        let from = Path { remote, local: None };
        if let Some(inbound) = self.tunnel.handle_datagram(now, from, datagram, &mut buffer) {
            self.stack
                .handle_packet(now, inbound.peer, inbound.packet, &mut self.owner);
        }
    }

    pub fn settle(&mut self, now: Instant) {
        if self.tunnel.poll_timeout(now).is_some_and(|at| at <= now) {
            self.tunnel.handle_timeout(now);
        }
        if self.stack.poll_timeout().is_some_and(|at| at <= now) {
            self.stack.handle_timeout(now, &mut self.owner);
        }
        self.stack.poll_rise(&mut self.owner);
        if self.reads {
            for (id, bytes) in std::mem::take(&mut self.owner.uncredited) {
                self.stack.credit(id, bytes);
            }
            self.stack.poll_rise(&mut self.owner);
        }
        let mut fall = Encrypt {
            now,
            tunnel: &mut self.tunnel,
            link: &mut self.out,
        };
        self.stack.poll_fall(now, &mut fall);
        self.stack.poll_rise(&mut self.owner);
        while let Some((_, datagram)) = self.tunnel.poll_transmit() {
            self.out.send(now, &datagram);
        }
    }
}

struct Encrypt<'a> {
    now: Instant,
    tunnel: &'a mut Tunnel,
    link: &'a mut Link,
}

impl Fall for Encrypt<'_> {
    fn ready(&self) -> bool {
        true
    }

    fn fall(&mut self, packet: &[u8]) {
        let mut buffer = vec![0; packet.len() + 160];
        if let Some(outbound) = self.tunnel.handle_packet(self.now, packet, &mut buffer) {
            self.link.send(self.now, &buffer[..outbound.length]);
        }
    }
}
