"""librdkafka's own tests of consumer groups, in the classic protocol and in KIP-848's."""
from harness.checks import Skip
from rdkafka_tests import run_list

# Its tests are built when they are run: the quick run does not.
NEEDS = ()
# The rebalance delay is Kafka's own: tests count on members that start together to join together.
PROPERTIES = {"group.initial.rebalance.delay.ms": "3000", "num.partitions": "4", "group.min.session.timeout.ms": "6000",
              "log.cleaner.backoff.ms": "1000", "group.consumer.heartbeat.interval.ms": "1000",
              "group.consumer.min.heartbeat.interval.ms": "1000", "group.consumer.session.timeout.ms": "6000",
              "group.consumer.min.session.timeout.ms": "6000"}


def run(ctx):
    if ctx.quick:
        raise Skip("half an hour of tests: in full only")
    # The tests expect automatically created topics to have several partitions.
    broker = ctx.broker if ctx.kind == "remote" else ctx.own_broker(properties=PROPERTIES).start()
    run_list(ctx, broker, "groups.txt", "classic")
    run_list(ctx, broker, "groups.txt", "consumer")
