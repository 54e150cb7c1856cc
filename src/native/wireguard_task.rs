//! The task of one server: waits for datagrams, deadlines and Node, and gives the engine its turns.

use std::io::{self, IoSliceMut};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time;

use midwire_wire::Instant;
use midwire_wire::tunnel::Path;
use quinn_udp::{BATCH_SIZE, RecvMeta};

use crate::engine::Engine;
use crate::outbox::Rising;
use crate::runtime::Lease;
use crate::shared::{Next, Shared};
use crate::sockets::Sockets;

/// The most bytes of one receive: a group of datagrams that the kernel has put together (GRO).
const GROUP: usize = 65_535;
/// The most batches from one socket before the other socket, the deadlines and Node have their turn.
const ROUNDS: usize = 4;
/// The wait after an error of the socket itself, so that the task does not spin on a broken socket.
const PAUSE: time::Duration = time::Duration::from_millis(100);

pub async fn run(shared: Arc<Shared>, sockets: Arc<Sockets>, epoch: time::Instant, lease: Lease, bound: Bound) {
    let died = serve(&shared, &sockets, epoch, &bound).await;
    drop(sockets);
    shared.finish(died.as_deref());
    drop(lease);
}

/// Which sockets are bound to all addresses: only there an answer has to choose the address that it leaves from.
pub struct Bound {
    pub wildcard: [bool; 2],
}

/// Serves until the server is told to stop (`None`), or until a panic (its message).
async fn serve(shared: &Arc<Shared>, sockets: &Sockets, epoch: time::Instant, bound: &Bound) -> Option<String> {
    let mut storage = vec![0; BATCH_SIZE * GROUP];
    let mut next = Next::default();
    loop {
        tokio::select! {
            ready = sockets.readable() => if ready.is_err() {
                tokio::time::sleep(PAUSE).await;
            },
            () = shared.notify.notified() => {}
            () = sleep_until(epoch, next.at) => {}
            _ = writable(sockets, next.blocked) => {}
        }
        if let Some(reason) = shared.failure() {
            return Some(reason);
        }
        if shared.stopping.load(Ordering::Acquire) {
            // Every open connection is sent an RST, as far as the socket takes them.
            let last = catch_unwind(AssertUnwindSafe(|| {
                shared.turn(|engine, now| engine.stack.reset_all(now))
            }));
            return last.err().map(panic_text);
        }
        match catch_unwind(AssertUnwindSafe(|| turn(shared, sockets, &mut storage, bound))) {
            Ok(Some(then)) => next = then,
            // The engine was lost in a panic on Node's thread, which has left its message.
            Ok(None) => return Some(shared.failure().unwrap_or_else(|| "the engine was lost".to_owned())),
            Err(panic) => return Some(panic_text(panic)),
        }
    }
}

fn turn(shared: &Shared, sockets: &Sockets, storage: &mut [u8], bound: &Bound) -> Option<Next> {
    let mut next = None;
    for ipv6 in [false, true] {
        for _ in 0..ROUNDS {
            let mut metas = [RecvMeta::default(); BATCH_SIZE];
            let mut slices = storage.chunks_exact_mut(GROUP).map(IoSliceMut::new);
            let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
                std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
            let count = match sockets.receive(&mut slices, &mut metas, ipv6) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The error is, for example, an ICMP error about an earlier datagram. The next receive may succeed.
                Err(_) => continue,
            };
            next = Some(shared.turn(|engine, now| {
                let mut rising = shared.outbox.open();
                for (meta, bytes) in metas.iter().zip(&slices).take(count) {
                    receive(engine, now, meta, bytes, bound, &mut rising);
                }
            })?);
            if count < BATCH_SIZE {
                break;
            }
        }
    }
    match next {
        Some(next) => Some(next),
        // The task was woken by a deadline, by Node's commands, or by a socket that takes datagrams again.
        None => shared.turn(|_, _| {}),
    }
}

/// Handles one receive: a datagram, or several of one size from one sender.
fn receive(engine: &mut Engine, now: Instant, meta: &RecvMeta, bytes: &[u8], bound: &Bound, rising: &mut Rising<'_>) {
    let local = meta.dst_ip.filter(|address| bound.is_chosen(address));
    let from = Path {
        remote: meta.addr,
        local,
    };
    let group = bytes.get(..meta.len).unwrap_or_default();
    if group.is_empty() {
        // An empty group has no chunks. It is passed on whole, so that the tunnel counts it as malformed.
        engine.handle_datagram(now, from, group, rising);
    }
    for datagram in group.chunks(meta.stride.max(1)) {
        engine.handle_datagram(now, from, datagram, rising);
    }
}

impl Bound {
    /// True for an address that answers have to leave from: only a socket that is bound to all addresses has a choice.
    fn is_chosen(&self, address: &IpAddr) -> bool {
        self.wildcard[usize::from(address.is_ipv6())]
    }
}

async fn sleep_until(epoch: time::Instant, at: Option<Instant>) {
    match at {
        Some(at) => {
            let at = epoch + time::Duration::from_micros(at.total_micros().max(0) as u64);
            tokio::time::sleep_until(at.into()).await;
        }
        None => std::future::pending().await,
    }
}

async fn writable(sockets: &Sockets, blocked: Option<bool>) -> io::Result<()> {
    match blocked {
        Some(ipv6) => sockets.writable(ipv6).await,
        None => std::future::pending().await,
    }
}

/// The message of a panic.
pub fn panic_text(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => match panic.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(_) => "a panic without words".to_owned(),
        },
    }
}
