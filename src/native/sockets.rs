//! The two UDP sockets of a server, one for each address family, with batches where the platform has them.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::socket_options::{allow_fragments, enlarge, mark_packets};

/// The number of free ports of one family that are tried for the other before `bind` fails.
const PORT_ATTEMPTS: usize = 64;

pub struct Sockets {
    v4: Option<Batched>,
    v6: Option<Batched>,
}

struct Batched {
    io: UdpSocket,
    state: UdpSocketState,
}

impl Sockets {
    /// Binds at most one address of each family. Port 0 means a free port, the same for both. Must run inside the
    /// runtime. `mark`: the firewall mark of the packets.
    pub fn bind(hosts: &[IpAddr], port: u16, mark: Option<u32>) -> io::Result<(Self, u16)> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..PORT_ATTEMPTS {
            match Self::bind_all(hosts, port, mark) {
                Err(error) if port == 0 && error.kind() == io::ErrorKind::AddrInUse => last = error,
                other => return other,
            }
        }
        Err(last)
    }

    fn bind_all(hosts: &[IpAddr], mut port: u16, mark: Option<u32>) -> io::Result<(Self, u16)> {
        let mut sockets = Sockets { v4: None, v6: None };
        for host in hosts {
            let socket = Batched::bind(SocketAddr::new(*host, port), mark)?;
            port = socket.io.local_addr()?.port();
            match host {
                IpAddr::V4(_) => sockets.v4 = Some(socket),
                IpAddr::V6(_) => sockets.v6 = Some(socket),
            }
        }
        Ok((sockets, port))
    }

    /// Waits until one of the sockets has datagrams.
    pub async fn readable(&self) -> io::Result<()> {
        match (&self.v4, &self.v6) {
            (Some(v4), Some(v6)) => tokio::select! {
                result = v4.io.readable() => result,
                result = v6.io.readable() => result,
            },
            (Some(one), None) | (None, Some(one)) => one.io.readable().await,
            (None, None) => std::future::pending().await,
        }
    }

    /// Waits until the socket of this family takes datagrams again.
    pub async fn writable(&self, ipv6: bool) -> io::Result<()> {
        match if ipv6 { &self.v6 } else { &self.v4 } {
            Some(socket) => socket.io.writable().await,
            None => Ok(()),
        }
    }

    /// Receives one batch from the socket of a family. An error other than WouldBlock is that of a datagram and not of
    /// the socket (such as an ICMP error about an earlier one): the caller counts it and goes on.
    pub fn receive(&self, buffers: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta], ipv6: bool) -> io::Result<usize> {
        let Some(socket) = (if ipv6 { &self.v6 } else { &self.v4 }) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let room = buffers.len();
        let mut received = Err(io::ErrorKind::WouldBlock.into());
        let _ = socket.io.try_io(Interest::READABLE, || {
            received = socket.state.recv((&socket.io).into(), buffers, metas);
            match &received {
                // There may be more datagrams, so the socket stays readable.
                Ok(count) if *count == room => Ok(()),
                // The socket is empty now. WouldBlock says so, and saves the call that would find that out.
                _ => Err::<(), _>(io::ErrorKind::WouldBlock.into()),
            }
        });
        received
    }

    pub fn send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let socket = if transmit.destination.is_ipv6() {
            &self.v6
        } else {
            &self.v4
        };
        let Some(socket) = socket else {
            return Err(io::ErrorKind::NetworkUnreachable.into());
        };
        let send = || socket.state.try_send((&socket.io).into(), transmit);
        socket.io.try_io(Interest::WRITABLE, send)
    }

    /// The number of datagrams of one size that one call may send.
    pub fn segments(&self, ipv6: bool) -> usize {
        let socket = if ipv6 { &self.v6 } else { &self.v4 };
        socket.as_ref().map_or(1, |socket| socket.state.max_gso_segments())
    }
}

impl Batched {
    fn bind(address: SocketAddr, mark: Option<u32>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            // The other family has a socket of its own.
            socket.set_only_v6(true)?;
        }
        if let Some(mark) = mark {
            mark_packets(&socket, mark)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::from(address))?;
        let io = UdpSocket::from_std(socket.into())?;
        let state = UdpSocketState::new((&io).into())?;
        enlarge(&io, &state);
        allow_fragments(&io, address.is_ipv6());
        Ok(Batched { io, state })
    }
}
