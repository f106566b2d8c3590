//! UpdateFeatures (57): change the levels of features (KIP-584, KIP-778, KIP-1022).

use chronik_types::ErrorCode;

use super::{Change, Context, Decision, Refused};
use crate::records::Name;

/// Change levels of features, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateFeatures {
    /// Which, to what.
    pub updates: Vec<FeatureUpdate>,
    /// Say what would come of it and change nothing.
    pub validate_only: bool,
}

/// A level for one feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureUpdate {
    /// The feature.
    pub name: Name,
    /// Its level; 0: off.
    pub level: i16,
    /// How far down it may go.
    pub upgrade: FeatureUpgrade,
}

/// How far down a feature's level may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureUpgrade {
    /// Not at all.
    Upgrade,
    /// If nothing is lost.
    SafeDowngrade,
    /// In any case.
    UnsafeDowngrade,
}

pub(super) fn decide(
    context: &Context<'_>,
    command: UpdateFeatures,
) -> Decision<Change, Result<(), Refused>> {
    let _ = (context, command);
    unimplemented!()
}
