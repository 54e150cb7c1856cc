//! Packets for tests: some that were written by hand, with checksums of another program, and a generator of almost
//! right ones.
#![expect(clippy::unwrap_used, reason = "the samples are constants")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::{IPV4_HEADER, IPV6_HEADER, put_ipv4_checksum};

/// 10.0.0.2:4660 to 192.0.2.7:53, "hello".
pub const UDP_V4: &str = "450000211234000040119c8f0a000002c000020712340035000ddd8f68656c6c6f";
/// [fd00::2]:4660 to [2001:db8::7]:53, "hello".
pub const UDP_V6: &str =
    "60000000000d1140fd00000000000000000000000000000220010db800000000000000000000000712340035000d7ed668656c6c6f";
/// A SYN with the router alert option in its IP header and an MSS option in its TCP header.
pub const TCP_V4: &str =
    "4600003012340000400607870a000002c000020794040000123401bb00000001000000006002faf0bd3c0000020405b4";
/// A SYN behind hop-by-hop options (router alert), destination options and a finished routing header.
pub const TCP_V6: &str = "6000000000300040fd00000000000000000000000000000220010db80000000000000000000000073c000502000001002b000104000000000600040000000000123401bb00000001000000006002faf05e830000020405b4";
pub const PING_V4: &str = "450000231234000040019c9d0a000002c00002070800a7dbbeef000761626364656667";
pub const PING_V6: &str =
    "60000000000f3a40fd00000000000000000000000000000220010db8000000000000000000000007800004cfbeef000761626364656667";
/// Identification 0x1234, offset 24, more.
pub const FRAGMENT_V4: &str = "450000241234200340117c890a000002c000020700000000000000000000000000000000";
/// A fragment behind destination options: identification 0xdeadbeef, offset 24, more.
pub const FRAGMENT_V6: &str = "6000000000203c40fd00000000000000000000000000000220010db80000000000000000000000072c0001040000000011000019deadbeef00000000000000000000000000000000";

const ALL: [&str; 8] = [
    UDP_V4,
    UDP_V6,
    TCP_V4,
    TCP_V6,
    PING_V4,
    PING_V6,
    FRAGMENT_V4,
    FRAGMENT_V6,
];

pub fn hex(text: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

/// Corrects the lengths and the header checksum, so that `parse` does not fail before it meets a test's change.
pub fn repair(packet: &mut [u8]) {
    let length = packet.len();
    match packet.first().map(|byte| byte >> 4) {
        Some(4) if length >= IPV4_HEADER => {
            packet[2..4].copy_from_slice(&(length as u16).to_be_bytes());
            let header_length = usize::from(packet[0] & 15) * 4;
            if let Some(header) = packet.get_mut(..header_length) {
                put_ipv4_checksum(header);
            }
        }
        Some(6) if length >= IPV6_HEADER => {
            packet[4..6].copy_from_slice(&((length - IPV6_HEADER) as u16).to_be_bytes());
        }
        _ => {}
    }
}

/// Anything from pure noise to a right packet with a few changed bytes.
pub fn almost_packets() -> impl Strategy<Value = Vec<u8>> {
    let noise = vec(any::<u8>(), 0..200);
    let headed = (
        prop_oneof![Just(0x45), 0x40..=0x4f_u8, Just(0x60)],
        vec(any::<u8>(), 19..200),
    )
        .prop_map(|(first, rest)| {
            let mut packet = [&[first], &rest[..]].concat();
            repair(&mut packet);
            packet
        });
    // Known protocols and next headers, and so few identifications that fragments fit together.
    let changed = (
        prop::sample::select(&ALL[..]),
        vec(
            (
                any::<prop::sample::Index>(),
                prop_oneof![any::<u8>(), 0..8_u8, 43..45_u8, Just(60)],
            ),
            0..4,
        ),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(sample, changes, cut, is_cut)| {
            let mut packet = hex(sample);
            for (index, byte) in changes {
                *index.get_mut(&mut packet) = byte;
            }
            if is_cut {
                packet.truncate(cut.index(packet.len()));
            }
            repair(&mut packet);
            packet
        });
    prop_oneof![1 => noise, 2 => headed, 4 => changed]
}

/// A configuration of proptest that writes no file of failures beside the sources.
pub fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(count)
    }
}
