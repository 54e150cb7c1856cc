//! When nothing is said for long: one keepalive after data, persistent ones where they are wanted.

use midwire_wire::tunnel::{KEEPALIVE_TIMEOUT, TICK, Tunnel};
use midwire_wire::{Duration, Instant};

use crate::support::two::*;

#[test]
fn a_peer_to_keep_alive_is_called_at_once() {
    let mut two = Two::with(|peer| peer.keepalive = Some(25), |_| {});
    let (to, initiation) = two.client.poll_transmit().unwrap();
    assert_eq!((to, initiation[0]), (path(SERVER_AT), 1));
    assert!(two.client.poll_transmit().is_none());
}

#[test]
fn none_to_keep_alive_is_called_by_itself() {
    let idle =
        |tunnel: &mut Tunnel, now: Instant| tunnel.poll_transmit().is_none() && tunnel.poll_timeout(now).is_none();
    // 0 means no keepalives, as in a configuration file. Without an endpoint there is no address for a handshake.
    let mut two = Two::with(|peer| peer.keepalive = Some(0), |peer| peer.keepalive = Some(25));
    assert!(idle(&mut two.client, two.now) && idle(&mut two.server, two.now));
    two.connect();
    assert_eq!(two.live(Duration::from_secs(8)), []);
}

#[test]
fn keepalives_of_a_server_hold_the_way_to_a_silent_client_open() {
    let mut two = Two::with(|_| {}, |peer| peer.keepalive = Some(25));
    two.connect();
    let mut times = Vec::new();
    for _ in 0..4 * 110 {
        two.pass(Duration::from_millis(250));
        two.client.handle_timeout(two.now);
        two.server.handle_timeout(two.now);
        while let Some((to, datagram)) = two.server.poll_transmit() {
            assert_eq!(to, path(CLIENT_AT));
            if datagram.len() == 32 {
                times.push(two.now.total_millis() / 1000);
            }
            receive(&mut two.client, two.now, path(SERVER_AT), &datagram);
        }
        while two.client.poll_transmit().is_some() {}
    }
    let persistent: Vec<_> = times.into_iter().filter(|second| *second > 12).collect();
    assert_eq!(persistent, [25, 50, 75, 100]);
}

/// KEEPALIVE-TIMEOUT and REKEY-TIMEOUT (whitepaper, 6.1): a side that has received nothing for so long after its own
/// data makes a new handshake.
const SILENCE: Duration = Duration::from_secs(15);
const REKEY_AFTER_TIME: Duration = Duration::from_secs(120);
/// An empty message: header and tag.
const EMPTY: usize = 32;

/// Two tunnels that are woken only when they ask for it, and a record of their messages.
struct Watched {
    two: Two,
    /// When the server's empty messages left.
    keepalives: Vec<Instant>,
    /// When the client's initiations left.
    initiations: Vec<Instant>,
    /// Since when the client waits for a sign of life, as wireguard-go counts: boringtun's own clock is coarse.
    waiting: Option<Instant>,
    longest_wait: Duration,
}

impl Watched {
    fn new() -> Self {
        let mut two = Two::new();
        two.connect();
        Watched {
            two,
            keepalives: Vec::new(),
            initiations: Vec::new(),
            waiting: None,
            longest_wait: Duration::ZERO,
        }
    }

    fn carry(&mut self) {
        loop {
            let now = self.two.now;
            if let Some((_, datagram)) = self.two.client.poll_transmit() {
                if datagram[0] == 1 {
                    self.initiations.push(now);
                }
                receive(&mut self.two.server, now, path(CLIENT_AT), &datagram);
            } else if let Some((_, datagram)) = self.two.server.poll_transmit() {
                assert_ne!(datagram[0], 1, "the server made a handshake");
                if datagram[0] == 4 && datagram.len() == EMPTY {
                    self.keepalives.push(now);
                }
                receive(&mut self.two.client, now, path(SERVER_AT), &datagram);
                self.end_wait();
            } else {
                return;
            }
        }
    }

    fn end_wait(&mut self) {
        if let Some(since) = self.waiting.take() {
            self.longest_wait = self.longest_wait.max(self.two.now - since);
        }
    }

    fn up(&mut self) {
        let sealed = self.two.seal(&inner("10.0.0.1", "192.0.2.80")).unwrap();
        self.waiting.get_or_insert(self.two.now);
        receive(&mut self.two.server, self.two.now, path(CLIENT_AT), &sealed).unwrap();
        self.carry();
    }

    fn down(&mut self) {
        let Two {
            now, server, client, ..
        } = &mut self.two;
        let (_, sealed) = seal(server, *now, &inner("192.0.2.80", "10.0.0.1")).unwrap();
        receive(client, *now, path(SERVER_AT), &sealed).unwrap();
        self.end_wait();
        self.carry();
    }

    fn live(&mut self, time: Duration) {
        let end = self.two.now + time;
        while self.two.now < end {
            let Two {
                now, client, server, ..
            } = &mut self.two;
            let due = [client.poll_timeout(*now), server.poll_timeout(*now)];
            let next = due.into_iter().flatten().fold(end, Instant::min);
            let step = if next > *now { next - *now } else { Duration::ZERO };
            self.two.pass(step);
            self.two.client.handle_timeout(self.two.now);
            self.two.server.handle_timeout(self.two.now);
            self.carry();
        }
    }
}

#[test]
fn data_is_answered_once_after_10_s_however_close_to_our_last_packet_it_came() {
    for milliseconds in (0..=600).step_by(7) {
        let mut watched = Watched::new();
        // Away from the handshake, whose own messages are data, too, and at another place between two ticks each time.
        watched.live(Duration::from_secs(30) + Duration::from_millis(milliseconds * 5));
        watched.keepalives.clear();
        watched.up();
        watched.down();
        watched.live(Duration::from_millis(milliseconds));
        watched.up();
        let came = watched.two.now;
        watched.live(Duration::from_secs(60));
        let waits: Vec<_> = watched.keepalives.iter().map(|at| *at - came).collect();
        assert!(
            waits.len() == 1 && waits[0] >= KEEPALIVE_TIMEOUT && waits[0] <= KEEPALIVE_TIMEOUT + TICK,
            "{milliseconds} ms after our last packet: {waits:?}"
        );
    }
}

#[test]
fn what_we_say_ourselves_within_10_s_is_answer_enough() {
    for milliseconds in [0, 1, 249, 250, 251, 4000] {
        let mut watched = Watched::new();
        // Our last packet is long ago when the data comes: its age is of no meaning.
        watched.live(Duration::from_secs(30));
        watched.keepalives.clear();
        watched.up();
        watched.live(Duration::from_millis(milliseconds));
        watched.down();
        watched.live(Duration::from_secs(60));
        assert_eq!(watched.keepalives, [], "an answer after {milliseconds} ms");
    }
}

#[test]
fn a_keepalive_is_not_answered() {
    let mut watched = Watched::new();
    watched.live(Duration::from_secs(30));
    watched.keepalives.clear();
    watched.up();
    // The client owes one for this, and the server hears it.
    watched.down();
    watched.live(Duration::from_secs(60));
    assert_eq!(watched.keepalives, []);
}

#[test]
fn one_that_sends_without_pause_hears_of_us_every_10_s() {
    let mut watched = Watched::new();
    watched.live(Duration::from_secs(30));
    watched.keepalives.clear();
    let begin = watched.two.now;
    for _ in 0..600 {
        watched.up();
        watched.live(Duration::from_millis(97));
    }
    let count = ((watched.two.now - begin).total_millis() / KEEPALIVE_TIMEOUT.total_millis()) as usize;
    assert_eq!(watched.keepalives.len(), count, "{:?}", watched.keepalives);
    assert!(watched.longest_wait < SILENCE);
}

#[test]
fn two_hours_of_a_client_that_is_mostly_idle_cost_only_the_rekeys_of_use() {
    let mut watched = Watched::new();
    let mut random = 2_463_534_242_u64;
    let mut below = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let end = watched.two.now + Duration::from_secs(7200);
    while watched.two.now < end {
        watched.up();
        watched.down();
        // The client's last packet comes at any time after our last one, mostly within a tick.
        watched.live(Duration::from_millis(below(400)));
        watched.up();
        watched.live(Duration::from_millis(500 + below(60_000)));
    }
    assert!(watched.longest_wait < SILENCE, "{}", watched.longest_wait);
    let ages: Vec<_> = watched.initiations.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(ages.len() > 30, "{}", ages.len());
    assert!(ages.iter().all(|age| *age >= REKEY_AFTER_TIME), "{ages:?}");
}
