//! Where the buffers of a TCP flow come from: a trait, so that `wire` owns no mapping, and a plain heap for tests.

pub use smoltcp::socket::tcp::SocketBuffer;

/// The receive and the transmit buffer of one flow. `slot` is the provider's own mark.
pub struct BufferPair {
    pub receive: SocketBuffer<'static>,
    pub transmit: SocketBuffer<'static>,
    pub slot: u32,
}

/// Lends buffer pairs. A pair is given back only after the socket that held it is gone.
pub trait Buffers: Send {
    /// `None` when the provider's bound is reached: the connection is not taken.
    fn take(&mut self) -> Option<BufferPair>;

    /// `received` and `sent` are the bytes that went through each buffer, so that the provider knows how much
    /// of it may have been touched.
    fn give(&mut self, slot: u32, received: u64, sent: u64);
}

/// Buffers on the heap, `size` bytes each.
pub struct HeapBuffers {
    size: usize,
}

impl HeapBuffers {
    pub fn new(size: usize) -> Self {
        HeapBuffers { size }
    }
}

impl Buffers for HeapBuffers {
    fn take(&mut self) -> Option<BufferPair> {
        Some(BufferPair {
            receive: SocketBuffer::new(vec![0; self.size]),
            transmit: SocketBuffer::new(vec![0; self.size]),
            slot: 0,
        })
    }

    fn give(&mut self, _slot: u32, _received: u64, _sent: u64) {}
}
