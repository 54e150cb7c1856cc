//! All connections of a Node thread as one machine: Node's commands in, records out. The thread that calls does the work; nothing waits.

mod accepting;
mod securing;
mod splicing;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::Socket;

use crate::connections::connection::{Connection, Life, PIECE};
use crate::connections::engine::accepting::Accepting;
use crate::connections::events::{command, event};
use crate::connections::socket;
use crate::messages;

/// The most events of the system that are taken at once.
const EVENTS: usize = 1024;
/// Connections have no more turns in a call when so many bytes of records are there.
const ENOUGH: usize = 128 * 1024;
/// As `ENOUGH`, of bytes that went from a connection to one that it is spliced with.
const MOVED: usize = 256 * 1024;
pub struct Engine {
    poll: Poll,
    events: Option<Events>,
    connections: HashMap<u32, Connection>,
    /// How many of them keep Node alive.
    alive: usize,
    listeners: HashMap<u32, Accepting>,
    /// Connections with something to do.
    queue: VecDeque<u32>,
    /// Connections with something to send.
    dirty: Vec<u32>,
    next_id: u32,
    records: Vec<u8>,
    taken: usize,
    scratch: Vec<u8>,
    /// What a read of a connection that is spliced has brought.
    passing: Vec<u8>,
    /// Bytes that were passed from one connection to another in this call.
    moved: usize,
    /// Connections that are spliced and of whose progress Node is to hear.
    noted: Vec<u32>,
}

impl Engine {
    pub fn new() -> io::Result<Self> {
        Ok(Engine {
            poll: Poll::new()?,
            events: Some(Events::with_capacity(EVENTS)),
            connections: HashMap::new(),
            alive: 0,
            listeners: HashMap::new(),
            queue: VecDeque::new(),
            dirty: Vec::new(),
            next_id: 1,
            records: Vec::new(),
            taken: 0,
            scratch: Vec::new(),
            passing: Vec::new(),
            moved: 0,
            noted: Vec::new(),
        })
    }

    pub fn poll(&self) -> &Poll {
        &self.poll
    }

    /// True while there is something that Node has to stay alive for.
    pub fn is_alive(&self) -> bool {
        self.alive > 0 || !self.listeners.is_empty()
    }

    /// Counts a connection that keeps Node alive, and forgets one that is over.
    fn settle(&mut self, id: u32, life: &Life) {
        if *life == Life::Over {
            self.forget(id);
        } else if let Some(connection) = self.connections.get_mut(&id) {
            let is_alive = connection.is_alive();
            if is_alive != connection.is_counted {
                connection.is_counted = is_alive;
                self.alive = if is_alive { self.alive + 1 } else { self.alive - 1 };
            }
        }
    }

    fn forget(&mut self, id: u32) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        if connection.is_counted {
            self.alive -= 1;
        }
        if let Some(other) = connection.spliced() {
            self.part_other(other);
        }
    }

    pub fn connect(&mut self, opened: Socket, to: SocketAddr) -> io::Result<u32> {
        self.add(socket::connect(opened, to)?, true)
    }

    /// A session over a transport of Node's.
    pub fn carry(&mut self) -> u32 {
        let id = self.new_id();
        self.connections.insert(id, Connection::new(id, None, false));
        id
    }

    fn add(&mut self, mut stream: TcpStream, is_connecting: bool) -> io::Result<u32> {
        let id = self.new_id();
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(id as usize), both)?;
        self.connections
            .insert(id, Connection::new(id, Some(stream), is_connecting));
        self.settle(id, &Life::Goes);
        Ok(id)
    }

    fn new_id(&mut self) -> u32 {
        loop {
            let id = self.next_id;
            self.next_id = self.next_id.checked_add(1).unwrap_or(1);
            if !self.connections.contains_key(&id) && !self.listeners.contains_key(&id) {
                return id;
            }
        }
    }

    pub fn handle_commands(&mut self, mut commands: &[u8]) {
        while let Some((kind, id, payload)) = messages::take(&mut commands) {
            // The connection may be over: the record that says so is on its way.
            let Some(connection) = self.connections.get_mut(&id) else {
                continue;
            };
            match kind {
                command::WRITE => connection.write(payload),
                command::END => connection.end(),
                command::CLOSE => {
                    connection.close();
                    self.part(id);
                }
                command::SPLICE => self.splice(id, messages::word(payload, 0).unwrap_or_default()),
                command::PART => self.part(id),
                command::RESET => {
                    // Bytes that were written before leave before, as far as the socket takes them.
                    if connection.flush(&mut self.records) == Life::Goes {
                        connection.reset();
                        messages::push(&mut self.records, event::CLOSED, id, &[]);
                    }
                    self.forget(id);
                    continue;
                }
                command::PAUSE => connection.pause(true),
                command::RESUME => connection.pause(false),
                command::CIPHER => connection.decrypt(payload, &mut self.records),
                command::CIPHER_END => connection.end_below(&mut self.records),
                // The commands come from our own TypeScript, which has no other kinds.
                _ => {}
            }
            self.mark(id);
        }
        self.flush();
    }

    /// A connection that was given something gets a flush, and its turn where it has work.
    fn mark(&mut self, id: u32) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        if !connection.is_dirty {
            connection.is_dirty = true;
            self.dirty.push(id);
        }
        if !connection.is_queued && connection.has_work() {
            connection.is_queued = true;
            self.queue.push_back(id);
        }
    }

    fn flush(&mut self) {
        let mut at = 0;
        // One that has sent what waited may let another go on.
        while let Some(&id) = self.dirty.get(at) {
            at += 1;
            let Some(connection) = self.connections.get_mut(&id) else {
                continue;
            };
            connection.is_dirty = false;
            let pending = connection.pending();
            let life = connection.flush(&mut self.records);
            self.settle(id, &life);
            self.relieve(id, pending);
        }
        self.dirty.clear();
    }

    /// Fills Node's slab with whole records, and returns their bytes. 0: there is nothing to do before the descriptor is ready again.
    pub fn rise(&mut self, slab: &mut [u8]) -> usize {
        if self.records.len() - self.taken < ENOUGH {
            self.work();
        }
        let waiting = self.records.get(self.taken..).unwrap_or_default();
        let bytes = messages::whole(waiting, slab.len());
        if let (Some(to), Some(from)) = (slab.get_mut(..bytes), waiting.get(..bytes)) {
            to.copy_from_slice(from);
        }
        self.taken += bytes;
        if self.taken == self.records.len() {
            self.taken = 0;
            if self.records.capacity() > 4 * ENOUGH {
                self.records = Vec::new();
            } else {
                self.records.clear();
            }
        }
        bytes
    }

    fn work(&mut self) {
        self.look();
        self.moved = 0;
        while self.records.len() - self.taken < ENOUGH && self.moved < MOVED {
            let Some(id) = self.queue.pop_front() else { break };
            self.visit(id);
        }
        self.flush();
        // With them Node calls again, where bytes alone have been moved.
        self.tell_all_passed();
    }

    /// Asks the system what has happened.
    fn look(&mut self) {
        let Some(mut happened) = self.events.take() else { return };
        loop {
            match self.poll.poll(&mut happened, Some(Duration::ZERO)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                _ => break,
            }
        }
        for what in &happened {
            self.notice(what);
        }
        self.events = Some(happened);
        let ready: Vec<u32> = self
            .listeners
            .iter()
            .filter(|(_, one)| one.is_ready)
            .map(|(id, _)| *id)
            .collect();
        for id in ready {
            self.accept(id);
        }
    }

    fn notice(&mut self, what: &Event) {
        let id = what.token().0 as u32;
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.is_readable |= what.is_readable() || what.is_read_closed() || what.is_error();
            connection.is_ending |= what.is_read_closed() || what.is_error();
            if what.is_writable() || what.is_error() {
                connection.set_writable();
            }
            if !connection.is_queued && connection.has_work() {
                connection.is_queued = true;
                self.queue.push_back(id);
            }
        } else if let Some(accepting) = self.listeners.get_mut(&id) {
            accepting.is_ready = true;
        }
    }

    /// Gives a connection its turn.
    fn visit(&mut self, id: u32) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        connection.is_queued = false;
        let mut life = Life::Goes;
        if connection.is_connecting {
            life = connection.connect(&mut self.records);
            if connection.is_connecting && life == Life::Goes {
                return;
            }
        }
        if life == Life::Goes {
            life = match connection.spliced() {
                Some(other) => self.read_spliced(id, other),
                None => connection.read(&mut self.scratch, &mut self.records),
            };
        }
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let pending = connection.pending();
        if life == Life::Goes {
            life = connection.flush(&mut self.records);
        }
        if life == Life::Goes && !connection.is_queued && connection.has_work() {
            connection.is_queued = true;
            self.queue.push_back(id);
        }
        self.settle(id, &life);
        self.relieve(id, pending);
        debug_assert!(self.scratch.capacity() <= 2 * PIECE);
    }
}
