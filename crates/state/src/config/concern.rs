//! What must be said about a key that somebody set: nothing, that it is ignored, that it is not built, or that it cannot be.

use super::{ConfigError, Scope, Support, find, nearest};

/// What an operator must know about a value that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// It changes nothing here, for this reason.
    Ignored(&'static str),
    /// It asks for something that is not built yet; the node works without it.
    NotYet(&'static str),
    /// It asks for something that is not built yet; to work without it would do harm.
    Refused(&'static str),
}

/// What must be said about `name=text`. A value that equals the default asks for nothing.
///
/// # Errors
/// The key is unknown, or the value does not fit it.
pub fn concern(scope: Scope, name: &str, text: &str) -> Result<Option<Concern>, ConfigError> {
    let Some(key) = find(scope, name) else {
        let nearest = nearest(scope, name);
        return Err(ConfigError::Unknown { name: name.to_owned(), scope: scope.word(), nearest });
    };
    let value = key.parse(text)?;
    if key.name.ends_with("cleanup.policy") && value.elements().iter().any(|policy| &**policy == "compact") {
        return Ok(Some(Concern::Refused("log compaction")));
    }
    if key.default_value().as_ref() == Some(&value) || key.default.is_none() && text.is_empty() {
        return Ok(None);
    }
    Ok(match key.support {
        Support::Acts => None,
        Support::NoMeaning(why) => Some(Concern::Ignored(why)),
        Support::NotYet(what) => Some(Concern::NotYet(what)),
        Support::Refused(what) => Some(Concern::Refused(what)),
    })
}
