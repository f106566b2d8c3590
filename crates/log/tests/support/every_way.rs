//! Reads bytes as batches in every way that the crate offers, and checks what must hold of any bytes at all.
//! Shared by the hostile-bytes test and the fuzz target.

use bytes::Bytes;
use chronik_log::batch::{
    Batch, BatchIter, Codec, Compression, Origin, Records, TopicCompression, ValidateOptions, decompress,
    first_at_or_after, max_timestamp_record, validate, verify,
};
use chronik_types::{Millis, Offset};

/// What decoding may give.
const DECOMPRESSED_MAX: usize = 64 * 1024;
/// The leader's clock.
pub(crate) const NOW: Millis = Millis(1_700_000_000_000);

/// How many of some different topics would take `bytes` from a client.
pub(crate) fn read_in_every_way(bytes: &Bytes) -> usize {
    for batch in BatchIter::new(bytes).map_while(Result::ok) {
        read(batch);
    }
    if let Ok(Some(verified)) = verify(bytes.clone()) {
        assert!(verified.batches().all(|batch| batch.is_ok()), "what was verified is whole batches");
        assert!(verified.first_offset() <= verified.last_offset());
    }
    topics().iter().filter(|options| is_accepted(bytes, options)).count()
}

fn read(batch: Batch<'_>) {
    if let Ok(body) = decompress(batch, DECOMPRESSED_MAX) {
        let is_compressed = batch.header().codec() != Ok(Codec::None);
        assert!(!is_compressed || body.len() <= DECOMPRESSED_MAX);
        for record in Records::new(batch.header(), &body).map_while(Result::ok) {
            assert_eq!(record.headers.iter().count(), record.headers.len());
        }
    }
    let _ = first_at_or_after(batch, NOW, Offset(1), DECOMPRESSED_MAX);
    let _ = max_timestamp_record(batch, DECOMPRESSED_MAX);
}

fn is_accepted(bytes: &Bytes, options: &ValidateOptions) -> bool {
    let Ok(validated) = validate(bytes.clone(), options) else { return false };
    let stored = validated.to_bytes();
    let stored = Batch::parse(&stored).expect("what is stored is a batch");
    stored.verify_crc().expect("what is stored has a valid checksum");
    assert!(stored.as_bytes().len() <= options.batch_bytes_max);
    true
}

fn topics() -> [ValidateOptions; 4] {
    let base = ValidateOptions {
        decompressed_bytes_max: DECOMPRESSED_MAX,
        ..ValidateOptions::new(Origin::Client, NOW)
    };
    let fixed = |codec| TopicCompression::Fixed(Compression::of(codec));
    [
        base,
        ValidateOptions { keys_required: true, ..base },
        ValidateOptions { compression: fixed(Codec::None), ..base },
        ValidateOptions { compression: fixed(Codec::Lz4), timestamp_before_max_ms: 1000, ..base },
    ]
}

/// Makes the checksum of the first batch fit its bytes, if there is a whole one.
pub(crate) fn forge_checksum(bytes: &mut [u8]) {
    let Ok(batch) = Batch::parse(bytes) else { return };
    let size = batch.as_bytes().len();
    let crc = crc_fast::crc32_iscsi(&bytes[21..size]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
}
