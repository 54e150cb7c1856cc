//! Takes the packets that go down.

pub trait Fall {
    /// False while the layer below can take nothing: what is to be sent stays in the flows.
    fn ready(&self) -> bool;

    fn fall(&mut self, packet: &[u8]);
}
