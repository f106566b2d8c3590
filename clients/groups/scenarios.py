"""What every client's groups must do on three nodes, by clients that run as programs of their own (`program.py`)."""
import contextlib

from harness.checks import equal
from harness.proc import wait_until
from program import Member

PARTITIONS = 3
SECONDS_MAX = 60


class World:
    """One cluster, one client and one protocol; members that a check leaves behind are killed."""

    def __init__(self, ctx, cluster, client, protocol):
        self.ctx, self.cluster, self.client, self.protocol = ctx, cluster, client, protocol
        self.name = f"{client.name}, {protocol}"
        self._members = []

    @contextlib.contextmanager
    def check(self, what):
        with self.ctx.check(f"{self.name}: {what}"):
            try:
                yield
            finally:
                [member.kill() for member in self._members]
                self._members.clear()

    def member(self, topic, group, session=6000, **options):
        made = Member(self.client, self.cluster.bootstrap, topic, group, protocol=self.protocol, session=session, **options)
        self._members.append(made)
        return made

    def names(self, stem):
        """A topic and a group of this check's own."""
        stem = f"{stem}-{self.client.name.lower().replace(' ', '-').replace(chr(39), '')}-{self.protocol}"
        return self.ctx.topic(stem), self.ctx.topic(stem)

    def produce(self, topic, count, partition=None):
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.cluster.bootstrap, "linger.ms": 2, "log_level": 2})
        for i in range(count):
            producer.produce(topic, b"%d" % i, partition=i % PARTITIONS if partition is None else partition)
        equal(producer.flush(60), 0, "left in the queue")

    def create(self, topic):
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.cluster.bootstrap})
        [f.result(30) for f in admin.create_topics([NewTopic(topic, PARTITIONS, 3)]).values()]

    def configure(self, group, key, value):
        """Sets a configuration of the group's own."""
        from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

        entry = ConfigEntry(key, str(value), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.GROUP, group, incremental_configs=[entry])
        admin = AdminClient({"bootstrap.servers": self.cluster.bootstrap})
        [f.result(30) for f in admin.incremental_alter_configs([resource]).values()]


def until(what, condition):
    return wait_until(what, condition, timeout=SECONDS_MAX)


def balanced(members):
    """Every partition has one owner, and everybody has some."""
    [member.lives() for member in members]
    owned = sorted(p for member in members for p in member.owned)
    return len(owned) == PARTITIONS == len(set(owned)) and all(member.owned for member in members)


def have_read(members, count):
    """That many records were read, and all that one of them read was committed by it or by another.

    A member that could not commit before it lost a partition leaves that to the next owner, who reads it again.
    """
    [member.lives() for member in members]
    read = {r for member in members for r in member.read}
    return len(read) >= count and read == {r for member in members for r in member.read[:member.committed]}


def run(world):
    share_and_resume(world)
    coordinator_killed(world)
    if world.ctx.quick:
        return
    member_killed(world)
    by_pattern(world)
    if world.protocol in world.client.static:
        static(world)
    if world.client.cooperative and world.protocol == "classic":
        cooperative(world)


def share_and_resume(world):
    topic, group = world.names("share")
    with world.check("two members share three partitions, one leaves, the other has all; resume"):
        world.create(topic)
        world.produce(topic, 300)
        one = world.member(topic, group)
        until("one member has all", lambda: one.owns(3))
        two = world.member(topic, group)
        until("both have some", lambda: balanced([one, two]))
        two.leave()
        until("one member has all again", lambda: one.owns(3))
        until("all is read", lambda: have_read([one], 300 - len({*two.read} - {*one.read})))
        one.leave()
        again = world.member(topic, group)
        until("it is assigned", lambda: again.owns(3))
        world.produce(topic, 1, partition=0)
        until("the new record is read", lambda: have_read([again], 1))
        equal(again.read, [(topic, 0, 100)], "read after the restart")
        again.leave()


def member_killed(world):
    topic, group = world.names("killed")
    with world.check("a member is killed: the other takes its partitions over where it had committed"):
        world.create(topic)
        members = [world.member(topic, group) for _ in range(2)]
        until("both have some", lambda: balanced(members))
        world.produce(topic, 300)
        until("all is read", lambda: have_read(members, 300))
        killed, other = members
        killed.kill()
        world.produce(topic, 30)
        until("the other has all", lambda: other.owns(3))
        until("the new records are read", lambda: have_read(members, 330))
        equal(sum(len(member.read) for member in members), 330, "read in all: nothing twice")
        other.leave()


def static(world):
    topic, group = world.names("static")
    with world.check("a static member comes back without a rebalance of the other"):
        world.create(topic)
        # In the new protocol the session is the group's. A program may take its time to start.
        world.configure(group, "consumer.session.timeout.ms", SECONDS_MAX * 1000)
        one, two = (world.member(topic, group, SECONDS_MAX * 1000, instance=instance) for instance in "ab")
        until("both have some", lambda: balanced([one, two]))
        before, owned = two.decisions, one.owned
        one.leave()
        one = world.member(topic, group, SECONDS_MAX * 1000, instance="a")
        until("it has what it had", lambda: one.owns(len(owned)))
        equal(one.owned, owned, "what the member has after its return")
        world.produce(topic, 30)
        until("both read", lambda: have_read([one, two], 30))
        equal(two.decisions, before, "rebalances of the other")
        one.leave()
        two.leave()


def cooperative(world):
    topic, group = world.names("cooperative")
    with world.check("cooperative: further members take over without stopping the others"):
        world.create(topic)
        members = []
        for count in range(1, PARTITIONS + 1):
            members.append(world.member(topic, group, assignor="cooperative-sticky"))
            until(f"{count} share", lambda: balanced(members))
        world.produce(topic, 30)
        until("all is read", lambda: have_read(members, 30))
        equal(sum(len(member.read) for member in members), 30, "read in all: nothing twice")
        [member.leave() for member in members]


def by_pattern(world):
    stem, group = world.names("pattern")
    later = world.client.finds_later_topics
    with world.check(f"a subscription by pattern{' finds a topic that comes later' if later else ''}"):
        names = [f"{stem}-a", f"{stem}-b"]
        if not later:
            world.create(names[1])
        world.create(names[0])
        member = world.member(stem, group, pattern="1")
        until("the first topics are found", lambda: member.owns(PARTITIONS if later else 2 * PARTITIONS))
        if later:
            world.create(names[1])
        until("both topics are found", lambda: member.owns(2 * PARTITIONS))
        [world.produce(name, 30) for name in names]
        until("both are read", lambda: have_read([member], 60))
        member.leave()


def coordinator_killed(world):
    topic, group = world.names("failover")
    nodes = world.cluster.nodes
    what = "the coordinator's node is killed: what is committed is not read again"
    with world.check(what if world.client.joins_anew else f"{what}, nobody rebalances"):
        world.create(topic)
        members = [world.member(topic, group) for _ in range(2)]
        until("both have some", lambda: balanced(members))
        world.produce(topic, 300)
        until("all is read", lambda: have_read(members, 300))
        before = [(member.owned, member.decisions) for member in members]
        read = {r for member in members for r in member.read}
        killed = coordinator(world.cluster.bootstrap, group)
        nodes[killed].kill()
        try:
            alive = ",".join(node.bootstrap for id_, node in nodes.items() if id_ != killed)
            until("another node coordinates", lambda: coordinator(alive, group) not in (None, killed))
            for partition in range(PARTITIONS):
                world.produce(topic, 10, partition)
            until("the new records are read", lambda: have_read(members, 330))
            again = [r for member in members for r in member.read if r in read]
            equal(len(again), 300, "what was committed, and how often it was read")
            after = [(member.owned, member.decisions) for member in members]
            assert world.client.joins_anew or after == before, f"what members own, and decisions: {before}, then {after}"
            [member.leave() for member in members]
        finally:
            nodes[killed].start()
            in_sync(world.cluster)


def coordinator(bootstrap, group):
    """The id of the group's coordinator, or None while there is none."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    # A client that nobody holds is gone before its answer comes.
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        described = admin.describe_consumer_groups([group], request_timeout=5)[group].result(30)
        return described.coordinator.id if described.coordinator else None
    except KafkaException:
        return None


def in_sync(cluster):
    """Waits until no partition misses a replica, so that the next node may be killed."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})

    def whole():
        topics = admin.list_topics(timeout=30).topics.values()
        return all(len(p.isrs) == len(p.replicas) for topic in topics for p in topic.partitions.values())

    wait_until("every replica is in sync", whole, timeout=SECONDS_MAX)
