//! The stack between its device and its services: packets come through one bad link and leave through another.

use std::os::fd::{AsRawFd, RawFd};

use midwire_wire::buffers::HeapBuffers;
use midwire_wire::fall::Fall;
use midwire_wire::stack::{Stack, StackConfig};
use midwire_wire::tcp::INITIAL_SEND;
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::tunnel::PeerId;
use midwire_wire::{Duration, Instant};

use crate::arguments::Arguments;
use crate::link::Link;
use crate::owner::Owner;
use crate::services::Services;
use crate::tun::Tun;

/// The kernel is the only peer.
pub const KERNEL: PeerId = 0;
/// The packets that are read before the answers are sent, because the tunnel's socket takes its datagrams in batches,
/// too.
const BATCH: usize = 64;

pub struct Host {
    epoch: std::time::Instant,
    device: Tun,
    stack: Stack,
    owner: Owner,
    services: Services,
    coming: Link,
    leaving: Link,
}

impl Host {
    pub fn new(arguments: &Arguments, device: Tun) -> Host {
        let &Arguments {
            mtu,
            buffer,
            seed,
            faults,
            ..
        } = arguments;
        let config = StackConfig {
            mtu,
            addresses: Vec::new(),
            hold_syn: false,
            raise_icmp: false,
            max_window: buffer,
            memory: 256 << 20,
            congestion: Algorithm::default(),
            seed,
        };
        Host {
            epoch: std::time::Instant::now(),
            device,
            stack: Stack::new(config, Box::new(HeapBuffers)),
            owner: Owner::default(),
            services: Services::new(INITIAL_SEND.min(buffer)),
            coming: Link::new(seed, faults),
            leaving: Link::new(seed.wrapping_mul(31) + 7, faults),
        }
    }

    pub fn device(&self) -> RawFd {
        self.device.as_raw_fd()
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.epoch.elapsed().as_micros() as i64)
    }

    /// The time to wait for a packet; `None`, for ever, when no deadline is set.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let now = self.now();
        if self.stack.has_rising() || self.stack.has_falling() {
            return Some(Duration::ZERO);
        }
        let due = [
            self.stack.poll_timeout(),
            self.services.poll_timeout(),
            self.coming.next_arrival(),
            self.leaving.next_arrival(),
        ];
        let next = due.into_iter().flatten().min()?;
        Some(if next > now { next - now } else { Duration::ZERO })
    }

    /// Handles received packets and deadlines that have passed, and sends the resulting packets.
    pub fn work(&mut self) {
        let now = self.now();
        let mut buffer = [0; 65_536];
        for _ in 0..BATCH {
            let Some(packet) = self.device.read(&mut buffer) else {
                break;
            };
            self.coming.send(now, packet);
        }
        while let Some(packet) = self.coming.receive(now) {
            self.stack.handle_packet(now, KERNEL, &packet, &mut self.owner);
        }
        if self.stack.poll_timeout().is_some_and(|at| at <= now) {
            self.stack.handle_timeout(now, &mut self.owner);
        }
        self.services.handle_timeout(now, &mut self.stack);
        self.serve(now);
        self.stack.poll_fall(
            now,
            &mut Leaving {
                now,
                link: &mut self.leaving,
            },
        );
        // The events of flows that have ended while they sent rise now.
        self.serve(now);
        while let Some(packet) = self.leaving.receive(now) {
            self.device.write(&packet);
        }
    }

    /// Passes events up and commands down, until there are none.
    fn serve(&mut self, now: Instant) {
        loop {
            self.stack.poll_rise(&mut self.owner);
            let events = self.owner.take();
            if events.is_empty() {
                return;
            }
            for event in events {
                self.services.handle_event(now, event, &mut self.stack);
            }
        }
    }

    /// The counters as one line of JSON.
    pub fn counters(&self) -> String {
        let link = [("lost", self.coming.lost + self.leaving.lost)];
        let fields: Vec<_> = self
            .stack
            .counters()
            .named()
            .iter()
            .chain(&link)
            .map(|(name, count)| format!("\"{name}\":{count}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    }
}

/// The way out is always ready: the link drops packets that it has no room for.
struct Leaving<'a> {
    now: Instant,
    link: &'a mut Link,
}

impl Fall for Leaving<'_> {
    fn ready(&self) -> bool {
        true
    }

    fn fall(&mut self, packet: &[u8]) {
        self.link.send(self.now, packet);
    }
}
