//! The options of a TCP header that this stack knows: MSS, window scale, SACK, timestamps (RFC 9293, 3.2; 7323; 2018).

use super::seq::{Range, Seq};

/// The most bytes of options in a header (RFC 9293, 3.1).
pub const MAX_OPTIONS: usize = 40;
/// The most SACK blocks in a header (RFC 2018, 3).
pub const MAX_BLOCKS: usize = 4;
/// The largest shift; a larger one counts as this (RFC 7323, 2.3).
pub const MAX_SHIFT: u8 = 14;
/// Bytes of the timestamps option, padded to words (RFC 7323, appendix A).
pub const TIMESTAMP_LENGTH: usize = 12;

const END: u8 = 0;
const NOTHING: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMP: u8 = 8;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timestamp {
    /// TSval: the sender's clock.
    pub value: u32,
    /// TSecr: the newest value of ours that the sender has seen.
    pub echo: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    pub mss: Option<u16>,
    pub window_scale: Option<u8>,
    pub sack_permitted: bool,
    pub timestamp: Option<Timestamp>,
    pub sack: Blocks,
}

/// SACK blocks in the order of the header, the newest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Blocks {
    blocks: [Range; MAX_BLOCKS],
    count: usize,
}

impl Blocks {
    /// Adds a block. False when there is no room for it.
    pub fn push(&mut self, block: Range) -> bool {
        let Some(place) = self.blocks.get_mut(self.count) else {
            return false;
        };
        *place = block;
        self.count += 1;
        true
    }

    /// Sorts the blocks by sequence number, from `first` on.
    pub fn sort_from(&mut self, first: Seq) {
        if let Some(blocks) = self.blocks.get_mut(..self.count) {
            blocks.sort_unstable_by_key(|block| block.start - first);
        }
    }

    pub fn as_slice(&self) -> &[Range] {
        self.blocks.get(..self.count).unwrap_or_default()
    }
}

impl Options {
    /// Unknown options are skipped, and behind a malformed one nothing is read (RFC 9293, 3.1).
    pub fn parse(mut bytes: &[u8]) -> Self {
        let mut options = Options::default();
        loop {
            bytes = match *bytes {
                [] | [END, ..] => return options,
                [NOTHING, ref rest @ ..] => rest,
                [kind, length, ..] if length >= 2 => {
                    let Some((option, rest)) = bytes.split_at_checked(length.into()) else {
                        return options;
                    };
                    options.read(kind, option.get(2..).unwrap_or_default());
                    rest
                }
                _ => return options,
            };
        }
    }

    fn read(&mut self, kind: u8, value: &[u8]) {
        match (kind, value) {
            (MSS, &[a, b]) => self.mss = Some(u16::from_be_bytes([a, b])),
            (WINDOW_SCALE, &[shift]) => self.window_scale = Some(shift.min(MAX_SHIFT)),
            (SACK_PERMITTED, []) => self.sack_permitted = true,
            (TIMESTAMP, &[a, b, c, d, e, f, g, h]) => {
                self.timestamp = Some(Timestamp {
                    value: u32::from_be_bytes([a, b, c, d]),
                    echo: u32::from_be_bytes([e, f, g, h]),
                });
            }
            (SACK, _) => {
                for block in value.chunks_exact(8) {
                    if let [a, b, c, d, e, f, g, h] = *block {
                        let start = Seq(u32::from_be_bytes([a, b, c, d]));
                        let end = Seq(u32::from_be_bytes([e, f, g, h]));
                        self.sack.push(Range { start, end });
                    }
                }
            }
            _ => {}
        }
    }

    /// The options as bytes, padded to words.
    pub fn write<'a>(&self, room: &'a mut [u8; MAX_OPTIONS]) -> &'a [u8] {
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            if let Some(place) = room.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
                at += bytes.len();
            }
        };
        if let Some(mss) = self.mss {
            put(&[MSS, 4]);
            put(&mss.to_be_bytes());
        }
        if let Some(shift) = self.window_scale {
            put(&[NOTHING, WINDOW_SCALE, 3, shift]);
        }
        if self.sack_permitted {
            put(&[NOTHING, NOTHING, SACK_PERMITTED, 2]);
        }
        if let Some(Timestamp { value, echo }) = self.timestamp {
            put(&[NOTHING, NOTHING, TIMESTAMP, 10]);
            put(&value.to_be_bytes());
            put(&echo.to_be_bytes());
        }
        let blocks = self.sack.as_slice();
        if !blocks.is_empty() {
            put(&[NOTHING, NOTHING, SACK, 2 + 8 * blocks.len() as u8]);
            for block in blocks {
                put(&block.start.0.to_be_bytes());
                put(&block.end.0.to_be_bytes());
            }
        }
        room.get(..at).unwrap_or_default()
    }

    /// Bytes that `write` gives.
    pub fn length(&self) -> usize {
        let blocks = self.sack.as_slice().len();
        usize::from(self.mss.is_some()) * 4
            + usize::from(self.window_scale.is_some()) * 4
            + usize::from(self.sack_permitted) * 4
            + usize::from(self.timestamp.is_some()) * TIMESTAMP_LENGTH
            + if blocks > 0 { 4 + 8 * blocks } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Options {
        let mut options = Options {
            mss: Some(1380),
            window_scale: Some(7),
            sack_permitted: true,
            timestamp: Some(Timestamp { value: 1, echo: 2 }),
            sack: Blocks::default(),
        };
        options.sack.push(Range::new(Seq(10), 5));
        options
    }

    #[test]
    fn what_is_written_is_read() {
        let mut room = [0; MAX_OPTIONS];
        let options = full();
        let bytes = options.write(&mut room);
        assert_eq!(bytes.len(), options.length());
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(Options::parse(bytes), options);
    }

    #[test]
    fn three_blocks_fit_beside_a_timestamp_and_four_without() {
        let mut options = Options {
            timestamp: Some(Timestamp { value: 1, echo: 2 }),
            ..Options::default()
        };
        for at in 0..3 {
            assert!(options.sack.push(Range::new(Seq(10 * at), 5)));
        }
        assert_eq!(options.length(), MAX_OPTIONS);
        assert!(options.sack.push(Range::default()));
        assert!(!options.sack.push(Range::default()));
    }

    #[test]
    fn what_is_malformed_ends_the_reading_and_no_more() {
        let mss = [2, 4, 5, 100];
        for tail in [&[3][..], &[3, 0], &[3, 1], &[3, 200, 7], &[8, 10, 1]] {
            let bytes = [&mss[..], tail].concat();
            assert_eq!(Options::parse(&bytes).mss, Some(1380), "{tail:?}");
            assert_eq!(Options::parse(&bytes).window_scale, None);
        }
        // An unknown option, one of a wrong length, and bytes behind the end.
        let bytes = [&[34, 6, 1, 2, 3, 4, 2, 3, 9, 1][..], &mss, &[0, 3, 3, 7]].concat();
        let options = Options::parse(&bytes);
        assert_eq!((options.mss, options.window_scale), (Some(1380), None));
        assert_eq!(Options::parse(&[3, 3, 200]).window_scale, Some(MAX_SHIFT));
    }
}
