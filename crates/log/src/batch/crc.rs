//! CRC-32C (Castagnoli) over a batch: everything from the attributes to the end.
//!
//! Offset, length, leader epoch and magic are outside it, so that a leader may write base offset and epoch
//! without touching the body. CRCs are linear, so a change within the header needs no second pass over the body.

use crc_fast::CrcAlgorithm::Crc32Iscsi;

/// CRC-32C of `bytes`.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// The CRC of `new ++ body`, given that of `old ++ body`, where `old` and `new` have the same length, `old_crc` and
/// `new_crc` are their own CRCs, and the body has `body_len` bytes.
pub(super) fn replace_prefix(whole: u32, old_crc: u32, new_crc: u32, body_len: usize) -> u32 {
    // crc(a ++ b) = shift(crc(a), len b) ^ crc(b), and combining with zero is the shift alone.
    let shift = |crc: u32| crc_fast::checksum_combine(Crc32Iscsi, u64::from(crc), 0, body_len as u64) as u32;
    whole ^ shift(old_crc) ^ shift(new_crc)
}

/// The CRC of `a ++ b` from the CRCs of both and the length of `b`.
pub(super) fn combine(a: u32, b: u32, b_len: usize) -> u32 {
    crc_fast::checksum_combine(Crc32Iscsi, u64::from(a), u64::from(b), b_len as u64) as u32
}
