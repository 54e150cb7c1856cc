//! Tests of reading and building datagrams.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::packet::samples::*;

const HEADER_V4: usize = 20;

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn parsed(bytes: &[u8]) -> Result<Datagram<'_>, Malformed> {
    parse(&Packet::parse(bytes).unwrap())
}

#[test]
fn reads_the_samples() {
    let v4 = hex(UDP_V4);
    let expected = Datagram {
        source: socket("10.0.0.2:4660"),
        destination: socket("192.0.2.7:53"),
        data: b"hello",
    };
    assert_eq!(parsed(&v4), Ok(expected));
    let v6 = hex(UDP_V6);
    let expected = Datagram {
        source: socket("[fd00::2]:4660"),
        destination: socket("[2001:db8::7]:53"),
        data: b"hello",
    };
    assert_eq!(parsed(&v6), Ok(expected));
}

#[test]
fn builds_the_samples() {
    let v4 = build(socket("10.0.0.2:4660"), socket("192.0.2.7:53"), b"hello", 0x1234);
    assert_eq!(v4.unwrap(), hex(UDP_V4));
    let v6 = build(socket("[fd00::2]:4660"), socket("[2001:db8::7]:53"), b"hello", 0x1234);
    assert_eq!(v6.unwrap(), hex(UDP_V6));
}

#[test]
fn a_checksum_of_zero() {
    let mut v4 = hex(UDP_V4);
    v4[26..28].fill(0);
    assert_eq!(parsed(&v4).unwrap().data, b"hello");
    let mut v6 = hex(UDP_V6);
    v6[46..48].fill(0);
    assert_eq!(parsed(&v6), Err(Malformed::Checksum));
    // The checksum is not 0 even where the sum is.
    let mut v6 = build(socket("[fd00::2]:4660"), socket("[2001:db8::7]:53"), &[0xc2, 0xae], 0).unwrap();
    assert_eq!(v6[46..48], [0xff, 0xff]);
    v6[46..48].fill(0);
    assert_eq!(parsed(&v6), Err(Malformed::Checksum));
}

#[test]
fn never_says_that_there_is_no_checksum() {
    let packet = build(socket("10.0.0.2:4660"), socket("192.0.2.7:53"), &[0x21, 0x68], 0).unwrap();
    assert_eq!(packet[26..28], [0xff, 0xff]);
    assert_eq!(parsed(&packet).unwrap().data, [0x21, 0x68]);
}

#[test]
fn every_flipped_bit_is_seen() {
    for (sample, header_length) in [(UDP_V4, HEADER_V4), (UDP_V6, 40)] {
        let bytes = hex(sample);
        for bit in header_length * 8..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(parsed(&flipped).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn lengths() {
    let with_length = |length: u16| {
        let mut bytes = hex(UDP_V4);
        bytes[24..26].copy_from_slice(&length.to_be_bytes());
        bytes[26..28].fill(0);
        bytes
    };
    for wrong in [0, 1, 7, 14, u16::MAX] {
        assert_eq!(parsed(&with_length(wrong)), Err(Malformed::Length), "{wrong}");
    }
    assert_eq!(parsed(&with_length(8)).unwrap().data, b"");
    assert_eq!(parsed(&with_length(12)).unwrap().data, b"hell");
    let mut short = hex(UDP_V4);
    short.truncate(HEADER_V4 + 7);
    repair(&mut short);
    assert_eq!(parsed(&short), Err(Malformed::Length));
}

#[test]
fn surplus_bytes_are_no_data_and_in_no_checksum() {
    let mut bytes = [&hex(UDP_V4)[..], b"surplus"].concat();
    repair(&mut bytes);
    assert_eq!(parsed(&bytes).unwrap().data, b"hello");
}

#[test]
fn only_whole_udp() {
    assert_eq!(parsed(&hex(TCP_V4)), Err(Malformed::Protocol));
    assert_eq!(parsed(&hex(FRAGMENT_V4)), Err(Malformed::Protocol));
}

#[test]
fn empty_and_longest() {
    for (a, b, most) in [
        ("10.0.0.2:1", "10.0.0.3:2", 65_507),
        ("[fd00::2]:1", "[fd00::3]:2", 65_487),
    ] {
        let build = |data: &[u8]| build(socket(a), socket(b), data, 1);
        assert_eq!(parsed(&build(&[]).unwrap()).unwrap().data, b"");
        let longest = build(&vec![9; most]).unwrap();
        assert_eq!(longest.len(), 65_535);
        assert_eq!(parsed(&longest).unwrap().data.len(), most);
        assert_eq!(build(&vec![9; most + 1]), None);
        assert_eq!(build(&vec![9; 70_000]), None);
    }
    assert_eq!((MAX_DATA_V4, MAX_DATA_V6), (65_507, 65_487));
    assert_eq!(build(socket("10.0.0.2:1"), socket("[fd00::3]:2"), &[], 1), None);
}

proptest! {
    #![proptest_config(cases(4096))]

    #[test]
    fn any_packet_is_a_datagram_or_malformed(bytes in almost_packets()) {
        if let Ok(packet) = Packet::parse(&bytes)
            && let Ok(datagram) = parse(&packet)
        {
            prop_assert!(datagram.data.len() + HEADER <= packet.payload.len());
        }
    }

    #[test]
    fn what_is_built_is_read(v4: bool, a: u128, b: u128, ports: (u16, u16), data in vec(any::<u8>(), 0..99)) {
        let address = |bits: u128| if v4 { (bits as u32).to_be_bytes().into() } else { bits.to_be_bytes().into() };
        let source = SocketAddr::new(address(a), ports.0);
        let destination = SocketAddr::new(address(b), ports.1);
        let packet = build(source, destination, &data, 5).unwrap();
        prop_assert_eq!(parsed(&packet), Ok(Datagram { source, destination, data: &data }));
    }
}
