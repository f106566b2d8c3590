//! What the integration tests share; each uses a part of it.
#![allow(dead_code)]

pub(crate) mod golden;
pub(crate) mod own;
pub(crate) mod random;
