//! A node's image is a function of the committed log (DESIGN section 2): two images that end at the same offset are equal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chronik_state::image::MetadataImage;
use chronik_types::{NodeId, Offset};

use super::Violation;

/// How many images are kept to compare others with.
const KEPT_MAX: usize = 2_000;

/// The first image seen at each offset.
#[derive(Default)]
pub(super) struct Images {
    first: BTreeMap<Offset, (NodeId, Arc<MetadataImage>)>,
}

impl Images {
    /// True if the image is newer than all that were seen before.
    pub(super) fn check(
        &mut self,
        node: NodeId,
        now: Duration,
        image: &Arc<MetadataImage>,
    ) -> Result<bool, Violation> {
        let newest = self.first.last_key_value().map_or(Offset(-1), |(end, _)| *end);
        match self.first.get(&image.end) {
            Some((_, first)) if Arc::ptr_eq(first, image) || first == image => return Ok(false),
            Some((other, first)) => {
                let what = format!(
                    "{node} and {other} differ at {} ({now:?}): {}",
                    image.end,
                    difference(&format!("{:#?}", **image), &format!("{:#?}", **first))
                );
                return Err(Violation::new("images agree", what));
            }
            None => {
                self.first.insert(image.end, (node, Arc::clone(image)));
            }
        }
        if self.first.len() > KEPT_MAX {
            self.first.pop_first();
        }
        Ok(image.end > newest)
    }
}

/// The first lines in which two images differ.
fn difference(one: &str, other: &str) -> String {
    let mut lines = one.lines().zip(other.lines()).filter(|(one, other)| one != other);
    let first = lines.next().map(|(one, other)| format!("{} / {}", one.trim(), other.trim()));
    first.unwrap_or_else(|| "one is longer".to_owned())
}
