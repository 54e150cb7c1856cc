//! Packets to a peer are as short as those that the peer itself sends.
#![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

mod support;

use std::net::{IpAddr, SocketAddr};

use midwire_wire::buffers::HeapBuffers;
use midwire_wire::stack::{Stack, StackConfig};
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::tunnel::PeerId;
use midwire_wire::{Instant, fragment, icmp, udp};
use smoltcp::wire::{TcpControl, TcpRepr, TcpSeqNumber};
use support::Owner;
use support::script::{Packets, emit};

const PEER: PeerId = 3;
const OTHER: PeerId = 4;
/// Each family's peer, a server far away, and the stack's own address.
const ENDS: [[&str; 3]; 2] = [
    ["10.0.0.1", "192.0.2.53", "10.0.0.53"],
    ["fd00::1", "2001:db8::53", "fd00::53"],
];

fn stack() -> Stack {
    let config = StackConfig {
        mtu: 1420,
        addresses: ENDS.iter().map(|[.., own]| own.parse().unwrap()).collect(),
        hold_syn: false,
        raise_icmp: false,
        max_window: 65_536,
        memory: 1 << 20,
        congestion: Algorithm::default(),
        seed: 42,
    };
    Stack::new(config, Box::new(HeapBuffers))
}

fn end(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse::<IpAddr>().unwrap(), 53)
}

/// The peer sends this packet through an interface of this MTU.
fn say(stack: &mut Stack, mtu: usize, packet: &[u8]) {
    let mut owner = Owner::default();
    fragment::split(packet, mtu, 7, &mut |piece| {
        stack.handle_packet(Instant::ZERO, PEER, piece, &mut owner);
    });
}

/// The lengths of the packets that leave.
fn lengths(stack: &mut Stack) -> Vec<usize> {
    let mut packets = Packets(Vec::new());
    stack.poll_fall(Instant::ZERO, &mut packets);
    packets.0.iter().map(Vec::len).collect()
}

fn longest_answer(stack: &mut Stack, peer: Option<PeerId>, [client, server, _]: [&str; 3]) -> usize {
    stack.send_datagram(Instant::ZERO, peer, end(server), end(client), &[7; 5000]);
    lengths(stack).into_iter().max().unwrap()
}

#[test]
fn answers_are_cut_as_the_peers_own_datagrams_were() {
    for (family, ends) in ENDS.into_iter().enumerate() {
        let mut stack = stack();
        let full = longest_answer(&mut stack, Some(PEER), ends);
        assert!(full > 1412, "nothing is known yet: {full}");
        let [client, server, _] = ends;
        let long = udp::build(end(client), end(server), &[7; 5000], 7).unwrap();
        for (mtu, most) in [(1280, [1276, 1280]), (1412, [1412, 1408]), (1300, [1300, 1296])] {
            say(&mut stack, mtu, &long);
            assert_eq!(longest_answer(&mut stack, Some(PEER), ends), most[family], "MTU {mtu}");
            assert_eq!(
                longest_answer(&mut stack, Some(OTHER), ends),
                full,
                "it is this peer's alone"
            );
        }
        // A datagram that just fits our MTU is cut for this peer, too.
        stack.send_datagram(Instant::ZERO, Some(PEER), end(server), end(client), &[7; 1350]);
        assert_eq!(lengths(&mut stack).len(), 2);
        stack.remove_peer(PEER, &mut Owner::default());
        assert_eq!(longest_answer(&mut stack, Some(PEER), ends), full);
    }
}

#[test]
fn a_syn_says_what_its_sender_takes() {
    let [client, server, _] = ENDS[0];
    let mut stack = stack();
    let syn = |mss| {
        let repr = TcpRepr {
            src_port: 53,
            dst_port: 53,
            control: TcpControl::Syn,
            seq_number: TcpSeqNumber(1),
            ack_number: None,
            window_len: 1000,
            window_scale: None,
            max_seg_size: Some(mss),
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: b"",
        };
        emit(&repr, end(client), end(server))
    };
    for (mss, most) in [(1240, 1276), (1380, 1420), (9000, 1420), (100, 572)] {
        stack.handle_packet(Instant::ZERO, PEER, &syn(mss), &mut Owner::default());
        // Its SYN-ACK.
        lengths(&mut stack);
        assert_eq!(longest_answer(&mut stack, Some(PEER), ENDS[0]), most, "MSS {mss}");
    }
}

#[test]
fn so_are_echo_replies_and_icmp_of_the_owners() {
    for ([client, server, own], kinds) in ENDS.into_iter().zip([(8, 0), (128, 129)]) {
        let mut stack = stack();
        let (client, server, own): (IpAddr, IpAddr, IpAddr) =
            (client.parse().unwrap(), server.parse().unwrap(), own.parse().unwrap());
        let message = |kind: u8| [&[kind, 0, 0, 0, 0, 7, 0, 1][..], &[7; 2000]].concat();
        say(
            &mut stack,
            1280,
            &icmp::message(client, own, &message(kinds.0)).unwrap(),
        );
        let longest = |stack: &mut Stack| lengths(stack).into_iter().max().unwrap();
        assert!(
            (1273..=1280).contains(&longest(&mut stack)),
            "the reply to an echo request"
        );
        stack.send_icmp(Some(PEER), server, client, &message(kinds.1));
        assert!((1273..=1280).contains(&longest(&mut stack)), "the owner's message");
    }
}
