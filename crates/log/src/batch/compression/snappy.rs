//! Snappy: xerial's framing, as the Java client writes it (`SnappyOutputStream`), or one raw block, as librdkafka does.
//!
//! Framing: 8 bytes of magic, version and lowest compatible version (i32 each), then blocks of i32 length and raw snappy.

use super::{Fault, take, take_slice};

const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const VERSION: [u8; 4] = [0, 0, 0, 1];
const BLOCK_LEN: usize = 32 * 1024;
/// Three bytes copy at most 64: a claim beyond that ratio is a lie, and is not allocated.
const RATIO_MAX: usize = 22;

pub(super) fn compress(plain: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION);
    out.extend_from_slice(&VERSION);
    let mut encoder = snap::raw::Encoder::new();
    for block in plain.chunks(BLOCK_LEN) {
        let at = out.len();
        out.resize(at + 4 + snap::raw::max_compress_len(block.len()), 0);
        let len =
            encoder.compress(block, &mut out[at + 4..]).expect("the output has room for the worst case");
        out[at..at + 4].copy_from_slice(&(len as u32).to_be_bytes());
        out.truncate(at + 4 + len);
    }
}

pub(super) fn decompress(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let mut plain = Vec::new();
    let Some(mut rest) = body.strip_prefix(&MAGIC) else {
        append_block(body, bytes_max, &mut plain)?;
        return Ok(plain);
    };
    let _versions: [u8; 8] = take(&mut rest)?;
    while !rest.is_empty() {
        let len = u32::from_be_bytes(take(&mut rest)?);
        append_block(take_slice(&mut rest, len as usize)?, bytes_max, &mut plain)?;
    }
    Ok(plain)
}

fn append_block(block: &[u8], bytes_max: usize, plain: &mut Vec<u8>) -> Result<(), Fault> {
    const DAMAGED: Fault = Fault::Malformed("damaged block");
    let len = snap::raw::decompress_len(block).map_err(|_| DAMAGED)?;
    if len > block.len().saturating_mul(RATIO_MAX) {
        return Err(DAMAGED);
    }
    if len > bytes_max - plain.len() {
        return Err(Fault::TooLarge);
    }
    let at = plain.len();
    plain.resize(at + len, 0);
    snap::raw::Decoder::new().decompress(block, &mut plain[at..]).map_err(|_| DAMAGED)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_block_is_read() {
        let raw = snap::raw::Encoder::new().compress_vec(&[5; 1000]).unwrap();
        assert!(matches!(decompress(&raw, 1000), Ok(plain) if plain == [5; 1000]));
        assert!(matches!(decompress(&raw, 999), Err(Fault::TooLarge)));
    }

    #[test]
    fn a_claim_that_no_encoder_makes_is_not_allocated() {
        // 4 GiB - 1 out of six bytes.
        let claim = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
        assert!(matches!(decompress(&claim, usize::MAX), Err(Fault::Malformed(_))));
    }
}
