//! Randomness that arrives inside a command: the shell draws a [`Seed`], and all that a decision needs follows from it.

use uuid::Uuid;

/// 128 bits that the shell drew for one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Seed(pub u128);

/// Numbers that follow from a seed (splitmix64 over both halves in turn).
pub struct Random {
    halves: [u64; 2],
    turn: usize,
}

impl Random {
    /// Starts from a seed.
    pub fn new(seed: Seed) -> Self {
        Random { halves: [seed.0 as u64, (seed.0 >> 64) as u64], turn: 0 }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let half = &mut self.halves[self.turn];
        self.turn ^= 1;
        *half = half.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *half;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0. The bias for the small bounds of a cluster is beyond measure.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound as u64) as usize
    }

    /// Puts the elements into a random order.
    pub fn shuffle<T>(&mut self, elements: &mut [T]) {
        for at in (1..elements.len()).rev() {
            elements.swap(at, self.below(at + 1));
        }
    }

    /// A random id (RFC 4122, version 4) that is no reserved one and, like Kafka's, does not start with a dash when
    /// written as text, so that command lines can take it (`org.apache.kafka.common.Uuid.randomUuid`).
    pub fn id(&mut self) -> Uuid {
        loop {
            let bits = (u128::from(self.bits()) << 64) | u128::from(self.bits());
            let id = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
            // The first of the text's six-bit letters is '-' for 62.
            if id.as_bytes()[0] >> 2 != 62 {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = |seed| {
            let mut random = Random::new(Seed(seed));
            (random.bits(), random.below(10), random.id())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn no_id_starts_with_a_dash() {
        let mut random = Random::new(Seed(1));
        assert!((0..10_000).all(|_| !chronik_types::uuid_to_text(random.id()).starts_with('-')));
    }
}
