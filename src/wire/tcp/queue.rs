//! A queue of bytes in chunks. It is written at its end or ahead of it, and read at its front; an empty queue holds no
//! chunks.

use std::collections::VecDeque;

use crate::buffers::{CHUNK, Chunk, GUARANTEED, Pool};

/// Places for chunks that an empty queue keeps.
const KEPT_PLACES: usize = 8;

#[derive(Default)]
pub struct ByteQueue {
    /// The chunks in the order of the stream; `None` where nothing was written yet.
    chunks: VecDeque<Option<Chunk>>,
    held: usize,
    /// The offset of the queue's front in the first chunk.
    start: usize,
    length: usize,
}

impl ByteQueue {
    /// The number of bytes from the front up to the first hole.
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Appends `bytes`. False when the system has no memory, and only a part was appended.
    pub fn append(&mut self, bytes: &[u8], pool: &mut Pool) -> bool {
        let written = self.put(self.length, bytes, pool, false);
        self.length += written;
        written == bytes.len()
    }

    /// Writes at `offset` from the front, which may be ahead of the end: such bytes belong to the queue once `advance`
    /// has reached them. False when the budget of all flows is used up, and this queue has its guaranteed part; the
    /// bytes are then to be dropped.
    pub fn write(&mut self, offset: usize, bytes: &[u8], pool: &mut Pool) -> bool {
        self.put(offset, bytes, pool, true) == bytes.len()
    }

    /// Moves the end by so many bytes, which have all been written.
    pub fn advance(&mut self, length: usize) {
        self.length += length;
    }

    /// The longest piece in one chunk from `offset` on.
    pub fn slice(&self, offset: usize) -> &[u8] {
        let at = self.start + offset;
        let (index, within) = (at / CHUNK, at % CHUNK);
        let end = CHUNK.min(within + self.length.saturating_sub(offset));
        let chunk = self.chunks.get(index).and_then(Option::as_ref);
        chunk.and_then(|chunk| chunk.get(within..end)).unwrap_or_default()
    }

    /// Copies `length` bytes from `offset` on to the end of `to`.
    pub fn copy(&self, mut offset: usize, mut length: usize, to: &mut Vec<u8>) {
        while length > 0 {
            let piece = self.slice(offset);
            let piece = piece.get(..length).unwrap_or(piece);
            if piece.is_empty() {
                return;
            }
            to.extend_from_slice(piece);
            offset += piece.len();
            length -= piece.len();
        }
    }

    /// Drops so many bytes at the front.
    pub fn consume(&mut self, length: usize, pool: &mut Pool) {
        let length = length.min(self.length);
        self.length -= length;
        self.start += length;
        while self.start >= CHUNK && !self.chunks.is_empty() {
            self.start -= CHUNK;
            self.drop_front(pool);
        }
    }

    /// Gives all chunks back. For a queue that is empty and has no bytes ahead of its end, or that is no longer needed.
    pub fn clear(&mut self, pool: &mut Pool) {
        while !self.chunks.is_empty() {
            self.drop_front(pool);
        }
        (self.start, self.length) = (0, 0);
        if self.chunks.capacity() > KEPT_PLACES {
            self.chunks = VecDeque::new();
        }
    }

    fn drop_front(&mut self, pool: &mut Pool) {
        if let Some(Some(chunk)) = self.chunks.pop_front() {
            self.held -= 1;
            pool.give(chunk);
        }
    }

    /// Writes `bytes` at `offset`, and gives the number of those written.
    fn put(&mut self, offset: usize, bytes: &[u8], pool: &mut Pool, within_budget: bool) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            let at = self.start + offset + written;
            let (index, within) = (at / CHUNK, at % CHUNK);
            let piece = &bytes[written..bytes.len().min(written + CHUNK - within)];
            let Some(chunk) = self.chunk(index, pool, within_budget) else {
                return written;
            };
            chunk[within..within + piece.len()].copy_from_slice(piece);
            written += piece.len();
        }
        written
    }

    fn chunk(&mut self, index: usize, pool: &mut Pool, within_budget: bool) -> Option<&mut Chunk> {
        while self.chunks.len() <= index {
            self.chunks.push_back(None);
        }
        let place = self.chunks.get_mut(index)?;
        if place.is_none() {
            if within_budget && pool.is_exhausted() && self.held >= GUARANTEED / CHUNK {
                return None;
            }
            *place = Some(pool.take()?);
            self.held += 1;
        }
        place.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffers::HeapBuffers;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    fn all(queue: &ByteQueue) -> Vec<u8> {
        let mut to = Vec::new();
        queue.copy(0, queue.len(), &mut to);
        to
    }

    #[test]
    fn what_is_written_at_the_end_is_read_at_the_front() {
        let mut pool = Pool::new(Box::new(HeapBuffers), 1 << 20);
        let mut queue = ByteQueue::default();
        let data = bytes(100_000);
        for piece in data.chunks(7000) {
            assert!(queue.append(piece, &mut pool));
        }
        let mut read = Vec::new();
        while !queue.is_empty() {
            let piece = queue.slice(0).to_vec();
            queue.consume(piece.len().min(5000), &mut pool);
            read.extend_from_slice(&piece[..piece.len().min(5000)]);
        }
        assert!(read == data);
        queue.clear(&mut pool);
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn what_is_written_ahead_counts_once_the_hole_is_filled() {
        let mut pool = Pool::new(Box::new(HeapBuffers), 1 << 20);
        let mut queue = ByteQueue::default();
        let data = bytes(90_000);
        assert!(queue.append(&data[..1000], &mut pool));
        queue.consume(1000, &mut pool);
        // The offset is two chunks further on, and no chunk is lent for the hole.
        assert!(queue.write(50_000, &data[51_000..], &mut pool));
        assert!(queue.is_empty() && pool.used() < 90_000);
        assert!(queue.write(0, &data[1000..51_000], &mut pool));
        queue.advance(89_000);
        assert!(all(&queue) == data[1000..]);
    }

    #[test]
    fn over_the_budget_a_flow_has_its_guaranteed_part() {
        let mut pool = Pool::new(Box::new(HeapBuffers), 4 * CHUNK);
        let (mut one, mut other) = (ByteQueue::default(), ByteQueue::default());
        let data = bytes(GUARANTEED);
        assert!(one.write(0, &data, &mut pool));
        assert!(pool.is_exhausted());
        assert!(!one.write(GUARANTEED, &data, &mut pool), "more than its part");
        assert!(other.write(0, &data, &mut pool), "each has its part");
    }
}
