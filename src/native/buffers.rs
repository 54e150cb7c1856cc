//! The memory of the TCP flows: chunks in large anonymous mappings, whose pages exist once they are touched.
//!
//! A heap does not give freed memory back to the system; a mapping can give back the pages of free chunks.

#[cfg(unix)]
pub use mapped::MappedBuffers as FlowBuffers;
#[cfg(not(unix))]
pub use midwire_wire::buffers::HeapBuffers as FlowBuffers;

#[cfg(unix)]
mod mapped {
    use std::ptr::NonNull;

    use midwire_wire::buffers::{Buffers, CHUNK, Chunk};

    /// The number of chunks in a mapping. The kernel limits the number of mappings (65,530 on Linux).
    const CHUNKS_PER_REGION: usize = 256;

    #[derive(Default)]
    pub struct MappedBuffers {
        regions: Vec<Region>,
        free: Vec<u32>,
    }

    struct Region {
        base: NonNull<u8>,
    }

    // SAFETY: a region is owned by its pool alone, and a chunk of it is lent once at a time.
    unsafe impl Send for Region {}

    impl Region {
        const LENGTH: usize = CHUNKS_PER_REGION * CHUNK;

        fn new() -> Option<Self> {
            // SAFETY: an anonymous mapping at an address of the kernel's choice touches nothing that exists.
            let base = unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    Self::LENGTH,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE,
                    -1,
                    0,
                )
            };
            if base == libc::MAP_FAILED {
                return None;
            }
            // With huge pages, one touched page would take 2 MiB.
            #[cfg(target_os = "linux")]
            // SAFETY: the range is the mapping just made.
            unsafe {
                libc::madvise(base, Self::LENGTH, libc::MADV_NOHUGEPAGE);
            }
            let base = NonNull::new(base.cast())?;
            Some(Region { base })
        }
    }

    impl Drop for Region {
        fn drop(&mut self) {
            // SAFETY: the range is the mapping made in `new`, and the pool is dropped after its flows (`Stack`'s
            // order).
            unsafe {
                libc::munmap(self.base.as_ptr().cast(), Self::LENGTH);
            }
        }
    }

    impl MappedBuffers {
        fn start(&self, slot: u32) -> Option<NonNull<u8>> {
            let region = self.regions.get(slot as usize / CHUNKS_PER_REGION)?;
            // SAFETY: the offset lies inside the region: it has CHUNKS_PER_REGION chunks.
            Some(unsafe { region.base.add(slot as usize % CHUNKS_PER_REGION * CHUNK) })
        }
    }

    impl Buffers for MappedBuffers {
        fn take(&mut self) -> Option<Chunk> {
            if self.free.is_empty() {
                let first = (self.regions.len() * CHUNKS_PER_REGION) as u32;
                self.regions.push(Region::new()?);
                self.free.extend((first..first + CHUNKS_PER_REGION as u32).rev());
            }
            let slot = self.free.pop()?;
            let start = self.start(slot)?;
            // SAFETY: these bytes are this chunk's alone until it is given back; the mapping lives as long as the pool,
            // which outlives its flows.
            let bytes = unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), CHUNK) };
            Some(Chunk::lent(bytes, slot))
        }

        fn give(&mut self, chunk: Chunk) {
            let slot = chunk.slot;
            drop(chunk);
            if let Some(start) = self.start(slot) {
                // SAFETY: the range is the chunk, which no flow holds now. Its content is not needed.
                unsafe {
                    libc::madvise(start.as_ptr().cast(), CHUNK, libc::MADV_DONTNEED);
                }
                self.free.push(slot);
            }
        }
    }
}
