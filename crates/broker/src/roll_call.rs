//! Whether the leaders that a client is about to be told of are there.
//!
//! A process that dies closes its connections one after the other, so a client may learn of it before this node does, and ask
//! this node who leads now. Told of the dead leader once more, it would ask again only after a pause of its own (librdkafka:
//! up to a second). So each leader is asked for a sign of life first, by a connection that nothing else waits on: who is dead
//! cannot give one, and [`crate::absence`] knows from then on. Who does not answer is waited for [`WAIT_MAX`] only: it may be
//! frozen or cut off, and nothing is known then.
//!
//! One question to a broker is under way at a time. Whoever comes meanwhile shares the next one: an answer counts only for
//! those who came before the question.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chronik_types::{ErrorCode, NodeId};
use parking_lot::Mutex;

use crate::absence::Address;
use crate::node::Node;
use crate::peers::{Purpose, sign_of_life};
use crate::wait::{Wait, WaitOrDeadline};

/// How long a client's question waits for its leaders' signs of life.
const WAIT_MAX: Duration = Duration::from_millis(200);
/// How long one is asked.
const ASK_MAX: Duration = Duration::from_millis(500);

/// Who waits for the next sign of life from an address; an address is in it while somebody asks there.
#[derive(Default)]
pub(crate) struct RollCall {
    waiting: Mutex<BTreeMap<Address, Vec<Arc<Wait>>>>,
}

impl RollCall {
    /// Waits for the next question. Returns whether somebody has to be sent to ask.
    fn join(&self, at: Address) -> (Arc<Wait>, bool) {
        let wait = Wait::new();
        let mut all = self.waiting.lock();
        let nobody_asks = !all.contains_key(&at);
        all.entry(at).or_default().push(Arc::clone(&wait));
        (wait, nobody_asks)
    }

    /// Those that the next question is for; `None`: there is no need for one.
    fn next(&self, at: &Address) -> Option<Vec<Arc<Wait>>> {
        let mut all = self.waiting.lock();
        let waiting = std::mem::take(all.get_mut(at)?);
        if waiting.is_empty() {
            all.remove(at);
            return None;
        }
        Some(waiting)
    }
}

/// Waits until each of these brokers has given a sign of life or is known to be absent, but not for long.
pub(crate) async fn confirm(node: &Arc<Node>, leaders: BTreeSet<NodeId>) {
    let asked: Vec<_> = leaders.into_iter().filter_map(|leader| ask(node, leader)).collect();
    if asked.is_empty() {
        return;
    }
    let mut deadline = node.env.sleep(WAIT_MAX);
    for wait in asked {
        if (WaitOrDeadline { wait: &wait, deadline: &mut deadline }).await != ErrorCode::None {
            return;
        }
    }
}

/// `None`: there is nobody to ask.
fn ask(node: &Arc<Node>, leader: NodeId) -> Option<Arc<Wait>> {
    if leader == node.id() {
        return None;
    }
    let image = node.image();
    let broker = image.state.broker(leader).filter(|broker| broker.is_active())?;
    let endpoint = broker.endpoint(&node.options.listeners.inter_broker)?;
    let at = (Arc::clone(&endpoint.host), endpoint.port);
    let (wait, nobody_asks) = node.roll_call.join(at.clone());
    if nobody_asks {
        let asking = Arc::clone(node);
        node.env.spawn(Box::pin(async move {
            while let Some(waiting) = asking.roll_call.next(&at) {
                look(&asking, &at).await;
                for wait in waiting {
                    wait.complete(ErrorCode::None);
                }
            }
        }));
    }
    Some(wait)
}

/// Asks for a sign of life. A connection that broke may have been idle for too long: only who cannot be reached by a new one
/// is absent, which the channel tells.
async fn look(node: &Node, (host, port): &Address) {
    let channel = node.peers.channel(host, *port, Purpose::RollCall);
    for _ in 0..2 {
        match channel.ask(ASK_MAX, |_| sign_of_life()).await {
            Err(error) if error.is_gone() => {}
            Err(_) => return,
            Ok(_) => {
                node.absences.heard(&(Arc::clone(host), *port));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_while_it_is_asked_shares_the_next_question() {
        let (call, at) = (RollCall::default(), Address::from(("leader".into(), 9092)));
        let (first, asks) = call.join(at.clone());
        assert!(asks);
        let of_first = call.next(&at).expect("somebody waits");
        let others = [call.join(at.clone()), call.join(at.clone())];
        assert!(others.iter().all(|(_, asks)| !asks), "one question at a time");
        assert!(of_first.len() == 1 && Arc::ptr_eq(&of_first[0], &first));
        assert_eq!(call.next(&at).map(|waiting| waiting.len()), Some(2));
        assert!(call.next(&at).is_none() && call.join(at).1, "nobody asks any more");
    }
}
