//! What Node sees, and nothing else. The protocols are in `midwire-wire`; here are sockets, tasks and records.

mod buffers;
mod egress;
mod engine;
mod error;
mod key;
mod leaf;
mod log;
mod messages;
mod options;
mod outbox;
mod runtime;
mod server;
mod shared;
mod socket_options;
mod sockets;
mod wireguard_task;
