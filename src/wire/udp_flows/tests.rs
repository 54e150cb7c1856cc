//! Which flows there are, and which leave.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;

use super::*;

fn at(ms: i64) -> Instant {
    Instant::from_millis(ms)
}

fn key(number: u32) -> UdpKey {
    UdpKey {
        source: SocketAddr::new([10, 0, (number >> 16) as u8, 2].into(), number as u16),
        destination: "192.0.2.7:53".parse().unwrap(),
    }
}

fn expired(flows: &mut UdpFlows) -> Vec<u32> {
    std::iter::from_fn(|| flows.poll_expired()).collect()
}

#[test]
fn a_flow_is_its_four_numbers() {
    let mut flows = UdpFlows::new();
    let first = key(1);
    let (id, new) = flows.touch(at(0), first);
    assert!(new);
    assert_eq!(flows.touch(at(1), first), (id, false));
    assert_eq!(flows.get(id), Some(first));
    let mut others = [first; 5];
    others[0].source.set_port(9);
    others[1].destination.set_port(9);
    others[2].source.set_ip("10.0.0.9".parse().unwrap());
    others[3].destination.set_ip("10.0.0.9".parse().unwrap());
    (others[4].source, others[4].destination) = (first.destination, first.source);
    for other in others {
        let (other, new) = flows.touch(at(1), other);
        assert!(new && other != id);
    }
    assert_eq!(flows.len(), 6);
}

#[test]
fn a_flow_ends_60_s_after_the_last_datagram_of_either_way() {
    let mut flows = UdpFlows::new();
    let (a, _) = flows.touch(at(0), key(1));
    let (b, _) = flows.touch(at(0), key(2));
    let (c, _) = flows.touch(at(0), key(3));
    assert_eq!(flows.poll_timeout(), Some(at(60_000)));
    flows.touch(at(20_000), key(2));
    assert!(flows.keep_alive(at(30_000), &key(1)));
    flows.handle_timeout(at(59_999));
    assert_eq!(expired(&mut flows), []);
    flows.handle_timeout(at(60_000));
    assert_eq!(expired(&mut flows), [c]);
    assert_eq!(flows.poll_timeout(), Some(at(80_000)));
    flows.handle_timeout(at(80_000));
    assert_eq!(expired(&mut flows), [b]);
    flows.handle_timeout(at(89_999));
    assert_eq!(expired(&mut flows), []);
    flows.handle_timeout(at(90_000));
    assert_eq!(expired(&mut flows), [a]);
    assert_eq!(flows.get(a), None);
    assert!(flows.is_empty());
    assert_eq!(flows.poll_timeout(), None);
    assert_eq!(flows.counters().expired, 3);
}

#[test]
fn a_flow_that_is_over_is_not_continued() {
    // There was no call of handle_timeout in between.
    let mut flows = UdpFlows::new();
    let (old, _) = flows.touch(at(0), key(1));
    assert!(!flows.keep_alive(at(60_000), &key(1)));
    let (new, is_new) = flows.touch(at(60_000), key(1));
    assert!(is_new && new != old);
    // The end of the old one is due at once.
    assert!(flows.poll_timeout().unwrap() <= at(60_000));
    assert_eq!(expired(&mut flows), [old]);
    assert_eq!(flows.poll_timeout(), Some(at(120_000)));
}

#[test]
fn an_answer_opens_no_flow() {
    let mut flows = UdpFlows::new();
    assert!(!flows.keep_alive(at(0), &key(1)));
    assert!(flows.is_empty());
}

#[test]
fn a_removed_flow_is_not_told_of() {
    let mut flows = UdpFlows::new();
    let ids: Vec<u32> = (0..5).map(|number| flows.touch(at(0), key(number)).0).collect();
    // The middle, the oldest, the newest of the list.
    for index in [2, 0, 4] {
        assert_eq!(flows.remove(ids[index]), Some(key(index as u32)));
        assert_eq!(flows.remove(ids[index]), None);
        assert_eq!(flows.get(ids[index]), None);
    }
    let (again, new) = flows.touch(at(1), key(2));
    assert!(new && !ids.contains(&again));
    flows.handle_timeout(at(60_001));
    assert_eq!(expired(&mut flows), [ids[1], ids[3], again]);
}

#[test]
fn the_least_recently_used_leaves_a_full_table() {
    let mut flows = UdpFlows::new();
    let most = MAX_UDP_FLOWS as u32;
    let ids: Vec<u32> = (0..most).map(|number| flows.touch(at(0), key(number)).0).collect();
    assert_eq!(flows.len(), 16_384);
    flows.touch(at(1), key(0));
    flows.keep_alive(at(1), &key(2));
    for number in 0..3 {
        flows.touch(at(2), key(most + number));
    }
    assert_eq!(flows.len(), MAX_UDP_FLOWS);
    assert_eq!(expired(&mut flows), [ids[1], ids[3], ids[4]]);
    assert_eq!(flows.get(ids[0]), Some(key(0)));
    assert_eq!(
        flows.counters(),
        UdpFlowCounters {
            evicted: 3,
            ..Default::default()
        }
    );
    assert!(!flows.touch(at(3), key(most)).1);
}

#[test]
fn an_owner_that_does_not_poll_costs_no_more() {
    let mut flows = UdpFlows::new();
    for number in 0..3 * MAX_UDP_FLOWS as u32 {
        flows.touch(at(0), key(number));
    }
    assert_eq!(flows.counters().evicted, 2 * MAX_UDP_FLOWS as u64);
    assert_eq!(flows.counters().untold, MAX_UDP_FLOWS as u64);
    assert_eq!(expired(&mut flows).len(), MAX_EXPIRED);
    assert_eq!(flows.slots.len(), MAX_UDP_FLOWS);
    assert!(flows.free.len() <= MAX_UDP_FLOWS);
}

#[test]
fn a_number_is_not_used_again_soon() {
    let mut flows = UdpFlows::new();
    let mut seen = HashSet::new();
    for number in 0..200_000 {
        let (id, _) = flows.touch(at(0), key(number));
        assert!(seen.insert(id), "{number}");
        flows.remove(id);
    }
}

/// Against a plain list, oldest first.
#[test]
fn any_order_of_use() {
    let mut flows = UdpFlows::new();
    let mut model: Vec<(UdpKey, Instant, u32)> = Vec::new();
    let mut random = 1_u64;
    for step in 0..20_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let key = key((random >> 40) as u32 % 40);
        let now = at(step * 400);
        let ended: Vec<u32> = model
            .extract_if(.., |(_, last, _)| *last + IDLE <= now)
            .map(|(_, _, id)| id)
            .collect();
        let known = model.iter().position(|(other, ..)| *other == key);
        match (random >> 36) % 4 {
            0 | 1 => {
                let (id, new) = flows.touch(now, key);
                assert_eq!(new, known.is_none());
                if let Some(known) = known {
                    assert_eq!(model.remove(known).2, id);
                }
                model.push((key, now, id));
            }
            2 => {
                assert_eq!(flows.keep_alive(now, &key), known.is_some());
                if let Some(known) = known {
                    let (_, _, id) = model.remove(known);
                    model.push((key, now, id));
                }
            }
            _ => {
                flows.handle_timeout(now);
                if let Some(known) = known {
                    assert_eq!(flows.remove(model.remove(known).2), Some(key));
                }
            }
        }
        assert_eq!(expired(&mut flows), ended);
        assert_eq!(flows.len(), model.len());
        assert_eq!(flows.poll_timeout(), model.first().map(|(_, last, _)| *last + IDLE));
    }
}
