//! The class of TCP connections and their TLS for TypeScript. Node's own thread drives the sockets: it waits for one descriptor, and `exchange` does the rest.
//!
//! `connections/engine.rs` is the machine, `connections/watcher.rs` wakes Node.

mod connection;
mod engine;
mod events;
mod socket;
mod tls;
mod watcher;

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use napi::Env;
use napi::bindgen_prelude::{Function, Uint8Array};
use napi_derive::napi;

use crate::connections::engine::Engine;
use crate::connections::tls::{NativeServerTls, NativeTlsRoute};
use crate::connections::watcher::Watcher;
use crate::error::{Code, Result, error, from_io};
use crate::options;

#[napi(object)]
pub struct NativeListener {
    pub id: u32,
    pub host: String,
    pub port: u16,
}

#[napi]
pub struct NativeConnections {
    // Dropped before the descriptor that it watches.
    watcher: Watcher,
    engine: Engine,
    is_held: bool,
}

#[napi]
impl NativeConnections {
    /// `on_ready` is called on Node's thread when `exchange` has something to do.
    #[napi(factory, catch_unwind)]
    pub fn start(env: Env, on_ready: Function<'_, (), ()>) -> Result<Self> {
        let engine = Engine::new().map_err(|error| from_io(&error))?;
        let watcher = Watcher::start(&env, engine.poll().as_raw_fd(), &on_ready)?;
        Ok(NativeConnections {
            watcher,
            engine,
            is_held: false,
        })
    }

    /// Performs `length` bytes of commands, then fills `slab` with events. Returns the bytes filled; Node calls again until that is 0, and after that when
    /// `on_ready` is called. Without a slab commands alone are performed.
    #[napi(catch_unwind)]
    pub fn exchange(&mut self, commands: &[u8], length: u32, mut slab: Uint8Array) -> Result<u32> {
        let commands = commands.get(..length as usize);
        let commands = commands.ok_or_else(|| error(Code::BadArgument, "more commands than their buffer holds"))?;
        self.engine.handle_commands(commands);
        // SAFETY: Node's thread is in this call, and no other code uses the slab.
        let slab = unsafe { slab.as_mut() };
        let filled = if slab.is_empty() { 0 } else { self.engine.rise(slab) };
        self.hold();
        Ok(filled as u32)
    }

    /// Listens; port 0 means a free one.
    #[napi(catch_unwind)]
    pub fn listen(&mut self, host: String, port: u16) -> Result<NativeListener> {
        let at = SocketAddr::new(options::parse(&host)?, port);
        let (id, bound) = self.engine.listen(at).map_err(|error| from_io(&error))?;
        self.hold();
        Ok(NativeListener {
            id,
            host: bound.ip().to_string(),
            port: bound.port(),
        })
    }

    #[napi(catch_unwind)]
    pub fn stop_listening(&mut self, id: u32) {
        self.engine.stop_listening(id);
        self.hold();
    }

    /// Connects; CONNECTED or LOST follows. The answer is the connection's id, or, negative, the number of the system's error. Throws where `from` is no
    /// address to come from.
    #[napi(catch_unwind)]
    pub fn connect(&mut self, to: String, port: u16, from: Option<String>) -> Result<i64> {
        let to = SocketAddr::new(options::parse(&to)?, port);
        let from: Option<IpAddr> = from.as_deref().map(options::parse).transpose()?;
        let stream = socket::open(to, from.map(|from| SocketAddr::new(from, 0))).map_err(|error| from_io(&error))?;
        let connected = self.engine.connect(stream, to);
        self.hold();
        match connected {
            Ok(id) => Ok(id.into()),
            Err(error) => Ok(-i64::from(error.raw_os_error().ok_or_else(|| from_io(&error))?)),
        }
    }

    /// A connection whose bytes a transport of Node's carries, for TLS over that.
    #[napi(catch_unwind)]
    pub fn carry(&mut self) -> u32 {
        let id = self.engine.carry();
        self.hold();
        id
    }

    /// Does TLS as a server with a client that has said `first`; SECURED or FAILED follows.
    #[napi(catch_unwind)]
    pub fn answer(&mut self, id: u32, tls: &NativeServerTls, first: &[u8]) {
        self.engine.answer(id, tls.config.clone(), first);
    }

    /// Does TLS as a client with the server of that name or address, which has said `first` already; SECURED or FAILED follows.
    #[napi(catch_unwind)]
    pub fn ask(&mut self, id: u32, route: &NativeTlsRoute, name: String, first: &[u8]) -> Result<()> {
        self.engine
            .ask(id, route.config.clone(), tls::server_name(&name)?, first)
            .map_err(|reason| error(Code::BadArgument, reason))
    }

    /// A panic on purpose, for the test that it ends as an error.
    #[napi(catch_unwind)]
    pub fn panic_for_test(&mut self) {
        #[expect(clippy::panic, reason = "its purpose")]
        {
            panic!("panicked for a test in connections")
        }
    }

    fn hold(&mut self) {
        let holds = self.engine.is_alive();
        if holds != self.is_held {
            self.is_held = holds;
            self.watcher.hold(holds);
        }
    }
}
