//! The trait by which the layer below the stack takes packets.

pub trait Fall {
    /// False while the layer below can take no packet: then data stays in the flows.
    fn ready(&self) -> bool;

    fn fall(&mut self, packet: &[u8]);
}
