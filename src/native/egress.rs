//! The way down: packets are encrypted side by side into one buffer, and leave in runs of equal size (GSO).

use std::io;
use std::sync::Arc;

use midwire_wire::Instant;
use midwire_wire::fall::Fall;
use midwire_wire::tunnel::{Path, Tunnel};
use quinn_udp::Transmit;

use crate::sockets::Sockets;

/// The kernel takes no more in one call (an IPv4 datagram's payload).
const MAX_RUN: usize = 65_507;
/// Encrypted bytes that may wait for the end of a turn, or for the socket.
const CAPACITY: usize = 192 * 1024;
/// WireGuard's header and tag, with room to spare; also what boringtun asks for at least (a handshake is 148).
const OVERHEAD: usize = 160;

pub struct Egress {
    sockets: Arc<Sockets>,
    buffer: Vec<u8>,
    filled: usize,
    runs: Vec<Run>,
    /// The first run that was not sent yet.
    sent: usize,
    /// The socket took nothing more: the family to wait for. Until then nothing more is encrypted.
    blocked: Option<bool>,
    pub errors: u64,
    pub datagrams: u64,
    pub calls: u64,
}

/// Datagrams of one size (the last may be shorter), to one place, in one piece of the buffer.
struct Run {
    to: Path,
    start: usize,
    end: usize,
    segment: usize,
    count: usize,
    closed: bool,
}

impl Egress {
    pub fn new(sockets: Arc<Sockets>, mtu: usize) -> Self {
        Egress {
            sockets,
            buffer: vec![0; CAPACITY + mtu + OVERHEAD],
            filled: 0,
            runs: Vec::new(),
            sent: 0,
            blocked: None,
            errors: 0,
            datagrams: 0,
            calls: 0,
        }
    }

    /// The family whose socket is full, if one is.
    pub fn blocked(&self) -> Option<bool> {
        self.blocked
    }

    /// A datagram that the tunnel made by itself.
    pub fn push(&mut self, to: Path, datagram: &[u8]) {
        if self.filled + datagram.len() > self.buffer.len() {
            self.flush();
        }
        if let Some(place) = self.buffer.get_mut(self.filled..self.filled + datagram.len()) {
            place.copy_from_slice(datagram);
            self.add(to, datagram.len());
        } else {
            self.errors += 1;
        }
    }

    fn add(&mut self, to: Path, length: usize) {
        let start = self.filled;
        self.filled += length;
        self.datagrams += 1;
        if let Some(run) = self.runs.last_mut()
            && run.to == to
            && !run.closed
            && length <= run.segment
            && run.end - run.start + length <= MAX_RUN
        {
            run.end += length;
            run.count += 1;
            run.closed = length < run.segment || run.count >= self.sockets.segments(to.remote.is_ipv6());
            return;
        }
        self.runs.push(Run {
            to,
            start,
            end: self.filled,
            segment: length,
            count: 1,
            closed: self.sockets.segments(to.remote.is_ipv6()) <= 1,
        });
    }

    /// Sends what is there. What the socket does not take now is kept, and `blocked` says so.
    pub fn flush(&mut self) {
        self.blocked = None;
        while let Some(run) = self.runs.get_mut(self.sent) {
            let ipv6 = run.to.remote.is_ipv6();
            match run.send(&self.sockets, &self.buffer) {
                // A route that is gone, a firewall, a full queue: the datagram is lost, as any may be.
                Ok(lost) => self.errors += lost,
                Err(_) => {
                    self.blocked = Some(ipv6);
                    return;
                }
            }
            self.calls += 1;
            self.sent += 1;
        }
        self.runs.clear();
        self.sent = 0;
        self.filled = 0;
    }
}

/// The socket takes nothing now.
struct Full;

impl Run {
    /// How many were lost. What has left when the socket is full is no part of the run any more.
    fn send(&mut self, sockets: &Sockets, buffer: &[u8]) -> Result<u64, Full> {
        let one = |contents, segment_size| {
            let sent = sockets.send(&Transmit {
                destination: self.to.remote,
                ecn: None,
                contents,
                segment_size,
                src_ip: self.to.local,
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Full),
                other => Ok(other.is_ok()),
            }
        };
        if one(&buffer[self.start..self.end], (self.count > 1).then_some(self.segment))? {
            return Ok(0);
        }
        if self.count == 1 {
            return Ok(1);
        }
        // A device that cannot segment, or a path of which the kernel knows that they are too long for it: it cuts them
        // into fragments, but only one by one. It is asked anew each time, for what it knows of a path passes.
        let mut lost = 0;
        while self.start < self.end {
            let next = self.end.min(self.start + self.segment);
            lost += u64::from(!one(&buffer[self.start..next], None)?);
            self.start = next;
        }
        Ok(lost)
    }
}

/// The way down for one turn of the engine.
pub struct Falling<'a> {
    pub now: Instant,
    pub tunnel: &'a mut Tunnel,
    pub egress: &'a mut Egress,
}

impl Fall for Falling<'_> {
    fn ready(&self) -> bool {
        self.egress.blocked.is_none()
    }

    fn fall(&mut self, packet: &[u8]) {
        if self.egress.filled + packet.len() + OVERHEAD > self.egress.buffer.len() {
            self.egress.flush();
        }
        // Blocked in the middle of a packet's way: it is dropped, as by a router, and its sender sends it again.
        let Some(room) = self.egress.buffer.get_mut(self.egress.filled..) else {
            return;
        };
        if room.len() < packet.len() + OVERHEAD {
            self.egress.errors += 1;
            return;
        }
        if let Some(outbound) = self.tunnel.handle_packet(self.now, packet, room) {
            self.egress.add(outbound.to, outbound.length);
        }
    }
}
