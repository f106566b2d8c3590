//! Brokers that have just died, as this node sees them before and after the controller decides about them.
//!
//! Before: the connection that this node fetches from a leader by was reset, which says that the leader's process is gone, and
//! the image still has it lead. A client that asks just then whom to turn to is not told of a leader who is known to be dead: it would
//! ask again only after a pause of its own (librdkafka: up to a second). Its question waits for the image, but not longer than
//! [`HOLD_MAX`] from the loss on: the process may live after all, or nobody be there to decide.
//!
//! After: a broker that was fenced stays among those that clients are told of for [`LISTED_FOR`]. In Kafka, too, a dead broker
//! is listed for a while, until its session ends. librdkafka ends its connection's thread with the answer that lacks the
//! broker; if the same answer moves a partition away from it, the two may cross, and the partition waits for the next
//! answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chronik_state::cluster::Broker;
use chronik_state::image::Published;
use chronik_types::NodeId;
use parking_lot::Mutex;

use crate::wait::{Changes, Wait};

/// How long clients wait for the controller's decision about a broker whose connection was reset.
const HOLD_MAX: Duration = Duration::from_millis(500);
/// How long a broker that was fenced is still named to clients.
const LISTED_FOR: Duration = Duration::from_secs(3);

/// What this node knows of absent brokers beside the image.
#[derive(Default)]
pub(crate) struct Absences {
    /// At which addresses a process was lost, and when.
    in_doubt: Mutex<BTreeMap<Address, Duration>>,
    /// Who was fenced, and when.
    departed: Mutex<BTreeMap<NodeId, Duration>>,
    certainties: Changes,
}

/// A broker's host and port.
pub(crate) type Address = (Arc<str>, u16);

/// Whether that is one of the addresses of a broker that the image has in service.
pub(crate) fn serves_at(broker: &Broker, (host, port): &Address) -> bool {
    broker.is_active() && broker.endpoints.iter().any(|at| at.port == *port && at.host == *host)
}

/// Somebody is in doubt.
pub(crate) struct Doubt {
    /// Completes when anything becomes certain.
    pub(crate) over: Arc<Wait>,
    /// How long it is worth waiting.
    pub(crate) at_most: Duration,
}

impl Absences {
    /// The process at the other end of a connection is gone, as it seems.
    pub(crate) fn lost(&self, at: Address, now: Duration) {
        self.in_doubt.lock().insert(at, now);
    }

    /// Nobody is there who could be connected to: news only where nothing was known.
    pub(crate) fn missed(&self, at: Address, now: Duration) {
        self.in_doubt.lock().entry(at).or_insert(now);
    }

    /// Somebody has answered on a new connection.
    pub(crate) fn heard(&self, at: &Address) {
        if self.in_doubt.lock().remove(at).is_some() {
            self.certainties.notify();
        }
    }

    /// Follows the cluster from one image to the next, once the new one is what everybody sees.
    pub(crate) fn follow(&self, published: &Published, now: Duration) {
        let state = &published.image.state;
        for &id in &published.delta.brokers {
            let was_active = published.before.state.broker(id).is_some_and(|broker| broker.is_active());
            if was_active && state.broker(id).is_some_and(|broker| broker.fenced) {
                self.departed.lock().insert(id, now);
            }
        }
        let mut in_doubt = self.in_doubt.lock();
        let before = in_doubt.len();
        in_doubt.retain(|at, _| state.brokers().any(|broker| serves_at(broker, at)));
        let has_changed = in_doubt.len() < before;
        drop(in_doubt);
        if has_changed {
            self.certainties.notify();
        }
    }

    /// Whether clients are told of this broker.
    pub(crate) fn is_listed(&self, broker: &Broker, now: Duration) -> bool {
        let has_just_left = || {
            let departed = self.departed.lock().get(&broker.id).copied();
            departed.is_some_and(|at| now.saturating_sub(at) < LISTED_FOR)
        };
        !broker.fenced || has_just_left()
    }

    /// Whether an address that `matters` is in doubt, so that it is worth waiting before the image is looked at.
    pub(crate) fn doubt(&self, now: Duration, matters: impl Fn(&Address) -> bool) -> Option<Doubt> {
        let in_doubt = self.in_doubt.lock();
        let left = in_doubt.iter().map(|(at, since)| (at, (*since + HOLD_MAX).saturating_sub(now)));
        let at_most = left.filter(|(at, left)| !left.is_zero() && matters(at)).map(|(_, left)| left).max()?;
        // Taken under the lock: what becomes certain from here on completes it.
        Some(Doubt { over: self.certainties.next(), at_most })
    }
}

#[cfg(test)]
mod tests {
    use chronik_state::cluster::ClusterState;
    use chronik_state::image::ImageBuilder;
    use chronik_state::records::{
        BrokerRegistrationChangeRecord, Change, EndpointRecord, RegisterBrokerRecord,
    };
    use chronik_types::{LeaderEpoch, Offset};

    use super::*;

    const DEAD: NodeId = NodeId(2);
    const NOW: Duration = Duration::from_secs(100);

    fn address() -> Address {
        ("dead".into(), 9092)
    }

    fn apply(builder: &mut ImageBuilder, change: Change) -> Published {
        builder.apply(builder.end(), LeaderEpoch(1), &change);
        builder.publish().expect("no transaction is open")
    }

    /// A broker of epoch 0 that serves, and what follows the image.
    fn registered() -> (ImageBuilder, Arc<Broker>) {
        let mut builder = ImageBuilder::new(ClusterState::default(), Offset(0), LeaderEpoch(0));
        let (host, port) = address();
        let endpoint = EndpointRecord { host: (*host).into(), port, ..Default::default() };
        let record = RegisterBrokerRecord {
            broker_id: DEAD,
            fenced: false,
            end_points: vec![endpoint],
            ..Default::default()
        };
        let published = apply(&mut builder, Change::new(record));
        let broker = published.image.state.broker(DEAD).cloned().expect("it was registered");
        (builder, broker)
    }

    fn fence(builder: &mut ImageBuilder) -> Published {
        let record = BrokerRegistrationChangeRecord { broker_id: DEAD, fenced: 1, ..Default::default() };
        apply(builder, Change::new(record))
    }

    #[test]
    fn a_loss_is_waited_for_until_the_image_knows() {
        let (mut builder, broker) = registered();
        let absences = Absences::default();
        assert!(absences.doubt(NOW, |_| true).is_none());
        absences.lost(address(), NOW);
        assert!(absences.doubt(NOW, |at| !serves_at(&broker, at)).is_none(), "nobody asks for what it leads");
        let doubt = absences.doubt(NOW, |at| serves_at(&broker, at)).expect("a doubt");
        assert_eq!((doubt.at_most, doubt.over.outcome()), (HOLD_MAX, None));
        absences.follow(&fence(&mut builder), NOW);
        assert!(doubt.over.outcome().is_some() && absences.doubt(NOW, |_| true).is_none());
    }

    #[test]
    fn a_loss_is_waited_for_once_and_not_for_long() {
        let absences = Absences::default();
        absences.lost(address(), NOW);
        let half = HOLD_MAX / 2;
        assert_eq!(absences.doubt(NOW + half, |_| true).map(|doubt| doubt.at_most), Some(half));
        assert!(absences.doubt(NOW + HOLD_MAX, |_| true).is_none());
    }

    #[test]
    fn whoever_answers_is_not_in_doubt() {
        let absences = Absences::default();
        absences.lost(address(), NOW);
        let doubt = absences.doubt(NOW, |_| true).expect("a doubt");
        absences.heard(&address());
        assert!(doubt.over.outcome().is_some() && absences.doubt(NOW, |_| true).is_none());
    }

    #[test]
    fn a_fenced_broker_is_listed_a_little_longer() {
        let (mut builder, broker) = registered();
        let absences = Absences::default();
        let published = fence(&mut builder);
        let fenced = published.image.state.broker(DEAD).expect("it is still registered");
        assert!(absences.is_listed(&broker, NOW) && !absences.is_listed(fenced, NOW));
        absences.follow(&published, NOW);
        assert!(absences.is_listed(fenced, NOW));
        assert!(!absences.is_listed(fenced, NOW + LISTED_FOR));
    }
}
