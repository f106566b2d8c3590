//! What planted faults make a partition do, for the simulation to find. Compiled with the feature `planted` only.

use chronik_types::{Millis, Offset};

use super::{Role, State};
use crate::PlantedFault;

impl State {
    /// [`PlantedFault::TruncateToHighWatermark`].
    pub(super) fn truncate_if_planted(&mut self) {
        if self.settings.planted == Some(PlantedFault::TruncateToHighWatermark)
            && let Some(log) = &mut self.log
            && self.high_watermark < log.end_offset()
        {
            let _ = log.truncate_to(self.high_watermark, Millis(0));
        }
    }

    /// [`PlantedFault::HighWatermarkAlone`] and [`PlantedFault::TrustProposedIsr`]: where a leader moves its high watermark
    /// to, that has `own` on its disk.
    pub(super) fn planted_high_watermark(&self, own: Offset) -> Option<Offset> {
        let Role::Leader(leading) = &self.role else { return None };
        match self.settings.planted? {
            PlantedFault::HighWatermarkAlone => Some(own),
            PlantedFault::TrustProposedIsr => {
                let isr = leading.proposed.as_ref().unwrap_or(&leading.isr);
                let others = leading.others.iter().filter(|replica| isr.contains(&replica.id));
                Some(others.fold(own, |least, replica| least.min(replica.end)))
            }
            _ => None,
        }
    }
}
