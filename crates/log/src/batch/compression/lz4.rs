//! The LZ4 frame format: magic, flags, block size, blocks with little-endian lengths, end mark.
//!
//! Blocks are decoded straight into the output, so that a frame header's claim of 4 MiB blocks costs nothing. Linked
//! blocks are read too, though Kafka's Java client neither writes nor reads them. Several frames may follow each other.

use std::io::Write;

use lz4_flex::block::decompress_into_with_dict;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use super::{Fault, take, take_slice};

const MAGIC: u32 = 0x184D_2204;
/// A block cannot do better than 255 to 1: one byte extends a match by 255.
const RATIO_MAX: usize = 255;
/// How far back a linked block may reach.
const WINDOW_LEN: usize = 64 * 1024;

pub(super) fn compress(plain: &[u8], out: &mut Vec<u8>) {
    let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, &mut *out);
    let written = encoder.write_all(plain).and_then(|()| encoder.flush());
    written.and_then(|()| Ok(encoder.finish()?)).expect("writing to memory cannot fail");
}

pub(super) fn decompress(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let mut plain = Vec::new();
    let mut rest = body;
    loop {
        let flags = Flags::read(&mut rest)?;
        while append_block(flags, &mut rest, bytes_max, &mut plain)? {}
        if flags.content_checksum {
            take::<4>(&mut rest)?;
        }
        if rest.is_empty() {
            return Ok(plain);
        }
    }
}

/// What a frame header says about the blocks.
#[derive(Clone, Copy)]
struct Flags {
    linked: bool,
    block_checksum: bool,
    content_checksum: bool,
    block_len_max: usize,
}

impl Flags {
    fn read(rest: &mut &[u8]) -> Result<Flags, Fault> {
        if u32::from_le_bytes(take(rest)?) != MAGIC {
            return Err(Fault::Malformed("not a frame"));
        }
        let [flags, block_size] = take(rest)?;
        if flags >> 6 != 1 {
            return Err(Fault::Malformed("unknown frame version"));
        }
        if flags & 1 != 0 {
            return Err(Fault::Malformed("frame needs a dictionary"));
        }
        let block_len_max = match block_size >> 4 & 7 {
            size @ 4..=7 => 1 << (8 + 2 * size),
            _ => return Err(Fault::Malformed("unknown block size")),
        };
        let has_content_size = flags & 0b1000 != 0;
        if has_content_size {
            take::<8>(rest)?;
        }
        let _header_checksum: [u8; 1] = take(rest)?;
        Ok(Flags {
            linked: flags & 0b10_0000 == 0,
            block_checksum: flags & 0b1_0000 != 0,
            content_checksum: flags & 0b100 != 0,
            block_len_max,
        })
    }
}

/// Decodes a block onto `plain`; false at the end mark.
fn append_block(
    flags: Flags,
    rest: &mut &[u8],
    bytes_max: usize,
    plain: &mut Vec<u8>,
) -> Result<bool, Fault> {
    let length = u32::from_le_bytes(take(rest)?);
    if length == 0 {
        return Ok(false);
    }
    let is_stored = length >> 31 == 1;
    let block = take_slice(rest, (length & 0x7fff_ffff) as usize)?;
    if block.len() > flags.block_len_max {
        return Err(Fault::Malformed("block is larger than its frame allows"));
    }
    if flags.block_checksum {
        take::<4>(rest)?;
    }
    let room = bytes_max - plain.len();
    if is_stored {
        if block.len() > room {
            return Err(Fault::TooLarge);
        }
        plain.extend_from_slice(block);
        return Ok(true);
    }
    let possible = flags.block_len_max.min(block.len().saturating_mul(RATIO_MAX));
    let at = plain.len();
    plain.resize(at + possible.min(room), 0);
    let (before, output) = plain.split_at_mut(at);
    let window = if flags.linked { &before[at.saturating_sub(WINDOW_LEN)..] } else { &[] };
    match decompress_into_with_dict(block, output, window) {
        Ok(len) => {
            plain.truncate(at + len);
            Ok(true)
        }
        Err(lz4_flex::block::DecompressError::OutputTooSmall { .. }) if room < possible => {
            Err(Fault::TooLarge)
        }
        Err(_) => Err(Fault::Malformed("damaged block")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(info: FrameInfo, plain: &[u8]) -> Vec<u8> {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn linked_blocks_and_checksums_are_read() {
        let plain: Vec<u8> = (0..300_000u32).flat_map(|n| (n / 7 % 1000).to_le_bytes()).collect();
        for mode in [BlockMode::Independent, BlockMode::Linked] {
            for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max4MB] {
                let info = FrameInfo::new()
                    .block_mode(mode)
                    .block_size(size)
                    .block_checksums(true)
                    .content_checksum(true)
                    .content_size(Some(plain.len() as u64));
                let body = frame(info, &plain);
                assert!(matches!(decompress(&body, plain.len()), Ok(back) if back == plain), "{mode:?}");
            }
        }
    }

    #[test]
    fn frames_may_follow_each_other() {
        let body = [frame(FrameInfo::new(), b"one "), frame(FrameInfo::new(), b"two")].concat();
        assert!(matches!(decompress(&body, 7), Ok(plain) if plain == b"one two"));
        assert!(matches!(decompress(&body, 6), Err(Fault::TooLarge)));
    }
}
