//! The highest sequence number that a flow has sent, which its bare ACKs carry.
//!
//! smoltcp goes back to the oldest unacknowledged byte when its retransmission timer fires, and then acknowledges with
//! that old number. A peer that already has the data takes such an ACK for an old segment and does not look at what it
//! acknowledges (RFC 9293, 3.10.7.4, first check), so two ends that both retransmit never hear each other again. BSD
//! keeps SND.MAX apart from SND.NXT for this; so does this file, on the packets that leave.

#[derive(Default)]
pub struct SndMax(Option<u32>);

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const IPV6_HEADER: usize = 40;

impl SndMax {
    pub fn get(&self) -> Option<u32> {
        self.0
    }

    /// Looks at a packet of our own making that is about to leave, and puts its number right.
    pub fn handle_leaving(&mut self, packet: &mut [u8]) {
        let header = match packet.first().map(|first| first >> 4) {
            Some(4) => usize::from(packet[0] & 0x0f) * 4,
            _ => IPV6_HEADER,
        };
        let Some(segment) = packet.get_mut(header..) else {
            return;
        };
        if segment.len() < 20 {
            return;
        }
        let seq = u32::from_be_bytes([segment[4], segment[5], segment[6], segment[7]]);
        let flags = segment[13];
        let payload = segment.len().saturating_sub(usize::from(segment[12] >> 4) * 4) as u32;
        let length = payload + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        let end = seq.wrapping_add(length);
        // Later in the sense of RFC 1982: sequence numbers go round.
        let behind = |max: u32| (end.wrapping_sub(max) as i32) < 0;
        match self.0 {
            Some(max) if length == 0 && flags & RST == 0 && behind(max) => set_sequence(segment, seq, max),
            Some(max) if behind(max) => {}
            _ if flags & RST == 0 => self.0 = Some(end),
            _ => {}
        }
    }
}

/// The checksum follows by the difference alone (RFC 1624, equation 3).
fn set_sequence(segment: &mut [u8], old: u32, new: u32) {
    let mut sum = u32::from(!u16::from_be_bytes([segment[16], segment[17]]));
    for (old, new) in [(old >> 16, new >> 16), (old & 0xffff, new & 0xffff)] {
        sum += !old & 0xffff;
        sum += new;
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    segment[4..8].copy_from_slice(&new.to_be_bytes());
    segment[16..18].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
