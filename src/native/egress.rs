//! Sends packets: they are encrypted side by side into one buffer, and leave in runs of equal size (GSO).

use std::io;
use std::sync::Arc;

use midwire_wire::Instant;
use midwire_wire::fall::Fall;
use midwire_wire::tunnel::{Path, Tunnel};
use quinn_udp::Transmit;

use crate::sockets::Sockets;

/// The most bytes that the kernel takes in one call (the payload of an IPv4 datagram).
const MAX_RUN: usize = 65_507;
/// The most encrypted bytes that wait for the end of a turn, or for the socket.
const CAPACITY: usize = 192 * 1024;
/// Room for WireGuard's header and tag, and more than the least that boringtun asks for (148 bytes, for a handshake).
const OVERHEAD: usize = 160;

pub struct Egress {
    sockets: Arc<Sockets>,
    buffer: Vec<u8>,
    filled: usize,
    runs: Vec<Run>,
    /// The first run that was not sent yet.
    sent: usize,
    /// The family whose socket is full. While this is set, no packet is encrypted.
    blocked: Option<bool>,
    pub errors: u64,
    pub datagrams: u64,
    pub calls: u64,
}

/// Datagrams of one size (the last may be shorter) and one destination, in one piece of the buffer.
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

    /// Adds a datagram of the tunnel's own making.
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

    /// Sends the datagrams in the buffer. Those that the socket does not take now are kept, and `blocked` is set.
    pub fn flush(&mut self) {
        self.blocked = None;
        while let Some(run) = self.runs.get_mut(self.sent) {
            let ipv6 = run.to.remote.is_ipv6();
            match run.send(&self.sockets, &self.buffer) {
                // There is no route, or a firewall, or a full queue. The datagram is lost, as any may be.
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

/// The error of a socket that takes no datagrams now.
struct Full;

impl Run {
    /// Sends the run, and gives the number of lost datagrams. Where the socket becomes full, the run keeps the
    /// datagrams that have not left.
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
        // The device cannot segment, or the kernel knows that the datagrams are too long for the path. It cuts them
        // into fragments, but only one by one. Each run is tried as a whole first, because paths change.
        let mut lost = 0;
        while self.start < self.end {
            let next = self.end.min(self.start + self.segment);
            lost += u64::from(!one(&buffer[self.start..next], None)?);
            self.start = next;
        }
        Ok(lost)
    }
}

/// The layer below the stack, for one turn of the engine.
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
        // A packet that meets a full buffer is dropped, as by a router, and its sender sends it again.
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
