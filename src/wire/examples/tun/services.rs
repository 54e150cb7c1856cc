//! All conversations: passes to each its events, and to the stack the commands of each.

use std::collections::HashMap;
use std::net::IpAddr;

use midwire_wire::Instant;
use midwire_wire::event::FlowId;
use midwire_wire::stack::Stack;

use crate::conversation::Conversation;
use crate::host::KERNEL;
use crate::owner::Risen;

const ECHO: u16 = 7000;
/// The UDP port, which sends each datagram back.
const DATAGRAM_ECHO: u16 = 7003;

struct Flow {
    conversation: Conversation,
    /// Our own address of the connection: the client's destination, because this host accepts any.
    own: IpAddr,
    /// The flow that has asked for this connection, and is told the result.
    wanted_by: Option<FlowId>,
}

pub struct Services {
    flows: HashMap<FlowId, Flow>,
    granted: usize,
}

impl Services {
    /// `granted`: bytes that may be written to a new flow.
    pub fn new(granted: usize) -> Self {
        Services {
            flows: HashMap::new(),
            granted,
        }
    }

    pub fn handle_event(&mut self, now: Instant, event: Risen, stack: &mut Stack) {
        match event {
            Risen::Opened { id, destination } => {
                let Some(conversation) = Conversation::on(destination.port(), self.granted) else {
                    return stack.reset(now, id);
                };
                let flow = Flow {
                    conversation,
                    own: destination.ip(),
                    wanted_by: None,
                };
                self.flows.insert(id, flow);
                self.pump(now, id, stack);
            }
            Risen::Connected { id } => self.report(now, id, "connected\n", stack),
            Risen::Data { id, bytes } => self.change(now, id, stack, |one| one.handle_data(now, &bytes)),
            Risen::End { id } => self.change(now, id, stack, Conversation::handle_end),
            Risen::Writable { id, bytes } => self.change(now, id, stack, |one| one.handle_writable(bytes)),
            Risen::Gone { id, reason } => {
                if let Some(reason) = reason {
                    self.report(now, id, &format!("reset {reason:?}\n"), stack);
                }
                self.flows.remove(&id);
            }
            Risen::Datagram {
                source,
                destination,
                bytes,
                ..
            } if destination.port() == DATAGRAM_ECHO => stack.send_datagram(now, None, destination, source, &bytes),
            Risen::Datagram { flow, .. } => stack.refuse_datagram(now, flow),
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.flows
            .values()
            .filter_map(|flow| flow.conversation.poll_timeout())
            .min()
    }

    pub fn handle_timeout(&mut self, now: Instant, stack: &mut Stack) {
        let due = |flow: &Flow| flow.conversation.poll_timeout().is_some_and(|at| at <= now);
        let due: Vec<_> = self
            .flows
            .iter()
            .filter(|(_, flow)| due(flow))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.change(now, id, stack, |one| one.handle_timeout(now));
        }
    }

    fn change(&mut self, now: Instant, id: FlowId, stack: &mut Stack, change: impl FnOnce(&mut Conversation)) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        change(&mut flow.conversation);
        self.pump(now, id, stack);
    }

    /// Passes the stack all commands of a conversation.
    fn pump(&mut self, now: Instant, id: FlowId, stack: &mut Stack) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let (conversation, own) = (&mut flow.conversation, flow.own);
        loop {
            let bytes = conversation.poll_write();
            if bytes.is_empty() {
                break;
            }
            stack.write(id, &bytes);
        }
        let credit = conversation.poll_credit();
        if credit > 0 {
            stack.credit(id, credit);
        }
        if conversation.poll_end() {
            stack.end(id);
        }
        let Some(wish) = conversation.poll_wish() else { return };
        let connected = wish.and_then(|place| {
            stack
                .connect(now, KERNEL, own, place)
                .map_err(|error| format!("{error:?}"))
        });
        match (connected, Conversation::on(ECHO, self.granted)) {
            (Ok(new), Some(conversation)) => {
                let wanted_by = Some(id);
                self.flows.insert(
                    new,
                    Flow {
                        conversation,
                        own,
                        wanted_by,
                    },
                );
            }
            (Err(mistake), _) => self.change(now, id, stack, |one| one.say(format!("reset {mistake}\n").as_bytes())),
            (Ok(_), None) => {}
        }
    }

    /// Tells the flow that has asked for this connection the result, once.
    fn report(&mut self, now: Instant, id: FlowId, text: &str, stack: &mut Stack) {
        if let Some(asker) = self.flows.get_mut(&id).and_then(|flow| flow.wanted_by.take()) {
            self.change(now, asker, stack, |one| one.say(text.as_bytes()));
        }
    }
}
