//! The codecs, each as Kafka's clients write it and with a cap on what comes out.

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

/// The records of `batch` in the clear: borrowed if it is not compressed, else at most `bytes_max` bytes.
///
/// Errors: `UnknownCodec`, `Compression`, `DecompressedTooLarge`.
pub fn decompress<'a>(batch: Batch<'a>, bytes_max: usize) -> Result<Cow<'a, [u8]>, BatchError> {
    let _ = (batch, bytes_max);
    todo!()
}
