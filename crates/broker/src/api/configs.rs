//! What the three configuration APIs share: which resource a request names, and what is wrong with naming it.

use std::collections::BTreeMap;

use chronik_state::cluster::{Ask, ConfigResource, ConfigResults, Refused, ResourceKind, check_topic_name};
use chronik_types::ErrorCode;

use crate::node::Node;

/// The resource of that type and name.
///
/// Errors: `INVALID_REQUEST` for a type that has no configuration, `INVALID_TOPIC_EXCEPTION` for an impossible topic.
pub(super) fn resource(kind: i8, name: &str) -> Result<ConfigResource, Refused> {
    let kind = match ResourceKind::from_code(kind) {
        ResourceKind::Other(code) => {
            return Err(Refused::new(
                ErrorCode::InvalidRequest,
                format!("Unsupported resource type: {code}"),
            ));
        }
        kind => kind,
    };
    if kind == ResourceKind::Topic
        && let Err(reason) = check_topic_name(name)
    {
        return Err(Refused::new(ErrorCode::InvalidTopicException, reason.clone()));
    }
    Ok(ConfigResource::new(kind, name))
}

/// Refuses a broker that is not this one: its file and defaults are known only to itself.
pub(super) fn check_broker(node: &Node, name: &str) -> Result<(), Refused> {
    let own = node.id().to_string();
    if name.is_empty() || name == own {
        return Ok(());
    }
    let message = format!("Unexpected broker id, expected {own} or empty string, but received {name}");
    Err(Refused::new(ErrorCode::InvalidRequest, message))
}

/// What becomes of each resource of a request that alters configurations: those that are named twice or that `change`
/// refuses are not asked about, the others are put to the controller in one command.
pub(super) async fn alter<A: Ask<Answer = ConfigResults>, C>(
    node: &Node,
    names: &[(i8, &str)],
    change: impl Fn(usize) -> Result<C, Refused>,
    command: impl FnOnce(Vec<(ConfigResource, C)>) -> A,
) -> Vec<Result<(), Refused>> {
    let mut times: BTreeMap<(i8, &str), usize> = BTreeMap::new();
    for name in names {
        *times.entry(*name).or_default() += 1;
    }
    let mut results = Vec::with_capacity(names.len());
    let (mut places, mut resources) = (Vec::new(), Vec::new());
    for (at, &(kind, name)) in names.iter().enumerate() {
        let asked = if times[&(kind, name)] > 1 {
            Err(Refused::new(ErrorCode::InvalidRequest, "Each resource must appear at most once."))
        } else {
            alterable(kind, name).and_then(|resource| Ok((resource, change(at)?)))
        };
        results.push(asked.map(|asked| {
            places.push(at);
            resources.push(asked);
        }));
    }
    if resources.is_empty() {
        return results;
    }
    match node.ask(command(resources)).await {
        Ok(answers) => {
            places.into_iter().zip(answers).for_each(|(at, (_, result))| results[at] = result);
        }
        Err(code) => places.into_iter().for_each(|at| results[at] = Err(Refused::code(code))),
    }
    results
}

fn alterable(kind: i8, name: &str) -> Result<ConfigResource, Refused> {
    let resource = resource(kind, name)?;
    if resource.kind == ResourceKind::BrokerLogger {
        return Err(log_levels());
    }
    Ok(resource)
}

/// The refusal of log levels, which are no configuration here.
pub(super) fn log_levels() -> Refused {
    Refused::new(
        ErrorCode::InvalidRequest,
        "Log levels are set with --log (or CHRONIK_LOG) when the node starts",
    )
}
