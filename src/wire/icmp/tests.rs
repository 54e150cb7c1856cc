//! Tests of which packets are answered with ICMP, and which never are.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::packet::samples::*;
use crate::udp;

// Checksums from elsewhere, as in the samples.
const ECHO_REPLY_V4: &str = "450000231234000040019c9dc00002070a0000020000afdbbeef000761626364656667";
const ECHO_REPLY_V6: &str =
    "60000000000f3a4020010db8000000000000000000000007fd000000000000000000000000000002810003cfbeef000761626364656667";
/// Port unreachable about the UDP samples.
const PORT_V4: &str = "4500003d0000400040016eb7c00002070a0000020303c92400000000450000211234000040119c8f0a000002c000020712340035000ddd8f68656c6c6f";
const PORT_V6: &str = "60000000003d3a4020010db8000000000000000000000007fd000000000000000000000000000002010462920000000060000000000d1140fd00000000000000000000000000000220010db800000000000000000000000712340035000d7ed668656c6c6f";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn reply(bytes: &[u8]) -> Option<Vec<u8>> {
    echo_reply(&Packet::parse(bytes).unwrap())
}

fn error(reason: Unreachable, bytes: &[u8]) -> Option<Vec<u8>> {
    unreachable(reason, &Packet::parse(bytes).unwrap())
}

/// A message of one type between two hosts of either family.
fn of_type(v4: bool, kind: u8) -> Vec<u8> {
    let (source, destination) = if v4 {
        ("10.0.0.2", "192.0.2.7")
    } else {
        ("fd00::2", "2001:db8::7")
    };
    message(ip(source), ip(destination), &[kind, 0, 0, 0, 1, 2, 3, 4, 5]).unwrap()
}

#[test]
fn echo_is_answered() {
    assert_eq!(reply(&hex(PING_V4)).unwrap(), hex(ECHO_REPLY_V4));
    assert_eq!(reply(&hex(PING_V6)).unwrap(), hex(ECHO_REPLY_V6));
}

#[test]
fn a_long_echo_is_answered_whole() {
    for (a, b) in [("10.0.0.2", "10.0.0.3"), ("fd00::2", "fd00::3")] {
        let kind = if a.contains('.') { 8 } else { 128 };
        let mut body = vec![kind, 0, 0, 0, 0, 1, 0, 2];
        body.resize(60_000, 0xa5);
        let request = message(ip(a), ip(b), &body).unwrap();
        let answer = reply(&request).unwrap();
        let answer = Packet::parse(&answer).unwrap();
        assert_eq!((answer.source, answer.destination), (ip(b), ip(a)));
        assert_eq!(answer.payload[4..], body[4..]);
        assert_eq!(message_checksum(answer.source, answer.destination, answer.payload), 0);
    }
}

#[test]
fn nothing_but_a_sound_echo_is_answered() {
    assert_eq!(reply(&hex(ECHO_REPLY_V4)), None);
    assert_eq!(reply(&hex(ECHO_REPLY_V6)), None);
    assert_eq!(reply(&hex(UDP_V4)), None);
    assert_eq!(reply(&hex(FRAGMENT_V4)), None);
    for sample in [PING_V4, PING_V6] {
        let bytes = hex(sample);
        let last = bytes.len() - 1;
        let mut damaged = bytes.clone();
        damaged[last] ^= 1;
        assert_eq!(reply(&damaged), None, "checksum");
        let mut short = bytes[..bytes.len() - 8].to_vec();
        repair(&mut short);
        assert_eq!(reply(&short), None, "no room for a sequence number");
    }
    let with_code = message(ip("10.0.0.2"), ip("10.0.0.3"), &[8, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(reply(&with_code), None);
    // Type 128 in IPv4 and type 8 in IPv6 are no echo.
    assert_eq!(reply(&of_type(true, 128)), None);
    assert_eq!(reply(&of_type(false, 8)), None);
}

#[test]
fn an_echo_in_another_protocol_or_in_a_fragment_is_none() {
    let mut tcp = hex(PING_V4);
    tcp[9] = packet::TCP;
    let mut other_family = hex(PING_V6);
    other_family[6] = ICMP;
    // The first fragment of a longer one, its checksum right by chance.
    let mut fragment = hex(PING_V4);
    fragment[6] = 0x20;
    for bytes in [&mut tcp, &mut other_family, &mut fragment] {
        repair(bytes);
        assert_eq!(reply(bytes), None);
    }
}

#[test]
fn echo_to_everybody_is_not_answered() {
    let ask = |source: &str, destination: &str, kind: u8| {
        reply(&message(ip(source), ip(destination), &[kind, 0, 0, 0, 0, 0, 0, 0]).unwrap())
    };
    assert!(ask("10.0.0.2", "10.0.0.3", 8).is_some());
    assert_eq!(ask("10.0.0.2", "224.0.0.1", 8), None);
    assert_eq!(ask("10.0.0.2", "255.255.255.255", 8), None);
    assert_eq!(ask("0.0.0.0", "10.0.0.2", 8), None);
    assert_eq!(ask("fd00::2", "ff02::1", 128), None);
    assert_eq!(ask("::", "fd00::2", 128), None);
}

#[test]
fn unreachable_quotes() {
    assert_eq!(error(Unreachable::Port, &hex(UDP_V4)).unwrap(), hex(PORT_V4));
    assert_eq!(error(Unreachable::Port, &hex(UDP_V6)).unwrap(), hex(PORT_V6));
}

#[test]
fn codes_of_each_family() {
    let codes = |sample: &str, at: usize| {
        let reasons = [
            Unreachable::Network,
            Unreachable::Host,
            Unreachable::Port,
            Unreachable::Prohibited,
        ];
        reasons.map(|reason| {
            let packet = error(reason, &hex(sample)).unwrap();
            [packet[at], packet[at + 1]]
        })
    };
    assert_eq!(codes(TCP_V4, 20), [[3, 0], [3, 1], [3, 3], [3, 13]]);
    assert_eq!(codes(TCP_V6, 40), [[1, 0], [1, 3], [1, 4], [1, 1]]);
}

#[test]
fn a_long_original_is_quoted_as_far_as_it_fits() {
    for (a, b, most) in [("10.0.0.2:1", "10.0.0.3:2", 576), ("[fd00::2]:1", "[fd00::3]:2", 1280)] {
        let original = udp::build(a.parse().unwrap(), b.parse().unwrap(), &[7; 5000], 9).unwrap();
        let bytes = error(Unreachable::Port, &original).unwrap();
        assert_eq!(bytes.len(), most);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.payload[8..], original[..packet.payload.len() - 8]);
        assert_eq!(message_checksum(packet.source, packet.destination, packet.payload), 0);
    }
}

#[test]
fn no_error_about_an_error() {
    let types = |v4| (0..=255).filter(move |kind| error(Unreachable::Host, &of_type(v4, *kind)).is_some());
    assert_eq!(types(true).collect::<Vec<_>>(), [0, 8, 9, 10, 13, 14, 15, 16, 17, 18]);
    assert_eq!(
        types(false).collect::<Vec<_>>(),
        (128..=255).filter(|kind| *kind != 137).collect::<Vec<u8>>()
    );
    assert_eq!(error(Unreachable::Port, &hex(PORT_V4)), None);
    assert_eq!(error(Unreachable::Port, &hex(PORT_V6)), None);
    // Too short to have a type.
    for (a, b, protocol) in [("10.0.0.2", "10.0.0.3", ICMP), ("fd00::2", "fd00::3", ICMPV6)] {
        let empty = packet::build(ip(a), ip(b), protocol, 64, 0, None).unwrap();
        assert_eq!(error(Unreachable::Host, &empty), None);
    }
}

#[test]
fn no_error_about_a_later_fragment() {
    for (sample, at, first) in [(FRAGMENT_V4, 7, 0), (FRAGMENT_V6, 51, 1)] {
        let mut bytes = hex(sample);
        assert_eq!(error(Unreachable::Host, &bytes), None);
        // The same with offset 0 is the first.
        bytes[at] = first;
        repair(&mut bytes);
        assert!(error(Unreachable::Host, &bytes).is_some());
    }
}

#[test]
fn no_error_from_or_to_many() {
    let refused = |a: &str, b: &str| {
        let original = udp::build(a.parse().unwrap(), b.parse().unwrap(), b"", 1).unwrap();
        error(Unreachable::Port, &original).is_none()
    };
    assert!(!refused("10.0.0.2:1", "10.0.0.3:2"));
    assert!(refused("10.0.0.2:1", "239.255.255.250:1900"));
    assert!(refused("10.0.0.2:1", "255.255.255.255:67"));
    assert!(refused("0.0.0.0:68", "10.0.0.3:67"));
    assert!(refused("[fd00::2]:1", "[ff02::fb]:5353"));
    assert!(refused("[::]:1", "[fd00::3]:2"));
}

#[test]
fn a_message_gets_its_checksum() {
    for (sample, header_length, a, b) in [
        (PING_V4, 20, "10.0.0.2", "192.0.2.7"),
        (PING_V6, 40, "fd00::2", "2001:db8::7"),
    ] {
        let mut body = hex(sample)[header_length..].to_vec();
        body[2..4].copy_from_slice(&[0xba, 0xad]);
        let packet = message(ip(a), ip(b), &body).unwrap();
        assert_eq!(packet[header_length..], hex(sample)[header_length..]);
    }
    assert!(message(ip("10.0.0.2"), ip("10.0.0.3"), &[8, 0, 0, 0]).is_some());
    assert_eq!(message(ip("10.0.0.2"), ip("10.0.0.3"), &[8, 0, 0]), None);
    assert_eq!(message(ip("10.0.0.2"), ip("fd00::3"), &[8, 0, 0, 0]), None);
    assert_eq!(message(ip("10.0.0.2"), ip("10.0.0.3"), &vec![8; 65_516]), None);
}

proptest! {
    #![proptest_config(cases(4096))]

    #[test]
    fn answers_are_packets_back_to_the_asker(bytes in almost_packets()) {
        if let Ok(original) = Packet::parse(&bytes) {
            let answers = [echo_reply(&original), unreachable(Unreachable::Port, &original)];
            for bytes in answers.into_iter().flatten() {
                let answer = Packet::parse(&bytes).unwrap();
                prop_assert_eq!((answer.source, answer.destination), (original.destination, original.source));
                prop_assert_eq!(message_checksum(answer.source, answer.destination, answer.payload), 0);
            }
        }
    }
}
