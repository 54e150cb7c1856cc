//! Is the pipe full? Three rounds in which the bandwidth grew by less than a fourth say so: startup is then over.

const ENOUGH: u32 = 3;

#[derive(Debug, Default)]
pub struct FullPipe {
    full: bool,
    /// The bandwidth that the next rounds have to surpass.
    base: u64,
    rounds: u32,
}

impl FullPipe {
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// A round with enough to send is over, and the bandwidth is now this.
    pub fn handle_round(&mut self, bandwidth: u64) {
        if self.full {
            return;
        }
        if bandwidth >= self.base.saturating_add(self.base / 4) {
            self.base = bandwidth;
            self.rounds = 0;
            return;
        }
        self.rounds += 1;
        self.full = self.rounds >= ENOUGH;
    }

    /// What slowed the flow down was no lack of bandwidth: the rounds are counted anew.
    pub fn restart(&mut self) {
        self.base = 0;
        self.rounds = 0;
    }
}
