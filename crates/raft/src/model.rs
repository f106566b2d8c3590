//! A model cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    VoteTwice,
    CommitOldEpoch,
    SkipPersist,
    AckBeforeDurable,
}
