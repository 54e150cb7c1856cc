//! Windows both ways: closed, full, small, shrinking, scaled, growing.

use midwire_wire::Duration;
use smoltcp::wire::TcpControl::{Fin, None as Ack, Psh};

use crate::support::pattern;
use crate::support::script::Script;

#[test]
fn a_window_that_shrinks_below_what_is_in_flight_loses_nothing() {
    let (mut tcp, id) = Script::established();
    let data = pattern(4000);
    tcp.stack.write(id, &data);
    tcp.settle();
    let in_flight = tcp.sent().iter().map(|said| said.payload.len()).sum::<usize>();
    assert!(in_flight >= 2000, "{in_flight}");
    // The peer shrinks its window, which RFC 9293, 3.8.6 discourages, but a sender has to bear.
    tcp.window = 500;
    tcp.says(Ack, 1, Some(1), b"");
    tcp.window = 65_000;
    tcp.says(Ack, 1, Some(1381), b"");
    let mut received = data[..1380].to_vec();
    for _ in 0..10 {
        tcp.pass(Duration::from_secs(2));
        for said in tcp.sent() {
            let at = said.seq as usize - 1;
            if at <= received.len() && at + said.payload.len() > received.len() {
                let known = received.len() - at;
                received.extend_from_slice(&said.payload[known..]);
            }
        }
        tcp.says(Ack, 1, Some(1 + received.len() as u32), b"");
    }
    assert!(received == data, "{} of {} bytes", received.len(), data.len());
}

#[test]
fn our_window_closes_when_the_owner_does_not_read_and_opens_when_it_does() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.open();
    let mut sent = 0;
    let piece = pattern(1380);
    // 256 KiB of credit first, then the 64 KiB buffer fills.
    let mut last_window = u16::MAX;
    for _ in 0..800 {
        tcp.says(Psh, 1 + sent, Some(1), &piece);
        tcp.pass(Duration::from_millis(20));
        if let Some(said) = tcp.sent().last() {
            last_window = said.window;
            sent = said.ack.unwrap() - 1;
        }
        if last_window == 0 {
            break;
        }
    }
    assert_eq!(last_window, 0);
    assert_eq!(tcp.owner.received(id), 256 * 1024);
    // Less than two segments of room are not worth a word (RFC 9293, 3.8.6.2.2).
    let full = 256 * 1024 + 65_536;
    assert!((full - 2 * 1380..=full).contains(&(sent as usize)), "{sent}");
    tcp.stack.credit(id, 256 * 1024);
    tcp.settle();
    assert_eq!(tcp.owner.received(id), sent as usize);
    assert!(tcp.sent().last().unwrap().window > 1000);
}

#[test]
fn no_more_leaves_than_the_window_takes_and_the_scale_counts() {
    let mut tcp = Script::new(false, 65_536);
    tcp.offer.window_scale = Some(3);
    tcp.window = 345;
    let id = tcp.open();
    tcp.stack.write(id, &pattern(20_000));
    tcp.settle();
    let sent: usize = tcp.sent().iter().map(|said| said.payload.len()).sum();
    assert_eq!(sent, 2760);
    tcp.says(Ack, 1, Some(2761), b"");
    let sent: usize = tcp.sent().iter().map(|said| said.payload.len()).sum();
    assert_eq!(sent, 2760);
}

#[test]
fn only_a_newer_segment_moves_the_window() {
    let (mut tcp, id) = Script::established();
    tcp.says(Psh, 1, Some(1), b"0123456789");
    tcp.window = 2760;
    tcp.says(Ack, 11, Some(1), b"");
    // From before those bytes: overtaken on its way (RFC 9293, 3.10.7.4: SND.WL1).
    tcp.window = 60_000;
    tcp.says(Ack, 1, Some(1), b"");
    tcp.sent();
    tcp.stack.write(id, &pattern(20_000));
    tcp.settle();
    let sent: usize = tcp.sent().iter().map(|said| said.payload.len()).sum();
    assert_eq!(sent, 2760);
}

#[test]
fn a_window_that_opens_a_little_is_not_filled_with_little_segments() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, &pattern(40_000));
    tcp.settle();
    let sent: u32 = tcp.sent().iter().map(|said| said.payload.len() as u32).sum();
    // Silly window avoidance (RFC 1122, 4.2.3.4): less than a segment and than half of the largest window waits.
    tcp.window = 100;
    tcp.says(Ack, 1, Some(1 + sent), b"");
    assert!(tcp.lines().is_empty());
    // Until nothing else happens: the override time-out.
    let said = tcp.timed(Duration::from_millis(300));
    assert_eq!(said, [format!("200: ACK {}..{} ack 1", 1 + sent, 101 + sent)]);
}

#[test]
fn a_peer_whose_largest_window_is_small_is_served_in_halves_of_it() {
    let mut tcp = Script::new(false, 65_536);
    tcp.window = 400;
    let id = tcp.open();
    tcp.stack.write(id, &pattern(2000));
    tcp.settle();
    assert_eq!(tcp.lines(), ["ACK 1..401 ack 1"]);
    tcp.window = 150;
    tcp.says(Ack, 1, Some(401), b"");
    assert!(tcp.lines().is_empty());
    tcp.window = 200;
    tcp.says(Ack, 1, Some(401), b"");
    assert_eq!(tcp.lines(), ["ACK 401..601 ack 1"]);
}

#[test]
fn what_we_have_offered_is_never_taken_back() {
    let mut tcp = Script::new(false, 1 << 20);
    tcp.offer.window_scale = Some(7);
    tcp.owner.room = 0;
    tcp.says(smoltcp::wire::TcpControl::Syn, 0, None, b"");
    let shift = tcp.sent()[0].window_scale.unwrap();
    tcp.says(Ack, 1, Some(1), b"");
    let mut next = 1;
    let mut edge = 0;
    // Odd lengths, so that the scale always rounds.
    for round in 0..600u32 {
        let length = 1 + (round * 7919) % 1379;
        tcp.says(Psh, next, Some(1), &pattern(length as usize));
        tcp.pass(Duration::from_millis(50));
        for said in tcp.sent() {
            next = said.ack.unwrap();
            let offered = next + (u32::from(said.window) << shift);
            assert!(offered >= edge, "round {round}: {offered} after {edge}");
            edge = offered;
        }
        if round % 100 == 99 {
            tcp.owner.room = 20_000;
            tcp.settle();
            tcp.owner.room = 0;
        }
    }
    assert!(edge > 131_072, "{edge}");
}

#[test]
fn a_closed_window_takes_no_data_and_every_ack_and_fin() {
    let mut tcp = Script::new(false, 65_536);
    tcp.owner.room = 0;
    let id = tcp.open();
    tcp.stack.write(id, b"ours");
    tcp.settle();
    let data = pattern(65_535);
    for (at, piece) in data.chunks(1285).enumerate() {
        tcp.says(Psh, 1 + 1285 * at as u32, Some(1), piece);
    }
    tcp.pass(Duration::from_millis(40));
    assert_eq!(
        tcp.sent().last().map(|said| (said.ack, said.window)),
        Some((Some(65_536), 0))
    );
    // A probe of one byte is not taken, and is answered with a window that is still closed. Its acknowledgement counts.
    tcp.says(Psh, 65_536, Some(5), b"!");
    assert_eq!(
        tcp.sent().last().map(|said| (said.ack, said.window)),
        Some((Some(65_536), 0))
    );
    assert!(
        tcp.timed(Duration::from_secs(5)).is_empty(),
        "nothing of ours is in flight"
    );
    tcp.says(Fin, 65_536, Some(5), b"");
    assert_eq!(tcp.sent().last().unwrap().ack, Some(65_537));
    tcp.owner.room = usize::MAX;
    tcp.settle();
    assert!(tcp.owner.data[&id] == data);
    assert_eq!(tcp.owner.ended, [id]);
    tcp.stack.end(id);
    tcp.settle();
    tcp.says(Ack, 65_537, Some(6), b"");
    assert_eq!(tcp.owner.closed, [id]);
}

#[test]
fn a_window_that_closes_over_data_in_flight_is_waited_for() {
    let (mut tcp, id) = Script::established();
    tcp.stack.write(id, &pattern(5000));
    tcp.settle();
    tcp.window = 0;
    for _ in 0..2 * 3600 {
        tcp.pass(Duration::from_secs(1));
        if !tcp.sent().is_empty() {
            tcp.says(Ack, 1, Some(1), b"");
        }
    }
    assert!(tcp.owner.reset.is_empty());
    tcp.window = 65_000;
    tcp.says(Ack, 1, Some(1), b"");
    tcp.pass(Duration::from_secs(121));
    assert!(tcp.sent().iter().any(|said| said.seq == 1 && !said.payload.is_empty()));
}

#[test]
fn a_window_that_is_full_is_no_closed_one() {
    let mut tcp = Script::new(false, 65_536);
    tcp.window = 2760;
    let id = tcp.open();
    tcp.stack.write(id, &pattern(5000));
    tcp.settle();
    tcp.lines();
    // The data in flight may be lost, so it times out, and no window probe leaves.
    assert_eq!(tcp.timed(Duration::from_millis(300)), ["200: ACK 1..1381 ack 1"]);
}

#[test]
fn our_window_grows_with_what_the_owner_reads() {
    let mut tcp = Script::new(false, 1 << 20);
    tcp.offer.window_scale = Some(7);
    tcp.offer.timestamps = true;
    let id = tcp.open_after(Duration::from_millis(50));
    let data = pattern(1368);
    let mut next = 1;
    let mut window = 0;
    for _ in 0..6 {
        // All that the window takes, once a round trip; the owner reads it at once.
        for _ in 0..100 {
            tcp.says(Psh, next, Some(1), &data);
            next += 1368;
        }
        tcp.stack.credit(id, 100 * 1368);
        tcp.pass(Duration::from_millis(50));
        window = u32::from(tcp.sent().last().unwrap().window) << 5;
    }
    assert!((300_000..=1 << 20).contains(&window), "{window}");
}
