//! The socket options of transparent proxying. See ip(7), ipv6(7), and the kernel's Documentation/networking/tproxy.rst.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::{NativeAddress, NativeSocketOptions};
use crate::error::{Code, Result, error, from_io};
use crate::options;

/// The answer of a netfilter module, and not of the IP layer: both families have the same number.
const SO_ORIGINAL_DST: i32 = libc::SO_ORIGINAL_DST;

pub fn original_destination(fd: i32, ipv6: bool) -> Result<Option<NativeAddress>> {
    let mut storage: libc::sockaddr_storage = zeroed();
    let (level, size) = if ipv6 {
        (libc::SOL_IPV6, size_of::<libc::sockaddr_in6>())
    } else {
        (libc::SOL_IP, size_of::<libc::sockaddr_in>())
    };
    let mut length = size as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, and the storage is larger than that.
    let result = unsafe { libc::getsockopt(fd, level, SO_ORIGINAL_DST, (&raw mut storage).cast(), &raw mut length) };
    if result != 0 {
        let failure = io::Error::last_os_error();
        return match failure.raw_os_error() {
            // No entry, or no connection tracking at all: nothing was redirected.
            Some(libc::ENOENT | libc::ENOPROTOOPT) => Ok(None),
            _ => Err(from_io(&failure)),
        };
    }
    Ok(address_in(&storage).map(|found| NativeAddress {
        address: found.ip().to_string(),
        port: found.port(),
    }))
}

pub fn open_socket(options: &NativeSocketOptions) -> Result<i32> {
    let host: Option<IpAddr> = options.host.as_deref().map(options::parse).transpose()?;
    if host.is_some_and(|host| host.is_ipv6() != options.ipv6) {
        return Err(error(Code::BadArgument, "the address is of the other family"));
    }
    let bound = host.map(|host| SocketAddr::new(host, options.port.unwrap_or(0)));
    open(options.udp, options.ipv6, options.transparent, options.mark, bound)
        .map(IntoRawFd::into_raw_fd)
        .map_err(|error| from_io(&error))
}

pub fn close_socket(fd: i32) -> Result<()> {
    if fd <= 2 {
        return Err(error(Code::BadArgument, "no descriptor of a socket"));
    }
    is_ipv6(fd).map_err(|error| from_io(&error))?;
    // SAFETY: `openSocket` has given this descriptor away, and its one owner gives it back here.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    Ok(())
}

/// Opens a socket for Node or for a task: not blocking, and not inherited by programs that are started.
pub fn open(
    udp: bool,
    ipv6: bool,
    is_transparent: bool,
    mark: Option<u32>,
    bound: Option<SocketAddr>,
) -> io::Result<Socket> {
    let (kind, protocol) = if udp {
        (Type::DGRAM, Protocol::UDP)
    } else {
        (Type::STREAM, Protocol::TCP)
    };
    let domain = if ipv6 { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if ipv6 {
        // The other family has a socket of its own.
        socket.set_only_v6(true)?;
    }
    if is_transparent {
        transparent(socket.as_raw_fd(), ipv6)?;
    }
    if let Some(mark) = mark {
        mark_packets(socket.as_raw_fd(), mark)?;
    }
    let Some(bound) = bound else { return Ok(socket) };
    if bound.port() != 0 {
        // A listener may come back while connections of the one before are in TIME-WAIT, and several UDP sockets may
        // answer from one address.
        socket.set_reuse_address(true)?;
    }
    if bound.port() == 0 && !udp {
        // The port is chosen by `connect`, so that many connections may share it. Kernels without this choose now.
        let _ = set_option(socket.as_raw_fd(), libc::SOL_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1);
    }
    socket.bind(&SockAddr::from(bound))?;
    Ok(socket)
}

/// Bytes of datagrams that the kernel keeps until the task takes them. They hold some milliseconds of a burst.
const RECEIVE_BUFFER: i32 = 4 << 20;

/// A UDP socket that receives datagrams for any address, each with the address that it was sent to.
pub fn open_listener(address: SocketAddr, mark: Option<u32>) -> io::Result<Socket> {
    let socket = open(true, address.is_ipv6(), true, mark, None)?;
    if address.is_ipv6() {
        set_option(socket.as_raw_fd(), libc::SOL_IPV6, libc::IPV6_RECVORIGDSTADDR, 1)?;
    } else {
        set_option(socket.as_raw_fd(), libc::SOL_IP, libc::IP_RECVORIGDSTADDR, 1)?;
    }
    // A process that may open this socket may exceed the system's limit, too. A smaller buffer is no error.
    let _ = set_option(
        socket.as_raw_fd(),
        libc::SOL_SOCKET,
        libc::SO_RCVBUFFORCE,
        RECEIVE_BUFFER,
    );
    socket.bind(&SockAddr::from(address))?;
    // Set after the port is ours alone: a socket that answers from a foreign address may have this port, too.
    socket.set_reuse_address(true)?;
    Ok(socket)
}

fn transparent(fd: i32, ipv6: bool) -> io::Result<()> {
    if ipv6 {
        set_option(fd, libc::SOL_IPV6, libc::IPV6_TRANSPARENT, 1)
    } else {
        set_option(fd, libc::SOL_IP, libc::IP_TRANSPARENT, 1)
    }
}

/// Gives all packets of a socket a firewall mark.
pub fn mark_packets(fd: i32, mark: u32) -> io::Result<()> {
    set_option(fd, libc::SOL_SOCKET, libc::SO_MARK, mark as i32)
}

fn set_option(fd: i32, level: i32, name: i32, value: i32) -> io::Result<()> {
    let length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the option's value is an int that outlives the call; a descriptor that is no socket is an error.
    let result = unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), length) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn is_ipv6(fd: i32) -> io::Result<bool> {
    let mut domain: libc::c_int = 0;
    let mut length = size_of_val(&domain) as libc::socklen_t;
    // SAFETY: the kernel writes one int.
    let result = unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_DOMAIN,
            (&raw mut domain).cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok(domain == libc::AF_INET6)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The address that the kernel has written; `None` for a family that is not IP's.
pub fn address_in(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let start = &raw const *storage;
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which type it is, and the storage is large enough and aligned for each.
            let found = unsafe { &*start.cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(found.sin_addr.s_addr));
            Some(SocketAddr::new(IpAddr::V4(ip), u16::from_be(found.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let found = unsafe { &*start.cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(found.sin6_addr.s6_addr);
            Some(SocketAddr::new(IpAddr::V6(ip), u16::from_be(found.sin6_port)))
        }
        _ => None,
    }
}

/// An address structure, or the head of a message, before the kernel fills it in.
pub fn zeroed<T: Zeroable>() -> T {
    // SAFETY: each `Zeroable` is a C structure of numbers and pointers, for which zeros are valid.
    unsafe { std::mem::zeroed() }
}

pub trait Zeroable {}
impl Zeroable for libc::sockaddr_storage {}
impl Zeroable for libc::msghdr {}
