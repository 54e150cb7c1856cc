//! The class of a server for TypeScript: start, the exchange of records, peers, and the end.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time;

use midwire_wire::Instant;
use midwire_wire::key::{PrivateKey, PublicKey};
use midwire_wire::stack::{ConnectError, Stack, StackConfig};
use midwire_wire::tunnel::Tunnel;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

use crate::buffers::FlowBuffers;
use crate::engine::{ConnectFailure, Engine};
use crate::error::{Code, Result, error, from_io, from_peer};
use crate::key::bytes32;
use crate::options::{self, NativeConnection, NativePeer, NativePeerStatus, NativeServerOptions};
use crate::outbox::{Doorbell, Outbox};
use crate::runtime::Lease;
use crate::shared::Shared;
use crate::sockets::Sockets;
use crate::{log, wireguard_task};

#[napi]
pub struct NativeServer {
    shared: Arc<Shared>,
    port: u16,
}

#[napi]
impl NativeServer {
    /// Binds the sockets and starts the task. `doorbell` is called on Node's thread when events wait.
    #[napi(factory, catch_unwind)]
    pub fn start(options: NativeServerOptions, doorbell: Function<'_, (), ()>) -> Result<Self> {
        let hosts = options::addresses(&options.hosts)?;
        let addresses = options::addresses(&options.addresses)?;
        let mtu = options.mtu as usize;
        let epoch = time::Instant::now();
        let seed = || RandomState::new().hash_one(epoch);
        let private_key = PrivateKey::from_bytes(bytes32(&options.private_key, "a private key")?);
        let mut tunnel = Tunnel::new(private_key, seed());
        for peer in &options.peers {
            tunnel
                .add_peer(Instant::ZERO, options::peer(peer)?)
                .map_err(from_peer)?;
        }
        let config = StackConfig {
            mtu,
            addresses: addresses.clone(),
            hold_syn: options.hold_syn,
            raise_icmp: options.raise_icmp,
            max_window: options.buffer_size as usize,
            memory: options.memory as usize,
            congestion: options::congestion(&options.congestion)?,
            seed: seed(),
        };
        let stack = Stack::new(config, Box::new(FlowBuffers::default()));

        let lease = Lease::take().map_err(|error| from_io(&error))?;
        let runtime = lease.handle().clone();
        let _inside = runtime.enter();
        let sockets = Sockets::bind(&hosts, options.port, options.mark).map_err(|error| from_io(&error))?;
        let (sockets, port) = (Arc::new(sockets.0), sockets.1);
        let outbox = Arc::new(Outbox::new(ring(doorbell)?));
        log::listen(options.log_level, &outbox);
        let engine = Engine::new(tunnel, stack, addresses, sockets.clone(), mtu, epoch);
        let shared = Arc::new(Shared::new(engine, outbox));
        let wildcard =
            [false, true].map(|ipv6| hosts.iter().any(|host| host.is_ipv6() == ipv6 && host.is_unspecified()));
        let bound = wireguard_task::Bound { wildcard };
        runtime.spawn(wireguard_task::run(shared.clone(), sockets, epoch, lease, bound));
        Ok(NativeServer { shared, port })
    }

    #[napi(getter, catch_unwind)]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Performs `length` bytes of commands, then fills `slab` with events. Returns the bytes filled; Node calls again
    /// until that is 0, and after that when the doorbell rings.
    #[napi(catch_unwind)]
    pub fn exchange(&self, commands: &[u8], length: u32, mut slab: napi::bindgen_prelude::Uint8Array) -> Result<u32> {
        let commands = commands.get(..length as usize);
        let commands = commands.ok_or_else(|| error(Code::BadArgument, "more commands than their buffer holds"))?;
        // SAFETY: Node's thread is in this call, and no other code uses the slab.
        let slab = unsafe { slab.as_mut() };
        if !slab.is_empty() {
            self.shared.outbox.attend();
        }
        self.supervise(|shared| shared.submit(commands))?;
        let drained = self.shared.outbox.drain(slab);
        if drained.starved {
            self.shared.make_room();
        }
        Ok(drained.bytes as u32)
    }

    /// Opens a TCP connection through the tunnel; CONNECTED or RESET follows.
    #[napi(catch_unwind)]
    pub fn connect(&self, destination: String, port: u16, source: Option<String>) -> Result<NativeConnection> {
        let destination = SocketAddr::new(options::parse(&destination)?, port);
        let source = source.as_deref().map(options::parse).transpose()?;
        self.with_engine(|engine| engine.connect(destination, source))?
            .map(|(id, peer)| NativeConnection { id, peer })
            .map_err(|failure| match failure {
                ConnectFailure::NoSource => error(Code::BadArgument, "the tunnel has no address of this family"),
                ConnectFailure::NoRoute => error(Code::NoRoute, format!("no peer's allowedIps hold {destination}")),
                ConnectFailure::Stack(ConnectError::Unaddressable) => {
                    error(Code::BadArgument, format!("cannot connect to {destination}"))
                }
                ConnectFailure::Stack(ConnectError::Exhausted) => error(Code::Exhausted, "too many connections"),
            })
    }

    #[napi(catch_unwind)]
    pub fn add_peer(&self, peer: NativePeer) -> Result<u32> {
        let config = options::peer(&peer)?;
        self.with_engine(|engine| engine.tunnel.add_peer(engine.now(), config))?
            .map_err(from_peer)
    }

    /// False when there was no such peer. Its streams are reset.
    #[napi(catch_unwind)]
    pub fn remove_peer(&self, public_key: &[u8]) -> Result<bool> {
        let key = PublicKey(bytes32(public_key, "a public key")?);
        let outbox = self.shared.outbox.clone();
        self.with_engine(|engine| {
            let removed = engine.tunnel.remove_peer(&key);
            if let Some(peer) = removed {
                engine.remove_peer(peer, &outbox);
            }
            removed.is_some()
        })
    }

    #[napi(catch_unwind)]
    pub fn peers(&self) -> Result<Vec<NativePeerStatus>> {
        self.with_engine(|engine| {
            let status = |peer: midwire_wire::tunnel::PeerStatus| NativePeerStatus {
                peer: peer.id,
                public_key: peer.public_key.to_bytes().to_vec().into(),
                endpoint: peer.endpoint.map(|endpoint| endpoint.to_string()),
                last_handshake_seconds: peer.last_handshake.map(|age| age.total_micros() as f64 / 1e6),
                received_bytes: peer.received_bytes as f64,
                sent_bytes: peer.sent_bytes as f64,
                dropped: peer.dropped as f64,
                allowed_ips: peer.allowed_ips.iter().map(ToString::to_string).collect(),
            };
            engine.tunnel.peers().map(status).collect()
        })
    }

    #[napi(catch_unwind)]
    pub fn counters(&self) -> Result<HashMap<String, f64>> {
        self.with_engine(|engine| engine.counters())
    }

    /// Resets every stream and lets go of the sockets; STOPPED is the last event.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.notify.notify_one();
    }

    /// A panic on purpose, for the test that it ends as an error and not as a hang: in this call, or in the task.
    #[napi(catch_unwind)]
    pub fn panic_for_test(&self, place: String) -> Result<()> {
        let text = format!("panicked for a test in a {place}");
        if place == "task" {
            self.shared.panic_in_task();
            return Ok(());
        }
        #[expect(clippy::panic, reason = "its purpose")]
        self.supervise(|_| panic!("{text}"))
    }

    fn with_engine<T>(&self, work: impl FnOnce(&mut Engine) -> T) -> Result<T> {
        self.supervise(|shared| shared.with_engine(work))?
            .ok_or_else(|| error(Code::Closed, "the server is closed"))
    }

    /// Performs a call of Node's. A panic in it ends this server, and is the error of the call.
    fn supervise<T>(&self, work: impl FnOnce(&Shared) -> T) -> Result<T> {
        catch_unwind(AssertUnwindSafe(|| work(&self.shared))).map_err(|panic| {
            let text = wireguard_task::panic_text(panic);
            self.shared.fail(&text);
            error(Code::Panic, text)
        })
    }
}

impl Drop for NativeServer {
    fn drop(&mut self) {
        self.close();
    }
}

pub fn ring(doorbell: Function<'_, (), ()>) -> Result<Doorbell> {
    let built = doorbell
        .build_threadsafe_function::<()>()
        .callee_handled::<false>()
        .build()
        .map_err(|failure| error(Code::Io, failure.reason.clone()))?;
    Ok(Box::new(move || {
        // This fails only when Node's environment is being torn down, and no code of it listens any more.
        built.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }))
}
