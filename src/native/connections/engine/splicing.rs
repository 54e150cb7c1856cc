//! Two connections whose bytes go from one to the other without Node.

use super::Engine;
use crate::connections::connection::Life;
use crate::connections::events::event;
use crate::messages;

impl Engine {
    /// Joins two connections. What Node has not fetched yet of either's data goes first. Nothing happens where one is over, or has no socket of its own.
    pub fn splice(&mut self, one: u32, other: u32) {
        let may = |id: u32| self.connections.get(&id).is_some_and(|it| it.may_splice());
        if one == other || !may(one) || !may(other) {
            return;
        }
        self.part(one);
        self.part(other);
        let ways = [(one, other), (other, one)];
        for (id, to) in ways {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.splice(to);
            }
        }
        for (id, to) in ways {
            let early = self.take_back(id);
            self.pass(id, to, &early);
        }
        self.mark(one);
        self.mark(other);
    }

    /// Ends a splice: what either says is Node's again.
    pub fn part(&mut self, id: u32) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let other = connection.spliced();
        connection.part(&mut self.records);
        self.mark(id);
        if let Some(other) = other {
            self.part_other(other);
        }
    }

    /// The connection that `id` was spliced with is over, or is spliced no more.
    pub(super) fn part_other(&mut self, id: u32) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.part(&mut self.records);
            self.mark(id);
        }
    }

    /// Reads a connection that is spliced once. Its data goes to the other, and whatever else comes of it to Node, behind the data.
    pub(super) fn read_spliced(&mut self, id: u32, to: u32) -> Life {
        let mut came = std::mem::take(&mut self.passing);
        let life = match self.connections.get_mut(&id) {
            Some(connection) => connection.read(&mut self.scratch, &mut came),
            None => Life::Goes,
        };
        let mut rest: &[u8] = &came;
        while let Some((kind, of, payload)) = messages::take(&mut rest) {
            if kind == event::DATA {
                self.pass(id, to, payload);
            } else {
                self.tell_passed(id);
                messages::push(&mut self.records, kind, of, &[payload]);
            }
        }
        came.clear();
        self.passing = came;
        life
    }

    fn pass(&mut self, id: u32, to: u32, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let Some(other) = self.connections.get_mut(&to) else {
            return;
        };
        let life = other.pass(bytes, &mut self.records);
        let pending = other.pending();
        // What else is there to do for it, such as its last read where it is lost, has its turn.
        if !other.is_queued && other.has_work() {
            other.is_queued = true;
            self.queue.push_back(to);
        }
        self.moved += bytes.len();
        self.note(id, bytes.len());
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.hold(pending);
        }
        self.settle(to, &life);
    }

    /// Lets the other connection be read again where one has sent what waited; that is progress, too.
    pub(super) fn relieve(&mut self, id: u32, pending_before: usize) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        let (Some(other), pending) = (connection.spliced(), connection.pending()) else {
            return;
        };
        if pending >= pending_before {
            return;
        }
        self.note(id, 0);
        if let Some(connection) = self.connections.get_mut(&other)
            && connection.hold(pending)
        {
            self.mark(other);
        }
    }

    fn note(&mut self, id: u32, bytes: usize) {
        if let Some(connection) = self.connections.get_mut(&id)
            && connection.note_passed(bytes)
        {
            self.noted.push(id);
        }
    }

    fn tell_passed(&mut self, id: u32) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.tell_passed(&mut self.records);
        }
    }

    /// Tells Node of all progress, once for each connection.
    pub(super) fn tell_all_passed(&mut self) {
        let mut noted = std::mem::take(&mut self.noted);
        for id in noted.drain(..) {
            self.tell_passed(id);
        }
        self.noted = noted;
    }
}
