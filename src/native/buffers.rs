//! The buffers of the TCP flows: slots in large anonymous mappings, whose pages exist once they are touched.
//!
//! A heap would do the same until its threshold for mappings has risen; then each recycled buffer is zeroed, and
//! resident, whole: 250 KB a connection were measured where this costs 8.6.

#[cfg(unix)]
pub use mapped::MappedBuffers as FlowBuffers;
#[cfg(not(unix))]
pub use midwire_wire::buffers::HeapBuffers as FlowBuffers;

#[cfg(unix)]
mod mapped {
    use std::ptr::NonNull;

    use midwire_wire::buffers::SocketBuffer;
    use midwire_wire::buffers::{BufferPair, Buffers};

    /// Slots in one mapping: one mapping, one entry of the kernel's list, which is limited (65,530 on Linux).
    const SLOTS_PER_REGION: usize = 32;
    /// A flow that used more of a buffer than this gives the rest back when it ends.
    const KEPT_BYTES: u64 = 16 * 1024;
    /// So many free slots keep their first pages; the others give everything back.
    const WARM_SLOTS: usize = 256;

    pub struct MappedBuffers {
        /// Bytes of one buffer; a slot has two.
        size: usize,
        regions: Vec<Region>,
        /// Free slots that keep their first pages: taken first, WARM_SLOTS at most.
        warm: Vec<u32>,
        cold: Vec<u32>,
    }

    struct Region {
        base: NonNull<u8>,
        length: usize,
    }

    // SAFETY: a region is owned by its pool alone, and a slot of it is lent to one flow at a time.
    unsafe impl Send for Region {}

    impl Region {
        fn new(length: usize) -> Option<Self> {
            // SAFETY: an anonymous mapping at an address of the kernel's choice touches nothing that exists.
            let base = unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    length,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE,
                    -1,
                    0,
                )
            };
            if base == libc::MAP_FAILED {
                return None;
            }
            // One touched page must not bring 2 MiB along.
            #[cfg(target_os = "linux")]
            // SAFETY: the range is the mapping just made.
            unsafe {
                libc::madvise(base, length, libc::MADV_NOHUGEPAGE);
            }
            let base = NonNull::new(base.cast())?;
            Some(Region { base, length })
        }
    }

    impl Drop for Region {
        fn drop(&mut self) {
            // SAFETY: the range is the mapping made in `new`, and the pool goes after its flows (`Stack`'s order).
            unsafe {
                libc::munmap(self.base.as_ptr().cast(), self.length);
            }
        }
    }

    impl MappedBuffers {
        /// `size` in bytes, a multiple of the page size.
        pub fn new(size: usize) -> Self {
            MappedBuffers {
                size,
                regions: Vec::new(),
                warm: Vec::new(),
                cold: Vec::new(),
            }
        }

        fn buffer(&self, slot: u32, second: bool) -> Option<NonNull<u8>> {
            let region = self.regions.get(slot as usize / SLOTS_PER_REGION)?;
            let offset = (slot as usize % SLOTS_PER_REGION * 2 + usize::from(second)) * self.size;
            // SAFETY: the offset lies inside the region: it has SLOTS_PER_REGION slots of two buffers.
            Some(unsafe { region.base.add(offset) })
        }

        fn lend(&self, slot: u32, second: bool) -> Option<SocketBuffer<'static>> {
            let start = self.buffer(slot, second)?;
            // SAFETY: `size` bytes from here are this slot's alone until it is given back, which happens after the
            // socket that holds the slice is dropped; the mapping lives as long as the pool, which outlives its flows.
            let bytes = unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), self.size) };
            Some(SocketBuffer::new(bytes))
        }

        /// Gives the pages behind the first `keep` bytes back to the system.
        fn trim(&self, slot: u32, second: bool, keep: u64, used: u64) {
            if used <= keep {
                return;
            }
            let Some(start) = self.buffer(slot, second) else { return };
            let keep = keep as usize;
            // SAFETY: the range lies inside the slot's buffer, which nobody holds now. Its content is not needed.
            unsafe {
                libc::madvise(start.as_ptr().add(keep).cast(), self.size - keep, libc::MADV_DONTNEED);
            }
        }
    }

    impl Buffers for MappedBuffers {
        fn take(&mut self) -> Option<BufferPair> {
            if self.warm.is_empty() && self.cold.is_empty() {
                let first = (self.regions.len() * SLOTS_PER_REGION) as u32;
                self.regions.push(Region::new(self.size * 2 * SLOTS_PER_REGION)?);
                self.cold.extend((first..first + SLOTS_PER_REGION as u32).rev());
            }
            let slot = self.warm.pop().or_else(|| self.cold.pop())?;
            Some(BufferPair {
                receive: self.lend(slot, false)?,
                transmit: self.lend(slot, true)?,
                slot,
            })
        }

        fn give(&mut self, slot: u32, received: u64, sent: u64) {
            let (keep, list) = if self.warm.len() < WARM_SLOTS {
                (KEPT_BYTES, &mut self.warm)
            } else {
                (0, &mut self.cold)
            };
            list.push(slot);
            self.trim(slot, false, keep, received);
            self.trim(slot, true, keep, sent);
        }
    }
}
