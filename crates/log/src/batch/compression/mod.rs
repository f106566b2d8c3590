//! The codecs, each as Kafka's clients write it, with a cap on what comes out.
//!
//! Decoders trust nothing in the input: what they allocate is bounded by the cap and by what the codec could make of
//! so many bytes. Checksums inside the codecs' framing are not compared: the batch's CRC covers every byte of it.

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use std::borrow::Cow;

use super::{Batch, BatchError, Codec};

/// A codec with its level: what `compression.type` and `compression.<codec>.level` say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not compressed.
    None,
    /// Level 1 to 9 (`compression.gzip.level`; -1 there is 6 here).
    Gzip(u32),
    /// Xerial framing, blocks of 32 KiB.
    Snappy,
    /// Independent blocks of 64 KiB. There is one level: the fast one.
    Lz4,
    /// Level -131072 to 22 (`compression.zstd.level`), 3 by default.
    Zstd(i32),
}

impl Compression {
    /// The codec at Kafka's default level.
    pub fn of(codec: Codec) -> Compression {
        match codec {
            Codec::None => Compression::None,
            Codec::Gzip => Compression::Gzip(6),
            Codec::Snappy => Compression::Snappy,
            Codec::Lz4 => Compression::Lz4,
            Codec::Zstd => Compression::Zstd(3),
        }
    }

    /// Without the level.
    pub fn codec(self) -> Codec {
        match self {
            Compression::None => Codec::None,
            Compression::Gzip(_) => Codec::Gzip,
            Compression::Snappy => Codec::Snappy,
            Compression::Lz4 => Codec::Lz4,
            Compression::Zstd(_) => Codec::Zstd,
        }
    }
}

/// Why a decoder gave up.
enum Fault {
    /// Not what the codec makes.
    Malformed(&'static str),
    /// More than the cap.
    TooLarge,
}

/// The records of `batch` in the clear: borrowed if it is not compressed, else at most `bytes_max` bytes.
///
/// Errors: `UnknownCodec`, `Compression`, `DecompressedTooLarge`.
pub fn decompress(batch: Batch<'_>, bytes_max: usize) -> Result<Cow<'_, [u8]>, BatchError> {
    decompress_body(batch.header().codec()?, batch.body(), bytes_max)
}

pub(super) fn decompress_body(
    codec: Codec,
    body: &[u8],
    bytes_max: usize,
) -> Result<Cow<'_, [u8]>, BatchError> {
    let plain = match codec {
        Codec::None => return Ok(Cow::Borrowed(body)),
        Codec::Gzip => gzip::decompress(body, bytes_max),
        Codec::Snappy => snappy::decompress(body, bytes_max),
        Codec::Lz4 => lz4::decompress(body, bytes_max),
        Codec::Zstd => zstd::decompress(body, bytes_max),
    };
    plain.map(Cow::Owned).map_err(|fault| match fault {
        Fault::Malformed(reason) => BatchError::Compression { codec, reason },
        Fault::TooLarge => BatchError::DecompressedTooLarge { size_max: bytes_max },
    })
}

/// Appends `records`, compressed, to `out`.
pub(super) fn compress(compression: Compression, records: &[u8], out: &mut Vec<u8>) {
    match compression {
        Compression::None => out.extend_from_slice(records),
        Compression::Gzip(level) => gzip::compress(records, level, out),
        Compression::Snappy => snappy::compress(records, out),
        Compression::Lz4 => lz4::compress(records, out),
        Compression::Zstd(level) => zstd::compress(records, level, out),
    }
}

/// Takes `N` bytes from the front of `bytes`.
fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (front, rest) = bytes.split_first_chunk().ok_or(Fault::Malformed("it ends too early"))?;
    *bytes = rest;
    Ok(*front)
}

/// Takes `n` bytes from the front of `bytes`.
fn take_slice<'a>(bytes: &mut &'a [u8], n: usize) -> Result<&'a [u8], Fault> {
    let (front, rest) = bytes.split_at_checked(n).ok_or(Fault::Malformed("it ends too early"))?;
    *bytes = rest;
    Ok(front)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CODECS: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    fn compressed(codec: Codec, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        compress(Compression::of(codec), plain, &mut out);
        out
    }

    /// Compressible and not, empty, and larger than a block of any codec.
    fn samples() -> Vec<Vec<u8>> {
        let noise = |len: usize| {
            let mut state = 1u32;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            (0..len).map(|_| next()).collect::<Vec<_>>()
        };
        vec![vec![], b"a".to_vec(), vec![7; 300_000], noise(1000), noise(200_000), noise(500).repeat(400)]
    }

    #[test]
    fn every_codec_gives_back_what_it_got() {
        for codec in CODECS {
            for plain in samples() {
                let body = compressed(codec, &plain);
                let back =
                    decompress_body(codec, &body, plain.len()).unwrap_or_else(|e| panic!("{codec}: {e}"));
                assert!(back == plain, "{codec}, {} bytes", plain.len());
            }
        }
    }

    #[test]
    fn the_cap_holds() {
        for codec in CODECS {
            for plain in samples().into_iter().filter(|plain| !plain.is_empty()) {
                let body = compressed(codec, &plain);
                let size_max = plain.len() - 1;
                let capped = decompress_body(codec, &body, size_max);
                assert_eq!(capped, Err(BatchError::DecompressedTooLarge { size_max }), "{codec}");
            }
        }
    }

    #[test]
    fn a_body_cut_short_is_an_error() {
        for codec in CODECS {
            let body = compressed(codec, &samples()[5]);
            for len in [1, body.len() / 2, body.len() - 1] {
                let cut = decompress_body(codec, &body[..len], 1 << 20);
                assert!(matches!(cut, Err(BatchError::Compression { .. })), "{codec} at {len}: {cut:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_nor_pass_the_cap(bytes: Vec<u8>, cap in 0usize..5000) {
            for codec in CODECS {
                if let Ok(plain) = decompress_body(codec, &bytes, cap) {
                    prop_assert!(plain.len() <= cap);
                }
            }
        }

        #[test]
        fn damaged_bodies_never_panic_nor_pass_the_cap(
            plain in prop::collection::vec(0u8..8, 0..2000),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cap in 0usize..5000,
        ) {
            for codec in CODECS {
                let mut body = compressed(codec, &plain);
                for (at, byte) in &damage {
                    let at = at.index(body.len());
                    body[at] = *byte;
                }
                if let Ok(plain) = decompress_body(codec, &body, cap) {
                    prop_assert!(plain.len() <= cap);
                }
            }
        }
    }
}
