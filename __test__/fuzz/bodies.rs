//! The bodies of the fuzz targets, which the tests of `wire` run with the committed corpora, too.
//!
//! A body panics only for a fault of the machine: the machine has panicked, or has broken a bound.

#[path = "bodies/connection.rs"]
mod connection;
#[path = "bodies/ends.rs"]
mod ends;

use std::net::SocketAddr;

use midwire_wire::allowed_ips::Cidr;
use midwire_wire::buffers::HeapBuffers;
use midwire_wire::event::{Event, FlowId, Refusal, Rise};
use midwire_wire::fall::Fall;
use midwire_wire::fragment::Reassembler;
use midwire_wire::key::PrivateKey;
use midwire_wire::packet::Packet;
use midwire_wire::stack::{MAX_REPLIES, Stack, StackConfig};
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::tunnel::{Path, PeerConfig, Tunnel};
use midwire_wire::{Duration, Instant, icmp, udp};

/// An owner that accepts, refuses, answers or stops reading, by the number of each flow.
#[derive(Default)]
struct Owner {
    flows: Vec<(FlowId, bool)>,
    read: Vec<(FlowId, usize)>,
    datagrams: Vec<u32>,
}

impl Rise for Owner {
    fn room(&self) -> usize {
        100_000
    }

    fn rise(&mut self, event: Event<'_>) {
        match event {
            Event::Opened { id, held, .. } => self.flows.push((id, held)),
            Event::Data { id, bytes } => self.read.push((id, bytes.len())),
            Event::Datagram { flow, .. } => self.datagrams.push(flow),
            _ => {}
        }
    }
}

struct Count {
    packets: usize,
    mtu: usize,
}

impl Fall for Count {
    fn ready(&self) -> bool {
        true
    }

    fn fall(&mut self, packet: &[u8]) {
        self.packets += 1;
        assert!(packet.len() <= self.mtu, "longer than the MTU");
        assert!(Packet::parse(packet).is_ok(), "our own packet is malformed");
    }
}

fn stack(hold_syn: bool) -> Stack {
    let config = StackConfig {
        mtu: 1420,
        addresses: vec!["10.0.0.53".parse().expect("an address")],
        hold_syn,
        raise_icmp: true,
        max_window: 4096,
        memory: 1 << 20,
        congestion: Algorithm::default(),
        seed: 7,
    };
    Stack::new(config, Box::new(HeapBuffers))
}

fn settle(now: Instant, stack: &mut Stack, owner: &mut Owner) {
    for (id, held) in std::mem::take(&mut owner.flows) {
        match id % 4 {
            0 if held => stack.refuse(now, id, Refusal::HostUnreachable),
            _ if held => stack.accept(now, id),
            1 => stack.end(id),
            _ => stack.write(id, b"hello"),
        }
    }
    for (id, bytes) in std::mem::take(&mut owner.read) {
        match id % 5 {
            4 => {}
            3 => stack.close(now, id),
            _ => {
                stack.credit(id, bytes);
                stack.write(id, &[1; 64]);
            }
        }
    }
    for flow in std::mem::take(&mut owner.datagrams) {
        if flow.is_multiple_of(2) {
            stack.refuse_datagram(now, flow);
        }
    }
    let mut count = Count { packets: 0, mtu: 1420 };
    stack.poll_rise(owner);
    stack.poll_fall(now, &mut count);
    assert!(count.packets <= MAX_REPLIES + 10_000, "a packet must not cause a storm");
}

/// The input cut into pieces: a byte of length in units of 8 and a byte of time in units of 50 ms, then the piece.
fn pieces(mut input: &[u8]) -> impl Iterator<Item = (Duration, &[u8])> {
    std::iter::from_fn(move || {
        let (&[length, time], rest) = input.split_first_chunk::<2>()?;
        let (piece, rest) = rest.split_at(rest.len().min(usize::from(length) * 8));
        input = rest;
        Some((Duration::from_millis(u64::from(time) * 50), piece))
    })
}

/// UDP datagrams to a tunnel, from any sender.
pub fn datagram(input: &[u8]) {
    let key = |byte| PrivateKey::from_bytes([byte; 32]);
    let mut tunnel = Tunnel::new(key(1), 7);
    let peer = PeerConfig {
        public_key: key(2).public_key(),
        preshared_key: None,
        allowed_ips: vec![Cidr::parse("10.0.0.1/32").expect("a prefix")],
        keepalive: None,
        endpoint: None,
    };
    tunnel.add_peer(Instant::ZERO, peer).expect("the first peer");
    let mut now = Instant::ZERO;
    let mut buffer = vec![0; 70_000];
    for (time, piece) in pieces(input) {
        now += time;
        let remote = SocketAddr::from(([192, 0, 2, 1], 40_000));
        let from = Path { remote, local: None };
        assert!(
            tunnel.handle_datagram(now, from, piece, &mut buffer).is_none(),
            "nobody has a session here"
        );
        tunnel.handle_timeout(now);
        let _ = tunnel.handle_packet(now, piece, &mut buffer);
        while tunnel.poll_transmit().is_some() {}
    }
}

/// Raw IP packets to a stack.
pub fn packet(input: &[u8]) {
    let mut stack = stack(input.len().is_multiple_of(2));
    let mut owner = Owner::default();
    let mut now = Instant::ZERO;
    for (time, piece) in pieces(input) {
        now += time;
        if let Ok(packet) = Packet::parse(piece) {
            let _ = udp::parse(&packet);
            let _ = icmp::echo_reply(&packet);
            let _ = icmp::unreachable(icmp::Unreachable::Host, &packet);
        }
        stack.handle_packet(now, 1, piece, &mut owner);
        stack.handle_timeout(now, &mut owner);
        settle(now, &mut stack, &mut owner);
    }
}

/// A sequence of TCP segments on a few connections: each step is eight bytes that make a well-formed segment.
pub fn segments(input: &[u8]) {
    let mut stack = stack(false);
    let mut owner = Owner::default();
    let mut now = Instant::ZERO;
    for step in input.chunks_exact(8) {
        now += Duration::from_millis(u64::from(step[0]) * u64::from(step[0]));
        let segment = segment(step);
        stack.handle_packet(now, 1, &segment, &mut owner);
        stack.handle_timeout(now, &mut owner);
        settle(now, &mut stack, &mut owner);
    }
    stack.reset_all(now);
    settle(now, &mut stack, &mut owner);
    assert_eq!(stack.flow_count(), 0, "a flow outlives its reset");
}

fn segment(step: &[u8]) -> Vec<u8> {
    let mut tcp = vec![0; 20];
    tcp[0..2].copy_from_slice(&(40_000 + u16::from(step[1] % 3)).to_be_bytes());
    tcp[2..4].copy_from_slice(&80u16.to_be_bytes());
    // Near the ISN of 0, in both directions.
    tcp[4..8].copy_from_slice(&(i32::from(step[2] as i8) * 16).to_be_bytes());
    tcp[8..12].copy_from_slice(&(u32::from(step[3]) << 24 | u32::from(step[4])).to_be_bytes());
    tcp[12] = 5 << 4;
    tcp[13] = step[5] & 0x3f;
    tcp[14..16].copy_from_slice(&(u16::from(step[6]) << 8).to_be_bytes());
    tcp.resize(20 + usize::from(step[7]) * 5, 0x61);
    let (source, destination) = ([10, 0, 0, 1].into(), [192, 0, 2, 80].into());
    let sum = midwire_wire::packet::upper_checksum(source, destination, 6, &tcp);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    let mut packet = midwire_wire::packet::build(source, destination, 6, 64, tcp.len(), None).expect("one family");
    packet.extend_from_slice(&tcp);
    packet
}

/// A conversation on one TCP connection: segments of the peer near the windows, and actions of the owner.
pub fn connection(input: &[u8]) {
    connection::run(input);
}

/// Fragments to a reassembler, whose budget has tests of its own.
pub fn fragments(input: &[u8]) {
    let mut reassembler = Reassembler::new();
    let mut now = Instant::ZERO;
    for (time, piece) in pieces(input) {
        now += time;
        let Ok(packet) = Packet::parse(piece) else { continue };
        if packet.fragment.is_some()
            && let Some(whole) = reassembler.handle_fragment(now, &packet)
        {
            let whole = Packet::parse(&whole).expect("what was put together is a packet");
            assert!(whole.fragment.is_none());
        }
        reassembler.handle_timeout(now);
    }
}
