//! Tests of which bytes are a packet, and which are not.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::IpAddr;

use proptest::prelude::*;

use super::samples::*;
use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A sample whose bytes from `at` on are replaced, with the lengths and the checksum corrected.
fn changed(sample: &str, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut packet = hex(sample);
    packet[at..at + bytes.len()].copy_from_slice(bytes);
    repair(&mut packet);
    packet
}

/// An IPv6 packet from fd00::2 to 2001:db8::7.
fn ipv6(next_header: u8, rest: &[u8]) -> Vec<u8> {
    let mut packet = build(ip("fd00::2"), ip("2001:db8::7"), next_header, 64, rest.len(), None).unwrap();
    packet.extend_from_slice(rest);
    packet
}

#[test]
fn reads_ipv4() {
    let bytes = hex(UDP_V4);
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!((packet.source, packet.destination), (ip("10.0.0.2"), ip("192.0.2.7")));
    assert_eq!((packet.protocol, packet.hop_limit, packet.header_length), (UDP, 64, 20));
    assert_eq!(packet.payload, &bytes[20..]);
    assert_eq!(packet.fragment, None);
    assert_eq!(packet.ipv4_identification(), Some(0x1234));
}

#[test]
fn reads_ipv4_options() {
    let bytes = hex(TCP_V4);
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!((packet.protocol, packet.header_length), (TCP, 24));
    assert_eq!(packet.payload.len(), 24);
    assert_eq!(packet.payload[..4], [0x12, 0x34, 0x01, 0xbb]);
}

#[test]
fn reads_ipv6() {
    let bytes = hex(UDP_V6);
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!((packet.source, packet.destination), (ip("fd00::2"), ip("2001:db8::7")));
    assert_eq!((packet.protocol, packet.hop_limit, packet.header_length), (UDP, 64, 40));
    assert_eq!(packet.payload, &bytes[40..]);
    assert_eq!(packet.ipv4_identification(), None);
}

#[test]
fn walks_extension_headers() {
    let bytes = hex(TCP_V6);
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!(
        (packet.protocol, packet.header_length, packet.fragment),
        (TCP, 64, None)
    );
    assert_eq!(packet.payload, &bytes[64..]);
}

#[test]
fn reads_icmp() {
    let bytes = hex(PING_V4);
    assert_eq!(Packet::parse(&bytes).unwrap().protocol, ICMP);
    let bytes = hex(PING_V6);
    assert_eq!(Packet::parse(&bytes).unwrap().protocol, ICMPV6);
}

#[test]
fn reads_fragments() {
    let bytes = hex(FRAGMENT_V4);
    let packet = Packet::parse(&bytes).unwrap();
    let fragment = packet.fragment.unwrap();
    assert_eq!(
        (fragment.identification, fragment.offset, fragment.more),
        (0x1234, 24, true)
    );
    assert_eq!((packet.protocol, packet.payload.len()), (UDP, 16));

    let bytes = hex(FRAGMENT_V6);
    let packet = Packet::parse(&bytes).unwrap();
    let fragment = packet.fragment.unwrap();
    assert_eq!(
        (fragment.identification, fragment.offset, fragment.more),
        (0xdead_beef, 24, true)
    );
    assert_eq!(
        (packet.protocol, packet.payload.len(), packet.header_length),
        (UDP, 16, 56)
    );
    assert_eq!(bytes[fragment.next_header_at], 44);
}

#[test]
fn the_last_fragment_and_a_packet_that_may_not_be_cut() {
    let last = changed(FRAGMENT_V4, 6, &[0x00, 0x03]);
    assert!(!Packet::parse(&last).unwrap().fragment.unwrap().more);
    let whole = changed(UDP_V4, 6, &[0x40, 0x00]);
    assert_eq!(Packet::parse(&whole).unwrap().fragment, None);
    let last = changed(FRAGMENT_V6, 51, &[0x18]);
    assert!(!Packet::parse(&last).unwrap().fragment.unwrap().more);
}

#[test]
fn cuts_padding_off() {
    for sample in [UDP_V4, UDP_V6] {
        let bytes = hex(sample);
        let padded = [&bytes[..], &[0; 11]].concat();
        assert_eq!(Packet::parse(&padded).unwrap(), Packet::parse(&bytes).unwrap());
    }
}

#[test]
fn every_cut_is_malformed() {
    for sample in [UDP_V4, UDP_V6, TCP_V4, TCP_V6, FRAGMENT_V6] {
        let bytes = hex(sample);
        for length in 0..bytes.len() {
            assert_eq!(
                Packet::parse(&bytes[..length]),
                Err(Malformed::Length),
                "{sample} {length}"
            );
        }
    }
}

#[test]
fn every_flipped_bit_of_an_ipv4_header_is_seen() {
    let bytes = hex(TCP_V4);
    for bit in 0..24 * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Packet::parse(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn lengths_that_contradict() {
    // A header of 16 bytes, one longer than the packet, a total shorter than the header.
    assert_eq!(Packet::parse(&changed(UDP_V4, 0, &[0x44])), Err(Malformed::Length));
    assert_eq!(Packet::parse(&changed(UDP_V4, 0, &[0x4f])), Err(Malformed::Length));
    let mut short = hex(UDP_V4);
    short[2..4].copy_from_slice(&[0, 19]);
    put_ipv4_checksum(&mut short[..20]);
    assert_eq!(Packet::parse(&short), Err(Malformed::Length));
}

#[test]
fn versions() {
    for version in (0..16).filter(|version| ![4, 6].contains(version)) {
        assert_eq!(Packet::parse(&[version << 4 | 5; 64]), Err(Malformed::Version));
    }
    assert_eq!(Packet::parse(&[]), Err(Malformed::Length));
}

#[test]
fn an_empty_payload_is_no_error() {
    let bytes = ipv6(59, &[]);
    assert_eq!(Packet::parse(&bytes).unwrap().payload, b"");
}

#[test]
fn a_jumbogram_is_malformed() {
    // RFC 2675: no payload length, and a hop-by-hop option that has it.
    let mut bytes = ipv6(0, &[UDP, 0, 0xc2, 4, 0, 1, 0, 0]);
    assert_eq!(Packet::parse(&bytes), Err(Malformed::ExtensionHeader));
    bytes[4..6].fill(0);
    assert_eq!(Packet::parse(&bytes), Err(Malformed::Length));
}

#[test]
fn options_that_must_not_be_skipped() {
    for (kind, sound) in [(0x05, true), (0x3e, true), (0x7e, false), (0x80, false), (0xfe, false)] {
        for header in [0, 60] {
            let bytes = ipv6(header, &[59, 0, kind, 2, 0, 0, 0, 0]);
            assert_eq!(Packet::parse(&bytes).is_ok(), sound, "option {kind:#x}");
        }
    }
    // Padding of single bytes, alone and before another option.
    assert!(Packet::parse(&ipv6(60, &[59, 0, 0, 0, 0, 0, 0, 0])).is_ok());
    assert!(Packet::parse(&ipv6(60, &[59, 0, 0, 0, 0, 5, 1, 0])).is_ok());
    assert_eq!(
        Packet::parse(&ipv6(60, &[59, 0, 0, 0, 0, 0x85, 1, 0])),
        Err(Malformed::ExtensionHeader)
    );
    // An option that ends behind its header.
    assert_eq!(
        Packet::parse(&ipv6(60, &[59, 0, 5, 9, 0, 0, 0, 0])),
        Err(Malformed::ExtensionHeader)
    );
    // An option without a length.
    assert_eq!(
        Packet::parse(&ipv6(60, &[59, 0, 1, 3, 0, 0, 0, 5])),
        Err(Malformed::ExtensionHeader)
    );
}

#[test]
fn extension_headers_in_wrong_places() {
    // Hop-by-hop options behind others; a route that goes on; type 0 with no stop left is skipped.
    assert_eq!(
        Packet::parse(&ipv6(60, &[0, 0, 1, 4, 0, 0, 0, 0, 59, 0, 1, 4, 0, 0, 0, 0])),
        Err(Malformed::ExtensionHeader)
    );
    assert_eq!(
        Packet::parse(&ipv6(43, &[59, 0, 0, 1, 0, 0, 0, 0])),
        Err(Malformed::ExtensionHeader)
    );
    assert!(Packet::parse(&ipv6(43, &[59, 0, 0, 0, 0, 0, 0, 0])).is_ok());
    // An extension header that ends behind the packet, and one without its second byte.
    assert_eq!(
        Packet::parse(&ipv6(60, &[59, 1, 1, 4, 0, 0, 0, 0])),
        Err(Malformed::Length)
    );
    assert_eq!(Packet::parse(&ipv6(60, &[59])), Err(Malformed::Length));
    assert_eq!(
        Packet::parse(&ipv6(44, &[UDP, 0, 0, 0, 0, 0, 0])),
        Err(Malformed::Length)
    );
}

#[test]
fn extension_headers_without_end() {
    let chain = |count: usize| {
        let mut rest = [60, 0, 1, 4, 0, 0, 0, 0].repeat(count);
        rest[(count - 1) * 8] = 59;
        ipv6(60, &rest)
    };
    assert_eq!(Packet::parse(&chain(8)).unwrap().header_length, 40 + 64);
    assert_eq!(Packet::parse(&chain(9)), Err(Malformed::ExtensionHeader));
}

#[test]
fn pairs_that_nobody_can_answer() {
    let pair = |source: &str, destination: &str| {
        let bytes = build(ip(source), ip(destination), UDP, 64, 0, None).unwrap();
        Packet::parse(&bytes).unwrap().is_unicast_pair()
    };
    assert!(pair("10.0.0.2", "192.0.2.7"));
    assert!(pair("fd00::2", "2001:db8::7"));
    assert!(!pair("10.0.0.2", "10.0.0.2"));
    assert!(!pair("fd00::2", "fd00::2"));
    for odd in [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
    ] {
        assert!(!pair("10.0.0.2", odd), "{odd}");
        assert!(!pair(odd, "10.0.0.2"), "{odd}");
    }
    for odd in ["::", "::1", "ff02::1", "ff0e::1234", "::ffff:127.0.0.1"] {
        assert!(!pair("fd00::2", odd), "{odd}");
        assert!(!pair(odd, "fd00::2"), "{odd}");
    }
}

#[test]
fn builds_the_hand_written_headers() {
    let v4 = build(ip("10.0.0.2"), ip("192.0.2.7"), UDP, 64, 13, Some(0x1234)).unwrap();
    assert_eq!(v4, hex(UDP_V4)[..20]);
    let v6 = build(ip("fd00::2"), ip("2001:db8::7"), UDP, 64, 13, Some(0x1234)).unwrap();
    assert_eq!(v6, hex(UDP_V6)[..40]);
}

#[test]
fn a_packet_without_a_name_is_not_to_be_cut() {
    let atomic = build(ip("10.0.0.2"), ip("192.0.2.7"), UDP, 64, 0, None).unwrap();
    assert_eq!(atomic[4..8], [0, 0, 0x40, 0]);
}

#[test]
fn builds_no_more_than_a_packet() {
    let build = |source, length| build(ip(source), ip("10.0.0.2"), UDP, 64, length, None);
    assert!(build("10.0.0.3", MAX_PACKET - 20).is_some());
    assert!(build("10.0.0.3", MAX_PACKET - 19).is_none());
    assert!(build("10.0.0.3", usize::MAX).is_none());
    assert!(build("fd00::2", 0).is_none());
}

#[test]
fn checksums_of_the_samples() {
    for sample in [UDP_V4, UDP_V6, TCP_V4, TCP_V6, PING_V6] {
        let bytes = hex(sample);
        let packet = Packet::parse(&bytes).unwrap();
        let sum = |payload: &[u8]| upper_checksum(packet.source, packet.destination, packet.protocol, payload);
        assert_eq!(sum(packet.payload), 0);
        let mut other = packet.payload.to_vec();
        other[9] ^= 1;
        assert_ne!(sum(&other), 0);
        assert_ne!(upper_checksum(packet.source, packet.destination, 99, packet.payload), 0);
    }
    assert_eq!(checksum(&hex(PING_V4)[20..]), 0);
    assert_eq!(upper_checksum(ip("10.0.0.2"), ip("fd00::2"), UDP, &[]), u16::MAX);
}

proptest! {
    #![proptest_config(cases(4096))]

    #[test]
    fn any_bytes_are_a_packet_or_malformed(bytes in almost_packets()) {
        if let Ok(packet) = Packet::parse(&bytes) {
            prop_assert!(bytes.starts_with(packet.bytes));
            prop_assert_eq!(&packet.bytes[packet.header_length..], packet.payload);
            prop_assert_eq!(packet.source.is_ipv4(), packet.destination.is_ipv4());
            if let Some(fragment) = packet.fragment {
                prop_assert_eq!(fragment.offset % 8, 0);
                prop_assert!(fragment.next_header_at < packet.header_length);
            }
        }
    }

    #[test]
    fn what_is_built_is_read(v4: bool, a: u128, b: u128, protocol in 61_u8..=255, hop_limit: u8, length in 0_usize..2000) {
        let address = |bits: u128| if v4 { IpAddr::V4((bits as u32).into()) } else { IpAddr::V6(bits.into()) };
        let mut bytes = build(address(a), address(b), protocol, hop_limit, length, Some(b as u16)).unwrap();
        bytes.resize(bytes.len() + length, 7);
        let packet = Packet::parse(&bytes).unwrap();
        prop_assert_eq!((packet.source, packet.destination), (address(a), address(b)));
        prop_assert_eq!((packet.protocol, packet.hop_limit, packet.payload.len()), (protocol, hop_limit, length));
    }
}
