//! What routers, or their silence, say of the path: unreachable, too big, and black holes (RFC 1191, 8201, 5927, 4821).

use midwire_wire::Duration;
use midwire_wire::event::ResetReason;
use smoltcp::wire::TcpControl::{None as Ack, Syn};

use crate::support::pattern;
use crate::support::script::{Said, Script};

const UNREACHABLE: u8 = 3;
const TOO_BIG: u8 = 4;
const UNREACHABLE_V6: u8 = 1;
const TOO_BIG_V6: u8 = 2;

/// A connection with three full segments in flight, which are given.
fn in_flight(ipv6: bool) -> (Script, u32, Vec<Said>) {
    let mut tcp = Script::new(false, 65_536);
    if ipv6 {
        tcp.use_ipv6();
    }
    tcp.offer.mss = Some(9000);
    let id = tcp.open();
    tcp.stack.write(id, &pattern(3 * 1360));
    tcp.settle();
    let said = tcp.sent();
    assert_eq!(said.len(), 3);
    (tcp, id, said)
}

/// All bytes from the first to the last are in these segments, of at most so many each.
fn whole(said: &[Said], most: usize) -> bool {
    let mut next = 1;
    for said in said {
        if said.payload.is_empty() || said.payload.len() > most || said.seq != next {
            return false;
        }
        next += said.payload.len() as u32;
    }
    next == 1 + 3 * 1360
}

#[test]
fn unreachable_ends_our_syn_at_once() {
    let cases = [
        (false, UNREACHABLE, 0, ResetReason::NetworkUnreachable),
        (false, UNREACHABLE, 1, ResetReason::Unreachable),
        (false, UNREACHABLE, 3, ResetReason::Refused),
        (true, UNREACHABLE_V6, 0, ResetReason::NetworkUnreachable),
        (true, UNREACHABLE_V6, 3, ResetReason::Unreachable),
        (true, UNREACHABLE_V6, 4, ResetReason::Refused),
    ];
    for (ipv6, kind, code, reason) in cases {
        let mut tcp = Script::new(false, 65_536);
        if ipv6 {
            tcp.use_ipv6();
        }
        let id = tcp.connect();
        let syn = tcp.sent().remove(0);
        tcp.router_says(kind, code, 0, &syn);
        assert_eq!(tcp.owner.reset.get(&id), Some(&reason), "{ipv6} {code}");
        assert_eq!(tcp.stack.flow_count(), 0);
        assert!(tcp.lines().is_empty());
    }
}

#[test]
fn unreachable_about_another_number_than_our_syn_is_ignored() {
    let mut tcp = Script::new(false, 65_536);
    let id = tcp.connect();
    let mut syn = tcp.sent().remove(0);
    syn.packet[27] ^= 1;
    tcp.router_says(UNREACHABLE, 3, 0, &syn);
    tcp.says(Syn, 0, Some(1), b"");
    assert_eq!(tcp.owner.connected, [id]);
}

#[test]
fn unreachable_is_ignored_once_the_connection_is_open() {
    let (mut tcp, id, said) = in_flight(false);
    for code in [0, 1, 3, 13] {
        tcp.router_says(UNREACHABLE, code, 0, &said[0]);
    }
    assert_eq!(tcp.stack.counters().segment_errors, 4);
    tcp.says(Ack, 1, Some(1 + 3 * 1360), b"");
    tcp.stack.write(id, b"alive");
    tcp.settle();
    assert_eq!(tcp.lines(), ["PSH 4081..4086 ack 1"]);
    assert!(tcp.owner.reset.is_empty());
}

#[test]
fn what_is_too_big_leaves_again_at_once_in_smaller_pieces() {
    // A router that says its MTU, one that does not, and one that says less than any host may take.
    for (ipv6, mtu, most) in [
        (false, 1000, 960),
        (false, 0, 1240),
        (false, 68, 536),
        (true, 1300, 1240),
        (true, 100, 1220),
    ] {
        let (mut tcp, id, said) = in_flight(ipv6);
        let (kind, code) = if ipv6 { (TOO_BIG_V6, 0) } else { (UNREACHABLE, TOO_BIG) };
        tcp.router_says(kind, code, mtu, &said[0]);
        let again = tcp.sent();
        assert!(whole(&again, most), "{mtu}: {again:?}");
        assert!(again.iter().any(|said| said.payload.len() == most), "{mtu}");
        // The others that were too big say so as well: nothing leaves a third time.
        tcp.router_says(kind, code, mtu, &said[1]);
        assert!(tcp.lines().is_empty(), "{mtu}");
        tcp.says(Ack, 1, Some(1 + 3 * 1360), b"");
        tcp.stack.write(id, &pattern(5000));
        tcp.settle();
        assert!(tcp.sent().iter().all(|said| said.payload.len() <= most), "{mtu}");
    }
}

#[test]
fn too_big_about_what_is_not_in_flight_or_does_not_shrink_is_ignored() {
    let (mut tcp, id, said) = in_flight(false);
    tcp.router_says(UNREACHABLE, TOO_BIG, 1420, &said[0]);
    tcp.router_says(UNREACHABLE, TOO_BIG, 9000, &said[0]);
    assert!(tcp.lines().is_empty());
    tcp.says(Ack, 1, Some(1 + 3 * 1360), b"");
    // All data has arrived, so the error is late or forged.
    tcp.router_says(UNREACHABLE, TOO_BIG, 576, &said[2]);
    let mut ahead = said[2].clone();
    ahead.packet[26] ^= 0x80;
    tcp.router_says(UNREACHABLE, TOO_BIG, 576, &ahead);
    tcp.stack.write(id, &pattern(1380));
    tcp.settle();
    assert_eq!(tcp.sent()[0].payload.len(), 1380);
}

#[test]
fn an_error_about_another_peers_flow_is_ignored() {
    let (mut tcp, id, said) = in_flight(false);
    let quote = &said[0].packet[..28];
    let body = [&[UNREACHABLE, TOO_BIG, 0, 0, 0, 0, 2, 64][..], quote].concat();
    let (from, to) = ("10.0.0.2".parse().unwrap(), tcp.local.ip());
    let error = midwire_wire::icmp::message(from, to, &body).unwrap();
    tcp.stack.handle_packet(tcp.now, 2, &error, &mut tcp.owner);
    tcp.settle();
    assert!(tcp.lines().is_empty());
    assert_eq!((tcp.stack.counters().segment_errors, tcp.stack.flow_count()), (0, 1));
    assert!(!tcp.owner.reset.contains_key(&id));
}

#[test]
fn a_path_that_swallows_full_segments_is_found_out_after_two_losses() {
    let (mut tcp, _, _) = in_flight(false);
    let longest = |tcp: &mut Script| tcp.sent().iter().map(|said| said.payload.len()).max();
    tcp.pass(Duration::from_millis(250));
    assert_eq!(longest(&mut tcp), Some(1380), "the first loss may be one");
    tcp.pass(Duration::from_millis(400));
    assert_eq!(longest(&mut tcp), Some(1240));
    tcp.says(Ack, 1, Some(1241), b"");
    tcp.pass(Duration::from_secs(5));
    assert!(longest(&mut tcp).unwrap() <= 1240);
}

#[test]
fn losses_of_a_path_on_which_full_segments_arrive_do_not_shrink_them() {
    let (mut tcp, _, _) = in_flight(false);
    // Two time-outs for different segments, with a full one that arrives between them.
    tcp.pass(Duration::from_millis(250));
    tcp.says(Ack, 1, Some(1381), b"");
    tcp.sent();
    tcp.pass(Duration::from_millis(600));
    let said = tcp.sent();
    assert_eq!(said.iter().map(|said| said.payload.len()).max(), Some(1380), "{said:?}");
}

#[test]
fn a_loss_behind_which_full_segments_arrive_is_no_black_hole() {
    let (mut tcp, id) = Script::with_sack(Duration::from_millis(50));
    tcp.stack.write(id, &pattern(4 * 1380));
    tcp.pass(Duration::from_millis(50));
    tcp.sent();
    tcp.sacks(1, &[(1381, 5521)]);
    tcp.pass(Duration::from_secs(5));
    let said = tcp.sent();
    assert!(said.len() > 3, "{said:?}");
    assert!(
        said.iter().all(|said| said.seq == 1 && said.payload.len() == 1380),
        "{said:?}"
    );
}

#[test]
fn unreachable_does_not_end_a_handshake_that_the_peer_began() {
    let mut tcp = Script::new(false, 65_536);
    tcp.says(Syn, 0, None, b"");
    let said = tcp.sent().remove(0);
    tcp.router_says(UNREACHABLE, 1, 0, &said);
    tcp.says(Ack, 1, Some(1), b"");
    assert_eq!(tcp.owner.opened.len(), 1);
}
