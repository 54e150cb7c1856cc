//! A UDP listener for datagrams that TPROXY brings: one task that receives, and an outbox towards Node.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use midwire_wire::event::{Event, Rise};
use napi::bindgen_prelude::Function;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::Notify;

use super::linux::{address_in, open_listener, zeroed};
use super::reply::Replies;
use crate::error::{Code, Result, error, from_io};
use crate::messages::{self, command};
use crate::options;
use crate::outbox::Outbox;
use crate::runtime::Lease;
use crate::server::ring;
use crate::wireguard_task::panic_text;

/// Datagrams that are received before other tasks of the thread have their turn.
const BATCH: usize = 64;
/// The longest datagram of UDP, and some room.
const LONGEST: usize = 64 * 1024;
/// Bytes for the one control message that is asked for: its head and an IPv6 address.
const CONTROL: usize = 128;

pub struct TransparentUdp {
    pub port: u16,
    state: Arc<State>,
    replies: Mutex<Option<Replies>>,
}

struct State {
    outbox: Outbox,
    stop: Notify,
    dropped: AtomicU64,
}

impl TransparentUdp {
    pub fn start(host: &str, port: u16, mark: Option<u32>, doorbell: Function<'_, (), ()>) -> Result<Self> {
        let host: IpAddr = options::parse(host)?;
        let lease = Lease::take().map_err(|error| from_io(&error))?;
        let runtime = lease.handle().clone();
        let _inside = runtime.enter();
        let listen = || {
            let socket = open_listener(SocketAddr::new(host, port), mark)?;
            UdpSocket::from_std(socket.into())
        };
        let socket = listen().map_err(|error| from_io(&error))?;
        let port = socket.local_addr().map_err(|error| from_io(&error))?.port();
        let state = Arc::new(State {
            outbox: Outbox::new(ring(doorbell)?),
            stop: Notify::new(),
            dropped: AtomicU64::new(0),
        });
        runtime.spawn(run(socket, state.clone(), lease));
        let replies = Mutex::new(Some(Replies::new(mark)));
        Ok(TransparentUdp { port, state, replies })
    }

    pub fn exchange(&self, commands: &[u8], length: u32, slab: &mut [u8]) -> Result<u32> {
        let commands = commands.get(..length as usize);
        let mut commands = commands.ok_or_else(|| error(Code::BadArgument, "more commands than their buffer holds"))?;
        if !slab.is_empty() {
            self.state.outbox.attend();
        }
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((kind, _, payload)) = messages::take(&mut commands) {
            if kind != command::SEND_DATAGRAM {
                continue;
            }
            let sent = match (messages::take_addresses(payload), replies.as_mut()) {
                (Some((source, destination, bytes)), Some(replies)) => replies.send(source, destination, bytes).is_ok(),
                _ => false,
            };
            if !sent {
                self.state.drop_one();
            }
        }
        Ok(self.state.outbox.drain(slab).bytes as u32)
    }

    pub fn dropped(&self) -> u64 {
        self.state.dropped.load(Ordering::Relaxed)
    }

    pub fn close(&self) {
        *self.replies.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.state.stop.notify_one();
    }
}

impl Drop for TransparentUdp {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

async fn run(socket: UdpSocket, state: Arc<State>, lease: Lease) {
    let mut buffer = vec![0; LONGEST];
    let died = loop {
        tokio::select! {
            biased;
            () = state.stop.notified() => break None,
            ready = socket.readable() => if let Err(failure) = ready {
                break Some(failure.to_string());
            },
        }
        match catch_unwind(AssertUnwindSafe(|| turn(&socket, &state, &mut buffer))) {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => break Some(failure.to_string()),
            Err(panic) => break Some(panic_text(panic)),
        }
    };
    drop(socket);
    state.outbox.finish(died.as_deref());
    drop(lease);
}

/// Receives what waits, as far as a batch goes. A full outbox drops datagrams, empty ones too, as a full buffer of the
/// kernel does.
fn turn(socket: &UdpSocket, state: &State, buffer: &mut [u8]) -> io::Result<()> {
    let mut rising = state.outbox.open();
    let mut result = Ok(());
    for _ in 0..BATCH {
        let received = socket.try_io(Interest::READABLE, || receive(socket.as_raw_fd(), buffer));
        match received {
            Ok(Some((source, destination, length))) if rising.room() > length => rising.rise(Event::Datagram {
                flow: 0,
                peer: 0,
                source,
                destination,
                bytes: buffer.get(..length).unwrap_or_default(),
            }),
            Ok(_) => state.drop_one(),
            Err(failure) if failure.kind() == io::ErrorKind::WouldBlock => break,
            Err(failure) if failure.kind() == io::ErrorKind::Interrupted => {}
            Err(failure) => {
                result = Err(failure);
                break;
            }
        }
    }
    rising.ring();
    result
}

/// Source, original destination and length of one datagram. `None` for one that came without an original destination.
fn receive(fd: i32, buffer: &mut [u8]) -> io::Result<Option<(SocketAddr, SocketAddr, usize)>> {
    let mut source: libc::sockaddr_storage = zeroed();
    // Words, because the heads of control messages are aligned as such.
    let mut control = [0_usize; CONTROL / size_of::<usize>()];
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let mut message: libc::msghdr = zeroed();
    message.msg_name = (&raw mut source).cast();
    message.msg_namelen = size_of_val(&source) as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = CONTROL as _;
    // SAFETY: each pointer of the message leads to memory of the length beside it, which outlives the call.
    let length = unsafe { libc::recvmsg(fd, &raw mut message, 0) };
    if length < 0 {
        return Err(io::Error::last_os_error());
    }
    let Some(source) = address_in(&source) else {
        return Ok(None);
    };
    Ok(original_in(&message).map(|destination| (source, destination, length as usize)))
}

/// The original destination among the control messages.
fn original_in(message: &libc::msghdr) -> Option<SocketAddr> {
    // SAFETY: the kernel has filled in the control messages, and the macros stay inside their length.
    let mut head = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !head.is_null() {
        // SAFETY: a head that the macros give lies within the buffer, and is aligned.
        let (level, kind, data) = unsafe { ((*head).cmsg_level, (*head).cmsg_type, libc::CMSG_DATA(head)) };
        let size = match (level, kind) {
            (libc::SOL_IP, libc::IP_ORIGDSTADDR) => size_of::<libc::sockaddr_in>(),
            (libc::SOL_IPV6, libc::IPV6_ORIGDSTADDR) => size_of::<libc::sockaddr_in6>(),
            _ => 0,
        };
        if size > 0 {
            let mut storage: libc::sockaddr_storage = zeroed();
            // SAFETY: the data of this kind is an address of this size, and the storage is larger.
            unsafe { std::ptr::copy_nonoverlapping(data, (&raw mut storage).cast::<u8>(), size) };
            return address_in(&storage);
        }
        // SAFETY: as above.
        head = unsafe { libc::CMSG_NXTHDR(message, head) };
    }
    None
}
