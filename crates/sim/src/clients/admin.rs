//! Administrators: they create and delete topics, add partitions and change configurations, each request at whichever
//! broker lets them in.

use std::collections::BTreeSet;

use chronik_types::{ErrorCode, TopicId};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, IncrementalAlterConfigsRequest,
    TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::Clients;
use super::topics::{CONFIG, Topics};
use crate::client::{Lost, Session};

/// How long a broker may take over a request, in milliseconds.
const TIMEOUT_MS: i32 = 2_000;
/// Names that administrators contend for.
const SHARED_NAMES: u64 = 3;

/// How many topics an administrator keeps.
const OWN_MAX: usize = 8;

/// An administrator's own topic, that nobody else touches.
struct Own {
    id: TopicId,
    name: String,
    partitions: i32,
    /// Values whose fate is unknown.
    unknown: BTreeSet<String>,
    deletion_asked: bool,
}

struct Admin {
    clients: Clients,
    topics: Topics,
    replicas_max: i16,
    next: u64,
    own: Vec<Own>,
}

impl Clients {
    /// Administers topics until told to stop.
    pub async fn administer(self, topics: Topics, replicas_max: i16) {
        let mut admin = Admin { clients: self, topics, replicas_max, next: 0, own: Vec::new() };
        while !admin.clients.is_stopping() {
            admin.clients.does("administer");
            let mut session = admin.clients.open_any().await;
            while !admin.clients.is_stopping() && admin.act(&mut session).await.is_ok() {
                admin.clients.breathe().await;
                if admin.clients.world.chance(20) {
                    break;
                }
            }
            admin.clients.pause().await;
        }
    }
}

impl Admin {
    async fn act(&mut self, session: &mut Session) -> Result<(), Lost> {
        let world = &self.clients.world;
        let chosen = world.below((self.own.len() as u64).max(1)) as usize;
        match world.below(100) {
            0..=34 if self.own.len() < OWN_MAX => self.create(session).await,
            _ if self.own.is_empty() => Ok(()),
            0..=59 => self.delete(session, chosen).await,
            60..=79 => self.grow(session, chosen).await,
            _ => self.configure(session, chosen).await,
        }
    }

    async fn create(&mut self, session: &mut Session) -> Result<(), Lost> {
        let world = self.clients.world.clone();
        let is_shared = world.chance(30);
        let name = if is_shared {
            format!("shared-{}", world.below(SHARED_NAMES))
        } else {
            self.next += 1;
            format!("{}-{}", self.clients.host, self.next)
        };
        let partitions = 1 + world.below(4) as i32;
        let replicas = 1 + world.below(self.replicas_max as u64) as i16;
        let topic = CreatableTopic::default()
            .with_name(TopicName(StrBytes::from_string(name.clone())))
            .with_num_partitions(partitions)
            .with_replication_factor(replicas);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
        self.topics.asks_creation(&name, partitions);
        let response = session.call(7, &request).await?;
        let answer = &response.topics[0];
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => {
                let id = TopicId(answer.topic_id);
                if answer.num_partitions != partitions {
                    self.topics
                        .violated(format!("{name}: asked for {partitions} partitions, told {answer:?}"));
                }
                self.topics.created(world.now(), id, &name, partitions);
                if !is_shared || world.chance(50) {
                    self.own.push(Own {
                        id,
                        name,
                        partitions,
                        unknown: BTreeSet::new(),
                        deletion_asked: false,
                    });
                }
            }
            ErrorCode::TopicAlreadyExists | ErrorCode::InvalidReplicationFactor => {}
            code => self.expect_passing(code, &format!("creation of {name}")),
        }
        Ok(())
    }

    async fn delete(&mut self, session: &mut Session, at: usize) -> Result<(), Lost> {
        let topic = &mut self.own[at];
        topic.deletion_asked = true;
        let (id, name) = (topic.id, topic.name.clone());
        self.topics.asks_deletion(id);
        let wanted = DeleteTopicState::default().with_name(None).with_topic_id(id.0);
        let request = DeleteTopicsRequest::default().with_topics(vec![wanted]).with_timeout_ms(TIMEOUT_MS);
        let response = session.call(6, &request).await?;
        match ErrorCode::from_code(response.responses[0].error_code) {
            ErrorCode::None => {
                self.topics.deleted(self.clients.world.now(), id);
                self.own.remove(at);
            }
            // An earlier request has done it, whose answer was lost; or the broker has not heard of the topic yet.
            ErrorCode::UnknownTopicId => {}
            code => self.expect_passing(code, &format!("deletion of {name}")),
        }
        Ok(())
    }

    async fn grow(&mut self, session: &mut Session, at: usize) -> Result<(), Lost> {
        let more = 1 + self.clients.world.below(2) as i32;
        let topic = &mut self.own[at];
        // A name that others create too may be another topic by now.
        if topic.name.starts_with("shared") || topic.partitions > 8 {
            return Ok(());
        }
        let (id, name, count) = (topic.id, topic.name.clone(), topic.partitions + more);
        topic.partitions = count;
        self.topics.asks_growth(id, count);
        let wanted = CreatePartitionsTopic::default()
            .with_name(TopicName(StrBytes::from_string(name.clone())))
            .with_count(count)
            .with_assignments(None);
        let request =
            CreatePartitionsRequest::default().with_topics(vec![wanted]).with_timeout_ms(TIMEOUT_MS);
        let response = session.call(3, &request).await?;
        match ErrorCode::from_code(response.results[0].error_code) {
            ErrorCode::None => self.topics.grown(id, count),
            ErrorCode::UnknownTopicOrPartition if self.own[at].deletion_asked => {}
            // The broker asks again if it did not hear the answer, and then the partitions are there already.
            ErrorCode::InvalidReplicationFactor
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::InvalidPartitions => {}
            code => self.expect_passing(code, &format!("growth of {name}")),
        }
        Ok(())
    }

    async fn configure(&mut self, session: &mut Session, at: usize) -> Result<(), Lost> {
        self.next += 1;
        let value = (100_000_000 + self.next).to_string();
        let topic = &mut self.own[at];
        if topic.name.starts_with("shared") {
            return Ok(());
        }
        topic.unknown.insert(value.clone());
        let (id, name) = (topic.id, topic.name.clone());
        self.topics.asks_value(id, &value);
        let config = AlterableConfig::default()
            .with_name(StrBytes::from_static_str(CONFIG))
            .with_config_operation(0)
            .with_value(Some(StrBytes::from_string(value.clone())));
        let resource = AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(StrBytes::from_string(name.clone()))
            .with_configs(vec![config]);
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let response = session.call(1, &request).await?;
        match ErrorCode::from_code(response.responses[0].error_code) {
            ErrorCode::None => {
                self.own[at].unknown.remove(&value);
                self.topics.has_value(id, &value, &self.own[at].unknown);
            }
            ErrorCode::UnknownTopicOrPartition => {}
            code => self.expect_passing(code, &format!("configuration of {name}")),
        }
        Ok(())
    }

    /// Anything else that a client may be told is a matter of time.
    fn expect_passing(&self, code: ErrorCode, what: &str) {
        if !code.is_retriable() {
            self.topics.violated(format!("{what}: {code}"));
        }
    }
}
