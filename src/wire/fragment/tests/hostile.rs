//! Fragments that are wrong, late or too many.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[test]
fn an_overlap_spoils_the_datagram_for_its_lifetime() {
    // Behind, before, inside, around, and the same place with other bytes or another end.
    for v4 in [true, false] {
        for (offset, more, length, fill) in [
            (24, true, 16, 1),
            (8, true, 16, 1),
            (24, true, 8, 1),
            (8, true, 48, 1),
            (16, true, 16, 9),
            (16, false, 16, 1),
            (16, true, 8, 1),
        ] {
            let mut reassembler = Reassembler::new();
            let mut send = |now, offset, more, length, fill| {
                let whole = handle(&mut reassembler, at(now), &piece(v4, 5, offset, more, length, fill));
                (whole.is_some(), reassembler.counters.overlapping)
            };
            assert_eq!(send(0, 16, true, 16, 1), (false, 0));
            assert_eq!(
                send(0, offset, more, length, fill),
                (false, 1),
                "{offset} {more} {length}"
            );
            // What would have made it whole.
            assert_eq!(send(0, 0, true, 16, 1), (false, 2));
            assert_eq!(send(29_999, 32, false, 16, 1), (false, 3));
            assert_eq!(send(29_999, 16, true, 16, 1), (false, 4));
            // Then the name is free again.
            assert_eq!(send(30_000, 0, true, 16, 1), (false, 4));
            assert_eq!(send(30_000, 16, false, 16, 1), (true, 4));
            assert_empty(&reassembler);
            assert_eq!(reassembler.counters.expired, 0);
        }
    }
}

#[test]
fn ends_that_contradict() {
    let cases: [&[(usize, bool, usize)]; 6] = [
        // Two ends in either order; a fragment behind the end; a last one before other data; a tiny last one inside a
        // fragment.
        &[(64, false, 8), (48, false, 8)],
        &[(48, false, 8), (64, false, 8)],
        &[(16, false, 8), (24, true, 8)],
        &[(64, true, 8), (48, false, 8)],
        &[(16, true, 32), (24, false, 1)],
        &[(16, false, 4), (16, true, 8)],
    ];
    for case in cases {
        let mut reassembler = Reassembler::new();
        for (offset, more, length) in case {
            assert_eq!(
                handle(&mut reassembler, at(0), &piece(true, 5, *offset, *more, *length, 1)),
                None
            );
        }
        assert_eq!(reassembler.counters.overlapping, 1, "{case:?}");
        assert!(
            reassembler
                .datagrams
                .values()
                .all(|datagram| datagram.pieces.is_spoiled())
        );
    }
}

#[test]
fn spoiled_datagrams_give_their_bytes_back() {
    let mut reassembler = Reassembler::new();
    handle(&mut reassembler, at(0), &piece(true, 5, 0, true, 40_000, 1));
    assert!(reassembler.used > 40_000);
    handle(&mut reassembler, at(0), &piece(true, 5, 8, true, 8, 1));
    assert!(reassembler.used < 1000);
}

#[test]
fn an_exact_duplicate_is_harmless() {
    let mut reassembler = Reassembler::new();
    let first = piece(true, 5, 0, true, 16, 1);
    assert_eq!(handle(&mut reassembler, at(0), &first), None);
    let used = reassembler.used;
    assert_eq!(handle(&mut reassembler, at(0), &first), None);
    assert_eq!((reassembler.used, reassembler.counters.duplicate), (used, 1));
    assert!(handle(&mut reassembler, at(0), &piece(true, 5, 16, false, 3, 2)).is_some());
    assert_eq!(reassembler.dropped(), 0);
}

#[test]
fn lengths_that_no_fragment_has() {
    for v4 in [true, false] {
        for (offset, more, length) in [
            // Not a multiple of 8 in the middle; empty in the middle and at the end.
            (0, true, 17),
            (16, true, 7),
            (16, true, 0),
            (16, false, 0),
            // Behind the longest packet.
            (65_528, true, 8),
            (65_528, false, 8),
            (65_000, false, 600),
        ] {
            let mut reassembler = Reassembler::new();
            let bytes = piece(v4, 5, offset, more, length, 1);
            assert_eq!(handle(&mut reassembler, at(0), &bytes), None);
            assert_eq!(reassembler.counters.malformed, 1, "{offset} {more} {length}");
            assert_empty(&reassembler);
        }
    }
}

#[test]
fn the_longest_packet_and_one_byte_more() {
    // IPv4 counts its header, IPv6 does not.
    for (v4, most) in [(true, 65_515), (false, 65_535)] {
        for (last, sound) in [(most - 60_000, true), (most - 60_000 + 1, false)] {
            let mut reassembler = Reassembler::new();
            assert_eq!(handle(&mut reassembler, at(0), &piece(v4, 5, 0, true, 60_000, 1)), None);
            let whole = handle(&mut reassembler, at(0), &piece(v4, 5, 60_000, false, last, 1));
            assert_eq!(
                whole.map(|bytes| bytes.len()),
                sound.then_some(if v4 { 65_535 } else { 65_575 })
            );
            assert_eq!(reassembler.counters.malformed, u64::from(!sound));
        }
    }
}

#[test]
fn a_first_header_that_makes_it_too_long() {
    // The last fragment is sound with its own header; the first has 4 bytes of options more.
    let mut reassembler = Reassembler::new();
    assert_eq!(
        handle(&mut reassembler, at(0), &piece(true, 0x1234, 24, true, 60_000, 1)),
        None
    );
    assert_eq!(
        handle(&mut reassembler, at(0), &piece(true, 0x1234, 60_024, false, 5491, 1)),
        None
    );
    let mut first = hex(TCP_V4);
    first[6] = 0x20;
    first[9] = UDP;
    repair(&mut first);
    assert_eq!(handle(&mut reassembler, at(0), &first), None);
    assert_eq!(reassembler.counters.malformed, 1);
    assert_empty(&reassembler);
}

#[test]
fn a_fragment_in_a_fragment() {
    // Next header "fragment" again, with a fragment header as the first bytes.
    let mut packet = piece(false, 5, 0, false, 16, 0);
    packet[40] = 44;
    packet[48..56].copy_from_slice(&[UDP, 0, 0, 9, 0, 0, 0, 1]);
    let mut reassembler = Reassembler::new();
    assert_eq!(handle(&mut reassembler, at(0), &packet), None);
    assert_eq!(reassembler.counters.malformed, 1);
}

#[test]
fn what_is_not_whole_in_time_is_given_up() {
    let mut reassembler = Reassembler::new();
    handle(&mut reassembler, at(0), &piece(true, 5, 0, true, 16, 1));
    handle(&mut reassembler, at(10_000), &piece(true, 6, 0, true, 16, 1));
    // A later fragment does not make it live longer.
    handle(&mut reassembler, at(20_000), &piece(true, 5, 16, true, 16, 1));
    assert_eq!(reassembler.poll_timeout(), Some(at(30_000)));
    reassembler.handle_timeout(at(29_999));
    assert_eq!((reassembler.datagrams.len(), reassembler.counters.expired), (2, 0));
    reassembler.handle_timeout(at(30_000));
    assert_eq!((reassembler.datagrams.len(), reassembler.counters.expired), (1, 1));
    assert_eq!(reassembler.poll_timeout(), Some(at(40_000)));
    // The bound also holds without a call of handle_timeout.
    assert_eq!(
        handle(&mut reassembler, at(40_000), &piece(true, 6, 16, false, 16, 1)),
        None
    );
    assert_eq!(reassembler.counters.expired, 2);
}

#[test]
fn a_flood_of_first_fragments_stays_within_the_budget() {
    let mut reassembler = Reassembler::new();
    let mut most = 0;
    for number in 0..5000 {
        assert_eq!(
            handle(
                &mut reassembler,
                at(0),
                &piece(number % 2 == 0, number, 0, true, 1376, 1)
            ),
            None
        );
        most = most.max(reassembler.used);
    }
    assert!(most > BUDGET - 2100, "the budget is used");
    assert_eq!(reassembler.counters.evicted + reassembler.datagrams.len() as u64, 5000);
    // And a good one comes through in the middle of it.
    assert_eq!(
        handle(&mut reassembler, at(0), &piece(true, 9000, 0, true, 1376, 1)),
        None
    );
    for number in 5000..5300 {
        handle(&mut reassembler, at(0), &piece(true, number, 0, true, 1376, 1));
    }
    assert!(handle(&mut reassembler, at(0), &piece(true, 9000, 1376, false, 5, 1)).is_some());
}

#[test]
fn the_budget_counts_what_a_fragment_costs_beside_its_bytes() {
    // One datagram in 8192 fragments of 8 bytes is the dearest there can be, and fits.
    let mut reassembler = Reassembler::new();
    for index in 0..8188 {
        handle(&mut reassembler, at(0), &piece(true, 5, index * 8, true, 8, 1));
    }
    assert_eq!((reassembler.counters.evicted, reassembler.datagrams.len()), (0, 1));
    assert!(reassembler.used > 800_000);
    // A second one like it drives it out, not itself.
    for index in 0..4000 {
        handle(&mut reassembler, at(0), &piece(true, 6, index * 8, true, 8, 1));
    }
    assert_eq!((reassembler.counters.evicted, reassembler.datagrams.len()), (1, 1));
}

#[test]
fn the_header_that_is_kept_counts_too() {
    for (v4, header) in [(true, 20), (false, 40)] {
        let used = |offset| {
            let mut reassembler = Reassembler::new();
            handle(&mut reassembler, at(0), &piece(v4, 5, offset, true, 16, 1));
            reassembler.used
        };
        assert_eq!(used(0), used(8) + header);
    }
}

#[test]
fn the_oldest_may_have_to_leave_for_itself() {
    let mut reassembler = Reassembler::new();
    handle(&mut reassembler, at(0), &piece(true, 0, 0, true, 8, 1));
    for number in 1..=16 {
        handle(&mut reassembler, at(0), &piece(true, number, 0, true, 64_000, 1));
    }
    assert_eq!(reassembler.counters.evicted, 0);
    assert_eq!(
        handle(&mut reassembler, at(0), &piece(true, 0, 8, true, 40_000, 1)),
        None
    );
    assert_eq!((reassembler.counters.evicted, reassembler.datagrams.len()), (1, 16));
}

#[test]
fn no_more_datagrams_than_the_bound() {
    let mut reassembler = Reassembler::new();
    for number in 0..MAX_DATAGRAMS as u16 + 10 {
        handle(&mut reassembler, at(0), &piece(true, number, 0, true, 8, 1));
    }
    assert_eq!(
        (reassembler.datagrams.len(), reassembler.counters.evicted),
        (MAX_DATAGRAMS, 10)
    );
    assert_eq!(reassembler.dropped(), 10);
    // The oldest are gone, the youngest are not.
    assert!(handle(&mut reassembler, at(0), &piece(true, 10, 8, false, 8, 1)).is_some());
    assert!(handle(&mut reassembler, at(0), &piece(true, 9, 8, false, 8, 1)).is_none());
}

#[test]
fn what_was_dropped_is_the_sum() {
    let mut reassembler = Reassembler::new();
    let first = piece(true, 0, 0, true, 8, 1);
    for bytes in [
        &first,
        &first,
        &piece(true, 0, 0, true, 8, 2),
        &piece(true, 1, 0, true, 7, 1),
    ] {
        handle(&mut reassembler, at(0), bytes);
    }
    for number in 1..=MAX_DATAGRAMS as u16 {
        handle(&mut reassembler, at(0), &piece(true, number, 0, true, 8, 1));
    }
    reassembler.handle_timeout(at(30_000));
    let expected = FragmentCounters {
        malformed: 1,
        overlapping: 1,
        duplicate: 1,
        evicted: 1,
        expired: 1024,
    };
    assert_eq!((reassembler.counters(), reassembler.dropped()), (expected, 1027));
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_packets_in_any_order(all in vec(almost_packets(), 0..60)) {
        let mut reassembler = Reassembler::new();
        for (index, bytes) in all.iter().enumerate() {
            if Packet::parse(bytes).is_ok()
                && let Some(whole) = handle(&mut reassembler, at(index as i64 * 900), bytes)
            {
                prop_assert_eq!(Packet::parse(&whole).unwrap().fragment, None);
            }
        }
        reassembler.handle_timeout(at(200_000));
        assert_empty(&reassembler);
    }

    /// Compares the reassembler with a plain model, in which the received data is a list of ranges.
    #[test]
    fn few_units_in_any_order(v4: bool, all in vec((0..8_usize, 1..4_usize, any::<bool>()), 1..12)) {
        let mut reassembler = Reassembler::new();
        let mut seen: Vec<(usize, usize, bool)> = Vec::new();
        let mut spoiled = false;
        for (start, count, more) in all {
            let whole = handle(&mut reassembler, at(0), &piece(v4, 5, start * 8, more, count * 8, 1));
            if start == 0 && !more {
                // In IPv4 that is no fragment, in IPv6 it is a whole packet.
                prop_assert_eq!(whole.is_some(), !v4);
                continue;
            }
            let end = start + count;
            if !seen.contains(&(start, end, more)) {
                let apart = |(a, b, c): &(usize, usize, bool)| (*b <= start && *c) || (end <= *a && more);
                spoiled |= !seen.iter().all(apart);
                seen.push((start, end, more));
            }
            let covered: usize = seen.iter().map(|(start, end, _)| end - start).sum();
            let total = seen.iter().find(|(_, _, more)| !more).map(|(_, end, _)| *end);
            let expected = !spoiled && total == Some(covered);
            prop_assert_eq!(whole.is_some(), expected);
            if expected {
                seen.clear();
            }
        }
    }
}
