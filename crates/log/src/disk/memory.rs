//! A disk in RAM.
use std::sync::Arc;
/// A disk in RAM.
#[derive(Debug)]
pub struct MemoryDisk {}
impl MemoryDisk {
    /// stub
    #[cfg(test)]
    pub fn shared(_seed: u64) -> Arc<dyn super::Disk> {
        todo!()
    }
}
