//! Fragments: cut, mixed, put together; and everything that must not come of them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;

use super::*;
use crate::packet::samples::*;
use crate::packet::{UDP, build};
use crate::udp;

mod hostile;

fn at(ms: i64) -> Instant {
    Instant::from_millis(ms)
}

/// A datagram with `length` bytes that differ, and its identification.
fn datagram(v4: bool, length: usize, identification: u16) -> Vec<u8> {
    let address = if v4 {
        ["10.0.0.2", "192.0.2.7"]
    } else {
        ["fd00::2", "2001:db8::7"]
    };
    let [source, destination] = address.map(|ip| SocketAddr::new(ip.parse().unwrap(), 4000));
    let data: Vec<u8> = (0..length).map(|index| (index ^ index >> 8) as u8).collect();
    udp::build(source, destination, &data, identification).unwrap()
}

fn fragments(packet: &[u8], mtu: usize, identification: u32) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    assert!(split(packet, mtu, identification, &mut |fragment| all.push(fragment.to_vec())));
    all
}

/// One fragment from 10.0.0.2 (or fd00::2) with `length` bytes of `fill`.
fn piece(v4: bool, identification: u16, offset: usize, more: bool, length: usize, fill: u8) -> Vec<u8> {
    let place = offset as u16;
    let mut packet = if v4 {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut packet = build(ip("10.0.0.2"), ip("192.0.2.7"), UDP, 64, length, Some(identification)).unwrap();
        packet[6..8].copy_from_slice(&((place / 8) | (u16::from(more) << 13)).to_be_bytes());
        packet
    } else {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut packet = build(ip("fd00::2"), ip("2001:db8::7"), 44, 64, length + 8, None).unwrap();
        packet.extend_from_slice(&[UDP, 0]);
        packet.extend_from_slice(&(place | u16::from(more)).to_be_bytes());
        packet.extend_from_slice(&u32::from(identification).to_be_bytes());
        packet
    };
    packet.resize(packet.len() + length, fill);
    repair(&mut packet);
    packet
}

fn handle(reassembler: &mut Reassembler, now: Instant, bytes: &[u8]) -> Option<Vec<u8>> {
    let whole = reassembler.handle_fragment(now, &Packet::parse(bytes).unwrap());
    assert!(reassembler.used <= BUDGET);
    assert!(reassembler.datagrams.len() <= MAX_DATAGRAMS);
    assert_eq!(reassembler.datagrams.len(), reassembler.order.len());
    whole
}

fn handle_all(reassembler: &mut Reassembler, all: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut whole = None;
    for bytes in all {
        assert_eq!(whole, None, "whole before the last fragment");
        whole = handle(reassembler, at(0), bytes);
    }
    whole
}

fn assert_empty(reassembler: &Reassembler) {
    assert_eq!((reassembler.datagrams.len(), reassembler.used), (0, 0));
    assert_eq!(reassembler.poll_timeout(), None);
}

/// The reassembled packet is the one that was cut, but for an identification of its own.
fn assert_same(whole: &[u8], packet: &[u8], identification: u32) {
    let mut expected = packet.to_vec();
    if expected[0] >> 4 == 4 {
        expected[4..6].copy_from_slice(&(identification as u16).to_be_bytes());
        repair(&mut expected);
    }
    assert!(whole == expected, "{} bytes for {}", whole.len(), packet.len());
    assert!(udp::parse(&Packet::parse(whole).unwrap()).is_ok());
}

#[test]
fn what_fits_is_not_cut() {
    for v4 in [true, false] {
        let packet = datagram(v4, 1000, 5);
        assert_eq!(fragments(&packet, packet.len(), 9), std::slice::from_ref(&packet));
        assert_eq!(fragments(&packet, packet.len() - 1, 9).len(), 2);
    }
}

#[test]
fn the_fields_of_fragments() {
    for (v4, mtu, offsets) in [(true, 576, [0, 552, 1104]), (false, 1280, [0, 1232, 2464])] {
        let all = fragments(&datagram(v4, offsets[2], 5), mtu, 0xabcd_1234);
        let parsed: Vec<Packet<'_>> = all.iter().map(|bytes| Packet::parse(bytes).unwrap()).collect();
        let headers: Vec<FragmentHeader> = parsed.iter().map(|packet| packet.fragment.unwrap()).collect();
        assert_eq!(headers.iter().map(|header| header.offset).collect::<Vec<_>>(), offsets);
        assert_eq!(
            headers.iter().map(|header| header.more).collect::<Vec<_>>(),
            [true, true, false]
        );
        let identification = if v4 { 0x1234 } else { 0xabcd_1234 };
        assert!(headers.iter().all(|header| header.identification == identification));
        assert!(
            parsed
                .iter()
                .all(|packet| packet.protocol == UDP && packet.bytes.len() <= mtu)
        );
        assert_eq!(parsed[2].payload.len(), 8);
    }
}

#[test]
fn a_packet_that_may_not_be_cut_is_cut_all_the_same() {
    let mut packet = datagram(true, 2000, 5);
    packet[6] = 0x40;
    repair(&mut packet);
    for bytes in fragments(&packet, 1280, 9) {
        assert_eq!(bytes[6] & 0x40, 0);
    }
}

#[test]
fn nothing_is_emitted_for_what_cannot_be_cut() {
    let packet = datagram(true, 2000, 5);
    let refused = |packet: &[u8], mtu| {
        let mut emitted = false;
        !split(packet, mtu, 9, &mut |_| emitted = true) && !emitted
    };
    assert!(split(&packet, 28, 9, &mut |_| {}));
    assert!(refused(&packet, 27));
    assert!(refused(&packet, 0));
    assert!(refused(&datagram(false, 2000, 5), 55));
    assert!(refused(&[0; 30], 20));
    assert!(refused(&piece(true, 5, 0, true, 80, 1), 60));
    assert!(refused(&hex(TCP_V4), 40));
    assert!(refused(&hex(TCP_V6), 80));
}

#[test]
fn every_mtu_and_the_longest() {
    for v4 in [true, false] {
        let longest = if v4 { udp::MAX_DATA_V4 } else { udp::MAX_DATA_V6 };
        for mtu in [576, 1280, 1420] {
            for length in [0, 1, mtu - 28, mtu - 48, mtu, 8 * mtu, longest - 1, longest] {
                let packet = datagram(v4, length, 5);
                let mut all = fragments(&packet, mtu, 77);
                if all.len() == 1 {
                    assert_eq!(all[0], packet);
                    continue;
                }
                assert!(all.iter().all(|bytes| bytes.len() <= mtu));
                let mut reassembler = Reassembler::new();
                assert_same(&handle_all(&mut reassembler, &all).unwrap(), &packet, 77);
                all.reverse();
                assert_same(&handle_all(&mut reassembler, &all).unwrap(), &packet, 77);
                assert_empty(&reassembler);
                assert_eq!(reassembler.dropped(), 0);
            }
        }
    }
}

#[test]
fn the_first_header_is_kept_and_put_right() {
    // Options in the first fragment, DF by mistake, another hop limit in the second.
    let mut first = hex(TCP_V4);
    first[6] = 0x60;
    repair(&mut first);
    let mut second = piece(true, 0x1234, 24, false, 5, 7);
    second[8] = 9;
    second[9] = 6;
    repair(&mut second);
    let mut reassembler = Reassembler::new();
    assert_eq!(handle(&mut reassembler, at(0), &second), None);
    let whole = handle(&mut reassembler, at(0), &first).unwrap();
    let mut expected = [&hex(TCP_V4)[..], &[7; 5]].concat();
    expected[6] = 0x40;
    repair(&mut expected);
    assert_eq!(whole, expected);
}

#[test]
fn extension_headers_before_and_behind_the_fragment_header() {
    // Destination options on either side; behind it they are cut in two.
    let plain = hex(UDP_V6);
    let before = [44, 0, 1, 4, 0, 0, 0, 0];
    let behind = [&[UDP, 1, 1, 12][..], &[0; 12], &plain[40..]].concat();
    let part = |range: std::ops::Range<usize>, more: u8| {
        let header = [60, 0, 0, range.start as u8 | more, 0, 0, 0, 9];
        let mut packet = [&plain[..40], &before, &header, &behind[range]].concat();
        packet[6] = 60;
        repair(&mut packet);
        packet
    };
    let mut reassembler = Reassembler::new();
    assert_eq!(handle(&mut reassembler, at(0), &part(8..behind.len(), 0)), None);
    let whole = handle(&mut reassembler, at(0), &part(0..8, 1)).unwrap();
    let packet = Packet::parse(&whole).unwrap();
    assert_eq!((packet.header_length, packet.fragment), (40 + 8 + 16, None));
    assert_eq!(udp::parse(&packet).unwrap().data, b"hello");
    assert_eq!(whole[48..], behind);
}

#[test]
fn an_ipv6_fragment_that_is_all() {
    // RFC 6946: such a fragment is no part of another datagram, even one with the same key.
    let mut reassembler = Reassembler::new();
    assert_eq!(handle(&mut reassembler, at(0), &piece(false, 5, 0, true, 16, 1)), None);
    let whole = handle(&mut reassembler, at(0), &piece(false, 5, 0, false, 9, 2)).unwrap();
    let packet = Packet::parse(&whole).unwrap();
    assert_eq!((packet.protocol, packet.payload), (UDP, &[2; 9][..]));
    let whole = handle(&mut reassembler, at(0), &piece(false, 5, 16, false, 1, 3)).unwrap();
    assert_eq!(whole.len(), 40 + 17);
    assert_empty(&reassembler);
}

#[test]
fn a_packet_that_is_no_fragment() {
    let mut reassembler = Reassembler::new();
    assert_eq!(handle(&mut reassembler, at(0), &hex(UDP_V4)), None);
    assert_empty(&reassembler);
}

#[test]
fn datagrams_of_different_names_do_not_mix() {
    let first = piece(true, 5, 0, true, 16, 1);
    let mut others = vec![piece(true, 6, 16, false, 8, 2)];
    for (index, byte) in [(9, 6), (15, 9), (19, 9)] {
        let mut other = piece(true, 5, 16, false, 8, 2);
        other[index] = byte;
        repair(&mut other);
        others.push(other);
    }
    let mut reassembler = Reassembler::new();
    assert_eq!(handle_all(&mut reassembler, &[vec![first], others].concat()), None);
    assert_eq!(reassembler.datagrams.len(), 5);
    assert!(handle(&mut reassembler, at(0), &piece(true, 5, 16, false, 8, 2)).is_some());
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn split_shuffled_and_reassembled_is_the_same(
        v4: bool,
        length in prop_oneof![0..4000_usize, 0..=udp::MAX_DATA_V6],
        mtu in prop::sample::select(vec![576_usize, 1280, 1420]),
        identification: u32,
        seed: u64,
        doubled: bool,
    ) {
        let packet = datagram(v4, length, 5);
        let mut all = fragments(&packet, mtu, identification);
        if all.len() == 1 {
            prop_assert_eq!(&all[0], &packet);
            return Ok(());
        }
        let mut random = seed;
        for index in (1..all.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            all.swap(index, (random >> 33) as usize % (index + 1));
        }
        let mut reassembler = Reassembler::new();
        let (last, others) = all.split_last().unwrap();
        for bytes in others {
            prop_assert_eq!(handle(&mut reassembler, at(0), bytes), None);
            if doubled {
                prop_assert_eq!(handle(&mut reassembler, at(0), bytes), None);
            }
        }
        let whole = handle(&mut reassembler, at(0), last).unwrap();
        assert_same(&whole, &packet, identification);
        assert_empty(&reassembler);
        prop_assert_eq!(reassembler.dropped(), 0);
        prop_assert_eq!(reassembler.counters().duplicate, if doubled { others.len() as u64 } else { 0 });
    }

    #[test]
    fn any_packet_is_split_or_refused(bytes in almost_packets(), mtu in 0..200_usize) {
        split(&bytes, mtu, 7, &mut |fragment| {
            assert!(fragment.len() <= mtu);
            assert!(Packet::parse(fragment).is_ok());
        });
    }
}
