//! Zigzag varints as records use them (`ByteUtils.readVarint`): seven bits a byte, least significant first.

/// Reads an i32 (at most five bytes) from the front of `bytes`; `None` if it is cut short or too long.
#[inline]
pub(super) fn read_i32(bytes: &mut &[u8]) -> Option<i32> {
    let raw = u32::try_from(read_u64(bytes, 5)?).ok()?;
    Some((raw >> 1) as i32 ^ -((raw & 1) as i32))
}

/// Reads an i64 (at most ten bytes) from the front of `bytes`; `None` if it is cut short or too long.
#[inline]
pub(super) fn read_i64(bytes: &mut &[u8]) -> Option<i64> {
    let raw = read_u64(bytes, 10)?;
    Some((raw >> 1) as i64 ^ -((raw & 1) as i64))
}

#[inline]
fn read_u64(bytes: &mut &[u8], len_max: usize) -> Option<u64> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(len_max).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            *bytes = &bytes[index + 1..];
            return Some(value);
        }
    }
    None
}

/// Appends an i32 or i64: both have the same form.
pub(super) fn write(value: i64, out: &mut Vec<u8>) {
    let mut raw = zigzag(value);
    while raw >= 0x80 {
        out.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

/// How many bytes [`write()`] appends.
pub(super) fn len(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_the_range() {
        for value in [i64::MIN, -1, 0, 1, 63, 64, i64::MAX] {
            let mut out = Vec::new();
            write(value, &mut out);
            assert_eq!(out.len(), len(value));
            assert_eq!(read_i64(&mut &out[..]), Some(value));
        }
        assert_eq!(read_i32(&mut &[0xff, 0xff, 0xff, 0xff, 0x0f][..]), Some(i32::MIN));
        assert_eq!(read_i32(&mut &[0xff, 0xff, 0xff, 0xff, 0x1f][..]), None, "33 bits");
        assert_eq!(read_i32(&mut &[0xff; 6][..]), None, "six bytes");
        assert_eq!(read_i64(&mut &[0x80][..]), None, "cut short");
    }

    proptest! {
        #[test]
        fn numbers_round_trip(value: i32, wide: i64) {
            let mut out = Vec::new();
            write(value.into(), &mut out);
            write(wide, &mut out);
            prop_assert_eq!(out.len(), len(value.into()) + len(wide));
            let mut rest = &out[..];
            prop_assert_eq!(read_i32(&mut rest), Some(value));
            prop_assert_eq!(read_i64(&mut rest), Some(wide));
            prop_assert!(rest.is_empty());
        }
    }
}
