//! Zstandard frames (RFC 8878).
//!
//! A frame is decoded in one shot into a buffer whose size is known before: a streaming decoder would allocate the
//! window that the frame header claims, up to 128 MiB for a frame of twenty bytes. The bound comes from walking the
//! block headers.

use zstd::zstd_safe::{CCtx, CParameter, DCtx};

use super::{Fault, take, take_slice};

const MAGIC: u32 = 0xFD2F_B528;
/// Skippable frames: 0x184D2A50 to 0x184D2A5F.
const SKIPPABLE_MAGIC: u32 = 0x184D_2A50;
const BLOCK_LEN_MAX: usize = 128 * 1024;
/// `ZSTD_error_dstSize_tooSmall`; the library returns codes negated.
const DESTINATION_TOO_SMALL: usize = 70usize.wrapping_neg();

pub(super) fn compress(plain: &[u8], level: i32, out: &mut Vec<u8>) {
    let mut context = CCtx::create();
    context
        .set_parameter(CParameter::CompressionLevel(level.clamp(-131_072, 22)))
        .expect("every level in the range is accepted");
    let mut compressed = Vec::with_capacity(zstd::zstd_safe::compress_bound(plain.len()));
    context.compress2(&mut compressed, plain).expect("the output has room for the worst case");
    out.extend_from_slice(&compressed);
}

pub(super) fn decompress(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let bound = decompressed_len_bound(body)?;
    let mut plain = Vec::with_capacity(bound.min(bytes_max));
    match DCtx::create().decompress(&mut plain, body) {
        Ok(_) if plain.len() > bytes_max => Err(Fault::TooLarge),
        Ok(_) => Ok(plain),
        Err(DESTINATION_TOO_SMALL) if bound > bytes_max => Err(Fault::TooLarge),
        Err(_) => Err(Fault::Malformed("damaged frame")),
    }
}

/// What `body` can be at most when decompressed.
fn decompressed_len_bound(body: &[u8]) -> Result<usize, Fault> {
    let mut rest = body;
    let mut bound = 0usize;
    while !rest.is_empty() {
        let magic = u32::from_le_bytes(take(&mut rest)?);
        if magic & !0xf == SKIPPABLE_MAGIC {
            let len = u32::from_le_bytes(take(&mut rest)?);
            take_slice(&mut rest, len as usize)?;
        } else if magic == MAGIC {
            let has_checksum = skip_frame_header(&mut rest)?;
            bound = bound.saturating_add(blocks_len_bound(&mut rest)?);
            take_slice(&mut rest, if has_checksum { 4 } else { 0 })?;
        } else {
            return Err(Fault::Malformed("not a frame"));
        }
    }
    Ok(bound)
}

/// Leaves `rest` at the first block; says whether a checksum follows the last.
fn skip_frame_header(rest: &mut &[u8]) -> Result<bool, Fault> {
    let [descriptor] = take(rest)?;
    let is_single_segment = descriptor & 0b10_0000 != 0;
    let window_len = usize::from(!is_single_segment);
    let dictionary_id_len = [0, 1, 2, 4][usize::from(descriptor & 0b11)];
    let content_size_len = match descriptor >> 6 {
        0 => usize::from(is_single_segment),
        flag => 1 << flag,
    };
    take_slice(rest, window_len + dictionary_id_len + content_size_len)?;
    Ok(descriptor & 0b100 != 0)
}

/// Walks the blocks of a frame, the last one included.
fn blocks_len_bound(rest: &mut &[u8]) -> Result<usize, Fault> {
    let mut bound = 0usize;
    loop {
        let [a, b, c] = take(rest)?;
        let header = u32::from_le_bytes([a, b, c, 0]);
        let size = (header >> 3) as usize;
        let (carried, len_max) = match header >> 1 & 0b11 {
            0 => (size, size),
            1 => (1, size),
            2 => (size, BLOCK_LEN_MAX),
            _ => return Err(Fault::Malformed("reserved block type")),
        };
        take_slice(rest, carried)?;
        bound = bound.saturating_add(len_max.min(BLOCK_LEN_MAX));
        if header & 1 == 1 {
            return Ok(bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn streamed_frames_without_content_size_are_read() {
        let plain = b"0123456789".repeat(50_000);
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        for chunk in plain.chunks(1000) {
            encoder.write_all(chunk).unwrap();
            encoder.flush().unwrap();
        }
        let body = encoder.finish().unwrap();
        assert!(matches!(decompress(&body, plain.len()), Ok(back) if back == plain));
    }

    #[test]
    fn a_claimed_window_is_not_allocated() {
        // A window of 2 GiB, one raw block of one byte.
        let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x09, 0x00, 0x00, b'x'];
        let outcome = decompress(&frame, 1 << 20);
        assert!(matches!(outcome, Ok(plain) if plain == b"x"), "one-shot decoding needs no window");
        assert!(matches!(decompressed_len_bound(&frame), Ok(1)));
    }
}
