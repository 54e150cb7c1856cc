//! Bytes that do not repeat, and their fingerprint: both are the same in `__test__/e2e/support/fingerprint.ts`.

/// xorshift32, its words with the lowest byte first.
pub struct Pattern {
    word: u32,
    used: usize,
}

impl Default for Pattern {
    fn default() -> Self {
        Pattern {
            word: 0x6d69_6477,
            used: 4,
        }
    }
}

impl Iterator for Pattern {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.used == 4 {
            self.word ^= self.word << 13;
            self.word ^= self.word >> 17;
            self.word ^= self.word << 5;
            self.used = 0;
        }
        self.used += 1;
        Some(self.word.to_le_bytes()[self.used - 1])
    }
}

/// FNV-1a of 64 bits.
pub struct Fingerprint(pub u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Fingerprint(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
