//! CRC-32C (Castagnoli) over a batch: everything from the attributes to the end.
//!
//! Offset, length, leader epoch and magic are outside it, so that a leader may write base offset and epoch
//! without touching the body. CRCs are linear, so a change within the header needs no second pass over the body.

/// The Castagnoli polynomial, reflected: the coefficient of x^31 is the lowest bit.
const POLYNOMIAL: u32 = 0x82F6_3B78;
/// x^0 and x^8 in the same notation.
const ONE: u32 = 1 << 31;
const X_TO_THE_8TH: u32 = 1 << 23;

/// CRC-32C of `bytes`.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// CRC-32C of `a ++ b`.
pub(super) fn crc32c_of_both(a: &[u8], b: &[u8]) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    digest.update(a);
    digest.update(b);
    digest.finalize() as u32
}

/// The CRC of `new ++ body`, given that of `old ++ body`, where `old` and `new` have the same length, `old_crc` and
/// `new_crc` are their own CRCs, and the body has `body_len` bytes.
pub(super) fn replace_prefix(whole: u32, old_crc: u32, new_crc: u32, body_len: usize) -> u32 {
    // crc(a ++ b) is crc(a) * x^(8 * len b) + crc(b), and addition is xor: the body's own CRC cancels out.
    whole ^ multiply(x_to_the_8th_times(body_len), old_crc ^ new_crc)
}

/// x^(8n) modulo the polynomial: the product of the powers for the bits of n.
fn x_to_the_8th_times(n: usize) -> u32 {
    let mut power = ONE;
    for (bit, &factor) in X_TO_THE_8TH_TIMES_2_TO_THE.iter().enumerate() {
        if n >> bit & 1 == 1 {
            power = multiply(power, factor);
        }
    }
    power
}

/// x^(8 * 2^k) for each k: enough for any body, whose length is an i32.
const X_TO_THE_8TH_TIMES_2_TO_THE: [u32; 31] = {
    let mut powers = [X_TO_THE_8TH; 31];
    let mut k = 1;
    while k < powers.len() {
        powers[k] = multiply(powers[k - 1], powers[k - 1]);
        k += 1;
    }
    powers
};

/// a * b modulo the polynomial.
const fn multiply(a: u32, b: u32) -> u32 {
    let (mut product, mut term) = (0, b);
    let mut bit = 32;
    while bit > 0 {
        bit -= 1;
        // Masks, not branches: the bits are random.
        product ^= term & (a >> bit & 1).wrapping_neg();
        term = (term >> 1) ^ (POLYNOMIAL & (term & 1).wrapping_neg());
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }

    proptest::proptest! {
        #[test]
        fn a_prefix_is_replaced_without_its_body(old: [u8; 40], new: [u8; 40], body: Vec<u8>) {
            let (whole, expected) = (crc32c(&[&old[..], &body].concat()), crc32c(&[&new[..], &body].concat()));
            proptest::prop_assert_eq!(
                replace_prefix(whole, crc32c(&old), crc32c(&new), body.len()),
                expected
            );
        }
    }
}
