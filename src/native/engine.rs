//! Tunnel and stack of one server as one machine: datagrams and commands in, events and datagrams out.
//!
//! The engine is behind one lock. The thread that holds the lock works with it: the task's, or Node's own
//! (`shared.rs`).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time;

use midwire_wire::Instant;
use midwire_wire::event::{FlowId, Refusal, Rise};
use midwire_wire::stack::{ConnectError, Stack};
use midwire_wire::tunnel::{Path, PeerId, Tunnel};

use crate::egress::{Egress, Falling};
use crate::messages::{self, command};
use crate::outbox::Outbox;
use crate::sockets::Sockets;

/// Bytes of the longest IP packet, and of the datagram around it.
const LARGEST_PACKET: usize = 65_535 + 160;

pub struct Engine {
    pub tunnel: Tunnel,
    pub stack: Stack,
    pub egress: Egress,
    pub addresses: Vec<IpAddr>,
    /// The buffer that datagrams are decrypted to.
    packet: Vec<u8>,
    epoch: time::Instant,
}

impl Engine {
    pub fn new(
        tunnel: Tunnel,
        stack: Stack,
        addresses: Vec<IpAddr>,
        sockets: Arc<Sockets>,
        mtu: usize,
        epoch: time::Instant,
    ) -> Self {
        Engine {
            tunnel,
            stack,
            egress: Egress::new(sockets, mtu),
            addresses,
            packet: vec![0; LARGEST_PACKET],
            epoch,
        }
    }

    pub fn now(&self) -> Instant {
        Instant::from_micros(self.epoch.elapsed().as_micros() as i64)
    }

    pub fn handle_datagram(&mut self, now: Instant, from: Path, datagram: &[u8], rise: &mut dyn Rise) {
        if let Some(inbound) = self.tunnel.handle_datagram(now, from, datagram, &mut self.packet) {
            self.stack.handle_packet(now, inbound.peer, inbound.packet, rise);
        }
    }

    pub fn handle_commands(&mut self, now: Instant, mut commands: &[u8]) {
        while let Some((kind, id, payload)) = messages::take(&mut commands) {
            self.handle_command(now, kind, id, payload);
        }
    }

    fn handle_command(&mut self, now: Instant, kind: u32, id: FlowId, payload: &[u8]) {
        let stack = &mut self.stack;
        match kind {
            command::ACCEPT => stack.accept(now, id),
            command::REFUSE => stack.refuse(now, id, refusal(messages::word(payload, 0))),
            command::WRITE => stack.write(id, payload),
            command::CREDIT => stack.credit(id, messages::word(payload, 0).unwrap_or(0) as usize),
            command::IMPAIR => {
                if let Some(impairment) = messages::impairment(payload) {
                    stack.impair(id, impairment);
                }
            }
            command::END => stack.end(id),
            command::RESET => stack.reset(now, id),
            command::CLOSE => stack.close(now, id),
            command::REFUSE_DATAGRAM => stack.refuse_datagram(now, id),
            command::SEND_DATAGRAM => {
                if let Some((source, destination, data)) = messages::take_addresses(payload) {
                    let peer = self.tunnel.route(destination.ip());
                    stack.send_datagram(now, peer, source, destination, data);
                }
            }
            command::SEND_ICMP => {
                if let Some((source, destination, message)) = messages::take_addresses(payload) {
                    let peer = self.tunnel.route(destination.ip());
                    stack.send_icmp(peer, source.ip(), destination.ip(), message);
                }
            }
            // The commands come from our own TypeScript, which has no other kinds.
            _ => {}
        }
    }

    /// Called after anything was handled: raises events and sends packets until there are none.
    pub fn settle(&mut self, now: Instant, outbox: &Outbox) {
        let mut rising = outbox.open();
        if self.tunnel.poll_timeout(now).is_some_and(|at| at <= now) {
            self.tunnel.handle_timeout(now);
        }
        if self.stack.poll_timeout().is_some_and(|at| at <= now) {
            self.stack.handle_timeout(now, &mut rising);
        }
        // A flow that ends while it sends has one more event to raise, so this loop runs a few times at most.
        loop {
            self.stack.poll_rise(&mut rising);
            if self.stack.has_rising() {
                rising.starve();
            }
            let mut falling = Falling {
                now,
                tunnel: &mut self.tunnel,
                egress: &mut self.egress,
            };
            self.stack.poll_fall(now, &mut falling);
            if rising.room() == 0 || !self.stack.has_rising() {
                break;
            }
        }
        rising.ring();
        while let Some((to, datagram)) = self.tunnel.poll_transmit() {
            self.egress.push(to, &datagram);
        }
        self.egress.flush();
    }

    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let deadlines = [self.tunnel.poll_timeout(now), self.stack.poll_timeout()];
        deadlines.into_iter().flatten().min()
    }

    pub fn connect(
        &mut self,
        destination: SocketAddr,
        source: Option<IpAddr>,
    ) -> Result<(FlowId, PeerId), ConnectFailure> {
        let now = self.now();
        let same_family = |address: &&IpAddr| address.is_ipv4() == destination.is_ipv4();
        let source = source.or_else(|| self.addresses.iter().find(same_family).copied());
        let source = source.ok_or(ConnectFailure::NoSource)?;
        let peer = self.tunnel.route(destination.ip()).ok_or(ConnectFailure::NoRoute)?;
        let id = self.stack.connect(now, peer, source, destination);
        id.map(|id| (id, peer)).map_err(ConnectFailure::Stack)
    }

    pub fn remove_peer(&mut self, peer: PeerId, outbox: &Outbox) {
        self.stack.remove_peer(peer, &mut outbox.open());
    }

    /// All counters by name.
    pub fn counters(&self) -> HashMap<String, f64> {
        let tunnel = self.tunnel.counters();
        let stack = self.stack.counters();
        let mut all = HashMap::new();
        for (name, value) in tunnel.named().into_iter().chain(stack.named()) {
            all.insert(name.to_owned(), value as f64);
        }
        all.insert("sendErrors".to_owned(), self.egress.errors as f64);
        all.insert("datagramsSent".to_owned(), self.egress.datagrams as f64);
        all.insert("sendCalls".to_owned(), self.egress.calls as f64);
        all.insert("flows".to_owned(), self.stack.flow_count() as f64);
        all
    }
}

pub enum ConnectFailure {
    NoSource,
    NoRoute,
    Stack(ConnectError),
}

fn refusal(reason: Option<u32>) -> Refusal {
    match reason {
        Some(1) => Refusal::NetworkUnreachable,
        Some(2) => Refusal::HostUnreachable,
        Some(3) => Refusal::Prohibited,
        Some(4) => Refusal::Silent,
        _ => Refusal::Reset,
    }
}
