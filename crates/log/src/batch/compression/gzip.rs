//! Gzip (RFC 1952), one or several members.

use std::io::{Read, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::Fault;

/// Deflate cannot do better than 1032 to 1.
const RATIO_MAX: usize = 1032;

pub(super) fn compress(plain: &[u8], level: u32, out: &mut Vec<u8>) {
    let mut encoder = GzEncoder::new(out, flate2::Compression::new(level.clamp(1, 9)));
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("writing to memory cannot fail");
}

pub(super) fn decompress(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let likely = body.len().saturating_mul(4).min(bytes_max);
    let mut plain = Vec::with_capacity(likely);
    // One byte more than allowed tells "full" from "too large".
    let limit = bytes_max.saturating_add(1).min(body.len().saturating_mul(RATIO_MAX));
    MultiGzDecoder::new(body)
        .take(limit as u64)
        .read_to_end(&mut plain)
        .map_err(|_| Fault::Malformed("damaged stream"))?;
    if plain.len() > bytes_max { Err(Fault::TooLarge) } else { Ok(plain) }
}
