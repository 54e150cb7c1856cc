//! Is the pipe full? Three rounds in which the bandwidth grew by less than a fourth say so: startup is then over.
//!
//! A round that packet conservation held back says little, and so does the one after it, whose samples measure what was
//! sent in the round before. The draft counts them like any other. On a path that loses one segment in twenty at random,
//! startup then sometimes ends at a tenth of the bandwidth, and the way up from there takes ten seconds. Here such rounds
//! count for a third: startup ends all the same where every round has losses.

/// Three rounds, in thirds.
const ENOUGH: u32 = 9;

#[derive(Debug, Default)]
pub struct FullPipe {
    full: bool,
    /// The bandwidth that the next rounds have to surpass.
    base: u64,
    thirds: u32,
    /// The last round was held back.
    held_back: bool,
}

impl FullPipe {
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// A round with enough to send is over, and the bandwidth is now this. `conserved`: by packet conservation.
    pub fn handle_round(&mut self, bandwidth: u64, conserved: bool) {
        let held_back = std::mem::replace(&mut self.held_back, conserved) || conserved;
        if self.full {
            return;
        }
        if bandwidth >= self.base.saturating_add(self.base / 4) {
            self.base = bandwidth;
            self.thirds = 0;
            return;
        }
        self.thirds += if held_back { 1 } else { 3 };
        self.full = self.thirds >= ENOUGH;
    }

    /// What slowed the flow down was no lack of bandwidth: the rounds are counted anew.
    pub fn restart(&mut self) {
        self.base = 0;
        self.thirds = 0;
    }
}
