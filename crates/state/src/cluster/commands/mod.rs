//! What can be asked of the controller: one file per command, each with its question, its answer and its rules.

mod activate;
mod allocate_producer_ids;
mod alter_configs;
mod alter_partition;
mod alter_partition_reassignments;
mod assign_replicas_to_dirs;
mod assignment;
mod balance_leaders;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod elect_leaders;
mod elect_unclean_leaders;
mod fence_broker;
mod form_meta;
mod heartbeat;
mod register_broker;
mod register_controller;
mod replace_configs;
mod unregister_broker;
mod update_features;

use std::collections::BTreeSet;

use chronik_types::{BrokerEpoch, ErrorCode, NodeId};

use super::{Broker, Context};
use crate::machine::Decision;
use crate::records::Change;

pub use activate::{Activate, Activated};
pub use allocate_producer_ids::{AllocateProducerIds, PRODUCER_ID_BLOCK, ProducerIdBlock};
pub use alter_configs::{AlterConfigs, ConfigChange, ConfigResults};
pub use alter_partition::{AlterPartition, PartitionState, ProposedIsr};
pub use alter_partition_reassignments::{AlterPartitionReassignments, Reassignment, ReassignmentResults};
pub use assign_replicas_to_dirs::{AssignReplicasToDirs, DirectoryResults, TopicReplicas, TopicResults};
pub use balance_leaders::{BalanceLeaders, Elected};
pub use create_partitions::{CreatePartitions, MorePartitions};
pub use create_topics::{CreateTopics, CreatedTopic, NewTopic};
pub use delete_topics::{DeleteTopics, DeletedTopic, TopicRef};
pub use elect_leaders::{ElectLeaders, Election, ElectionResults};
pub use elect_unclean_leaders::ElectUncleanLeaders;
pub use fence_broker::FenceBroker;
pub use form_meta::{FormMeta, FormedMeta};
pub use heartbeat::{BrokerStatus, Heartbeat};
pub use register_broker::RegisterBroker;
pub use register_controller::RegisterController;
pub use replace_configs::{ConfigValue, ReplaceConfigs};
pub use unregister_broker::UnregisterBroker;
pub use update_features::{FeatureUpdate, FeatureUpgrade, UpdateFeatures};

/// The one key of the configuration that decisions about leadership depend on.
const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// The metadata log, which looks like a topic but is none.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// Why something was not done: a code for programs and, where Kafka has one, a message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The code.
    pub code: ErrorCode,
    /// The message; `None`: the code's own.
    pub message: Option<String>,
}

impl Refused {
    /// A refusal with a message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Refused { code, message: Some(message.into()) }
    }

    /// A refusal whose code says it all.
    pub fn code(code: ErrorCode) -> Self {
        Refused { code, message: None }
    }
}

/// The broker, if `epoch` is its registration: who acts on an older one is refused.
fn broker_in_epoch<'a>(context: &Context<'a>, id: NodeId, epoch: BrokerEpoch) -> Result<&'a Broker, Refused> {
    let stale = |message: String| Refused::new(ErrorCode::StaleBrokerEpoch, message);
    let broker = context
        .state
        .broker(id)
        .ok_or_else(|| stale(format!("No broker registration found for broker id {id}")))?;
    if broker.epoch == epoch {
        Ok(broker)
    } else {
        Err(stale(format!("Expected broker epoch {}, but got broker epoch {epoch}", broker.epoch)))
    }
}

/// What is named more than once: the request contradicts itself there.
fn repeated<K: Ord>(keys: impl IntoIterator<Item = K>) -> BTreeSet<K> {
    let mut once = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for key in keys {
        if let Some(key) = once.replace(key) {
            repeated.insert(key);
        }
    }
    repeated
}

/// A command that knows the type of its answer, so that a caller need not match on [`Reply`].
pub trait Ask: Into<Command> {
    /// What the controller answers.
    type Answer;

    /// Takes the answer out of the machine's reply.
    ///
    /// # Panics
    /// If the reply is another command's.
    fn answer(reply: Reply) -> Self::Answer;
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident in $module:ident -> $answer:ty;)*) => {
        /// A command of any kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Command {
            $($(#[$doc])* $name($name),)*
        }

        /// The answer to the command of the same name.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Reply {
            $($(#[$doc])* $name($answer),)*
        }

        $(
            impl From<$name> for Command {
                fn from(command: $name) -> Command {
                    Command::$name(command)
                }
            }

            impl Ask for $name {
                type Answer = $answer;

                fn answer(reply: Reply) -> $answer {
                    match reply {
                        Reply::$name(answer) => answer,
                        other => panic!("{other:?} does not answer {}", stringify!($name)),
                    }
                }
            }
        )*

        pub(super) fn decide(context: &Context<'_>, command: Command) -> Decision<Change, Reply> {
            match command {
                $(Command::$name(command) => {
                    let Decision { changes, reply } = $module::decide(context, command);
                    Decision { changes, reply: Reply::$name(reply) }
                })*
            }
        }
    };
}

commands! {
    /// Take over the cluster, or form it.
    Activate in activate -> Activated;
    /// A broker process introduces itself.
    RegisterBroker in register_broker -> Result<chronik_types::BrokerEpoch, Refused>;
    /// A controller process introduces itself.
    RegisterController in register_controller -> Result<(), Refused>;
    /// A broker says that it lives.
    Heartbeat in heartbeat -> Result<BrokerStatus, Refused>;
    /// A broker was not heard of for too long.
    FenceBroker in fence_broker -> Result<(), Refused>;
    /// Make topics.
    CreateTopics in create_topics -> Vec<(crate::records::Name, Result<CreatedTopic, Refused>)>;
    /// Give a new cluster its change feed.
    FormMeta in form_meta -> FormedMeta;
    /// Remove topics.
    DeleteTopics in delete_topics -> Vec<DeletedTopic>;
    /// Add partitions to topics.
    CreatePartitions in create_partitions -> Vec<(crate::records::Name, Result<(), Refused>)>;
    /// Change single keys of configurations.
    AlterConfigs in alter_configs -> ConfigResults;
    /// Replace whole configurations.
    ReplaceConfigs in replace_configs -> ConfigResults;
    /// A partition's leader proposes who is in sync.
    AlterPartition in alter_partition -> Result<Vec<PartitionState>, Refused>;
    /// Replicas move to other brokers, or stay after all.
    AlterPartitionReassignments in alter_partition_reassignments -> ReassignmentResults;
    /// A broker has put replicas into log directories.
    AssignReplicasToDirs in assign_replicas_to_dirs -> Result<DirectoryResults, Refused>;
    /// Somebody asks for elections.
    ElectLeaders in elect_leaders -> ElectionResults;
    /// It is time to look for partitions without their preferred leader.
    BalanceLeaders in balance_leaders -> Elected;
    /// It is time to look for partitions that need an unclean election.
    ElectUncleanLeaders in elect_unclean_leaders -> Elected;
    /// A broker leaves for good.
    UnregisterBroker in unregister_broker -> Result<(), Refused>;
    /// A broker needs producer ids to hand out.
    AllocateProducerIds in allocate_producer_ids -> Result<ProducerIdBlock, Refused>;
    /// Change levels of features.
    UpdateFeatures in update_features -> Result<(), Refused>;
}
