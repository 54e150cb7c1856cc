//! TCP sockets that never wait: listening, connecting, reading, writing, ending.

use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

/// Connections that wait to be accepted, at most: Node's number.
const BACKLOG: i32 = 511;

/// A socket that listens. On `[::]` it has IPv4 clients, too, as in Node.
pub fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = new(at)?;
    socket.set_reuse_address(true)?;
    if at.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&SockAddr::from(at))?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// A socket for connecting to an address, which comes from this one or from the system's choice.
pub fn open(to: SocketAddr, from: Option<SocketAddr>) -> io::Result<Socket> {
    let socket = new(to)?;
    if let Some(from) = from {
        socket.bind(&SockAddr::from(from))?;
    }
    Ok(socket)
}

/// Begins to connect.
pub fn connect(socket: Socket, to: SocketAddr) -> io::Result<TcpStream> {
    match socket.connect(&SockAddr::from(to)) {
        Err(error) if !is_under_way(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

fn new(at: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn is_under_way(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS) || error.kind() == io::ErrorKind::WouldBlock
}

/// Whether a socket is connected. `Ok(false)`: not yet.
pub fn is_connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    // For an ICMP error after a SYN over IPv4, Linux wakes those who wait before the error is set. The next event has it.
    match stream.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads up to `most` bytes to the end of `into`. `Ok(0)`: the peer has sent FIN.
pub fn receive(stream: &TcpStream, into: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    into.reserve(most);
    let room: &mut [MaybeUninit<u8>] = into.spare_capacity_mut();
    let room = room.get_mut(..most).unwrap_or_default();
    let length = retry(|| SockRef::from(stream).recv(room))?;
    // SAFETY: the system has written `length` bytes behind the end.
    unsafe { into.set_len(into.len() + length) };
    Ok(length)
}

pub fn send(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    retry(|| stream.write(bytes))
}

fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Sends FIN.
pub fn end(stream: &TcpStream) {
    // This fails only where the connection is lost already, which its next read tells.
    let _ = stream.shutdown(Shutdown::Write);
}

/// Has the socket send RST when it is dropped.
pub fn reset_on_drop(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
