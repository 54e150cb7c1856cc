//! Forges messages with a right mac1, which a public key is enough for (whitepaper, 5.4.4).

use midwire_wire::key::PublicKey;

/// Bytes that look random and are always the same.
pub fn noise(length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in 0u8.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend(blake2s(&[], &[block], 32));
    }
    bytes.truncate(length);
    bytes
}

/// `head`, then noise, then the mac1 that the owner of `key` wants, and no mac2.
pub fn with_mac1(key: &PublicKey, head: Vec<u8>, length: usize) -> Vec<u8> {
    let mut message = noise(length);
    message[..head.len()].copy_from_slice(&head);
    seal_mac1(key, &mut message);
    message
}

/// A message with one bit changed, and its mac1 made again.
pub fn remade(key: &PublicKey, message: &[u8], at: usize) -> Vec<u8> {
    let mut message = message.to_vec();
    message[at] ^= 1;
    seal_mac1(key, &mut message);
    message
}

fn seal_mac1(key: &PublicKey, message: &mut [u8]) {
    let mac_key = blake2s(&[], &[b"mac1----", &key.to_bytes()[..]].concat(), 32);
    let (body, macs) = message.split_at_mut(message.len() - 32);
    macs.fill(0);
    macs[..16].copy_from_slice(&blake2s(&mac_key, body, 16));
}

const IV: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// RFC 7693, 3.
fn blake2s(key: &[u8], data: &[u8], length: usize) -> Vec<u8> {
    let mut input = Vec::new();
    if !key.is_empty() {
        input.extend_from_slice(key);
        input.resize(64, 0);
    }
    input.extend_from_slice(data);
    let total = input.len();
    input.resize(total.max(1).next_multiple_of(64), 0);
    let mut state = IV;
    state[0] ^= 0x0101_0000 ^ (key.len() as u32) << 8 ^ length as u32;
    let blocks = input.len() / 64;
    for (index, block) in input.chunks_exact(64).enumerate() {
        let last = index + 1 == blocks;
        let count = if last { total } else { 64 * (index + 1) };
        compress(&mut state, block, count as u32, last);
    }
    let mut digest: Vec<u8> = state.iter().flat_map(|word| word.to_le_bytes()).collect();
    digest.truncate(length);
    digest
}

fn compress(state: &mut [u32; 8], block: &[u8], count: u32, last: bool) {
    let message: Vec<u32> = block
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect();
    let mut v = [0; 16];
    v[..8].copy_from_slice(state);
    v[8..].copy_from_slice(&IV);
    v[12] ^= count;
    if last {
        v[14] = !v[14];
    }
    let mut mix = |[a, b, c, d]: [usize; 4], x: u32, y: u32| {
        for (word, first, second) in [(x, 16, 12), (y, 8, 7)] {
            v[a] = v[a].wrapping_add(v[b]).wrapping_add(word);
            v[d] = (v[d] ^ v[a]).rotate_right(first);
            v[c] = v[c].wrapping_add(v[d]);
            v[b] = (v[b] ^ v[c]).rotate_right(second);
        }
    };
    for order in SIGMA {
        let lanes = [
            [0, 4, 8, 12],
            [1, 5, 9, 13],
            [2, 6, 10, 14],
            [3, 7, 11, 15],
            [0, 5, 10, 15],
            [1, 6, 11, 12],
            [2, 7, 8, 13],
            [3, 4, 9, 14],
        ];
        for (at, lane) in lanes.into_iter().enumerate() {
            mix(lane, message[order[2 * at]], message[order[2 * at + 1]]);
        }
    }
    for (at, word) in state.iter_mut().enumerate() {
        *word ^= v[at] ^ v[at + 8];
    }
}

#[test]
fn the_digest_of_rfc_7693() {
    // Appendix B.
    let digest = blake2s(&[], b"abc", 32);
    assert_eq!(digest[..8], [0x50, 0x8c, 0x5e, 0x8c, 0x32, 0x7c, 0x14, 0xe2]);
}
