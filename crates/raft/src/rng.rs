//! A small deterministic generator for time-outs (SplitMix64): the same seed gives the same elections.

use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }

    /// Between `base` and twice that, to the microsecond: Kafka's randomised election time-out.
    pub(crate) fn spread(&mut self, base: Duration) -> Duration {
        let micros = base.as_micros().clamp(1000, u128::from(u32::MAX)) as u64;
        Duration::from_micros(micros + self.next() % micros)
    }
}
