//! The memory of the TCP flows: chunks that are lent while they hold bytes, under one budget for all flows of a stack.
//!
//! A flow holds the chunks of the bytes that are queued in it now, and an idle flow holds none. A provider makes the
//! chunks (`Buffers`), so that `wire` owns no memory mapping.

use std::ops::{Deref, DerefMut};

/// Bytes of a chunk.
pub const CHUNK: usize = 16 * 1024;
/// The most free chunks that the pool keeps: 4 MiB. The chunk that was used last is lent first.
const WARM: usize = 256;
/// Bytes that each direction of a flow gets even where the budget is used up, so that each flow makes progress.
pub const GUARANTEED: usize = 64 * 1024;

/// A lent piece of memory of `CHUNK` bytes.
pub struct Chunk {
    memory: Memory,
    /// The provider's number for the chunk.
    pub slot: u32,
}

enum Memory {
    Owned(Box<[u8]>),
    Lent(&'static mut [u8]),
}

impl Chunk {
    pub fn owned() -> Self {
        Chunk {
            memory: Memory::Owned(vec![0; CHUNK].into_boxed_slice()),
            slot: 0,
        }
    }

    /// `bytes` are `CHUNK` bytes that no other code uses until the chunk is given back.
    pub fn lent(bytes: &'static mut [u8], slot: u32) -> Self {
        Chunk {
            memory: Memory::Lent(bytes),
            slot,
        }
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.memory {
            Memory::Owned(bytes) => bytes,
            Memory::Lent(bytes) => bytes,
        }
    }
}

impl DerefMut for Chunk {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Owned(bytes) => bytes,
            Memory::Lent(bytes) => bytes,
        }
    }
}

/// A provider of chunks.
pub trait Buffers: Send {
    /// Lends a chunk. `None` when the system has no more memory.
    fn take(&mut self) -> Option<Chunk>;

    /// Takes back a chunk that is not needed for now. The provider may give its memory back to the system.
    fn give(&mut self, chunk: Chunk);
}

/// A provider that takes its chunks from the heap.
#[derive(Default)]
pub struct HeapBuffers;

impl Buffers for HeapBuffers {
    fn take(&mut self) -> Option<Chunk> {
        Some(Chunk::owned())
    }

    fn give(&mut self, _chunk: Chunk) {}
}

/// The chunks of all flows of a stack.
pub struct Pool {
    /// Free chunks. The one that came back last is lent first, because it is still in the processor's cache.
    warm: Vec<Chunk>,
    provider: Box<dyn Buffers>,
    used: usize,
    budget: usize,
    /// Bytes that were not taken because the budget was used up.
    pub refused: u64,
}

impl Pool {
    /// `budget` in bytes.
    pub fn new(provider: Box<dyn Buffers>, budget: usize) -> Self {
        Pool {
            provider,
            warm: Vec::new(),
            used: 0,
            budget: budget / CHUNK,
            refused: 0,
        }
    }

    pub fn take(&mut self) -> Option<Chunk> {
        let chunk = self.warm.pop().or_else(|| self.provider.take())?;
        self.used += 1;
        Some(chunk)
    }

    pub fn give(&mut self, chunk: Chunk) {
        self.used = self.used.saturating_sub(1);
        if self.warm.len() < WARM {
            self.warm.push(chunk);
        } else {
            self.provider.give(chunk);
        }
    }

    /// True where half of the budget is in use: then windows do not grow, and offer the guaranteed part only.
    pub fn is_pressed(&self) -> bool {
        self.used >= self.budget / 2
    }

    /// True where all of the budget is in use: then a flow that has its guaranteed part gets no more chunks.
    pub fn is_exhausted(&self) -> bool {
        self.used >= self.budget
    }

    /// The bytes of all chunks in use.
    pub fn used(&self) -> usize {
        self.used * CHUNK
    }
}
