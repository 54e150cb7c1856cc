//! The memory of the TCP flows: chunks that are lent while they hold bytes, under one budget for all flows of a stack.
//!
//! A flow holds the chunks of what is queued in it now, and an idle one holds none. Where a chunk comes from is the
//! provider's thing, so that `wire` owns no mapping.

use std::ops::{Deref, DerefMut};

/// Bytes of a chunk.
pub const CHUNK: usize = 16 * 1024;
/// Chunks of free memory that are kept at hand, by the last use first: 4 MiB.
const WARM: usize = 256;
/// A direction of a flow gets this much whatever the budget says, so that each flow makes progress.
pub const GUARANTEED: usize = 64 * 1024;

/// `CHUNK` bytes, lent.
pub struct Chunk {
    memory: Memory,
    /// The provider's own mark.
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

    /// `bytes` are `CHUNK` bytes that nobody else has until the chunk is given back.
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

/// Lends chunks.
pub trait Buffers: Send {
    /// `None` when the system has no more.
    fn take(&mut self) -> Option<Chunk>;

    /// A chunk that is not needed for now: its memory may go back to the system.
    fn give(&mut self, chunk: Chunk);
}

/// Chunks on the heap.
#[derive(Default)]
pub struct HeapBuffers;

impl Buffers for HeapBuffers {
    fn take(&mut self) -> Option<Chunk> {
        Some(Chunk::owned())
    }

    fn give(&mut self, _chunk: Chunk) {}
}

/// All chunks of a stack.
pub struct Pool {
    /// Taken last is given first: what was just read is still in the processor's cache.
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

    /// Half of the budget is in use: windows do not grow any more, and offer the guaranteed part only.
    pub fn is_pressed(&self) -> bool {
        self.used >= self.budget / 2
    }

    /// All of it is in use: a flow that has its guaranteed part takes nothing more.
    pub fn is_exhausted(&self) -> bool {
        self.used >= self.budget
    }

    /// Bytes in use, by whole chunks.
    pub fn used(&self) -> usize {
        self.used * CHUNK
    }
}
